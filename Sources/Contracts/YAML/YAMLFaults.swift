internal import CYAML

extension YAMLParser {
    /// What libyaml's parser has just failed on, in words that help.
    func fault() -> Fault {
        let parser = parser.pointee
        let problem = parser.problem.map { String(cString: $0) } ?? "not YAML"
        let context = parser.context.map { String(cString: $0) } ?? ""
        if parser.error == YAML_MEMORY_ERROR || parser.error == YAML_READER_ERROR {
            // Where in the buffer libyaml stopped is not where the character is.
            return characterFault(problem)
        }
        let found = mark(parser.problem_mark)
        let opened = mark(parser.context_mark)
        if context.contains("quoted scalar") {
            let message =
                problem.contains("end of stream")
                ? "the quote that opens here is not closed" : problem
            let place = problem.contains("end of stream") ? opened : found
            return Fault(
                mark: place, message: message, brokenLine: opened.line,
                brokenColumn: opened.column, isOwn: true)
        }
        if context.contains("flow"), found.line != opened.line {
            let bracket = context.contains("mapping") ? "{" : "["
            return Fault(
                mark: opened, message: "the '\(bracket)' that opens here is not closed",
                brokenLine: opened.line, brokenColumn: opened.column, isOwn: true)
        }
        if problem.contains("could not find expected ':'") {
            return Fault(
                mark: opened, message: "a ':' must follow this word, or a quote is missing",
                brokenLine: opened.line, brokenColumn: 1, isOwn: true)
        }
        return Fault(
            mark: found, message: explained(problem, at: found), brokenLine: found.line,
            brokenColumn: 1, isOwn: problem.contains("cannot start any token"))
    }

    private func explained(_ problem: String, at mark: Mark) -> String {
        let line = source.lines.indices.contains(mark.line - 1) ? source.lines[mark.line - 1] : []
        let here = line.indices.contains(mark.column - 1) ? line[mark.column - 1] : " "
        if problem.contains("cannot start any token") {
            return here == "\t"
                ? "a tab cannot indent YAML; use spaces"
                : "a value cannot start with '\(here)'; put it in quotes"
        }
        if problem.contains("mapping values are not allowed") {
            return "a ':' cannot stand here; quote the value, or mend the indentation"
        }
        if problem.contains("did not find expected node content") {
            return "a value must stand here"
        }
        if problem.contains("did not find expected key") {
            return "no key of the mapping around it stands here; mend the indentation or the quotes"
        }
        if problem.contains("expected ',' or") {
            if here == "{", mark.column > 1, line[mark.column - 2] == "$" {
                return "inside braces a reference stands in quotes: \"${…}\""
            }
            return "a ',' or a closing bracket must stand here; quote a value with brackets in it"
        }
        if problem.contains("did not find expected '-' indicator") {
            return "no '-' of the list around it stands here; mend the indentation"
        }
        return problem
    }

    private func characterFault(_ problem: String) -> Fault {
        for (index, line) in source.lines.enumerated() {
            if let column = line.firstIndex(where: { !YAMLParser.isAllowed($0) }) {
                let mark = Mark(line: index + 1, column: column + 1)
                let code = String(line[column].value, radix: 16, uppercase: true)
                return Fault(
                    mark: mark, message: "the character U+\(code) cannot stand in YAML",
                    brokenLine: mark.line, brokenColumn: mark.column, isOwn: true)
            }
        }
        return Fault(
            mark: Mark(line: 1, column: 1), message: problem, brokenLine: 1, brokenColumn: 1,
            isFinal: true)
    }

    /// YAML's c-printable.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x9, 0xA, 0xD, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFFFD,
            0x10000...0x10FFFF:
            true
        default: false
        }
    }
}
