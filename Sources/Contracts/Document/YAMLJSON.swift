/// A YAML value as JSON text: what a `constant` leaves as.
enum YAMLJSON {
    struct Mistake: Error {
        var mark: Mark
        var message: String
    }

    static func text(_ node: YAMLNode) throws(Mistake) -> String {
        switch node.content {
        case .sequence(let items):
            var parts: [String] = []
            for item in items { parts.append(try text(item)) }
            return "[\(parts.joined(separator: ","))]"
        case .mapping(let members):
            var parts: [String] = []
            for member in members {
                parts.append("\(JSONLiteral.quoted(member.key)):\(try text(member.value))")
            }
            return "{\(parts.joined(separator: ","))}"
        case .broken:
            throw Mistake(mark: node.mark, message: "this value was refused")
        case .scalar:
            break
        }
        switch node.scalar {
        case .boolean(let value): return value ? "true" : "false"
        case .integer(let digits): return digits
        case .float(let text): return number(text)
        case .string(let text): return JSONLiteral.quoted(text)
        case .notFinite(let text):
            throw Mistake(mark: node.mark, message: "JSON has no \(text)")
        case .null, nil: return "null"
        }
    }

    /// YAML's float grammar is a little wider than JSON's: `.5`, `5.`, `+5.0`, `007.5`.
    private static func number(_ text: String) -> String {
        var rest = Substring(text)
        var json = ""
        if rest.hasPrefix("-") { json = "-" }
        if rest.hasPrefix("-") || rest.hasPrefix("+") { rest = rest.dropFirst() }
        let whole = rest.prefix { $0.isNumber }
        rest = rest.dropFirst(whole.count)
        let significant = whole.drop { $0 == "0" }
        json += significant.isEmpty ? "0" : significant
        if rest.hasPrefix(".") {
            let fraction = rest.dropFirst().prefix { $0.isNumber }
            rest = rest.dropFirst(fraction.count + 1)
            json += ".\(fraction.isEmpty ? "0" : fraction)"
        }
        return json + rest
    }
}
