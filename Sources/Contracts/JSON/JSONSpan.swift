internal import CVector

/// What a JSON value is, as far as the strict pass has to know it anyway.
enum JSONKind: UInt8 {
    /// The path led nowhere.
    case absent
    case null, `false`, `true`
    /// A number without fraction and exponent.
    case integer
    case number
    /// A string whose source text is its content.
    case string
    /// A string with at least one escape.
    case escapedString
    case object, array

    @inline(__always) var isString: Bool { self == .string || self == .escapedString }
    @inline(__always) var isNumber: Bool { self == .integer || self == .number }
    @inline(__always) var isContainer: Bool { self == .object || self == .array }

    /// As JSON Schema calls it.
    var name: String {
        switch self {
        case .absent: "absent"
        case .null: "null"
        case .false, .true: "boolean"
        case .integer, .number: "number"
        case .string, .escapedString: "string"
        case .object: "object"
        case .array: "array"
        }
    }
}

/// A value's source text in a record that has been validated: from its first byte (a string's quote)
/// to its last. Borrowed from the record.
struct JSONSpan {
    var start: UnsafePointer<UInt8>
    var count: UInt32
    var kind: JSONKind

    @inline(__always)
    init(start: UnsafePointer<UInt8>, count: Int, kind: JSONKind) {
        self.start = start
        self.count = UInt32(truncatingIfNeeded: count)
        self.kind = kind
    }

    @inline(__always) var length: Int { Int(count) }
    @inline(__always) var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: start, count: length)
    }
    /// A string's text between its quotes, escapes as they stand.
    @inline(__always) var content: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: start + 1, count: length - 2)
    }

    static var isLaidOutAsInC: Bool {
        typealias InC = crossdock_span
        let kinds = [
            crossdock_null, crossdock_false, crossdock_true, crossdock_integer, crossdock_number,
            crossdock_string,
        ]
        return MemoryLayout<Self>.stride == MemoryLayout<InC>.stride
            && MemoryLayout<Self>.offset(of: \.count) == MemoryLayout<InC>.offset(of: \.count)
            && MemoryLayout<Self>.offset(of: \.kind) == MemoryLayout<InC>.offset(of: \.kind)
            && kinds.map { JSONKind(rawValue: UInt8($0)) }
                == [.null, .false, .true, .integer, .number, .string]
    }
}
