import Contracts

/// A record in memory of its own, for a decider to look at.
struct EngineRecord {
    var value: String? = "{}"
    var key: String?
    var headers: [(String, String?)] = []
    var partition: Int32 = 0
    var offset: Int64 = 0
    var timestamp: Int64 = 1_700_000_000_000
}

/// What a decider made of a record, copied out.
struct Outcome: Equatable {
    var decision: Decision
    var value: String?
    var key: String?
    var headers: [String] = []
    var partition: Int32 = 0
    var rule: Violation.Rule?
    var detail = ""
}

/// Headers as the client library would hold them.
final class HeaderBox {
    var names: [UnsafeMutablePointer<CChar>] = []
    var values: [UnsafeMutableRawBufferPointer?] = []

    init(_ headers: [(String, String?)]) {
        for (name, value) in headers {
            let text = name.utf8.map { CChar(bitPattern: $0) } + [0]
            let memory = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
            for (index, byte) in text.enumerated() { memory[index] = byte }
            names.append(memory)
            values.append(
                value.map { value in
                    let memory = UnsafeMutableRawBufferPointer.allocate(
                        byteCount: value.utf8.count, alignment: 1)
                    memory.copyBytes(from: value.utf8)
                    return memory
                })
        }
    }

    deinit {
        for name in names { name.deallocate() }
        for value in values { value?.deallocate() }
    }

    var reader: HeaderReader {
        HeaderReader(handle: Unmanaged.passUnretained(self).toOpaque()) {
            handle, index, name, value, length in
            guard let handle else { return false }
            let box = Unmanaged<HeaderBox>.fromOpaque(handle).takeUnretainedValue()
            guard index < box.names.count else { return false }
            name.pointee = UnsafePointer(box.names[index])
            value.pointee = box.values[index].map { UnsafeRawPointer($0.baseAddress) } ?? nil
            length.pointee = box.values[index]?.count ?? 0
            return true
        }
    }
}

func withBytes<R>(
    _ text: String?, _ body: (UnsafeRawBufferPointer?) throws -> R
) rethrows -> R {
    guard let text else { return try body(nil) }
    return try Array(text.utf8).withUnsafeBytes { try body($0) }
}

func text(_ bytes: UnsafeRawBufferPointer?) -> String? {
    bytes.map { String(decoding: $0, as: UTF8.self) }
}

extension StreamDecider {
    /// Decides one record and copies what came of it.
    func outcome(_ sample: EngineRecord) -> Outcome {
        let box = HeaderBox(sample.headers)
        return withBytes(sample.value) { value in
            withBytes(sample.key) { key in
                withExtendedLifetime(box) {
                    let record = SourceRecord(
                        key: key, value: value, headers: box.reader, offset: sample.offset,
                        timestamp: sample.timestamp, partition: sample.partition, slot: 0)
                    return outcome(decide(record))
                }
            }
        }
    }

    func outcome(_ decision: Decision) -> Outcome {
        var outcome = Outcome(decision: decision)
        switch decision {
        case .delivered:
            outcome.value = text(output.value)
            outcome.key = text(output.key)
            outcome.partition = output.partition
            outcome.headers = output.headers.map {
                "\(String(cString: $0.name))=\(text($0.value) ?? "null")"
            }
        case .filtered: break
        case .dropped, .quarantined, .stopped:
            outcome.rule = violation.rule
            outcome.detail = violation.detail
        }
        return outcome
    }
}

/// Short ways to streams and what becomes of records in them.
enum Engine {
    /// A stream with the given parts; the fields are written as in a contract's short form or as `Field`s.
    static func stream(
        _ paths: [String] = [], fields: [Field] = [], filter: String? = nil,
        key: Stream.KeyRule = .keep, headers: [String] = [], forwardsTombstones: Bool = false,
        partition: Stream.PartitionRule = .keep, onViolation: Stream.OnViolation = .quarantine,
        format: Stream.Format = .json
    ) throws -> Stream {
        Stream(
            from: "source", to: "target", format: format,
            filter: filter.map { Expression(text: $0) },
            fields: try paths.map {
                Field(source: .path(try Path(text: $0)), output: try Path(text: $0))
            }
                + fields,
            key: key, headers: headers, forwardsTombstones: forwardsTombstones,
            partition: partition,
            onViolation: onViolation)
    }

    static func field(
        _ path: String, as output: String? = nil, type: JSONType? = nil, required: Bool = false,
        _ transform: Transform? = nil
    ) throws -> Field {
        Field(
            source: .path(try Path(text: path)), output: try Path(text: output ?? path), type: type,
            required: required, transform: transform)
    }

    static let keys: [String: [UInt8]] = [
        "k1": Array("0123456789abcdef".utf8), "k32": Array("0123456789abcdefghijklmnopqrstuv".utf8),
    ]

    static func decider(_ stream: Stream, partitions: Int32 = 6) throws -> StreamDecider {
        try StreamDecider(
            contractID: "test", sourceCluster: "home", stream: stream, keys: keys,
            partnerPartitions: partitions)
    }

    /// What leaves of one record, or why it does not.
    static func decide(_ stream: Stream, _ value: String?) throws -> Outcome {
        try decider(stream).outcome(EngineRecord(value: value))
    }
}
