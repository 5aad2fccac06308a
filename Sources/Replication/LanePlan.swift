package import Contracts
package import Ledger

/// Everything a lane is told, fixed for its life: which contract, which share of it, which keys.
package struct LanePlan: Sendable {
    package var contract: Contract
    /// From 0.
    package var lane: Int
    /// How many lanes share the contract's partitions.
    package var lanes: Int
    /// Secret bytes by the names that the contract uses.
    package var keys: [String: [UInt8]]
    /// 32 bytes: seals markers and claims.
    package var checkpointKey: [UInt8]
    /// Return from `run` when every partition has reached the end seen at the start.
    package var untilCaughtUp: Bool
    /// Shared by the contract's lanes; nil where it has none.
    package var quota: QuotaBucket?
    /// Nil at a start.
    package var predecessor: Predecessor?
    package var pace: Pace

    package init(
        contract: Contract, lane: Int, lanes: Int, keys: [String: [UInt8]],
        checkpointKey: [UInt8], untilCaughtUp: Bool = false, predecessor: Predecessor? = nil,
        quota: QuotaBucket? = nil, pace: Pace = Pace()
    ) {
        self.contract = contract
        self.lane = lane
        self.lanes = lanes
        self.keys = keys
        self.checkpointKey = checkpointKey
        self.untilCaughtUp = untilCaughtUp
        self.predecessor = predecessor
        self.quota = quota
        self.pace = pace
    }

    package var id: LaneID { LaneID(contract: contract.id, lane: lane) }
    package var pin: ContractPin { ContractPin(version: contract.version, hash: contract.hash) }
    package var transactionalID: String { "crossdock.\(contract.id).\(lane)" }

    /// Distinct partner topics in the order of the streams; `topicIndex` of a stream points into it.
    package var partnerTopics: [String] {
        contract.streams.reduce(into: []) { if !$0.contains($1.to) { $0.append($1.to) } }
    }
    package var sourceTopics: [String] { contract.streams.map(\.from) }

    /// The partitions of this lane, in a fixed order.
    package func partitions(of facts: SourceFacts) -> [SourcePartition] {
        allPartitions(of: facts).filter { LaneHash.lane(of: $0, lanes: lanes) == lane }
    }

    /// The partitions of every lane of the contract.
    package func allPartitions(of facts: SourceFacts) -> [SourcePartition] {
        sourceTopics.flatMap { topic in
            (0..<Int32(facts.partitions[topic] ?? 0)).map {
                SourcePartition(topic: topic, partition: $0)
            }
        }
    }

    /// Where this lane's markers and claims stand.
    package func checkpointPartition(of count: Int) -> Int32 {
        LaneHash.checkpointPartition(contract: contract.id, lane: lane, count: count)
    }
}

/// What a lane leaves to the one that follows it in the same process under a changed contract: this is
/// no start, which may fence a living twin.
package struct Predecessor: Hashable, Sendable {
    var knownClaim: Int64?
    var inits: Int
}

/// How often the lane does what it does besides copying. Tests shorten it.
package struct Pace: Sendable, Hashable {
    /// Between two checks of source and partner while running.
    package var check: Duration = .seconds(5)
    /// A wait for records so long is followed by a check.
    package var quiet: Duration = .seconds(1)
    /// Filtered-only traffic gets a marker after that many records …
    package var markerRecords: Int64 = 100_000
    /// … or that long.
    package var markerInterval: Duration = .seconds(60)
    /// An idle lane writes markers for all its partitions: transactional ids expire after 7 days
    /// (transactional.id.expiration.ms).
    package var idleMarker: Duration = .seconds(12 * 3600)
    /// First and longest wait between two tries.
    package var retry: Duration = .milliseconds(250)
    package var longestRetry: Duration = .seconds(15)
    /// Between two looks for an operator's acts where there is no batch to end.
    package var acts: Duration = .seconds(1)
    /// Longest wait for records when there are none.
    package var poll: Duration = .milliseconds(50)
    /// Records taken from the client library at a time.
    package var chunk: Int = 2_000
    package init() {}
}

/// The one rule that says which lane a partition belongs to: a topic's partitions go to the lanes in turn,
/// from a lane on that CRC32C of its name gives (Swift's own hashing is seeded per process). The rule's
/// name stands in every marker.
package enum LaneHash {
    package static let name = "crc32c-in-turn"

    package static func lane(of partition: SourcePartition, lanes: Int) -> Int {
        let first = Int(crc32c(Array(partition.topic.utf8)))
        return (first + Int(partition.partition)) % lanes
    }

    package static func checkpointPartition(contract: String, lane: Int, count: Int) -> Int32 {
        Int32(crc32c(Array("\(contract)\0\(lane)".utf8)) % UInt32(max(count, 1)))
    }

    /// CRC-32C (Castagnoli), reflected, as in RFC 3720 appendix B.4.
    package static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = (crc >> 1) ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        return ~crc
    }
}
