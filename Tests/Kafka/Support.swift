import Kafka
import Lab
import Synchronization

/// Collects what clients log.
final class Lines: Sendable {
    private let lines = Mutex<[ClientLogLine]>([])
    var sink: ClientLogSink { { line in self.lines.withLock { $0.append(line) } } }
    var all: [ClientLogLine] { lines.withLock { $0 } }
}

let quiet: ClientLogSink = { _ in }

struct Taken: Hashable, Sendable {
    var slot: Int32
    var partition: Int32
    var offset: Int64
    var timestamp: Int64
    var key: String?
    var value: String?
    var headers: [String]

    init(_ record: ConsumedRecord) {
        slot = record.slot
        partition = record.partition
        offset = record.offset
        timestamp = record.timestamp
        key = record.key.map { String(decoding: $0, as: UTF8.self) }
        value = record.value.map { String(decoding: $0, as: UTF8.self) }
        headers = []
        var name: UnsafePointer<CChar>?
        var bytes: UnsafeRawPointer?
        var length = 0
        while ConsumedRecord.readHeader(record.message, headers.count, &name, &bytes, &length) {
            let text = bytes.map {
                String(decoding: UnsafeRawBufferPointer(start: $0, count: length), as: UTF8.self)
            }
            headers.append("\(name.map { String(cString: $0) } ?? "")=\(text ?? "null")")
        }
    }
}

extension TransactionalProducer {
    func send(
        _ topic: Int = 0, _ partition: Int32 = 0, key: String? = "k", value: String? = "v",
        timestamp: Int64 = 1000
    ) throws -> ProduceResult {
        let key = key.map { Array($0.utf8) }
        let value = value.map { Array($0.utf8) }
        return try lend(key) { key in
            try lend(value) { value in
                try produce(
                    topic: topic, partition: partition, key: key, value: value,
                    timestamp: timestamp)
            }
        }
    }

    private func lend<Result>(
        _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Result
    ) throws -> Result {
        guard let bytes else { return try body(nil) }
        return try bytes.withUnsafeBytes { try body($0) }
    }
}

extension LaneConsumer {
    /// Polls until every slot has come to its end at least once, or 20 s.
    func drain(slots: Int) throws -> (records: [Taken], ends: [Int: Int64]) {
        var records: [Taken] = []
        var ends: [Int: Int64] = [:]
        let deadline = ContinuousClock.now + .seconds(20)
        while ends.count < slots && ContinuousClock.now < deadline {
            for end in try poll(
                limit: 100, timeout: .milliseconds(50),
                take: {
                    records.append(Taken($0))
                })
            {
                ends[end.slot] = end.offset
            }
        }
        return (records, ends)
    }
}
