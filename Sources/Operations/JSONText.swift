internal import Contracts

/// JSON from pieces of JSON text, members in the order given.
enum JSONText {
    static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    static func array(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
    static func quoted(_ text: String) -> String { JSONLiteral.quoted(text) }
    static func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }

    /// RFC 3339. - Parameter value: milliseconds since the epoch.
    static func time(_ value: Int64?) -> String {
        value.map { quoted(Wording.preciseTime($0)) } ?? "null"
    }

    /// To the millisecond, as a decimal.
    static func seconds(_ value: Double?) -> String {
        guard let value else { return "null" }
        let milliseconds = Int64((min(value, 1e15) * 1000).rounded())
        if milliseconds % 1000 == 0 { return "\(milliseconds / 1000)" }
        let digits = "\(milliseconds % 1000)"
        var fraction = String(repeating: "0", count: 3 - digits.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        return "\(milliseconds / 1000).\(fraction)"
    }
}
