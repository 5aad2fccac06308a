import Contracts
import Foundation

/// Records that lie in one block of memory, as in a fetched batch.
final class Records {
    private let memory: UnsafeMutableRawBufferPointer
    private var spans: [Range<Int>] = []

    var count: Int { spans.count }
    var bytes: Int { memory.count }

    init(lines: Data) {
        memory = .allocate(byteCount: lines.count, alignment: 8)
        memory.copyBytes(from: lines)
        var start = 0
        for (index, byte) in memory.enumerated() where byte == 10 {
            if index > start { spans.append(start..<index) }
            start = index + 1
        }
    }

    deinit { memory.deallocate() }

    func decide(_ index: Int, _ decider: StreamDecider) -> Decision {
        let record = SourceRecord(
            key: nil, value: UnsafeRawBufferPointer(rebasing: memory[spans[index]]),
            headers: .none, offset: Int64(index), timestamp: 0, partition: 0, slot: 0)
        return decider.decide(record)
    }

    /// The best of some rounds, in nanoseconds a record.
    func time(_ name: String, _ chosen: [Int], _ decider: StreamDecider, _ rounds: Int) {
        var best = Double.infinity
        var size = 0
        for index in chosen { size += spans[index].count }
        for _ in 0..<rounds {
            var delivered = 0
            let elapsed = ContinuousClock().measure {
                for index in chosen where decide(index, decider) == .delivered { delivered += 1 }
            }
            let nanoseconds =
                Double(elapsed.components.seconds) * 1e9
                + Double(elapsed.components.attoseconds) / 1e9
            best = min(best, nanoseconds / Double(max(chosen.count, 1)))
        }
        let rate = Double(size) / Double(max(chosen.count, 1)) / best
        print(
            name.padding(toLength: 12, withPad: " ", startingAt: 0),
            String(format: "%7.1f ns a record %6.2f GB/s", best, rate))
    }
}

/// The contract that performance.md measures with.
func flightsDecider() throws -> StreamDecider {
    func kept(_ name: String, _ output: String? = nil, _ transform: Transform? = nil) throws
        -> Field
    {
        Field(
            source: .path(try Path(text: name)), output: try Path(text: output ?? name),
            transform: transform)
    }
    let pseudonym = Transform.pseudonym(Pseudonym(key: "tail"))
    let fields = [
        try kept("year"), try kept("month"), try kept("day"), try kept("carrier"),
        try kept("origin"), try kept("dest"), try kept("dep_delay"),
        try kept("sched_dep_time", "schedule.departure"), try kept("tailnum", "tail", pseudonym),
        try kept("flight", "flight", pseudonym),
    ]
    let filter = "value.dep_delay != null && value.dep_delay > 0 && value.origin != 'LGA'"
    let stream = Stream(
        from: "flights", to: "skyways.delays", format: .json, filter: Expression(text: filter),
        fields: fields, key: .keep, headers: ["trace"])
    return try StreamDecider(
        contractID: "bench", sourceCluster: "bench", stream: stream,
        keys: ["tail": Array("0123456789abcdef".utf8)],
        partnerPartitions: 6)
}

/// The same records, each with its members in another order. Flat objects whose strings hold no comma.
func shuffle(_ lines: Data) throws -> Data {
    var random = SplitMix(state: 7)
    var output = Data(capacity: lines.count)
    for line in lines.split(separator: 10) {
        let text = String(decoding: line.dropFirst().dropLast(), as: UTF8.self)
        let members = text.split(separator: ",").shuffled(using: &random)
        output.append(Data("{\(members.joined(separator: ","))}\n".utf8))
    }
    return output
}

/// splitmix64: the same sequence on every machine.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
