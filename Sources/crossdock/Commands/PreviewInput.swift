internal import Contracts
internal import Foundation
internal import Kafka

/// Where previewed records come from.
enum PreviewInput {
    /// One record value a line; partition 0, offsets from 0, no key.
    static func values(
        _ path: String, topic: String, limit: Int
    ) throws(CommandFailure) -> [OwnedRecord] {
        try lines(path).prefix(limit).enumerated().map { index, line in
            OwnedRecord(
                topic: topic, partition: 0, offset: Int64(index), timestamp: -1, key: nil,
                value: Array(line), headers: [])
        }
    }

    /// What `kcat -C -J` prints, one record a line.
    static func kcat(_ path: String, limit: Int) throws(CommandFailure) -> [OwnedRecord] {
        var records: [OwnedRecord] = []
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

    private static func record(_ line: ArraySlice<UInt8>) -> OwnedRecord? {
        guard let parsed = try? JSONSerialization.jsonObject(with: Data(line)),
            let object = parsed as? [String: Any], let topic = object["topic"] as? String,
            let partition = object["partition"] as? Int, let offset = object["offset"] as? Int
        else { return nil }
        let flat = object["headers"] as? [Any] ?? []
        guard flat.count.isMultiple(of: 2) else { return nil }
        let headers = stride(from: 0, to: flat.count, by: 2).map {
            (name: flat[$0] as? String ?? "", value: bytes(flat[$0 + 1]))
        }
        return OwnedRecord(
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
    ) throws(CommandFailure) -> [OwnedRecord] {
        let cluster = ClusterClient(client, log: { _ in })
        defer { cluster.close() }
        var records: [OwnedRecord] = []
        do throws(KafkaFailure) {
            try cluster.read(
                topic: topic, from: start, limit: limit, timeout: .seconds(15)
            ) { records.append(OwnedRecord($0, topic: topic)) }
        } catch {
            throw CommandFailure(
                .cannotRun, "cannot read topic '\(topic)': \(error.detail) (\(error.code))",
                next: "without a cluster: --values FILE, or --input FILE with kcat -C -J lines")
        }
        return records
    }
}

extension OwnedRecord {
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
