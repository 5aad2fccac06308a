internal import Contracts

/// What `--json` prints.
indirect enum JSON {
    case null
    case bool(Bool)
    case int(Int)
    case string(String)
    case array([JSON])
    /// In this order.
    case object([(String, JSON)])

    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .string(let value): JSONLiteral.quoted(value)
        case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.map { "\(JSONLiteral.quoted($0.0)):\($0.1.text)" }.joined(separator: ",")
                + "}"
        }
    }

    static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
}
