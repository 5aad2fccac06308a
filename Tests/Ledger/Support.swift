import Ledger

/// SplitMix64: the same seed gives the same run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

let pin = ContractPin(version: "1.0.0", hash: "aa")
let clusters = ClusterIDs(source: "internal-1", partner: "partner-1")
let layout = Layout(
    lanes: 2, hash: "crc32c", checkpointPartitions: 4, partnerPartitions: ["out": 6])

func partition(_ number: Int32, _ topic: String = "flights") -> SourcePartition {
    SourcePartition(topic: topic, partition: number)
}

func counts(delivered: Int64 = 0, filtered: Int64 = 0, quarantined: Int64 = 0) -> Counts {
    var counts = Counts()
    counts.delivered = delivered
    counts.filtered = filtered
    counts.quarantined = quarantined
    counts.read = delivered + filtered + quarantined
    counts.bytes = delivered * 100
    return counts
}

func progress(
    _ partition: SourcePartition, _ from: Int64, _ to: Int64, _ counts: Counts
) -> Progress {
    Progress(
        partition: partition, from: from, to: to, counts: counts,
        fingerprints: from == to ? [] : [Fingerprint(offset: to - 1, timestamp: 7, digest: "ab12")],
        chain: "c\(to)")
}

func intent(
    _ batchSeq: Int64, _ progress: [Progress], nonce: UInt64 = 1, next: ContractPin = pin
) -> Intent {
    Intent(
        batchSeq: batchSeq, nonce: Nonce(high: nonce, low: ~nonce), digest: "d\(batchSeq)",
        pin: pin, next: next, progress: progress)
}

func refused(_ partition: SourcePartition, _ offset: Int64, bytes: Int = 3) -> QuarantinedRecord {
    QuarantinedRecord(
        partition: partition, offset: offset, timestamp: -1, key: nil,
        value: [UInt8](repeating: 120, count: bytes), headerNames: ["trace", "", "trace"],
        headerValues: [[1, 2], nil, []], rule: "required", path: "a.b", detail: "is absent")
}

/// Wall-clock time that stands still until a test moves it.
final class TestClock: @unchecked Sendable {
    var milliseconds: Int64 = 0
}
