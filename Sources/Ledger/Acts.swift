/// Recording what an operator does.
extension Ledger {
    /// Records an operator's choice for the halt that a lane is in; a newer choice for the same halt
    /// replaces an unapplied older one. Errors: `unavailable`, and `missing` where the lane is not
    /// halted for that reason (any more).
    @discardableResult
    package func recordAct(
        _ lane: LaneID, choice: String, reason: String, argument: String = ""
    ) throws(LedgerFailure) -> Act {
        let now = clock()
        return try locked { (database) throws(LedgerFailure) in
            try database.transaction { () throws(LedgerFailure) in
                let halt = try database.text(
                    "SELECT halt_reason FROM lane WHERE contract = ?1 AND lane = ?2",
                    .text(lane.contract), .int(lane.lane))
                guard halt == reason else {
                    throw LedgerFailure(
                        .missing,
                        "lane \(lane.lane) of \(lane.contract) is not halted for \(reason) any more"
                    )
                }
                try database.run(
                    """
                    DELETE FROM act
                    WHERE contract = ?1 AND lane = ?2 AND reason = ?3 AND applied IS NULL
                    """, .text(lane.contract), .int(lane.lane), .text(reason))
                let act = try Self.newAct(
                    database, lane.contract, choice: choice, reason: reason, argument: argument,
                    now: now)
                try act.insert(into: database, lane.contract, lane: lane.lane)
                try Self.note(act, database, lane.contract, lane: lane.lane, now: now)
                return act
            }
        }
    }

    /// What came of an act about a contract.
    package enum ActOutcome: Hashable, Sendable {
        case recorded(Act)
        /// Nothing was recorded: the contract stands as the act would have it, by that act if by any.
        case already(Act?)
        /// Nothing was recorded: that revoke is final.
        case revoked(Act)
    }

    /// Records an act about a whole contract, whether a service runs or not, and whether the contract
    /// has ever run or not.
    package func record(
        _ what: ContractAct, of contract: String
    ) throws(LedgerFailure) -> ActOutcome {
        let now = clock()
        return try locked { (database) throws(LedgerFailure) in
            try database.transaction { () throws(LedgerFailure) in
                let acts = try ActReader(database: database).acts(of: contract)
                let standing = acts.standing
                switch (standing, what) {
                case (.revoked, .suspend), (.revoked, .resume):
                    if let revoke = acts.standingAct { return .revoked(revoke) }
                case (.revoked, .revoke), (.suspended, .suspend), (.active, .resume):
                    return .already(acts.standingAct)
                case (.active, _), (.suspended, _): break
                }
                let act = try Self.newAct(
                    database, contract, choice: what.rawValue, reason: "", argument: "", now: now)
                try act.insert(into: database, contract, lane: nil, applied: now)
                try Self.note(act, database, contract, lane: nil, now: now)
                return .recorded(act)
            }
        }
    }

    /// One about quarantined records: it says nothing about how the contract stands. Markers carry it; what
    /// is asked for stands with the records.
    static func record(
        _ what: QuarantineAct, of contract: String, _ words: String, _ database: Database,
        now: Int64
    ) throws(LedgerFailure) {
        let act = try newAct(
            database, contract, choice: what.rawValue, reason: "", argument: words, now: now)
        try act.insert(into: database, contract, lane: nil, applied: now)
        try note(act, database, contract, lane: nil, now: now)
    }

    /// A clock that was set back must not make an act older than one that it overrules.
    private static func newAct(
        _ database: Database, _ contract: String, choice: String, reason: String,
        argument: String, now: Int64
    ) throws(LedgerFailure) -> Act {
        let newest =
            try database.integer("SELECT max(at) FROM act WHERE contract = ?1", .text(contract))
            ?? 0
        let id = try database.text("SELECT lower(hex(randomblob(8)))") ?? ""
        return Act(
            id: id, choice: choice, reason: reason, argument: argument, at: max(now, newest + 1))
    }

    private static func note(
        _ act: Act, _ database: Database, _ contract: String, lane: Int?, now: Int64
    ) throws(LedgerFailure) {
        let words = [act.choice, act.argument, act.reason.isEmpty ? "" : "for \(act.reason)"]
        try database.run(
            """
            INSERT INTO event (lane_id, at, what, detail)
            SELECT id, ?3, 'act', ?4 FROM lane WHERE contract = ?1 AND lane = coalesce(?2, lane)
            """, .text(contract), .optional(lane.map { Int64($0) }), .integer(now),
            .text(words.filter { !$0.isEmpty }.joined(separator: " ")))
    }
}

extension Act {
    /// `lane`: nil concerns the whole contract. An act that is known stays as it is.
    func insert(
        into database: Database, _ contract: String, lane: Int?, applied: Int64? = nil
    ) throws(LedgerFailure) {
        try database.run(
            """
            INSERT INTO act (id, contract, lane, choice, reason, argument, at, applied)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING
            """, .text(id), .text(contract), .optional(lane.map { Int64($0) }), .text(choice),
            .text(reason), .text(argument), .integer(at), .optional(applied))
    }
}

/// Rows of acts.
struct ActReader {
    let database: Database

    private static let columns = "id, choice, reason, argument, at"

    /// About the whole contract.
    func acts(of contract: String) throws(LedgerFailure) -> [Act] {
        try read(
            "SELECT \(Self.columns) FROM act WHERE contract = ?1 AND lane IS NULL ORDER BY at",
            .text(contract))
    }

    /// Choices about a lane that it has not applied yet, oldest first.
    func pending(_ lane: LaneID) throws(LedgerFailure) -> [Act] {
        try read(
            """
            SELECT \(Self.columns) FROM act
            WHERE contract = ?1 AND lane = ?2 AND applied IS NULL ORDER BY number
            """, .text(lane.contract), .int(lane.lane))
    }

    /// What the lane's markers carry.
    func forMarkers(_ lane: LaneID) throws(LedgerFailure) -> [Act] {
        let own = try read(
            "SELECT \(Self.columns) FROM act WHERE contract = ?1 AND lane = ?2 ORDER BY at",
            .text(lane.contract), .int(lane.lane))
        return (own + (try acts(of: lane.contract))).forMarkers
    }

    private func read(_ sql: String, _ values: Value...) throws(LedgerFailure) -> [Act] {
        var acts: [Act] = []
        try database.query(sql, values) { (row) throws(LedgerFailure) in
            acts.append(
                Act(
                    id: row.text(0), choice: row.text(1), reason: row.text(2),
                    argument: row.text(3), at: row.integer(4)))
        }
        return acts
    }
}
