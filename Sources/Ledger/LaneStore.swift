/// The ledger as one lane uses it; its meaning is `LaneBooks.apply`. One thread at a time.
package final class LaneStore {
    package let lane: LaneID
    private let ledger: Ledger

    package init(ledger: Ledger, lane: LaneID) {
        self.ledger = ledger
        self.lane = lane
    }

    package var instance: String { ledger.instance }

    package func contractStarted() throws(LedgerFailure) -> Bool {
        try ledger.contractStarted(lane.contract)
    }

    /// Reads tables whose size does not grow with what was copied.
    package func books() throws(LedgerFailure) -> LaneBooks {
        let lane = lane
        return try ledger.locked { (database) throws(LedgerFailure) in
            try database.snapshot { () throws(LedgerFailure) in
                try LaneReader(database: database, lane: lane).books()
            }
        }
    }

    /// All changes in one SQLite transaction, durable on return; on an error none of them.
    /// Errors: `unavailable`, `quarantineFull`, `corrupt`.
    package func write(_ changes: [LedgerChange]) throws(LedgerFailure) {
        guard !changes.isEmpty else { return }
        let lane = lane
        let now = ledger.clock()
        let bound = ledger.quarantineBytes
        try ledger.locked { (database) throws(LedgerFailure) in
            try database.transaction { () throws(LedgerFailure) in
                let writer = try LaneWriter(
                    database: database, lane: lane, now: now, quarantineBytes: bound)
                for change in changes { try writer.apply(change) }
            }
        }
    }

    /// The partition's index, by rising hash, at most `limit` of it from the first one after `last`; empty
    /// at its end. What is staged is not in it.
    package func presence(
        of partition: SourcePartition, after last: KeyHash?, limit: Int
    ) throws(LedgerFailure) -> [PresenceChange] {
        let lane = lane
        return try ledger.locked { (database) throws(LedgerFailure) in
            try LaneReader(database: database, lane: lane)
                .presence(of: partition, after: last, limit: limit)
        }
    }

    /// Rises with every act recorded in this ledger, of whichever contract; 0 = none yet. One step down
    /// a b-tree.
    package func newestAct() throws(LedgerFailure) -> Int64 {
        try ledger.locked { (database) throws(LedgerFailure) in
            try database.integer("SELECT max(number) FROM act") ?? 0
        }
    }

    /// Records whose release was asked for, oldest first; at least one where there is any.
    package func releaseRequests(
        limit: Int, bytes: Int64
    ) throws(LedgerFailure) -> [ReleaseRequest] {
        let lane = lane
        return try ledger.locked { (database) throws(LedgerFailure) in
            try database.snapshot { () throws(LedgerFailure) in
                try LaneReader(database: database, lane: lane).requests(limit: limit, bytes: bytes)
            }
        }
    }
}
