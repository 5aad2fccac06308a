/// Diagnostics of one file, as they are found.
package struct Findings: Sendable {
    package let file: String
    package private(set) var diagnostics: [Diagnostic] = []
    /// Text of lines that were not YAML and were left out, by number: nothing more is said about
    /// them, and nothing that stood there is called missing.
    var leftOut: [Int: String] = [:]

    package init(file: String) { self.file = file }

    package mutating func error(_ mark: Mark, _ message: String) {
        add(.error, mark, message)
    }

    package mutating func warning(_ mark: Mark, _ message: String) {
        add(.warning, mark, message)
    }

    /// A key that must be there and is not.
    mutating func missing(_ key: String, _ mark: Mark, _ message: String) {
        guard !leftOut.values.contains(where: { $0.contains("\(key):") }) else { return }
        add(.error, mark, message)
    }

    /// Takes over what another reading of the same file found below a line (0: everywhere).
    mutating func add(_ other: Findings, below line: Int) {
        diagnostics += other.diagnostics.filter { $0.line > line }
        for (number, text) in other.leftOut where number > line { leftOut[number] = text }
    }

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    /// By place; equal ones once.
    package var sorted: [Diagnostic] {
        var seen: Set<Diagnostic> = []
        return diagnostics.filter { seen.insert($0).inserted }.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset)
                < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
    }

    mutating func syntax(_ mark: Mark, _ message: String) {
        append(.error, mark, message)
    }

    private mutating func add(_ severity: Diagnostic.Severity, _ mark: Mark, _ message: String) {
        if leftOut[mark.line] == nil { append(severity, mark, message) }
    }

    private mutating func append(
        _ severity: Diagnostic.Severity, _ mark: Mark, _ message: String
    ) {
        diagnostics.append(
            Diagnostic(
                severity: severity, file: file, line: mark.line, column: mark.column,
                length: mark.length, message: message))
    }
}
