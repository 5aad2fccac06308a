/// What operators do about refused records.
package enum QuarantineAct: String, Sendable {
    /// Carried out by the record's lane, at a batch boundary.
    case release
    /// The record stays counted as quarantined; its copy goes. Final.
    case discard
}

/// Which records an act is about.
package enum QuarantineChoice: Hashable, Sendable {
    case ids([Int64])
    /// Every one that the act can be about, of that rule where one is named.
    case all(rule: String?)
}

/// What came of it.
package struct QuarantineActOutcome: Hashable, Sendable {
    /// Records that the act is recorded for.
    package var records = 0
    /// Of the ids named, those that it cannot be about: as they stand, or nil where the contract has no
    /// such record. Where there is any, nothing was recorded.
    package var refused: [Refused] = []

    package init(records: Int = 0, refused: [Refused] = []) {
        self.records = records
        self.refused = refused
    }

    package struct Refused: Hashable, Sendable {
        package var id: Int64
        package var state: QuarantineState?
        package init(id: Int64, state: QuarantineState?) {
            self.id = id
            self.state = state
        }
    }
}

extension Ledger {
    /// Copies that one transaction drops: lanes write in between.
    private static let recordsAStep = 1000

    /// Records the act, whether a service runs or not. A record whose release is in an open intent cannot
    /// be discarded.
    @discardableResult
    package func record(
        _ what: QuarantineAct, of contract: String, _ choice: QuarantineChoice
    ) throws(LedgerFailure) -> QuarantineActOutcome {
        let refused = try refused(what, contract, choice)
        guard refused.isEmpty else { return QuarantineActOutcome(refused: refused) }
        var outcome = QuarantineActOutcome()
        while true {
            let done = try step(what, contract, choice, isFirst: outcome.records == 0)
            outcome.records += done
            if done < (what == .release ? .max : Self.recordsAStep) { return outcome }
        }
    }

    private func refused(
        _ what: QuarantineAct, _ contract: String, _ choice: QuarantineChoice
    ) throws(LedgerFailure) -> [QuarantineActOutcome.Refused] {
        guard case .ids(let ids) = choice else { return [] }
        var refused: [QuarantineActOutcome.Refused] = []
        for id in ids {
            let state = try quarantineEntry(contract, id)?.state
            let fits: [QuarantineState] =
                what == .release ? [.held, .releasing] : [.held, .releasing, .unproven]
            if let state, fits.contains(state) { continue }
            refused.append(.init(id: id, state: state))
        }
        return refused
    }

    private func step(
        _ what: QuarantineAct, _ contract: String, _ choice: QuarantineChoice, isFirst: Bool
    ) throws(LedgerFailure) -> Int {
        let now = clock()
        return try locked { (database) throws(LedgerFailure) in
            try database.transaction { () throws(LedgerFailure) in
                let steps = QuarantineSteps(database: database, contract: contract, now: now)
                let done =
                    switch what {
                    case .release: try steps.request(choice)
                    case .discard: try steps.discard(choice, limit: Self.recordsAStep)
                    }
                if done > 0, isFirst || what == .release {
                    try Self.record(what, of: contract, choice.words, database, now: now)
                }
                return done
            }
        }
    }
}

extension QuarantineChoice {
    /// As the act's argument has it.
    fileprivate var words: String {
        switch self {
        case .ids(let ids):
            let shown = ids.prefix(20).map { "\($0)" }.joined(separator: " ")
            return ids.count > 20 ? "\(shown) and \(ids.count - 20) more" : shown
        case .all(let rule): return rule.map { "all of \($0)" } ?? "all"
        }
    }
}

private struct QuarantineSteps {
    let database: Database
    let contract: String
    let now: Int64

    /// Records asked for now, those that were already not counted.
    func request(_ choice: QuarantineChoice) throws(LedgerFailure) -> Int {
        let insert = """
            INSERT OR IGNORE INTO release_request (lane_id, quarantine_id)
            SELECT q.lane_id, q.id FROM quarantine AS q
                JOIN partition ON partition.id = q.partition_id
            WHERE contract = ?1 AND state = 'real'
            """
        guard case .ids(let ids) = choice else {
            try database.run(
                "\(insert) AND (?2 IS NULL OR rule = ?2)", .text(contract), .optional(choice.rule))
            return database.changedRows
        }
        var requested = 0
        for id in ids {
            try database.run("\(insert) AND q.id = ?2", .text(contract), .integer(id))
            requested += database.changedRows
        }
        return requested
    }

    func discard(_ choice: QuarantineChoice, limit: Int) throws(LedgerFailure) -> Int {
        let open = """
            SELECT q.id FROM quarantine AS q JOIN partition ON partition.id = q.partition_id
            WHERE contract = ?1 AND NOT EXISTS (
                SELECT 1 FROM intent_release AS i WHERE i.quarantine_id = q.id)
            """
        var found: [Int64] = []
        if case .ids(let ids) = choice {
            for id in ids where found.count < limit {
                let one = try database.integer(
                    "\(open) AND state IN ('real', 'unproven') AND q.id = ?2", .text(contract),
                    .integer(id))
                if let one { found.append(one) }
            }
        } else {
            try database.query(
                """
                \(open) AND state = 'real' AND (?2 IS NULL OR rule = ?2) ORDER BY q.id LIMIT ?3
                """, .text(contract), .optional(choice.rule), .int(limit)
            ) { (row) throws(LedgerFailure) in found.append(row.integer(0)) }
        }
        for id in found { try discard(id) }
        return found.count
    }

    private func discard(_ id: Int64) throws(LedgerFailure) {
        try database.run("UPDATE quarantine SET state = 'discarded' WHERE id = ?1", .integer(id))
        try QuarantineCopy.drop(database, id)
        try database.run("DELETE FROM release_request WHERE quarantine_id = ?1", .integer(id))
        try database.run(
            "INSERT OR REPLACE INTO quarantine_outcome VALUES (?1, 'discarded', ?2, NULL)",
            .integer(id), .integer(now))
    }
}

extension QuarantineChoice {
    fileprivate var rule: String? {
        if case .all(let rule) = self { rule } else { nil }
    }
}
