/// A record with memory of its own, for what is not on the record path: previews, contract tests, releases.
package struct OwnedRecord: Sendable {
    package typealias Header = (name: String, value: [UInt8]?)

    package var topic: String
    package var partition: Int32
    package var offset: Int64
    /// Milliseconds since the epoch, -1 = none.
    package var timestamp: Int64
    /// Nil is a null key, an empty array an empty one.
    package var key: [UInt8]?
    /// Nil is a tombstone.
    package var value: [UInt8]?
    package var headers: [Header]

    package init(
        topic: String, partition: Int32 = 0, offset: Int64 = 0, timestamp: Int64 = -1,
        key: [UInt8]? = nil, value: [UInt8]?, headers: [Header] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// What became of a record, with memory of its own.
package struct OwnedDecision: Sendable {
    package var decision: Decision
    /// In words; empty for `.delivered`.
    package var reason: String
    /// After `.dropped`, `.quarantined` and `.stopped`.
    package var violation: Violation?
    /// After `.delivered`.
    package var output: Output?

    package struct Output: Sendable {
        package var key: [UInt8]?
        package var value: [UInt8]?
        package var headers: [OwnedRecord.Header]
    }
}

extension StreamDecider {
    /// Decides one record and copies what came of it; `judge` has the last word, as a lane has it that
    /// knows what the partner holds.
    package func decide(
        _ record: OwnedRecord,
        judge: (Decision, borrowing SourceRecord) -> Decision = { decision, _ in decision }
    ) -> OwnedDecision {
        record.withSource { source in
            let decision = judge(decide(source), source)
            var made = OwnedDecision(decision: decision, reason: explanation(of: decision))
            switch decision {
            case .delivered:
                let output = output
                made.output = OwnedDecision.Output(
                    key: output.key.map(Array.init), value: output.value.map(Array.init),
                    headers: output.headers.map {
                        (String(cString: $0.name), $0.value.map(Array.init))
                    })
            case .filtered: break
            case .dropped, .quarantined, .stopped: made.violation = violation
            }
            return made
        }
    }
}

extension OwnedRecord {
    /// The record as a decider takes it; valid during the call. `slot`: as `SourceRecord.slot`.
    package func withSource<Result>(
        slot: Int32 = 0, _ body: (borrowing SourceRecord) throws -> Result
    ) rethrows -> Result {
        let table = HeaderTable(headers)
        return try withExtendedLifetime(table) {
            try Self.withBytes(key) { key in
                try Self.withBytes(value) { value in
                    try body(
                        SourceRecord(
                            key: key, value: value,
                            headers: HeaderReader(
                                handle: Unmanaged.passUnretained(table).toOpaque(),
                                read: HeaderTable.read),
                            offset: offset, timestamp: timestamp, partition: partition, slot: slot))
                }
            }
        }
    }

    private static func withBytes<Result>(
        _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Result
    ) rethrows -> Result {
        guard let bytes else { return try body(nil) }
        return try bytes.withUnsafeBytes { try body($0) }
    }
}

/// Headers where a `HeaderReader` finds them.
private final class HeaderTable {
    private var names: [UnsafeMutablePointer<CChar>] = []
    private var values: [UnsafeMutableRawBufferPointer?] = []

    init(_ headers: [OwnedRecord.Header]) {
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
