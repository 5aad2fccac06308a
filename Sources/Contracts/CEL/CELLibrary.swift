/// The functions of CEL: those that this release evaluates, and those it knows by name.
enum CELLibrary {
    enum Style: Sendable { case global, member, both }

    struct Function: Sendable {
        var style: Style
        /// Type names by operand, the target first; empty = any.
        var parameters: [[String]]
        var result: CELType
        var usage: String
        var operation: CELOperation
    }

    static let functions: [String: Function] = {
        let text = ["string"]
        let numbers = ["int", "uint", "double", "string"]
        func convert(
            _ name: String, _ from: [String], _ result: CELType, _ operation: CELOperation
        ) -> (String, Function) {
            let function = Function(
                style: .global, parameters: [from], result: result, usage: "\(name)(x)",
                operation: operation)
            return (name, function)
        }
        func member(_ name: String, _ operation: CELOperation) -> (String, Function) {
            let function = Function(
                style: .member, parameters: [text, text], result: .bool,
                usage: "text.\(name)(other)", operation: operation)
            return (name, function)
        }
        let size = Function(
            style: .both, parameters: [["string", "bytes", "list", "map"]], result: .int,
            usage: "size(x)", operation: .size)
        let matches = Function(
            style: .both, parameters: [text, text], result: .bool,
            usage: "text.matches('pattern')", operation: .matches)
        return Dictionary(uniqueKeysWithValues: [
            ("size", size), ("matches", matches),
            member("startsWith", .startsWith), member("endsWith", .endsWith),
            member("contains", .contains),
            convert("int", numbers, .int, .toInt), convert("uint", numbers, .uint, .toUInt),
            convert("double", numbers, .double, .toDouble),
            convert("bool", ["bool", "string"], .bool, .toBool),
            convert("string", numbers + ["bool", "bytes"], .string, .toString),
            convert("bytes", ["string", "bytes"], .bytes, .toBytes),
            convert("dyn", [], .dyn, .toDyn),
        ])
    }()

    /// What CEL and its standard extensions have and this release refuses by name.
    static let laterFunctions: Set<String> = [
        "all", "exists", "exists_one", "existsOne", "map", "filter", "transformList",
        "transformMap",
        "transformMapEntry", "timestamp", "duration", "type", "getDate", "getDayOfMonth",
        "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes",
        "getMonth", "getSeconds", "charAt", "indexOf", "join", "lastIndexOf", "lowerAscii",
        "upperAscii", "replace", "split", "substring", "trim", "format", "reverse", "quote",
        "distinct", "flatten", "range", "slice", "sort", "sortBy", "first", "last", "optMap",
        "optFlatMap", "orValue", "or", "hasValue", "value",
    ]
    static let laterNamespaces: Set<String> = [
        "math", "base64", "cel", "optional", "strings", "proto", "sets", "regex", "lists",
    ]
    static let laterVariables: Set<String> = [
        "timestamp", "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type",
        "type", "dyn", "google", "optional_type", "math", "cel", "base64", "optional",
    ]

    static func refusal(_ what: String) -> String {
        "\(what) is CEL, but this release does not evaluate it yet"
    }
}
