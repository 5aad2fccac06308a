internal import Ledger
internal import Replication

/// The ledger for one lane.
final class LaneStoreAdapter: LaneLedger {
    private let store: LaneStore
    private let generation: LaneGeneration

    init(_ store: LaneStore, _ generation: LaneGeneration) {
        self.store = store
        self.generation = generation
    }

    var instance: String { store.instance }

    func books() throws(LedgerFault) -> LaneBooks {
        try faulty { () throws(LedgerFailure) in try store.books() }
    }

    func contractStarted() throws(LedgerFault) -> Bool {
        try faulty { () throws(LedgerFailure) in try store.contractStarted() }
    }

    func write(_ changes: [LedgerChange]) throws(LedgerFault) {
        guard !changes.isEmpty else { return }
        try faulty { () throws(LedgerFailure) in try store.write(changes) }
    }

    func presence(
        of partition: SourcePartition, after last: KeyHash?, limit: Int
    ) throws(LedgerFault) -> [PresenceChange] {
        try faulty { () throws(LedgerFailure) in
            try store.presence(of: partition, after: last, limit: limit)
        }
    }

    func newestAct() throws(LedgerFault) -> Int64 {
        try faulty { () throws(LedgerFailure) in try store.newestAct() }
    }

    func releaseRequests(limit: Int, bytes: Int64) throws(LedgerFault) -> [ReleaseRequest] {
        try faulty { () throws(LedgerFailure) in
            try store.releaseRequests(limit: limit, bytes: bytes)
        }
    }

    private func faulty<Result>(
        _ body: () throws(LedgerFailure) -> Result
    ) throws(LedgerFault) -> Result {
        let result: Result?
        do throws(LedgerFailure) {
            result = try generation.keep("ledger", body)
        } catch {
            let kind: LedgerFault.Kind =
                switch error.kind {
                case .quarantineFull: .quarantineFull
                case .corrupt, .unsupported: .corrupt
                default: .unavailable
                }
            throw LedgerFault(kind, error.detail)
        }
        guard let result else {
            throw LedgerFault(.stopped, "this thread hung and was replaced")
        }
        return result
    }
}
