/// Values of one kind, or a diagnostic and nil. `what` is the key's name. Nothing is said about a node
/// that was refused as YAML already.
extension Findings {
    mutating func string(_ node: YAMLNode?, _ what: String) -> String? {
        guard let node, !node.isBroken else { return nil }
        switch node.scalar {
        case .string(let text) where text.unicodeScalars.contains("\0"):
            // A C library would read only what stands before it.
            error(node.mark, "'\(what)' holds a NUL character")
        case .string(let text) where !text.isEmpty:
            return text
        case .null, .string:
            error(node.mark, "'\(what)' is empty")
        case .boolean, .integer, .float, .notFinite:
            error(node.mark, "'\(what)' is a string; write it in quotes if it is one")
        case nil:
            error(node.mark, "'\(what)' is a string; not \(node.kind)")
        }
        return nil
    }

    /// One word of those that `Word` has; `later` are words of the format that wait for a later release.
    mutating func word<Word: CaseIterable & RawRepresentable<String>>(
        _ node: YAMLNode?, _ what: String, as type: Word.Type, later: [String] = []
    ) -> Word? {
        guard let node, !node.isBroken else { return nil }
        let words = Word.allCases.map(\.rawValue).filter { !later.contains($0) }
        guard case .scalar(let text, _) = node.content else {
            error(node.mark, "'\(what)' is one of \(list(words)); not \(node.kind)")
            return nil
        }
        if later.contains(text) {
            error(
                node.mark,
                "'\(what): \(text)' is not available in this release; it takes \(list(words))")
            return nil
        }
        guard let word = Word(rawValue: text) else {
            let hint = Spelling.hint(for: text, among: words)
            error(
                node.mark,
                "'\(what)' is \(text.isEmpty ? "empty" : "'\(text)'")"
                    + (hint.isEmpty ? "; it takes \(list(words))" : hint))
            return nil
        }
        return word
    }

    mutating func boolean(_ node: YAMLNode?, _ what: String) -> Bool? {
        guard let node, !node.isBroken else { return nil }
        if case .boolean(let value) = node.scalar { return value }
        var hint = ""
        if case .scalar(let text, _) = node.content, !text.isEmpty {
            switch text.lowercased() {
            case "yes", "y", "on", "true": hint = "; did you mean true?"
            case "no", "n", "off", "false": hint = "; did you mean false?"
            default: hint = "; not '\(text)'"
            }
        } else {
            hint = "; not \(node.kind)"
        }
        error(node.mark, "'\(what)' is true or false" + hint)
        return nil
    }

    mutating func integer(
        _ node: YAMLNode?, _ what: String, in range: ClosedRange<Int>
    ) -> Int? {
        guard let node, !node.isBroken else { return nil }
        if case .integer(let digits) = node.scalar, let value = Int(digits), range.contains(value) {
            return value
        }
        error(
            node.mark, "'\(what)' is an integer, \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// `16MiB`, `500kB` or plain bytes.
    mutating func byteCount(
        _ node: YAMLNode?, _ what: String, in range: ClosedRange<Int>
    ) -> Int? {
        guard let node, !node.isBroken else { return nil }
        if case .scalar(let text, _) = node.content, let bytes = ByteCount.parse(text) {
            if range.contains(bytes) { return bytes }
            error(
                node.mark,
                "'\(what)' is \(text); it takes \(ByteCount.text(range.lowerBound)) to"
                    + " \(ByteCount.text(range.upperBound))")
            return nil
        }
        error(node.mark, "'\(what)' is a size such as 16MiB, 512KiB or a number of bytes")
        return nil
    }

    /// `100ms`, `5s`, `10m`, `1h`, `30d`; the range in milliseconds.
    mutating func duration(
        _ node: YAMLNode?, _ what: String, in range: ClosedRange<Int>
    ) -> Duration? {
        guard let node, !node.isBroken else { return nil }
        if case .scalar(let text, _) = node.content, let found = Span.milliseconds(text) {
            if range.contains(found) { return .milliseconds(found) }
            error(
                node.mark,
                "'\(what)' is \(text); it takes \(Span.text(range.lowerBound)) to"
                    + " \(Span.text(range.upperBound))")
            return nil
        }
        error(node.mark, "'\(what)' is a duration with its unit, such as 100ms, 5s, 10m, 1h or 30d")
        return nil
    }

    /// The items of a list.
    mutating func list(_ node: YAMLNode?, _ what: String) -> [YAMLNode]? {
        guard let node, !node.isBroken else { return nil }
        if case .sequence(let items) = node.content { return items }
        error(node.mark, "'\(what)' is a list; not \(node.kind)")
        return nil
    }

    private func list(_ words: [String]) -> String { words.joined(separator: " | ") }
}

enum ByteCount {
    private static let units: [(String, Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
        ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1),
    ]

    static func parse(_ text: String) -> Int? {
        let (digits, unit) = split(text)
        guard let number = digits else { return nil }
        if unit.isEmpty { return number }
        guard let factor = units.first(where: { $0.0 == unit })?.1 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    static func text(_ bytes: Int) -> String {
        for (unit, factor) in units.prefix(4).reversed() where bytes >= factor {
            if bytes % factor == 0 { return "\(bytes / factor)\(unit)" }
        }
        return "\(bytes) bytes"
    }
}

enum Span {
    private static let units: [(String, Int)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    static func milliseconds(_ text: String) -> Int? {
        let (digits, unit) = split(text)
        guard let number = digits, let factor = units.first(where: { $0.0 == unit })?.1 else {
            return nil
        }
        let (value, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : value
    }

    static func text(_ milliseconds: Int) -> String {
        for (unit, factor) in units.reversed() where milliseconds >= factor {
            if milliseconds % factor == 0 { return "\(milliseconds / factor)\(unit)" }
        }
        return "\(milliseconds)ms"
    }
}

/// Leading digits, and the unit behind them (a space between is allowed).
private func split(_ text: String) -> (Int?, String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count)
    return (Int(digits), String(unit.first == " " ? unit.dropFirst() : unit))
}
