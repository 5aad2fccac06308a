package import Ledger

/// How a partition, or a contract, is doing: after Burrow's words. The order is from good to bad: a
/// contract has the worst of its partitions.
package enum LagStatus: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Nothing to do.
    case idle = "IDLE"
    case ok = "OK"
    /// The contract's time is over.
    case expired = "EXPIRED"
    case revoked = "REVOKED"
    case suspended = "SUSPENDED"
    /// Before its window, or for a cluster that is down.
    case waiting = "WAITING"
    /// Not running.
    case stop = "STOP"
    /// Lag grows.
    case warn = "WARN"
    /// Input waits and nothing is committed.
    case stall = "STALL"
    case halted = "HALTED"

    package static func < (a: LagStatus, b: LagStatus) -> Bool { a.rank < b.rank }
    private var rank: Int { LagStatus.allCases.firstIndex(of: self) ?? 0 }
}

/// A source partition's ends, as the internal cluster tells them.
package struct PartitionEnds: Sendable, Hashable {
    package var start: Int64
    /// The read_committed end.
    package var end: Int64
    package var oldest: Oldest

    /// The oldest undecided record.
    package enum Oldest: Sendable, Hashable {
        case unknown
        /// What is left is control records, aborted transactions or compacted offsets.
        case none
        /// Its timestamp, milliseconds since the epoch.
        case at(Int64)
    }

    package init(start: Int64, end: Int64, oldest: Oldest = .unknown) {
        self.start = start
        self.end = end
        self.oldest = oldest
    }
}

/// One source partition's line. Nil is unknown, never a guess.
package struct PartitionLag: Sendable, Hashable {
    /// The stream's `from`.
    package var stream: String
    package var partition: Int32
    package var lane: Int?
    /// The next undecided source offset; nil before the first start.
    package var currentOffset: Int64?
    package var logStartOffset: Int64?
    package var logEndOffset: Int64?
    package var lag: Int64?
    package var timeLagSeconds: Double?
    package var counts: Counts
    package var status: LagStatus
    /// A halt's word, or since when and what it waits for.
    package var reason: String?
}

/// One contract: its partitions by stream and number, and their sum.
package struct ContractLag: Sendable, Hashable {
    package var id: String
    /// Of what decides now; empty where neither ledger nor file knows.
    package var version: String
    package var partitions: [PartitionLag]
    /// The worst of the partitions'.
    package var status: LagStatus
    /// Nil where one partition's is unknown.
    package var lag: Int64?
    /// The largest; nil where one partition's is unknown.
    package var timeLagSeconds: Double?
    package var counts: Counts
    /// What stands beneath the table: halts and waits in sentences.
    package var remarks: [String]
}

/// `crossdock lag`: operations.md, "Lag report".
package struct LagReport: Sendable, Hashable {
    /// Milliseconds since the epoch.
    package var generatedAt: Int64
    package var contracts: [ContractLag]
    package var isServiceRunning: Bool

    /// Whether the answer is bad: WARN, STALL, HALTED, or STOP with lag.
    package var isBad: Bool {
        contracts.contains { contract in
            contract.partitions.contains { row in
                switch row.status {
                case .warn, .stall, .halted: true
                case .stop: row.lag != 0
                default: false
                }
            } || contract.status >= .warn
        }
    }
}
