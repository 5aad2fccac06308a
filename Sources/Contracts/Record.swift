/// One record as it lies in the client library's memory. Borrowed: valid until the batch it came in
/// is released.
package struct SourceRecord {
    /// Nil is a null key, which Kafka tells from an empty one.
    package var key: UnsafeRawBufferPointer?
    /// Nil is a tombstone.
    package var value: UnsafeRawBufferPointer?
    package var headers: HeaderReader
    package var offset: Int64
    /// Milliseconds since the epoch, -1 where the record has none.
    package var timestamp: Int64
    package var partition: Int32
    /// Index of the record's partition in the list that the lane assigned.
    package var slot: Int32

    package init(
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: HeaderReader,
        offset: Int64, timestamp: Int64, partition: Int32, slot: Int32
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.offset = offset
        self.timestamp = timestamp
        self.partition = partition
        self.slot = slot
    }
}

/// Reads a record's headers on demand, without knowing the client library: parsing them costs more
/// than deciding a record, so only a contract that reads or keeps one pays for it.
package struct HeaderReader {
    /// Reads header `index` of the record behind `handle`: writes the name (NUL-terminated), the value
    /// (nil = null) and its length, and returns true; returns false past the last header.
    package typealias Read =
        @convention(c) (
            _ handle: UnsafeMutableRawPointer?, _ index: Int,
            _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>,
            _ value: UnsafeMutablePointer<UnsafeRawPointer?>,
            _ length: UnsafeMutablePointer<Int>
        ) -> Bool

    package var handle: UnsafeMutableRawPointer?
    package var read: Read
    /// The client library can hand all of them on as they are.
    package var isMovable: Bool

    package init(
        handle: UnsafeMutableRawPointer?, isMovable: Bool = false, read: @escaping Read
    ) {
        self.handle = handle
        self.isMovable = isMovable
        self.read = read
    }

    /// A record without headers.
    package static var none: HeaderReader {
        HeaderReader(handle: nil) { _, _, _, _, _ in false }
    }
}

/// What leaves: views into the decider's scratch memory or into the source record, valid until the
/// next decision of the same decider (and no longer than the source record).
package struct OutputRecord {
    package var key: UnsafeRawBufferPointer?
    package var value: UnsafeRawBufferPointer?
    package var headers: UnsafeBufferPointer<OutputHeader>
    /// Set where `headers` are all of the source record's, and movable: its reader's handle.
    package var unchangedHeaders: UnsafeMutableRawPointer?
    /// Milliseconds since the epoch, -1 = none.
    package var timestamp: Int64
    /// The partner partition.
    package var partition: Int32

    package init(
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: UnsafeBufferPointer<OutputHeader>, timestamp: Int64, partition: Int32
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
        self.partition = partition
    }
}

package struct OutputHeader {
    /// NUL-terminated.
    package var name: UnsafePointer<CChar>
    /// Nil is a null value.
    package var value: UnsafeRawBufferPointer?

    package init(name: UnsafePointer<CChar>, value: UnsafeRawBufferPointer?) {
        self.name = name
        self.value = value
    }
}

/// What becomes of a source record. Every record gets exactly one.
package enum Decision: UInt8, Sendable, CaseIterable {
    /// `StreamDecider.output` holds what leaves.
    case delivered
    /// The filter said no, or a tombstone that the contract drops.
    case filtered
    /// A violation, and the contract says `onViolation: drop`.
    case dropped
    /// A violation, and the contract says `onViolation: quarantine`.
    case quarantined
    /// A violation, and the contract says `onViolation: stop`: the lane halts before this record.
    case stopped
}

/// Why a record did not conform. Never holds record contents.
package struct Violation: Hashable, Sendable {
    package enum Rule: String, Sendable, CaseIterable {
        case invalidJSON = "invalid-json"
        case filterError = "filter-error"
        case filterNotBool = "filter-not-bool"
        case required
        case type
        case check
        case transform
        case computed
        case key
        case tooLarge = "too-large"
        case refusedByPartner = "refused-by-partner"
    }

    package var rule: Rule
    /// The contract's path or expression that was breached, empty where the whole record is meant.
    package var path: String
    /// What was wrong in words ("byte 12: expected ','", "is string, not integer").
    package var detail: String

    package init(rule: Rule, path: String = "", detail: String) {
        self.rule = rule
        self.path = path
        self.detail = detail
    }
}
