import Contracts
import Cryptography
import Foundation

/// What leaves, decided the slow and obvious way on trees: shares nothing with the engine but the
/// document's types, and is what the engine is held against.
enum Reference {
    struct Breach: Error {}

    /// An output value, built of what is allowed; nil: a violation.
    static func output(_ fields: [Field], _ record: Document) -> String? {
        let parts = fields.map { field -> Part in
            guard case .path(let path) = field.source else {
                return Part(field: field, source: [], output: field.output.steps)
            }
            return Part(field: field, source: path.steps, output: field.output.steps)
        }
        return try? object(parts, record) ?? "{}"
    }

    private struct Part {
        var field: Field
        var source: [Path.Step]
        var output: [Path.Step]
    }

    /// nil: no member at all.
    private static func object(_ parts: [Part], _ base: Document) throws -> String? {
        var done: Set<String> = []
        var members: [String] = []
        for part in parts {
            let head = part.output[0]
            guard done.insert(head.member).inserted else { continue }
            let group = parts.filter { $0.output[0].member == head.member }
            guard let value = try member(head, group, base) else { continue }
            members.append(JSONLiteral.quoted(head.member) + ":" + value)
        }
        return members.isEmpty ? nil : "{" + members.joined(separator: ",") + "}"
    }

    private static func member(
        _ head: Path.Step, _ group: [Part], _ base: Document
    ) throws -> String? {
        let part = group[0]
        if head.elements {
            let end = part.source.firstIndex { $0.elements } ?? 0
            guard case .array(let elements) = base.walk(part.source[...end].map(\.member)) else {
                if group.contains(where: { $0.field.required }) { throw Breach() }
                return nil
            }
            let inner = group.map {
                Part(
                    field: $0.field, source: Array($0.source[(end + 1)...]),
                    output: Array($0.output.dropFirst()))
            }
            let texts = try elements.map { element in
                if inner[0].output.isEmpty { return try leaf(inner[0], element) ?? "" }
                return try object(inner, element) ?? "{}"
            }
            return "[" + texts.joined(separator: ",") + "]"
        }
        if part.output.count == 1 { return try leaf(part, base) }
        let inner = group.map {
            Part(field: $0.field, source: $0.source, output: Array($0.output.dropFirst()))
        }
        return try object(inner, base)
    }

    private static func leaf(_ part: Part, _ base: Document) throws -> String? {
        if case .constant(let json) = part.field.source { return json }
        guard let value = base.walk(part.source.map(\.member)) else {
            if part.field.required { throw Breach() }
            return part.field.fallback
        }
        if case .null = value {
            if part.field.required { throw Breach() }
            return "null"
        }
        if let type = part.field.type, !conforms(value, type) { throw Breach() }
        switch part.field.transform {
        case nil: return value.text
        case .pseudonym(let pseudonym):
            let key = HMACKey(Engine.keys[pseudonym.key] ?? [])
            let text: String
            switch value {
            case .string(let content, _): text = content
            case .scalar(let source): text = source
            default: throw Breach()
            }
            let digits = Hex.encode(key.authenticate(Array(text.utf8)))
            return "\"\(digits.prefix(pseudonym.length))\""
        case .mask(let mask):
            guard case .string(let content, _) = value else { throw Breach() }
            return JSONLiteral.quoted(masked(Array(content), mask))
        case .truncate(let count):
            guard case .string(let content, _) = value else { throw Breach() }
            return JSONLiteral.quoted(String(content.prefix(count)))
        case .cast(let type): return try cast(value, type)
        case .round(let step):
            guard case .scalar(let text) = value, let number = Decimal(string: text),
                let step = Decimal(string: step)
            else { throw Breach() }
            var quotient = number.magnitude / step
            var rounded = Decimal()
            NSDecimalRound(&rounded, &quotient, 0, .plain)
            let result = rounded * step
            return "\(number.sign == .minus && result != 0 ? -result : result)"
        case .encrypt, .dateTruncate: throw Breach()
        }
    }

    private static func cast(_ value: Document, _ type: Transform.Cast) throws -> String {
        switch (type, value) {
        case (.string, .string): return value.text
        case (.string, .scalar(let text)): return "\"\(text)\""
        case (.boolean, .scalar(let text)) where text == "true" || text == "false": return text
        case (.number, .scalar(let text)) where text != "true" && text != "false": return text
        case (.integer, .scalar(let text)):
            guard let number = Decimal(string: text), text != "true", text != "false" else {
                throw Breach()
            }
            var (whole, copy) = (Decimal(), number)
            NSDecimalRound(&whole, &copy, 0, .plain)
            guard whole == number else { throw Breach() }
            return "\(whole)"
        default: throw Breach()
        }
    }

    private static func masked(_ text: [Character], _ mask: Mask) -> String {
        guard !text.isEmpty else { return "" }
        let first = min(mask.keepFirst, text.count - 1)
        let last = min(mask.keepLast, text.count - 1 - first)
        return text.enumerated().map { index, character in
            index < first || index >= text.count - last ? String(character) : mask.with
        }.joined()
    }

    private static func conforms(_ value: Document, _ type: JSONType) -> Bool {
        switch (type, value) {
        case (.string, .string), (.array, .array), (.object, .object): true
        case (.boolean, .scalar(let text)): text == "true" || text == "false"
        case (.number, .scalar(let text)): text != "true" && text != "false"
        case (.integer, .scalar(let text)):
            Double(text).map { $0 == $0.rounded() } ?? false
        default: false
        }
    }
}

/// A record as the generator made it: values with their source text.
indirect enum Document {
    case null
    /// A number, true or false.
    case scalar(String)
    case string(String, source: String)
    case array([Document])
    case object([(name: String, source: String, value: Document)])

    func walk(_ names: [String]) -> Document? {
        guard let name = names.first else { return self }
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value.walk(Array(names.dropFirst()))
    }

    var text: String {
        switch self {
        case .null: "null"
        case .scalar(let text): text
        case .string(_, let source): source
        case .array(let elements): "[" + elements.map(\.text).joined(separator: " , ") + "]"
        case .object(let members):
            "{" + members.map { "\($0.source):\($0.value.text)" }.joined(separator: ", ") + " }"
        }
    }
}
