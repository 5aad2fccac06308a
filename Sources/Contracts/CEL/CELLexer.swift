/// Splits CEL source into tokens (spec "Lexis"): identifiers, literals, operators; white space and
/// `//` comments between them.
struct CELLexer {
    enum Token: Equatable {
        case end
        case identifier(String)
        /// `` `any-name` ``: a selector only.
        case quoted(String)
        case int(magnitude: UInt64)
        case uint(UInt64)
        case double(Double)
        case string([UInt8])
        case bytes([UInt8])
        /// Operators, brackets and punctuation.
        case symbol(String)
    }

    let text: [UInt8]
    private(set) var position = 0

    init(_ text: String) { self.text = Array(text.utf8) }

    private func byte(_ ahead: Int = 0) -> UInt8 {
        position + ahead < text.count ? text[position + ahead] : 0
    }

    mutating func next() throws(CELDiagnostic) -> (token: Token, range: Range<Int>) {
        skipSpace()
        let start = position
        let token = try read()
        return (token, start..<position)
    }

    private mutating func skipSpace() {
        while position < text.count {
            switch byte() {
            case 0x20, 0x09, 0x0A, 0x0C, 0x0D: position += 1
            case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"):
                while position < text.count, byte() != 0x0A { position += 1 }
            default: return
            }
        }
    }

    private mutating func read() throws(CELDiagnostic) -> Token {
        guard position < text.count else { return .end }
        let first = byte()
        if isDigit(first) || first == UInt8(ascii: ".") && isDigit(byte(1)) { return try number() }
        if let string = try stringLiteral() { return string }
        if isLetter(first) {
            let start = position
            while isLetter(byte()) || isDigit(byte()) { position += 1 }
            return .identifier(String(decoding: text[start..<position], as: UTF8.self))
        }
        if first == UInt8(ascii: "`") { return try quotedIdentifier() }
        return try symbol()
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 }
    private func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_")
    }

    private mutating func symbol() throws(CELDiagnostic) -> Token {
        for two in ["&&", "||", "==", "!=", "<=", ">="]
        where text[position...].starts(with: two.utf8) {
            position += 2
            return .symbol(two)
        }
        let one = byte()
        guard "()[]{}.,:?!<>+-*/%".utf8.contains(one) else {
            let length = max(1, textLength(at: position))
            let shown = String(decoding: text[position..<position + length], as: UTF8.self)
            let meant = ["=": "==", "&": "&&", "|": "||"][shown]
            throw CELDiagnostic(
                position..<position + length,
                "'\(shown)' means nothing in CEL"
                    + (meant.map { "; did you mean '\($0)'?" } ?? ""))
        }
        position += 1
        return .symbol(String(UnicodeScalar(one)))
    }

    /// Bytes of the character at `index`.
    private func textLength(at index: Int) -> Int {
        var length = 1
        while index + length < text.count, text[index + length] & 0xC0 == 0x80 { length += 1 }
        return length
    }

    private mutating func quotedIdentifier() throws(CELDiagnostic) -> Token {
        let start = position
        position += 1
        while position < text.count, byte() != UInt8(ascii: "`") {
            let allowed = isLetter(byte()) || isDigit(byte()) || "-./ ".utf8.contains(byte())
            guard allowed else {
                throw CELDiagnostic(position..<position + 1, "not allowed in a quoted name")
            }
            position += 1
        }
        guard position < text.count, position > start + 1 else {
            throw CELDiagnostic(start..<position, "a quoted name ends with '`'")
        }
        position += 1
        return .quoted(String(decoding: text[start + 1..<position - 1], as: UTF8.self))
    }

    // MARK: numbers

    private mutating func number() throws(CELDiagnostic) -> Token {
        let start = position
        if byte() == UInt8(ascii: "0"), byte(1) | 0x20 == UInt8(ascii: "x") {
            position += 2
            let digits = position
            while JSONText.hexDigit(byte()) < 16 { position += 1 }
            return try integer(text[digits..<position], radix: 16, from: start)
        }
        while isDigit(byte()) { position += 1 }
        var isDouble = false
        if byte() == UInt8(ascii: "."), isDigit(byte(1)) {
            isDouble = true
            position += 1
            while isDigit(byte()) { position += 1 }
        }
        if byte() | 0x20 == UInt8(ascii: "e") {
            let sign = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-") ? 1 : 0
            if isDigit(byte(1 + sign)) {
                isDouble = true
                position += 1 + sign
                while isDigit(byte()) { position += 1 }
            }
        }
        guard isDouble else { return try integer(text[start..<position], radix: 10, from: start) }
        let source = String(decoding: text[start..<position], as: UTF8.self)
        guard let value = Double(source.hasPrefix(".") ? "0" + source : source) else {
            throw CELDiagnostic(start..<position, "not a number")
        }
        return .double(value)
    }

    private mutating func integer(
        _ digits: ArraySlice<UInt8>, radix: Int, from start: Int
    ) throws(CELDiagnostic) -> Token {
        let unsigned = byte() | 0x20 == UInt8(ascii: "u")
        if unsigned { position += 1 }
        guard let value = UInt64(String(decoding: digits, as: UTF8.self), radix: radix) else {
            let what = digits.isEmpty ? "a hexadecimal number needs digits" : "number out of range"
            throw CELDiagnostic(start..<position, what)
        }
        return unsigned ? .uint(value) : .int(magnitude: value)
    }

    // MARK: strings

    /// nil: no string stands here.
    private mutating func stringLiteral() throws(CELDiagnostic) -> Token? {
        let start = position
        var raw = false
        var bytes = false
        var ahead = 0
        while ahead < 2 {
            let letter = byte(ahead) | 0x20
            if letter == UInt8(ascii: "r"), !raw {
                raw = true
            } else if letter == UInt8(ascii: "b"), !bytes {
                bytes = true
            } else {
                break
            }
            ahead += 1
        }
        let quote = byte(ahead)
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
        let triple = byte(ahead + 1) == quote && byte(ahead + 2) == quote
        position += ahead + (triple ? 3 : 1)
        var content: [UInt8] = []
        while true {
            guard position < text.count else {
                throw CELDiagnostic(start..<text.count, "the string does not end")
            }
            let next = byte()
            if next == quote, !triple || byte(1) == quote && byte(2) == quote {
                position += triple ? 3 : 1
                return bytes ? .bytes(content) : .string(content)
            }
            if !triple, next == 0x0A || next == 0x0D {
                throw CELDiagnostic(start..<position, "the string does not end on its line")
            }
            if next == UInt8(ascii: "\\"), !raw {
                try escape(into: &content, bytes: bytes)
            } else {
                content.append(next)
                position += 1
            }
        }
    }

    private mutating func escape(
        into content: inout [UInt8], bytes: Bool
    ) throws(CELDiagnostic) {
        let start = position
        let letter = byte(1)
        position = min(position + 2, text.count)
        switch letter {
        case UInt8(ascii: "a"): content.append(0x07)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "v"): content.append(0x0B)
        case UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "\""), UInt8(ascii: "'"),
            UInt8(ascii: "`"):
            content.append(letter)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            try append(digits(2, radix: 16, from: start), to: &content, bytes: bytes, start)
        case UInt8(ascii: "u") where !bytes:
            try append(digits(4, radix: 16, from: start), to: &content, bytes: false, start)
        case UInt8(ascii: "U") where !bytes:
            try append(digits(8, radix: 16, from: start), to: &content, bytes: false, start)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            position -= 1
            try append(digits(3, radix: 8, from: start), to: &content, bytes: bytes, start)
        default:
            throw CELDiagnostic(start..<position, "not an escape sequence")
        }
    }

    private mutating func digits(
        _ count: Int, radix: Int, from start: Int
    ) throws(CELDiagnostic) -> UInt32 {
        let end = position + count
        guard end <= text.count,
            let value = UInt32(
                String(decoding: text[position..<end], as: UTF8.self), radix: radix),
            text[position] != UInt8(ascii: "+")
        else {
            throw CELDiagnostic(
                start..<min(end, text.count), "an escape sequence needs \(count) digits here")
        }
        position = end
        return value
    }

    private func append(
        _ value: UInt32, to content: inout [UInt8], bytes: Bool, _ start: Int
    ) throws(CELDiagnostic) {
        if bytes {
            content.append(UInt8(truncatingIfNeeded: value))
            return
        }
        guard let scalar = UnicodeScalar(value) else {
            throw CELDiagnostic(start..<position, "not a Unicode character")
        }
        content.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    }
}
