package import Ledger

/// What a lane is doing, as the service wrote it into the ledger from its own loop.
package enum LaneState: String, Sendable, Hashable, CaseIterable {
    case starting, recovering, running, idle, waiting, stalled, halted, stopped
    /// It runs, and its contract's quota makes it wait.
    case throttled
    /// An operator's act keeps it still.
    case suspended, revoked
    /// Its contract's window has ended.
    case expired
}

/// The last that a lane said of itself.
package struct LaneRow: Sendable, Hashable {
    package var lane: Int
    package var state: LaneState
    /// One sentence, empty where there is nothing to add.
    package var detail: String
    /// When the lane entered the state. Milliseconds since the epoch.
    package var since: Int64
    /// When a batch was last committed, nil = never.
    package var lastCommit: Int64?
    package var halt: Halt?
    /// When the halt was found. Milliseconds since the epoch.
    package var haltedSince: Int64?
    /// Choices recorded by `recover` that the lane has not applied yet.
    package var pending: [Act]

    package init(
        lane: Int, state: LaneState, detail: String = "", since: Int64, lastCommit: Int64? = nil,
        halt: Halt? = nil, haltedSince: Int64? = nil, pending: [Act] = []
    ) {
        self.lane = lane
        self.state = state
        self.detail = detail
        self.since = since
        self.lastCommit = lastCommit
        self.halt = halt
        self.haltedSince = haltedSince
        self.pending = pending
    }
}

/// A source partition as the ledger knows it.
package struct PartitionRow: Sendable, Hashable {
    package var partition: SourcePartition
    package var lane: Int
    /// The next undecided offset.
    package var decided: Int64
    /// Cumulative since the contract's first start.
    package var counts: Counts
    package init(partition: SourcePartition, lane: Int, decided: Int64, counts: Counts) {
        self.partition = partition
        self.lane = lane
        self.decided = decided
        self.counts = counts
    }
}

/// One contract in the ledger.
package struct ContractRow: Sendable, Hashable {
    package var id: String
    /// What decides from here on, nil before the first start.
    package var pin: ContractPin?
    package var lanes: [LaneRow]
    package var partitions: [PartitionRow]
    /// Of the recorded acts about the contract, the one that says how it stands; nil where none says
    /// more than its file.
    package var act: Act?
    package init(
        id: String, pin: ContractPin?, lanes: [LaneRow], partitions: [PartitionRow],
        act: Act? = nil
    ) {
        self.id = id
        self.pin = pin
        self.lanes = lanes
        self.partitions = partitions
        self.act = act
    }
}

/// Everything the reports need of the ledger, read at one moment.
package struct LedgerSnapshot: Sendable, Hashable {
    package var contracts: [ContractRow]
    /// Whether a service holds the state directory's lock.
    package var isServiceRunning: Bool
    package init(contracts: [ContractRow], isServiceRunning: Bool) {
        self.contracts = contracts
        self.isServiceRunning = isServiceRunning
    }
}

extension LedgerSnapshot {
    /// - Parameters:
    ///   - lanes: as `Ledger.report` gives them.
    ///   - acts: as `Ledger.contractActs` gives them.
    package init(lanes: [LaneReport], acts: [String: [Act]], isServiceRunning: Bool) {
        var contracts: [ContractRow] = []
        for lane in lanes {
            if contracts.last?.id != lane.lane.contract {
                contracts.append(
                    ContractRow(id: lane.lane.contract, pin: nil, lanes: [], partitions: []))
            }
            contracts[contracts.count - 1].add(lane)
        }
        for (id, recorded) in acts.sorted(by: { $0.key < $1.key }) {
            guard recorded.standing != .active else { continue }
            if let index = contracts.firstIndex(where: { $0.id == id }) {
                contracts[index].act = recorded.standingAct
            } else {
                contracts.append(
                    ContractRow(
                        id: id, pin: nil, lanes: [], partitions: [], act: recorded.standingAct))
            }
        }
        self.init(contracts: contracts, isServiceRunning: isServiceRunning)
    }
}

extension ContractRow {
    fileprivate mutating func add(_ report: LaneReport) {
        let number = report.lane.lane
        pin = pin ?? report.pin
        // A lane that has said nothing yet, in a ledger that was written before.
        let state = report.status.flatMap { LaneState(rawValue: $0.state) } ?? .stopped
        lanes.append(
            LaneRow(
                lane: number, state: state, detail: report.status?.detail ?? "",
                since: report.status?.since ?? 0, lastCommit: report.status?.lastCommit,
                halt: report.halt, haltedSince: report.haltSince, pending: report.pending))
        partitions += report.partitions.map {
            PartitionRow(
                partition: $0.partition, lane: number, decided: $0.decided, counts: $0.counts)
        }
    }
}
