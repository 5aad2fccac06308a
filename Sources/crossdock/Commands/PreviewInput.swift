internal import Contracts
internal import Foundation
internal import Kafka

/// Where previewed records come from. Each is shown as it comes: a pipe need not end.
enum PreviewInput {
    /// One record value a line; partition 0, offsets from 0, no key. Empty lines are left out.
    static func values(
        _ path: String, topic: String, limit: Int, _ show: (OwnedRecord) -> Void
    ) throws(CommandFailure) {
        var offset: Int64 = 0
        try lines(path, limit) { _, line throws(CommandFailure) in
            show(OwnedRecord(topic: topic, offset: offset, value: line))
            offset += 1
            return true
        }
    }

    /// What `kcat -C -J` prints, one record a line. `topics`: those that the contract reads, and whether
    /// their records are shown.
    static func kcat(
        _ path: String, topics: [String: Bool], limit: Int, _ show: (OwnedRecord) -> Void
    ) throws(CommandFailure) {
        try lines(path, limit) { place, line throws(CommandFailure) in
            let record: OwnedRecord
            do throws(KcatLine.Mistake) {
                record = try KcatLine.record(line)
            } catch {
                throw CommandFailure(
                    .cannotRun,
                    "\(place): this is no line of kcat -C -J: \(error.message)",
                    next: "--values FILE reads one record value a line")
            }
            guard let isShown = topics[record.topic] else {
                let known = topics.keys.sorted()
                throw CommandFailure(
                    .cannotRun,
                    "\(place): no stream reads '\(record.topic)'"
                        + Spelling.hint(for: record.topic, among: known),
                    next: "streams of the contract read \(known.joined(separator: ", "))")
            }
            if isShown { show(record) }
            return isShown
        }
    }

    /// Calls `visit` with each line that is not empty and its place, until `limit` of them were of use.
    private static func lines(
        _ path: String, _ limit: Int, _ visit: (String, [UInt8]) throws(CommandFailure) -> Bool
    ) throws(CommandFailure) {
        let reader = try LineReader(path)
        var number = 0
        var used = 0
        while used < limit, let line = try reader.next() {
            number += 1
            guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) else { continue }
            if try visit("\(reader.name):\(number)", line) { used += 1 }
        }
    }

    /// The last records of a topic, or those from a place on. Nothing is committed. False where the time
    /// was over before all were read.
    static func cluster(
        _ client: ClientConfiguration, topic: String, from start: ReadStart, limit: Int,
        _ show: (OwnedRecord) -> Void
    ) throws(CommandFailure) -> Bool {
        let cluster = ClusterClient(client, log: { _ in })
        defer { cluster.close() }
        do throws(KafkaFailure) {
            return try cluster.read(
                topic: topic, from: start, limit: limit, timeout: .seconds(15)
            ) { show(OwnedRecord($0, topic: topic)) }
        } catch {
            throw CommandFailure(
                .cannotRun, "cannot read topic '\(topic)': \(error.detail) (\(error.code))",
                next: "without a cluster: --values FILE, or --input FILE with kcat -C -J lines")
        }
    }
}

/// A line of `kcat -C -J`: topic, partition, offset, ts, headers (flat), key, payload.
enum KcatLine {
    struct Mistake: Error {
        var message: String
        init(_ message: String) { self.message = message }
    }

    static func record(_ line: [UInt8]) throws(Mistake) -> OwnedRecord {
        // kcat writes a key or payload that is not UTF-8 as it is. Such a line is read byte by character.
        let isText = String(validating: line, as: UTF8.self) != nil
        let bytes = isText ? Data(line) : Data(String(line.map(character)).utf8)
        guard let parsed = try? JSONSerialization.jsonObject(with: bytes),
            let object = parsed as? [String: Any]
        else { throw Mistake("it is not a JSON object") }
        guard let topic = object["topic"] as? String else { throw Mistake("it names no topic") }
        guard let number = object["partition"] as? Int, let partition = Int32(exactly: number),
            partition >= 0
        else { throw Mistake("it names no partition") }
        guard let offset = object["offset"] as? Int, offset >= 0 else {
            throw Mistake("it names no offset")
        }
        guard object["payload"] != nil else {
            throw Mistake("it has no payload, not even a null one")
        }
        return OwnedRecord(
            topic: topic, partition: partition, offset: Int64(offset),
            timestamp: Int64(object["ts"] as? Int ?? -1),
            key: try text(object["key"], "key", isText),
            value: try text(object["payload"], "payload", isText),
            headers: try headers(object["headers"], isText))
    }

    private static func headers(
        _ value: Any?, _ isText: Bool
    ) throws(Mistake) -> [OwnedRecord.Header] {
        guard let value else { return [] }
        guard let flat = value as? [Any], flat.count.isMultiple(of: 2) else {
            throw Mistake("its headers are no list of names and values")
        }
        var headers: [OwnedRecord.Header] = []
        for index in stride(from: 0, to: flat.count, by: 2) {
            guard let name = flat[index] as? String else {
                throw Mistake("a header's name is no text")
            }
            headers.append((name, try text(flat[index + 1], "header", isText)))
        }
        return headers
    }

    private static func text(
        _ value: Any?, _ what: String, _ isText: Bool
    ) throws(Mistake) -> [UInt8]? {
        switch value {
        case nil, is NSNull: return nil
        case let text as String:
            guard !isText else { return Array(text.utf8) }
            return text.unicodeScalars.flatMap { scalar in
                scalar.value < 0x100 ? [UInt8(scalar.value)] : Array(String(scalar).utf8)
            }
        default: throw Mistake("its \(what) is neither a text nor null")
        }
    }

    private static func character(_ byte: UInt8) -> Character { Character(Unicode.Scalar(byte)) }
}

extension OwnedRecord {
    fileprivate init(_ record: ConsumedRecord, topic: String) {
        var headers: [Header] = []
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
