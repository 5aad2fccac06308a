/// What a call of the library does; `CELCalls.swift` and its neighbours say how.
enum CELCall: UInt8, Sendable {
    // Standard definitions.
    case size, startsWith, endsWith, contains, matches
    case toInt, toUInt, toDouble, toBool, toString, toBytes, toDyn, toTimestamp, toDuration, typeOf
    case getDate, getDayOfMonth, getDayOfWeek, getDayOfYear, getFullYear, getHours
    case getMilliseconds, getMinutes, getMonth, getSeconds
    // Strings extension.
    case charAt, indexOf, lastIndexOf, join, lowerAscii, upperAscii, quote, replace, reverse, split
    case substring, trim, format
    // Math extension.
    case greatest, least, ceil, floor, round, trunc, abs, sign, isNaN, isInf, isFinite
    case bitAnd, bitOr, bitXor, bitNot, bitShiftLeft, bitShiftRight
    // Encoders extension.
    case base64Encode, base64Decode
    // Optionals extension.
    case optionalOf, optionalOfNonZero, optionalNone, hasValue, value, or, orValue
}

/// The functions of CEL's standard library and its strings, math, encoders and optionals extensions, with
/// their overloads as the specification and the extensions' documents have them. The bindings extension
/// is a macro.
enum CELLibrary {
    static let functions: [String: CELFunction] = {
        var functions: [String: CELFunction] = [:]
        for (name, call, usage, signatures) in table {
            functions[name] = CELFunction(
                name: name, overloads: signatures.map { CELSignature.parse($0, name) }, call: call,
                usage: usage)
        }
        for name in ["math.greatest", "math.least"] { functions[name]?.isVariadic = true }
        return functions
    }()

    /// Types that an expression may name, with the name that `type()` gives.
    static let types: Set<String> = [
        "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type",
        "optional_type", "google.protobuf.Timestamp", "google.protobuf.Duration",
    ]

    static let macros: Set<String> = [
        "has", "all", "exists", "exists_one", "existsOne", "map", "filter", "transformList",
        "transformMap", "transformMapEntry", "optMap", "optFlatMap",
    ]

    private static let parts = [
        "timestamp.() int", "timestamp.(string) int",
    ]
    private static let clock = parts + ["duration.() int"]
    private static let oneDouble = ["(double) double"]
    private static let test = ["(double) bool"]
    private static let bits = ["(int, int) int", "(uint, uint) uint"]
    private static let shifts = ["(int, int) int", "(uint, int) uint"]
    private static let numbers = [
        "(int) int", "(uint) uint", "(double) double", "(list(int)) int", "(list(uint)) uint",
        "(list(double)) double", "(list(dyn)) dyn",
    ]

    /// Signatures: `(parameters) result` of a function, `target.(parameters) result` of a member; A, B: any
    /// type, the same one throughout.
    private static let table: [(String, CELCall, String, [String])] = [
        (
            "size", .size, "size(x)",
            ["string", "bytes", "list(A)", "map(A, B)"].flatMap { ["(\($0)) int", "\($0).() int"] }
        ),
        ("startsWith", .startsWith, "text.startsWith(other)", ["string.(string) bool"]),
        ("endsWith", .endsWith, "text.endsWith(other)", ["string.(string) bool"]),
        ("contains", .contains, "text.contains(other)", ["string.(string) bool"]),
        (
            "matches", .matches, "text.matches('pattern')",
            ["string.(string) bool", "(string, string) bool"]
        ),
        (
            "int", .toInt, "int(x)",
            ["(int) int", "(uint) int", "(double) int", "(string) int", "(timestamp) int"]
        ),
        (
            "uint", .toUInt, "uint(x)",
            ["(int) uint", "(uint) uint", "(double) uint", "(string) uint"]
        ),
        (
            "double", .toDouble, "double(x)",
            ["(int) double", "(uint) double", "(double) double", "(string) double"]
        ),
        ("bool", .toBool, "bool(x)", ["(bool) bool", "(string) bool"]),
        (
            "string", .toString, "string(x)",
            ["int", "uint", "double", "string", "bool", "bytes", "timestamp", "duration"].map {
                "(\($0)) string"
            }
        ),
        ("bytes", .toBytes, "bytes(x)", ["(string) bytes", "(bytes) bytes"]),
        ("dyn", .toDyn, "dyn(x)", ["(A) dyn"]),
        ("type", .typeOf, "type(x)", ["(A) type"]),
        (
            "timestamp", .toTimestamp, "timestamp('2026-01-31T08:00:00Z')",
            ["(string) timestamp", "(int) timestamp", "(timestamp) timestamp"]
        ),
        (
            "duration", .toDuration, "duration('1h30m')",
            ["(string) duration", "(duration) duration"]
        ),
        ("getDate", .getDate, "time.getDate()", parts),
        ("getDayOfMonth", .getDayOfMonth, "time.getDayOfMonth()", parts),
        ("getDayOfWeek", .getDayOfWeek, "time.getDayOfWeek()", parts),
        ("getDayOfYear", .getDayOfYear, "time.getDayOfYear()", parts),
        ("getFullYear", .getFullYear, "time.getFullYear()", parts),
        ("getMonth", .getMonth, "time.getMonth()", parts),
        ("getHours", .getHours, "time.getHours()", clock),
        ("getMinutes", .getMinutes, "time.getMinutes()", clock),
        ("getSeconds", .getSeconds, "time.getSeconds()", clock),
        ("getMilliseconds", .getMilliseconds, "time.getMilliseconds()", clock),

        ("charAt", .charAt, "text.charAt(position)", ["string.(int) string"]),
        (
            "indexOf", .indexOf, "text.indexOf(part)",
            ["string.(string) int", "string.(string, int) int"]
        ),
        (
            "lastIndexOf", .lastIndexOf, "text.lastIndexOf(part)",
            ["string.(string) int", "string.(string, int) int"]
        ),
        (
            "join", .join, "list.join(', ')",
            ["list(string).() string", "list(string).(string) string"]
        ),
        ("lowerAscii", .lowerAscii, "text.lowerAscii()", ["string.() string"]),
        ("upperAscii", .upperAscii, "text.upperAscii()", ["string.() string"]),
        ("strings.quote", .quote, "strings.quote(text)", ["(string) string"]),
        (
            "replace", .replace, "text.replace(old, new)",
            ["string.(string, string) string", "string.(string, string, int) string"]
        ),
        ("reverse", .reverse, "text.reverse()", ["string.() string"]),
        (
            "split", .split, "text.split(', ')",
            ["string.(string) list(string)", "string.(string, int) list(string)"]
        ),
        (
            "substring", .substring, "text.substring(from, to)",
            ["string.(int) string", "string.(int, int) string"]
        ),
        ("trim", .trim, "text.trim()", ["string.() string"]),
        ("format", .format, "'%s'.format([x])", ["string.(list(dyn)) string"]),

        ("math.greatest", .greatest, "math.greatest(x, y)", numbers),
        ("math.least", .least, "math.least(x, y)", numbers),
        ("math.ceil", .ceil, "math.ceil(x)", oneDouble),
        ("math.floor", .floor, "math.floor(x)", oneDouble),
        ("math.round", .round, "math.round(x)", oneDouble),
        ("math.trunc", .trunc, "math.trunc(x)", oneDouble),
        ("math.abs", .abs, "math.abs(x)", ["(int) int", "(uint) uint", "(double) double"]),
        ("math.sign", .sign, "math.sign(x)", ["(int) int", "(uint) uint", "(double) double"]),
        ("math.isNaN", .isNaN, "math.isNaN(x)", test),
        ("math.isInf", .isInf, "math.isInf(x)", test),
        ("math.isFinite", .isFinite, "math.isFinite(x)", test),
        ("math.bitAnd", .bitAnd, "math.bitAnd(x, y)", bits),
        ("math.bitOr", .bitOr, "math.bitOr(x, y)", bits),
        ("math.bitXor", .bitXor, "math.bitXor(x, y)", bits),
        ("math.bitNot", .bitNot, "math.bitNot(x)", ["(int) int", "(uint) uint"]),
        ("math.bitShiftLeft", .bitShiftLeft, "math.bitShiftLeft(x, n)", shifts),
        ("math.bitShiftRight", .bitShiftRight, "math.bitShiftRight(x, n)", shifts),

        ("base64.encode", .base64Encode, "base64.encode(bytes)", ["(bytes) string"]),
        ("base64.decode", .base64Decode, "base64.decode(text)", ["(string) bytes"]),

        ("optional.of", .optionalOf, "optional.of(x)", ["(A) optional(A)"]),
        (
            "optional.ofNonZeroValue", .optionalOfNonZero, "optional.ofNonZeroValue(x)",
            ["(A) optional(A)"]
        ),
        ("optional.none", .optionalNone, "optional.none()", ["() optional(A)"]),
        ("hasValue", .hasValue, "optional.hasValue()", ["optional(A).() bool"]),
        ("value", .value, "optional.value()", ["optional(A).() A"]),
        ("or", .or, "optional.or(other)", ["optional(A).(optional(A)) optional(A)"]),
        ("orValue", .orValue, "optional.orValue(x)", ["optional(A).(A) A"]),
    ]
}

/// Reads the library's signatures, such as `list(A).(string) string`.
struct CELSignature {
    private var rest: Substring

    static func parse(_ text: String, _ name: String) -> CELFunction.Overload {
        var reader = CELSignature(rest: text[...])
        var parameters: [CELType] = []
        let isMember = !text.hasPrefix("(")
        if isMember {
            parameters.append(reader.type())
            reader.skip(".")
        }
        parameters += reader.list()
        return CELFunction.Overload(
            isMember: isMember, parameters: parameters, result: reader.type())
    }

    private mutating func skip(_ text: String) {
        rest = rest.drop { $0 == " " }
        if rest.hasPrefix(text) { rest = rest.dropFirst(text.count) }
    }

    private mutating func list() -> [CELType] {
        var types: [CELType] = []
        skip("(")
        while !rest.isEmpty, !rest.hasPrefix(")") {
            types.append(type())
            skip(",")
        }
        skip(")")
        return types
    }

    private mutating func type() -> CELType {
        rest = rest.drop { $0 == " " }
        let name = String(rest.prefix { $0.isLetter })
        rest = rest.dropFirst(name.count)
        switch name {
        case "list": return .list(list().first ?? .dyn)
        case "map":
            let held = list()
            return .map(held.first ?? .dyn, held.last ?? .dyn)
        case "optional": return .optional(list().first ?? .dyn)
        default: return CELSignature.plain[name] ?? .parameter(name)
        }
    }

    private static let plain: [String: CELType] = [
        "dyn": .dyn, "bool": .bool, "int": .int, "uint": .uint, "double": .double,
        "string": .string, "bytes": .bytes, "timestamp": .timestamp, "duration": .duration,
        "type": .type,
    ]
}
