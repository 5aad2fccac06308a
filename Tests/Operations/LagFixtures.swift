import Ledger
import Operations

/// Two contracts as in the mock-up: one catches up, one is halted.
enum Fixture {
    /// 2026-11-22T10:30:40Z.
    static let now: Int64 = 1_795_343_440_000

    static let flights = ContractFile(
        id: "flights-skyways", version: "1.3.0", streams: ["flights"], standing: .active)
    static let stock = ContractFile(
        id: "retail-stock", version: "2.0.1", streams: ["stock"], standing: .active)
    static let lost = Halt(
        reason: "checkpoint-lost",
        detail: "the checkpoint topic holds no marker for stock[0]; the ledger knows one at offset "
            + "9120 and has decided up to 9120",
        partition: partition("stock", 0))

    static func partition(_ topic: String, _ number: Int32) -> SourcePartition {
        SourcePartition(topic: topic, partition: number)
    }

    static func counts(
        _ delivered: Int64, _ filtered: Int64, dropped: Int64 = 0, quarantined: Int64 = 0
    ) -> Counts {
        var counts = Counts()
        counts.read = delivered + filtered + dropped + quarantined
        counts.delivered = delivered
        counts.filtered = filtered
        counts.dropped = dropped
        counts.quarantined = quarantined
        return counts
    }

    static func lane(
        _ state: LaneState, _ detail: String = "", lane: Int = 0, secondsAgo: Int64 = 600,
        commitSecondsAgo: Int64? = 1, halt: Halt? = nil, pending: [Act] = []
    ) -> LaneRow {
        LaneRow(
            lane: lane, state: state, detail: detail, since: now - secondsAgo * 1000,
            lastCommit: commitSecondsAgo.map { now - $0 * 1000 }, halt: halt,
            haltedSince: halt == nil ? nil : now - secondsAgo * 1000, pending: pending)
    }

    static func skyways(_ lane: LaneRow) -> ContractRow {
        ContractRow(
            id: "flights-skyways", pin: ContractPin(version: "1.3.0", hash: "aa"), lanes: [lane],
            partitions: [
                PartitionRow(
                    partition: partition("flights", 0), lane: 0, decided: 61_204,
                    counts: counts(17_133, 44_070, quarantined: 1)),
                PartitionRow(
                    partition: partition("flights", 1), lane: 0, decided: 58_990,
                    counts: counts(16_501, 42_489)),
            ])
    }

    static func retail(_ lane: LaneRow) -> ContractRow {
        ContractRow(
            id: "retail-stock", pin: ContractPin(version: "2.0.1", hash: "bb"), lanes: [lane],
            partitions: [
                PartitionRow(
                    partition: partition("stock", 0), lane: 0, decided: 9_120,
                    counts: counts(9_120, 0))
            ])
    }

    static let ends: [LagBuilder.Key: PartitionEnds] = [
        LagBuilder.Key("flights-skyways", partition("flights", 0)): PartitionEnds(
            start: 0, end: 61_204),
        LagBuilder.Key("flights-skyways", partition("flights", 1)): PartitionEnds(
            start: 0, end: 60_118, oldest: .at(now - 400)),
        LagBuilder.Key("retail-stock", partition("stock", 0)): PartitionEnds(
            start: 0, end: 11_872, oldest: .at(now - 312_000)),
    ]

    static func builder(
        _ contracts: [ContractRow], running: Bool = true,
        files: [ContractFile] = [flights, stock],
        ends: [LagBuilder.Key: PartitionEnds] = ends
    ) -> LagBuilder {
        LagBuilder(
            now: now, ledger: LedgerSnapshot(contracts: contracts, isServiceRunning: running),
            files: files, ends: ends)
    }

    /// The mock-up's report.
    static var mockUp: LagReport {
        builder([
            skyways(lane(.running)),
            retail(lane(.halted, secondsAgo: 1_260, commitSecondsAgo: nil, halt: lost)),
        ]).report()
    }
}
