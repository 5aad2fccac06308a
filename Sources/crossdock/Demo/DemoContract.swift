internal import Cryptography
internal import Lab

/// The one contract of the demo, and what it must make of the flights, worked out from the table's cells
/// without the contract engine: expectation and service share nothing but the key.
struct DemoContract {
    static let id = "flights-skyways"
    static let source = "flights"
    static let target = "skyways.delays"
    static let partitions = 6
    static let checkpoints = "crossdock.checkpoints"
    static let lanes = 2

    let flights: Flights
    private let tailKey: HMACKey
    /// Rows of each partition that must be delivered, in order.
    private(set) var passing: [[Int]] = []

    /// - Parameter tailSecret: the pseudonym key, as text.
    init(tailSecret: String) {
        flights = Flights()
        tailKey = HMACKey(Array(tailSecret.utf8))
        passing = (0..<Self.partitions).map { partition in
            stride(from: partition, to: flights.rows.count, by: Self.partitions).filter(passes)
        }
    }

    /// The contract as the partner's engineer would read it. Small transactions, so that there is
    /// something to see and to interrupt.
    static let text = """
        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: \(id)
        version: 1.0.0
        status: active
        description: Delayed departures for the Skyways desk
        partner: { name: Skyways, contact: data@skyways.example }
        source: { cluster: internal }
        target: { cluster: skyways }
        streams:
          - from: \(source)
            to: \(target)
            format: json
            start: earliest
            filter: value.dep_delay != null && value.dep_delay > 0 && value.origin != 'LGA'
            fields:
              - carrier
              - { path: dep_delay, type: number, required: true }
              - { path: sched_dep_time, as: schedule.departure }
              - { path: tailnum, as: tail, pseudonym: { key: tail-2026 } }
              - origin
              - dest
              - time_hour
            key: keep
            headers: [trace]
            partition: keep
        delivery:
          maxRecords: 25
          maxInterval: 20ms

        """

    /// The row that stands at an offset of a partition: row n is written to partition n mod 6.
    static func row(partition: Int, offset: Int) -> Int { offset * partitions + partition }
    static func headers(_ row: Int) -> [(name: String, value: String)] {
        [("source", "ops"), ("trace", "flight-\(row)"), ("x-internal", "do-not-share")]
    }

    /// The part of the contract that says what leaves.
    static var excerpt: [Substring] {
        let lines = text.split(separator: "\n")
        let from = lines.firstIndex { $0.contains("filter:") } ?? 0
        let to = lines.firstIndex { $0.hasPrefix("delivery") } ?? lines.count
        return lines[from..<to].map { $0.dropFirst(4) }
    }

    /// How many source records are decided at least, told by what the partner has of each partition.
    func decided(deliveredBy counts: [Int]) -> Int {
        counts.enumerated().reduce(0) { sum, next in
            let (partition, delivered) = next
            guard delivered > 0 else { return sum }
            let rows = passing[partition]
            return sum + rows[min(delivered, rows.count) - 1] / Self.partitions + 1
        }
    }

    func passes(_ row: Int) -> Bool {
        guard let delay = flights.cell(row, "dep_delay").flatMap({ Double($0) }) else {
            return false
        }
        return delay > 0 && flights.cell(row, "origin") != "LGA"
    }

    /// What stands in the source topic for a row, but for its timestamp.
    func input(_ row: Int, timestamp: Int64) -> SeenRecord {
        SeenRecord(
            key: Array(flights.key(row).utf8), value: Array(flights.json(row).utf8),
            headers: Self.headers(row).map {
                SeenHeader(name: $0.name, value: Array($0.value.utf8))
            }, timestamp: timestamp)
    }

    /// What the partner must get for a row that passes.
    func output(_ row: Int, timestamp: Int64) -> SeenRecord {
        func cell(_ column: Substring) -> String { flights.json(row, column) }
        let tail = flights.cell(row, "tailnum") ?? ""
        let value =
            "{\"carrier\":\(cell("carrier")),\"dep_delay\":\(cell("dep_delay")),"
            + "\"schedule\":{\"departure\":\(cell("sched_dep_time"))},"
            + "\"tail\":\(tail.isEmpty ? "null" : "\"\(pseudonym(tail))\""),"
            + "\"origin\":\(cell("origin")),\"dest\":\(cell("dest")),"
            + "\"time_hour\":\(cell("time_hour"))}"
        return SeenRecord(
            key: Array(flights.key(row).utf8), value: Array(value.utf8),
            headers: [SeenHeader(name: "trace", value: Array("flight-\(row)".utf8))],
            timestamp: timestamp)
    }

    private func pseudonym(_ text: Substring) -> String {
        Hex.encode(tailKey.authenticate(Array(text.utf8)).prefix(16))
    }
}
