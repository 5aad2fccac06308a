/// A file's text by lines, to find places in it and to show them.
package struct SourceText: Sendable {
    /// Without their line ends. Lines end as YAML 1.1 (libyaml) ends them, so that marks agree.
    package private(set) var lines: [[Unicode.Scalar]]

    package init(_ text: String) {
        var lines: [[Unicode.Scalar]] = []
        var line: [Unicode.Scalar] = []
        var afterReturn = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where afterReturn:
                break
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
                lines.append(line)
                line = []
            default:
                line.append(scalar)
            }
            afterReturn = scalar == "\r"
        }
        lines.append(line)
        self.lines = lines
    }

    /// The line with that number (from 1) as text; nil past the end.
    package func line(_ number: Int) -> String? {
        guard lines.indices.contains(number - 1) else { return nil }
        return text(lines[number - 1])
    }

    var text: String { lines.map { text($0) }.joined(separator: "\n") }

    /// Everything from `column` (from 1) to the line's end becomes spaces: marks stay where they are.
    mutating func blank(line number: Int, from column: Int) {
        guard lines.indices.contains(number - 1) else { return }
        for index in lines[number - 1].indices where index >= column - 1 {
            lines[number - 1][index] = " "
        }
    }

    private func text(_ scalars: [Unicode.Scalar]) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }
}

extension SourceText {
    /// Where character `offset` (in Unicode scalars) of a scalar's value stands in the file, through
    /// quotes, escapes, folding and the indentation of block scalars.
    ///
    /// The value is matched against the source from its start on: its white space may stand for any
    /// white space there, everything else stands for itself or for one escape.
    package func mark(of offset: Int, in node: YAMLNode, length: Int = 1) -> Mark {
        guard case .scalar(let value, let style) = node.content else { return node.mark }
        var cursor = Cursor(source: self, line: node.mark.line - 1, column: node.mark.column - 1)
        switch style {
        case .plain: break
        case .single, .double: cursor.column += 1
        case .literal, .folded: cursor.startLine(cursor.line + 1)
        }
        var place = cursor
        var left = offset
        for scalar in value.unicodeScalars {
            if !isBlank(scalar) { cursor.skipBlanks(escapes: style == .double) }
            place = cursor
            if left == 0 { break }
            left -= 1
            cursor.step(over: scalar, style)
            place = cursor
        }
        return Mark(line: place.line + 1, column: place.column + 1, length: max(1, length))
    }

    private struct Cursor {
        let source: SourceText
        var line: Int
        var column: Int

        var current: Unicode.Scalar? {
            guard source.lines.indices.contains(line) else { return nil }
            let scalars = source.lines[line]
            return scalars.indices.contains(column) ? scalars[column] : nil
        }

        mutating func startLine(_ number: Int) {
            guard source.lines.indices.contains(number) else { return }
            line = number
            column = 0
        }

        /// To the next character that is not white space, across line ends.
        mutating func skipBlanks(escapes: Bool) {
            while true {
                if let scalar = current {
                    let next = column + 1 < source.lines[line].count
                    if isBlank(scalar) {
                        column += 1
                    } else if escapes, scalar == "\\", !next {
                        startLine(line + 1)
                        guard column == 0 else { return }
                    } else {
                        return
                    }
                } else {
                    guard source.lines.indices.contains(line + 1) else { return }
                    startLine(line + 1)
                }
            }
        }

        mutating func step(over scalar: Unicode.Scalar, _ style: YAMLNode.Style) {
            guard let here = current else { return }
            if style == .double, here == "\\" {
                let kind =
                    column + 1 < source.lines[line].count ? source.lines[line][column + 1] : " "
                column += kind == "x" ? 4 : kind == "u" ? 6 : kind == "U" ? 10 : 2
            } else if style == .single, here == "'" {
                column += 2
            } else if !isBlank(scalar) || isBlank(here) {
                column += 1
            }
        }
    }
}

private func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
}
