/// One mistake or remark about a file the user wrote, with the place it stands in.
package struct Diagnostic: Error, Hashable, Sendable {
    package enum Severity: String, Sendable { case error, warning }

    package var severity: Severity
    package var file: String
    /// From 1.
    package var line: Int
    /// From 1, in characters as an editor counts them.
    package var column: Int
    /// Characters to underline, at least 1.
    package var length: Int
    package var message: String

    package init(
        severity: Severity = .error, file: String, line: Int, column: Int, length: Int = 1,
        message: String
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.message = message
    }

    /// `file:line:column: error: message`
    package var text: String { "\(file):\(line):\(column): \(severity.rawValue): \(message)" }
}
