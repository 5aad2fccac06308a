/// A CEL expression as it was written, with its place in the text.
struct CELSyntax {
    var kind: Kind
    /// UTF-8 bytes from the expression's start.
    var range: Range<Int>

    indirect enum Kind {
        case literal(CELLiteral)
        case identifier(String)
        case select(CELSyntax, member: String)
        /// `has(operand.member)`
        case has(CELSyntax, member: String)
        case index(CELSyntax, CELSyntax)
        case call(String, target: CELSyntax?, [CELSyntax])
        case unary(CELUnary, CELSyntax)
        case binary(CELBinary, CELSyntax, CELSyntax)
        case conditional(CELSyntax, CELSyntax, CELSyntax)
        case list([CELSyntax])
        case map([(key: CELSyntax, value: CELSyntax)])
    }
}

enum CELLiteral: Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string([UInt8])
    case bytes([UInt8])
}

enum CELUnary: String {
    case not = "!"
    case negate = "-"
}

enum CELBinary: String, CaseIterable {
    case or = "||"
    case and = "&&"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case equal = "=="
    case notEqual = "!="
    case `in` = "in"
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"

    var isOrdering: Bool {
        switch self {
        case .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }
}

/// A mistake in a CEL expression, or a remark about it.
package struct CELDiagnostic: Error, Hashable, Sendable {
    package var severity: Diagnostic.Severity
    /// UTF-8 bytes from the expression's start.
    package var offset: Int
    /// UTF-8 bytes, at least 1 unless the text ends there.
    package var length: Int
    package var message: String

    package init(severity: Diagnostic.Severity = .error, offset: Int, length: Int, message: String)
    {
        self.severity = severity
        self.offset = offset
        self.length = length
        self.message = message
    }

    init(_ range: Range<Int>, _ message: String, _ severity: Diagnostic.Severity = .error) {
        self.init(
            severity: severity, offset: range.lowerBound, length: range.count, message: message)
    }
}
