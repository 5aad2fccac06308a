/// A YAML document as a tree that knows where each part stands.
package struct YAMLNode: Sendable {
    package enum Style: Sendable { case plain, single, double, literal, folded }

    package enum Content: Sendable {
        case scalar(String, Style)
        case sequence([YAMLNode])
        /// In the file's order, without duplicates.
        case mapping([Member])
        /// Something that was refused and reported already.
        case broken
    }

    package struct Member: Sendable {
        package var key: String
        package var keyMark: Mark
        package var value: YAMLNode
    }

    package var content: Content
    package var mark: Mark

    /// The scalar as the core schema of YAML 1.2 (section 10.3.2) has it; nil for anything else.
    package var scalar: YAMLScalar? {
        guard case .scalar(let text, let style) = content else { return nil }
        return style == .plain ? YAMLScalar(plain: text) : .string(text)
    }

    package var isBroken: Bool {
        if case .broken = content { true } else { false }
    }

    /// What it is, for messages.
    package var kind: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .broken: "nothing"
        case .scalar:
            switch scalar {
            case .null: "empty"
            case .boolean: "a boolean"
            case .integer, .float, .notFinite: "a number"
            default: "a string"
            }
        }
    }
}

package enum YAMLScalar: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// Decimal digits with an optional minus, no leading zeros.
    case integer(String)
    /// The text as written.
    case float(String)
    /// `.inf`, `.nan`
    case notFinite(String)
    case string(String)

    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .boolean(true)
        case "false", "False", "FALSE": self = .boolean(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
            ".nan", ".NaN", ".NAN":
            self = .notFinite(text)
        default:
            if let integer = YAMLScalar.integer(text) {
                self = .integer(integer)
            } else if YAMLScalar.isFloat(text) {
                self = .float(text)
            } else {
                self = .string(text)
            }
        }
    }

    private static func integer(_ text: String) -> String? {
        if text.hasPrefix("0o") { return radix(text, 8) }
        if text.hasPrefix("0x") { return radix(text, 16) }
        var digits = text.utf8[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return nil }
        while digits.count > 1, digits.first == UInt8(ascii: "0") { digits.removeFirst() }
        let magnitude = String(decoding: digits, as: UTF8.self)
        return negative && magnitude != "0" ? "-\(magnitude)" : magnitude
    }

    private static func radix(_ text: String, _ radix: Int) -> String? {
        let digits = text.dropFirst(2)
        guard digits.first != "+", digits.first != "-" else { return nil }
        return UInt64(digits, radix: radix).map(String.init)
    }

    /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
    private static func isFloat(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits(_ rest: inout Substring.UTF8View) -> Int {
            let before = rest.count
            rest = rest.drop(while: isDigit)
            return before - rest.count
        }
        func sign(_ rest: inout Substring.UTF8View) {
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
                rest.removeFirst()
            }
        }
        sign(&rest)
        let whole = digits(&rest)
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = digits(&rest)
        }
        guard whole > 0 || fraction > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            sign(&rest)
            guard digits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }
}

private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
