/// Texts of records and contracts on a terminal: nothing steers it, and a line is no wider than it may be.
enum Shown {
    /// Line ends and what surrounds them become one space.
    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { line in
            let start = line.drop { $0 == " " }
            return String(start)
        }.joined(separator: " ")
    }

    static func cut(_ text: String, _ width: Int) -> String { window(text, 0, width) }

    /// Where to begin showing two texts, so that what they differ in is seen.
    static func firstDifference(
        _ one: String, _ other: String, _ width: Int, longest limit: Int
    ) -> Int {
        let longest = max(one.count, other.count)
        guard longest > limit else { return 0 }
        let same = zip(one, other).prefix { $0.0 == $0.1 }.count
        return same < width / 2 ? 0 : min(same - width / 4, longest - width + 1)
    }

    /// `width` characters from `start` on, with … where something is left out.
    static func window(_ text: String, _ start: Int, _ width: Int) -> String {
        let text = DiagnosticPrinter.printable(text)
        var rest = text.dropFirst(start)
        guard start > 0 || rest.count > width else { return text }
        let head = start > 0 ? "…" : ""
        guard rest.count > width - head.count else { return head + rest }
        rest = rest.prefix(width - head.count - 1)
        return head + rest + "…"
    }

    /// Lines of at most `width` characters; broken behind a space or comma where one is near.
    static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var rest = text[...]
        while rest.count > width {
            var line = rest.prefix(width)
            if let place = line.lastIndex(where: { $0 == " " || $0 == "," }),
                line.distance(from: place, to: line.endIndex) <= width / 2
            {
                line = line[...place]
            }
            lines.append(String(line.last == " " ? line.dropLast() : line))
            rest = rest[line.endIndex...]
        }
        lines.append(String(rest))
        return lines
    }
}
