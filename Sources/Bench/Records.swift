import Contracts
import Lab

/// Records that lie in one block of memory, as in a fetched batch.
final class Records {
    private let memory: UnsafeMutableRawBufferPointer
    private var spans: [Range<Int>] = []

    var count: Int { spans.count }

    init(_ texts: [String]) {
        memory = .allocate(
            byteCount: texts.reduce(1) { $0 + $1.utf8.count }, alignment: 8)
        var start = 0
        for text in texts {
            let size = text.utf8.count
            UnsafeMutableRawBufferPointer(rebasing: memory[start...]).copyBytes(from: text.utf8)
            spans.append(start..<start + size)
            start += size
        }
    }

    deinit { memory.deallocate() }

    @inline(__always)
    subscript(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[spans[index]])
    }

    /// Bytes from a record's start to the end of the block.
    @inline(__always)
    func readable(from index: Int) -> Int { memory.count - spans[index].lowerBound }

    @inline(__always)
    func decide(_ index: Int, _ decider: StreamDecider) -> Decision {
        let record = SourceRecord(
            key: nil, value: self[index], headers: .none, offset: Int64(index), timestamp: 0,
            partition: 0, slot: 0)
        return decider.decide(record)
    }
}

/// Flights as records in several shapes of about the same size.
enum Shape: String, CaseIterable {
    case asTheyAre = "as they are"
    case shuffled = "members shuffled"
    case escaped = "strings escaped"
    case nested = "members nested"

    /// Members that make room for what a shape adds.
    private var leftOut: Set<Substring> {
        switch self {
        case .asTheyAre, .shuffled: []
        case .escaped: ["hour", "minute"]
        case .nested: ["hour", "minute", "distance"]
        }
    }

    private static let groups: [(name: String, members: Set<Substring>)] = [
        ("departure", ["dep_time", "sched_dep_time", "dep_delay"]),
        ("arrival", ["arr_time", "sched_arr_time", "arr_delay"]),
        ("plane", ["carrier", "flight", "tailnum"]),
    ]

    /// Where a column stands in this shape's records.
    func path(_ column: String) -> String {
        guard self == .nested,
            let group = Shape.groups.first(where: { $0.members.contains(Substring(column)) })
        else { return column }
        return "\(group.name).\(column)"
    }

    func records(_ count: Int, of flights: Flights) -> [String] {
        var random = SplitMix(state: 7)
        return (0..<count).map { record($0 % flights.rows.count, of: flights, &random) }
    }

    private func record(_ row: Int, of flights: Flights, _ random: inout SplitMix) -> String {
        var members = flights.columns.filter { !leftOut.contains($0) }.map { column in
            (column, "\"\(column)\":\(escapedIfSo(flights.json(row, column)))")
        }
        if self == .shuffled { members.shuffle(using: &random) }
        guard self == .nested else { return Shape.object(members.map(\.1)) }
        var texts: [String] = []
        var left = members[...]
        while let (column, text) = left.popFirst() {
            guard let group = Shape.groups.first(where: { $0.members.contains(column) }) else {
                texts.append(text)
                continue
            }
            let inside = [text] + left.filter { group.members.contains($0.0) }.map(\.1)
            left.removeAll { group.members.contains($0.0) }
            texts.append("\"\(group.name)\":\(Shape.object(inside))")
        }
        return Shape.object(texts)
    }

    private static func object(_ members: [String]) -> String {
        "{" + members.joined(separator: ",") + "}"
    }

    /// The second character of a string as an escape.
    private func escapedIfSo(_ json: String) -> String {
        guard self == .escaped, json.first == "\"", let letter = json.utf8.dropFirst(2).first
        else { return json }
        let digits = String(letter, radix: 16)
        return "\(json.prefix(2))\\u00\(digits)\(json.dropFirst(3))"
    }
}

/// The contract that the design notes measure with, on one shape's records.
func flightsDecider(_ shape: Shape = .asTheyAre) throws -> StreamDecider {
    func kept(
        _ name: String, as output: String? = nil, _ transform: Transform? = nil
    ) throws -> Field {
        Field(
            source: .path(try Path(text: shape.path(name))),
            output: try Path(text: output ?? name), transform: transform)
    }
    let pseudonym = Transform.pseudonym(Pseudonym(key: "tail"))
    let fields = [
        try kept("year"), try kept("month"), try kept("day"), try kept("carrier"),
        try kept("origin"), try kept("dest"), try kept("dep_delay"),
        try kept("sched_dep_time", as: "schedule.departure"),
        try kept("tailnum", as: "tail", pseudonym), try kept("flight", pseudonym),
    ]
    let delay = "value.\(shape.path("dep_delay"))"
    let filter = "\(delay) != null && \(delay) > 0 && value.origin != 'LGA'"
    let stream = Stream(
        from: "flights", to: "skyways.delays", format: .json, filter: Expression(text: filter),
        fields: fields, key: .keep, headers: ["trace"])
    return try StreamDecider(
        contractID: "bench", sourceCluster: "bench", stream: stream,
        keys: ["tail": Array("0123456789abcdef".utf8)],
        partnerPartitions: 6)
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
