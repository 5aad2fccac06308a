/// contract.md `enum`, `pattern`, `minimum`, `maximum` and `maxLength` of one field, ready to run. Each speaks
/// of values of its own type only, as JSON Schema has it.
final class ValueChecks {
    enum Breach: UInt8 {
        case allowed, pattern, minimum, maximum, maxLength

        /// Never holds the value.
        var text: String {
            switch self {
            case .allowed: "is none of 'enum'"
            case .pattern: "does not match 'pattern'"
            case .minimum: "is below 'minimum'"
            case .maximum: "is above 'maximum'"
            case .maxLength: "is longer than 'maxLength'"
            }
        }
    }

    private enum Allowed {
        case string([UInt8])
        case number([UInt8])
        /// true, false or null.
        case word(JSONKind)
    }

    private let allowed: [Allowed]
    private let pattern: Pattern?
    private let minimum: [UInt8]?
    private let maximum: [UInt8]?
    private let maxLength: Int?

    init(_ checks: FieldChecks) throws(EngineError) {
        do throws(Pattern.Mistake) {
            pattern = try checks.pattern.map { (text) throws(Pattern.Mistake) in
                try Pattern(Array(text.utf8))
            }
        } catch {
            throw EngineError(message: error.text)
        }
        allowed = checks.allowed.map(ValueChecks.allowed)
        minimum = checks.minimum.map { Array($0.utf8) }
        maximum = checks.maximum.map { Array($0.utf8) }
        maxLength = checks.maxLength
    }

    private static func allowed(_ json: String) -> Allowed {
        switch json {
        case "true": return .word(.true)
        case "false": return .word(.false)
        case "null": return .word(.null)
        default: break
        }
        let bytes = Array(json.utf8)
        guard bytes.first == UInt8(ascii: "\"") else { return .number(bytes) }
        var content = [UInt8](repeating: 0, count: bytes.count)
        let count = bytes[1..<(bytes.count - 1)].withUnsafeBufferPointer { text in
            content.withUnsafeMutableBufferPointer { out in
                out.baseAddress.map { JSONText.unescape(text, into: $0) } ?? 0
            }
        }
        return .string(Array(content[..<count]))
    }

    /// The first check that the value breaches. `text`: a string's content, escapes resolved, or the
    /// source text.
    func breach(_ span: JSONSpan, _ text: UnsafeBufferPointer<UInt8>) -> Breach? {
        if !allowed.isEmpty, !isAllowed(span, text) { return .allowed }
        if span.kind.isString {
            if let pattern, !pattern.matches(text) { return .pattern }
            if let maxLength, length(of: text) > maxLength { return .maxLength }
        }
        if span.kind.isNumber {
            if let minimum, compare(text, minimum) < 0 { return .minimum }
            if let maximum, compare(text, maximum) > 0 { return .maximum }
        }
        return nil
    }

    private func isAllowed(_ span: JSONSpan, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        for value in allowed {
            switch value {
            case .string(let wanted):
                if span.kind.isString, wanted.withUnsafeBufferPointer({ isEqual(text, $0) }) {
                    return true
                }
            case .number(let wanted):
                if span.kind.isNumber, compare(text, wanted) == 0 { return true }
            case .word(let kind):
                if span.kind == kind { return true }
            }
        }
        return false
    }

    private func compare(_ text: UnsafeBufferPointer<UInt8>, _ bound: [UInt8]) -> Int {
        bound.withUnsafeBufferPointer {
            JSONDecimal.compare(JSONDecimal(text), JSONDecimal($0))
        }
    }

    private func length(of text: UnsafeBufferPointer<UInt8>) -> Int {
        text.reduce(0) { $1 & 0xC0 != 0x80 ? $0 + 1 : $0 }
    }
}
