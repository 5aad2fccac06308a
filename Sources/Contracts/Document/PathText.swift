extension Path {
    /// Why a text is no path, with the place: Unicode scalars from its start.
    package struct Mistake: Error, Hashable, Sendable {
        package var offset: Int
        package var message: String
    }

    package static let maxSteps = 64

    /// Reads `a.b[].c`; a member with a dot, bracket, quote or white space stands in double quotes,
    /// with `\"` and `\\` inside them.
    package init(text: String) throws(Mistake) {
        var reader = PathReader(scalars: Array(text.unicodeScalars))
        try self.init(steps: reader.steps())
    }

    /// As it is written.
    package var text: String {
        steps.map { step in
            let bare =
                !step.member.isEmpty && !step.member.unicodeScalars.contains(where: isSpecial)
            let member = bare ? step.member : Path.quoted(step.member)
            return step.elements ? member + "[]" : member
        }.joined(separator: ".")
    }

    /// How many of the steps go into the elements of an array.
    package var arrays: Int { steps.count { $0.elements } }

    private static func quoted(_ member: String) -> String {
        var text = "\""
        for character in member.unicodeScalars {
            if character == "\"" || character == "\\" { text += "\\" }
            text.unicodeScalars.append(character)
        }
        return text + "\""
    }
}

private struct PathReader {
    let scalars: [Unicode.Scalar]
    var index = 0

    init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    mutating func steps() throws(Path.Mistake) -> [Path.Step] {
        guard !scalars.isEmpty else { throw mistake("the path is empty") }
        var steps: [Path.Step] = []
        while true {
            steps.append(try step())
            guard steps.count <= Path.maxSteps else {
                throw mistake("the path has more than \(Path.maxSteps) steps")
            }
            guard let separator = current else { return steps }
            guard separator == "." else {
                throw mistake(
                    separator == "["
                        ? "'[]' can stand once behind a member" : "a '.' must stand here")
            }
            index += 1
        }
    }

    private mutating func step() throws(Path.Mistake) -> Path.Step {
        let member = current == "\"" ? try quoted() : try bare()
        guard current == "[" else { return Path.Step(member: member) }
        guard index + 1 < scalars.count, scalars[index + 1] == "]" else {
            throw mistake(
                "only '[]', every element, can stand here; a member with a bracket is quoted")
        }
        index += 2
        return Path.Step(member: member, elements: true)
    }

    private mutating func bare() throws(Path.Mistake) -> String {
        var member = String.UnicodeScalarView()
        while let character = current, !isSpecial(character) {
            member.append(character)
            index += 1
        }
        guard member.isEmpty else {
            if let character = current, character != ".", character != "[" {
                throw mistake(
                    "a member with '\(character)' in it is written in double quotes: \"…\"")
            }
            return String(member)
        }
        switch current {
        case nil: throw mistake("the path ends with a '.'; a member must follow")
        case "[": throw mistake("a member must stand before '[]'")
        case ".": throw mistake("a member must stand before this '.'")
        default:
            throw mistake("a member with a space or bracket in it is written in double quotes")
        }
    }

    private mutating func quoted() throws(Path.Mistake) -> String {
        let start = index
        index += 1
        var member = String.UnicodeScalarView()
        while let character = current {
            index += 1
            if character == "\"" { return String(member) }
            guard character == "\\" else {
                member.append(character)
                continue
            }
            guard let escaped = current, escaped == "\"" || escaped == "\\" else {
                index -= 1
                throw mistake("after a backslash only '\"' or another backslash can stand")
            }
            member.append(escaped)
            index += 1
        }
        index = start
        throw mistake("the quote that opens here is not closed")
    }

    private func mistake(_ message: String) -> Path.Mistake {
        Path.Mistake(offset: index, message: message)
    }
}

private func isSpecial(_ character: Unicode.Scalar) -> Bool {
    switch character {
    case ".", "[", "]", "\"", "\\": true
    default: character.properties.isWhitespace || character.value < 0x20 || character.value == 0x7F
    }
}
