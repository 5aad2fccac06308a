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
                try database.run(
                    """
                    INSERT INTO act (contract, lane, choice, reason, argument, at)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                    """, .text(lane.contract), .int(lane.lane), .text(choice), .text(reason),
                    .text(argument), .integer(now))
                return Act(
                    id: database.lastInsertedRow, choice: choice, reason: reason,
                    argument: argument, at: now)
            }
        }
    }
}
