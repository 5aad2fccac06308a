internal import Contracts
internal import Foundation
internal import Kafka

/// A record to preview, with memory of its own.
struct PreviewRecord {
    var topic: String
    var partition: Int32
    var offset: Int64
    /// Milliseconds since the epoch, -1 = none.
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [(name: String, value: [UInt8]?)]

    /// Shows the record as the decider takes it; valid during the call.
    func withSource<Result>(_ body: (borrowing SourceRecord) -> Result) -> Result {
        let table = HeaderTable(headers)
        return withExtendedLifetime(table) {
            Self.withBytes(key) { key in
                Self.withBytes(value) { value in
                    body(
                        SourceRecord(
                            key: key, value: value,
                            headers: HeaderReader(
                                handle: Unmanaged.passUnretained(table).toOpaque(),
                                read: HeaderTable.read),
                            offset: offset, timestamp: timestamp, partition: partition, slot: 0))
                }
            }
        }
    }

    /// An empty array is an empty key or value, nil a null one.
    private static func withBytes<Result>(
        _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        guard let bytes else { return body(nil) }
        return bytes.withUnsafeBytes { body($0) }
    }
}

/// Headers where a `HeaderReader` finds them.
private final class HeaderTable {
    private var names: [UnsafeMutablePointer<CChar>] = []
    private var values: [UnsafeMutableRawBufferPointer?] = []

    init(_ headers: [(name: String, value: [UInt8]?)]) {
        for (name, value) in headers {
            let text = name.utf8CString
            let place = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
            for (index, character) in text.enumerated() { place[index] = character }
            names.append(place)
            values.append(
                value.map {
                    let copy = UnsafeMutableRawBufferPointer.allocate(
                        byteCount: max(1, $0.count), alignment: 1)
                    copy.copyBytes(from: $0)
                    return UnsafeMutableRawBufferPointer(rebasing: copy[..<$0.count])
                })
        }
    }

    deinit {
        for name in names { name.deallocate() }
        for value in values { value?.baseAddress?.deallocate() }
    }

    static let read: HeaderReader.Read = { handle, index, name, value, length in
        guard let handle else { return false }
        let table = Unmanaged<HeaderTable>.fromOpaque(handle).takeUnretainedValue()
        guard index < table.names.count else { return false }
        name.pointee = UnsafePointer(table.names[index])
        value.pointee = table.values[index].flatMap { UnsafeRawPointer($0.baseAddress) }
        length.pointee = table.values[index]?.count ?? 0
        return true
    }
}

/// Where previewed records come from.
enum PreviewInput {
    /// One record value a line; partition 0, offsets from 0, no key.
    static func values(
        _ path: String, topic: String, limit: Int
    ) throws(CommandFailure) -> [PreviewRecord] {
        try lines(path).prefix(limit).enumerated().map { index, line in
            PreviewRecord(
                topic: topic, partition: 0, offset: Int64(index), timestamp: -1, key: nil,
                value: Array(line), headers: [])
        }
    }

    /// What `kcat -C -J` prints, one record a line.
    static func kcat(_ path: String, limit: Int) throws(CommandFailure) -> [PreviewRecord] {
        var records: [PreviewRecord] = []
        for (index, line) in try lines(path).enumerated() where records.count < limit {
            guard let record = record(line) else {
                throw CommandFailure(
                    .cannotRun, "\(path):\(index + 1): this is no line of kcat -C -J",
                    next: "--values FILE reads one record value a line")
            }
            records.append(record)
        }
        return records
    }

    private static func record(_ line: ArraySlice<UInt8>) -> PreviewRecord? {
        guard let parsed = try? JSONSerialization.jsonObject(with: Data(line)),
            let object = parsed as? [String: Any], let topic = object["topic"] as? String,
            let partition = object["partition"] as? Int, let offset = object["offset"] as? Int
        else { return nil }
        let flat = object["headers"] as? [Any] ?? []
        guard flat.count.isMultiple(of: 2) else { return nil }
        let headers = stride(from: 0, to: flat.count, by: 2).map {
            (name: flat[$0] as? String ?? "", value: bytes(flat[$0 + 1]))
        }
        return PreviewRecord(
            topic: topic, partition: Int32(truncatingIfNeeded: partition), offset: Int64(offset),
            timestamp: Int64(object["ts"] as? Int ?? -1), key: bytes(object["key"]),
            value: bytes(object["payload"]), headers: headers)
    }

    private static func bytes(_ value: Any?) -> [UInt8]? {
        (value as? String).map { Array($0.utf8) }
    }

    /// Empty lines are left out.
    private static func lines(_ path: String) throws(CommandFailure) -> [ArraySlice<UInt8>] {
        do throws(Files.Failure) {
            return try Files.read(path == "-" ? "/dev/stdin" : path, limit: 1 << 30)
                .split(separator: UInt8(ascii: "\n"))
        } catch {
            throw CommandFailure(.cannotRun, "cannot read \(path): \(error.reason)")
        }
    }

    /// The last records of a topic, or those from a place on. Nothing is committed.
    static func cluster(
        _ client: ClientConfiguration, topic: String, from start: ReadStart, limit: Int
    ) throws(CommandFailure) -> [PreviewRecord] {
        let cluster = ClusterClient(client, log: { _ in })
        defer { cluster.close() }
        var records: [PreviewRecord] = []
        do throws(KafkaFailure) {
            try cluster.read(
                topic: topic, from: start, limit: limit, timeout: .seconds(15)
            ) { records.append(PreviewRecord($0, topic: topic)) }
        } catch {
            throw CommandFailure(
                .cannotRun, "cannot read topic '\(topic)': \(error.detail) (\(error.code))",
                next: "without a cluster: --values FILE, or --input FILE with kcat -C -J lines")
        }
        return records
    }
}

extension PreviewRecord {
    fileprivate init(_ record: ConsumedRecord, topic: String) {
        var headers: [(name: String, value: [UInt8]?)] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var length = 0
        while ConsumedRecord.readHeader(record.message, headers.count, &name, &value, &length) {
            headers.append(
                (
                    name.map { String(cString: $0) } ?? "",
                    value.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) }
                ))
        }
        self.init(
            topic: topic, partition: record.partition, offset: record.offset,
            timestamp: record.timestamp, key: record.key.map(Array.init),
            value: record.value.map(Array.init), headers: headers)
    }
}
