/// A CEL expression as it was written, with its place in the text.
struct CELSyntax {
    var kind: Kind
    /// UTF-8 bytes from the expression's start.
    var range: Range<Int>

    /// An element of a list, or a key or value of a map; `[?x]` adds nothing where `x` is none.
    struct Element {
        var value: CELSyntax
        var isOptional: Bool
    }

    struct Entry {
        var key: CELSyntax
        var value: CELSyntax
        var isOptional: Bool
    }

    indirect enum Kind {
        case literal(CELLiteral)
        /// `isRooted`: written `.name`, which no container and no loop's variable hides.
        case identifier(String, isRooted: Bool)
        /// `isOptional`: written `operand.?member`.
        case select(CELSyntax, member: String, isOptional: Bool)
        /// `has(operand.member)`
        case has(CELSyntax, member: String)
        /// `isOptional`: written `operand[?index]`.
        case index(CELSyntax, CELSyntax, isOptional: Bool)
        case call(String, target: CELSyntax?, [CELSyntax])
        case unary(CELUnary, CELSyntax)
        case binary(CELBinary, CELSyntax, CELSyntax)
        case conditional(CELSyntax, CELSyntax, CELSyntax)
        case list([Element])
        case map([Entry])
        /// `Type{…}`: a protobuf message, which no record here holds.
        case message
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
