/// Keeps the ledger small while lanes write to it: coalesces ranges, forgets refused records that were
/// kept long enough, gives free pages back. One thread at a time; each step is one short transaction,
/// and the file is whole after each of them.
package final class Maintenance {
    private let ledger: Ledger
    private let keeping: Keeping
    private var work: [Work] = []

    fileprivate enum Work {
        case ranges(partition: Int64, from: Int64)
        case quarantine
        case freePages
        case checkpoint
    }

    package init(ledger: Ledger, keeping: Keeping) {
        self.ledger = ledger
        self.keeping = keeping
    }

    /// Does a little. False where the pass is through; the next call begins another one.
    package func step() throws(LedgerFailure) -> Bool {
        if work.isEmpty { work = try plan() }
        guard let next = work.popLast() else { return false }
        if let rest = try done(next) { work.append(rest) }
        return !work.isEmpty
    }

    /// In the order of the list's end: ranges first, pages last.
    private func plan() throws(LedgerFailure) -> [Work] {
        var work: [Work] = [.freePages]
        if keeping.quarantined != nil { work.append(.quarantine) }
        return work
            + (try ledger.partitionRows().map { .ranges(partition: $0, from: .min) })
    }

    /// What is left of it, nil where it is done.
    private func done(_ work: Work) throws(LedgerFailure) -> Work? {
        switch work {
        case .ranges(let partition, let from):
            try ledger.coalesce(partition, from: from, keeping)
                .map { .ranges(partition: partition, from: $0) }
        case .quarantine: try ledger.forgetQuarantined(keeping) ? .quarantine : nil
        case .freePages: try ledger.giveBackPages() ? .freePages : .checkpoint
        case .checkpoint: try ledger.checkpoint()
        }
    }
}

extension Ledger {
    /// Refused records that one step forgets, pages that one step gives back.
    private static let recordsAStep = 100
    private static let pagesAStep = 256

    fileprivate func partitionRows() throws(LedgerFailure) -> [Int64] {
        try locked { (database) throws(LedgerFailure) in
            var rows: [Int64] = []
            try database.query("SELECT id FROM partition ORDER BY id") {
                (row) throws(LedgerFailure) in rows.append(row.integer(0))
            }
            return rows
        }
    }

    fileprivate func coalesce(
        _ partition: Int64, from: Int64, _ keeping: Keeping
    ) throws(LedgerFailure) -> Int64? {
        try hastily { (database) throws(LedgerFailure) in
            try Coalescing(
                database: database, partition: partition, now: clock(), keeping: keeping
            ).step(from: from)
        }
    }

    /// Oldest first, what an operator may still need among them: the bound in time is his. The
    /// partition's count stays, the history says what went.
    fileprivate func forgetQuarantined(_ keeping: Keeping) throws(LedgerFailure) -> Bool {
        guard let limit = keeping.quarantined else { return false }
        let now = clock()
        return try hastily { (database) throws(LedgerFailure) in
            try database.transaction { () throws(LedgerFailure) in
                let last = try database.integer(
                    """
                    SELECT max(id) FROM (
                        SELECT id, at FROM quarantine
                        WHERE state IN ('real', 'released', 'discarded') AND id NOT IN (
                            SELECT quarantine_id FROM release_request)
                        ORDER BY id LIMIT ?2)
                    WHERE at <= ?1
                    """, .integer(now - limit), .int(Self.recordsAStep))
                guard let last else { return false }
                let which = """
                    state IN ('real', 'released', 'discarded') AND id <= ?1 AND at <= ?2
                        AND id NOT IN (SELECT quarantine_id FROM release_request)
                    """
                try database.run(
                    """
                    INSERT INTO event (lane_id, at, what, detail)
                    SELECT lane_id, ?3, 'quarantine-expired', count(*) || ' refused records, ids '
                        || min(id) || ' to ' || max(id)
                    FROM quarantine WHERE \(which) GROUP BY lane_id
                    """, .integer(last), .integer(now - limit), .integer(now))
                try database.run(
                    "DELETE FROM quarantine WHERE \(which)", .integer(last),
                    .integer(now - limit))
                return database.changedRows == Self.recordsAStep
            }
        }
    }

    /// Free pages are used again; they go where they are more than a quarter of the file, as after a
    /// shorter keepDetail. Needs auto_vacuum, which a file of an older release has not.
    fileprivate func giveBackPages() throws(LedgerFailure) -> Bool {
        try hastily { (database) throws(LedgerFailure) in
            guard try database.integer("PRAGMA auto_vacuum") == 2 else { return false }
            let pages = try database.integer("PRAGMA page_count") ?? 0
            let free = try database.integer("PRAGMA freelist_count") ?? 0
            guard free > max(pages / 4, 1024) else { return false }
            try database.run("PRAGMA incremental_vacuum(\(Self.pagesAStep))")
            return true
        }
    }

    /// Brings the log into the file: only then is it shorter. An idle service does not come to it by
    /// itself.
    fileprivate func checkpoint() throws(LedgerFailure) -> Maintenance.Work? {
        try locked { (database) throws(LedgerFailure) in
            try database.script("PRAGMA wal_checkpoint(PASSIVE)")
        }
        return nil
    }
}
