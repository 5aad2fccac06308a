/// A value while an expression is evaluated: plain old data, 16 bytes. Text and containers are borrowed
/// from the record, from the program's constants or from the evaluation's arena.
struct CELValue {
    enum Tag: UInt8 {
        /// `payload` is a `CELFailure`, `count` the node it arose in.
        case failure
        case null, bool, int, uint, double
        /// UTF-8 without escapes.
        case string
        case bytes
        /// Source text of a validated container.
        case object, array
        /// `count` values.
        case list
        /// `count` pairs of values, key first; keys are unique.
        case map
        /// `payload` seconds since the epoch, `count` nanoseconds on top.
        case timestamp
        /// `payload` seconds and `count` nanoseconds, both of the duration's sign.
        case duration
        /// A type's name.
        case type
        /// What it holds, in one value's memory; none where `payload` is 0.
        case optional
    }

    var payload: UInt64
    var count: UInt32
    var tag: Tag

    @inline(__always)
    init(_ tag: Tag, payload: UInt64 = 0, count: Int = 0) {
        self.tag = tag
        self.payload = payload
        self.count = UInt32(truncatingIfNeeded: count)
    }

    static var null: CELValue { CELValue(.null) }
    @inline(__always) static func bool(_ value: Bool) -> CELValue {
        CELValue(.bool, payload: value ? 1 : 0)
    }
    @inline(__always) static func int(_ value: Int64) -> CELValue {
        CELValue(.int, payload: UInt64(bitPattern: value))
    }
    @inline(__always) static func uint(_ value: UInt64) -> CELValue {
        CELValue(.uint, payload: value)
    }
    @inline(__always) static func double(_ value: Double) -> CELValue {
        CELValue(.double, payload: value.bitPattern)
    }
    @inline(__always) static func string(_ text: UnsafeBufferPointer<UInt8>) -> CELValue {
        CELValue(.string, memory: UnsafeRawPointer(text.baseAddress), count: text.count)
    }
    @inline(__always) static func bytes(_ data: UnsafeBufferPointer<UInt8>) -> CELValue {
        CELValue(.bytes, memory: UnsafeRawPointer(data.baseAddress), count: data.count)
    }
    @inline(__always) static func list(_ values: UnsafePointer<CELValue>, _ count: Int) -> CELValue
    {
        CELValue(.list, memory: UnsafeRawPointer(values), count: count)
    }
    @inline(__always) static func map(_ pairs: UnsafePointer<CELValue>, _ count: Int) -> CELValue {
        CELValue(.map, memory: UnsafeRawPointer(pairs), count: count)
    }
    @inline(__always) static func failure(_ failure: CELFailure, _ node: Int32) -> CELValue {
        CELValue(.failure, payload: UInt64(failure.rawValue), count: Int(node))
    }

    static func timestamp(_ time: CELTime) -> CELValue { CELValue(.timestamp, time) }
    static func duration(_ time: CELTime) -> CELValue { CELValue(.duration, time) }
    static var none: CELValue { CELValue(.optional) }
    static func optional(_ value: UnsafePointer<CELValue>) -> CELValue {
        CELValue(.optional, memory: UnsafeRawPointer(value), count: 1)
    }

    init(type name: UnsafeBufferPointer<UInt8>) {
        self.init(.type, memory: UnsafeRawPointer(name.baseAddress), count: name.count)
    }

    private init(_ tag: Tag, _ time: CELTime) {
        payload = UInt64(bitPattern: time.seconds)
        count = UInt32(bitPattern: time.nanoseconds)
        self.tag = tag
    }

    @inline(__always)
    private init(_ tag: Tag, memory: UnsafeRawPointer?, count: Int) {
        self.init(tag, payload: UInt64(UInt(bitPattern: memory)), count: count)
    }

    @inline(__always) var isTrue: Bool { tag == .bool && payload != 0 }
    @inline(__always) var isFalse: Bool { tag == .bool && payload == 0 }
    @inline(__always) var isFailure: Bool { tag == .failure }
    @inline(__always) var isNumber: Bool { tag == .int || tag == .uint || tag == .double }
    @inline(__always) var asInt: Int64 { Int64(bitPattern: payload) }
    @inline(__always) var asDouble: Double { Double(bitPattern: payload) }
    @inline(__always) var length: Int { Int(count) }

    @inline(__always) var text: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: UnsafePointer(bitPattern: UInt(truncatingIfNeeded: payload)), count: length)
    }
    /// Elements of a list, or keys and values of a map.
    @inline(__always) var values: UnsafeBufferPointer<CELValue> {
        UnsafeBufferPointer(
            start: UnsafePointer(bitPattern: UInt(truncatingIfNeeded: payload)),
            count: tag == .map ? length * 2 : length)
    }
    /// A point in time or a duration.
    var time: CELTime {
        CELTime(
            seconds: Int64(bitPattern: payload), nanoseconds: Int32(bitPattern: count))
    }
    /// What an optional holds, nil where it is none.
    var held: CELValue? {
        UnsafePointer<CELValue>(bitPattern: UInt(truncatingIfNeeded: payload))?.pointee
    }
    /// Source text of a JSON container; nil for any other value.
    var span: JSONSpan? {
        guard tag == .object || tag == .array,
            let start = UnsafePointer<UInt8>(bitPattern: UInt(truncatingIfNeeded: payload))
        else { return nil }
        return JSONSpan(start: start, count: length, kind: tag == .object ? .object : .array)
    }

    /// As CEL calls the type.
    var typeName: StaticString {
        switch tag {
        case .failure: "error"
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .object, .map: "map"
        case .array, .list: "list"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        case .optional: "optional_type"
        }
    }
}

/// Why an expression has no value on a record.
enum CELFailure: UInt8 {
    case noSuchMember, noSuchKey, noOverload, overflow, divisionByZero, indexOutOfRange
    case badConversion, badPattern, badKey, duplicateKey, notUTF8, tooCostly
    case outOfRange, badTimeZone, badFormat, noneHeld, negativeShift, unknownName, notJSON

    var text: String {
        switch self {
        case .noSuchMember: "no such member"
        case .noSuchKey: "no such key"
        case .noOverload: "no such overload for these types"
        case .overflow: "integer overflow"
        case .divisionByZero: "division by zero"
        case .indexOutOfRange: "index out of range"
        case .badConversion: "the value cannot be converted"
        case .badPattern: "the pattern is not RE2"
        case .badKey: "not a map key"
        case .duplicateKey: "duplicate map key"
        case .notUTF8: "not UTF-8"
        case .tooCostly: "takes too many steps"
        case .outOfRange: "out of range"
        case .badTimeZone: "no such time zone"
        case .badFormat: "the format does not fit its arguments"
        case .noneHeld: "the optional holds nothing"
        case .negativeShift: "shifted by less than nothing"
        case .unknownName: "no such name"
        case .notJSON: "JSON has no such value"
        }
    }
}
