internal import Contracts

/// A diagnostic as compilers show them: place and message, the line, and what is meant underlined.
struct DiagnosticPrinter {
    var console: Console
    var place: Console.Place

    /// Without `source` the line is not shown: crossdock.yaml's may hold a secret.
    func lines(_ diagnostic: Diagnostic, source: SourceText?) -> [String] {
        let colour: Console.Colour = diagnostic.severity == .error ? .red : .yellow
        let severity = console.paint("\(diagnostic.severity.rawValue):", colour, on: place)
        let head =
            "\(diagnostic.file):\(diagnostic.line):\(diagnostic.column): \(severity)"
            + " \(Self.printable(diagnostic.message))"
        guard let line = source?.line(diagnostic.line), !line.allSatisfy({ $0 == " " }) else {
            return [head]
        }
        return [head] + excerpt(diagnostic, line, colour)
    }

    func print(_ diagnostics: [Diagnostic], source: SourceText?) {
        for diagnostic in diagnostics {
            for line in lines(diagnostic, source: source) {
                place == .out ? console.out(line) : console.progress(line)
            }
        }
    }

    /// Long lines are cut to the window around the place.
    private func excerpt(
        _ diagnostic: Diagnostic, _ line: String, _ colour: Console.Colour
    ) -> [String] {
        let number = String(diagnostic.line)
        let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number + " | "
        let room = max(20, console.width - gutter.count - 2)
        let characters = Array(Self.printable(line).unicodeScalars)
        let column = min(diagnostic.column - 1, characters.count)
        let first = column < room ? 0 : column - room / 2
        let last = min(characters.count, first + room)
        var shown = String.UnicodeScalarView(characters[first..<last])
        if first > 0 {
            shown.replaceSubrange(shown.startIndex..<shown.startIndex, with: "…".unicodeScalars)
        }
        if last < characters.count { shown.append("…") }
        let indent = column - first + (first > 0 ? 1 : 0)
        let length = max(1, min(diagnostic.length, last - column))
        let mark = "^" + String(repeating: "~", count: length - 1)
        let bar = String(repeating: " ", count: gutter.count - 2) + "| "
        return [
            gutter + String(shown),
            bar + String(repeating: " ", count: indent) + console.paint(mark, colour, on: place),
        ]
    }

    /// One character for one: what could steer a terminal becomes U+FFFD, a tab a space.
    static func printable(_ text: String) -> String {
        var safe = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control: safe.append(scalar == "\t" ? " " : "\u{FFFD}")
            case .format, .lineSeparator, .paragraphSeparator: safe.append("\u{FFFD}")
            default: safe.append(scalar)
            }
        }
        return String(safe)
    }
}
