/// Parses CEL (spec "Syntax"). Recursive descent; nesting is bounded, and long chains of `&&` and `||`
/// become balanced trees, so that nothing later recurses deeper than the bound.
struct CELParser {
    static let maximumDepth = 200
    static let maximumLength = 100_000

    private var lexer: CELLexer
    private var token = CELLexer.Token.end
    private var range = 0..<0
    private var previousEnd = 0
    private var depth = 0

    private init(_ text: String) { lexer = CELLexer(text) }

    static func parse(_ text: String) throws(CELDiagnostic) -> CELSyntax {
        guard text.utf8.count <= maximumLength else {
            throw CELDiagnostic(0..<1, "the expression is longer than \(maximumLength) bytes")
        }
        var parser = CELParser(text)
        try parser.advance()
        let expression = try parser.expression()
        guard parser.token == .end else { throw parser.unexpected("an operator or the end") }
        return expression
    }

    private mutating func advance() throws(CELDiagnostic) {
        previousEnd = range.upperBound
        (token, range) = try lexer.next()
    }

    private func unexpected(_ expected: String) -> CELDiagnostic {
        if token == .end {
            return CELDiagnostic(range, "the expression ends too early: expected \(expected)")
        }
        let found = String(decoding: lexer.text[range], as: UTF8.self)
        return CELDiagnostic(range, "expected \(expected), found '\(found)'")
    }

    private mutating func take(_ symbol: String) throws(CELDiagnostic) -> Bool {
        guard token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELDiagnostic) {
        guard try take(symbol) else { throw unexpected("'\(symbol)'") }
    }

    private func node(_ kind: CELSyntax.Kind, from start: Int) -> CELSyntax {
        CELSyntax(kind: kind, range: start..<max(previousEnd, start))
    }

    // MARK: operators, loosest first

    private mutating func expression() throws(CELDiagnostic) -> CELSyntax {
        depth += 1
        defer { depth -= 1 }
        guard depth <= CELParser.maximumDepth else {
            throw CELDiagnostic(range, "nested deeper than \(CELParser.maximumDepth)")
        }
        let start = range.lowerBound
        let condition = try chain(.or)
        guard try take("?") else { return condition }
        let yes = try chain(.or)
        try expect(":")
        let no = try expression()
        return node(.conditional(condition, yes, no), from: start)
    }

    /// `a || b || c`, or the same of `&&`: both are associative, so the tree may be balanced.
    private mutating func chain(_ operation: CELBinary) throws(CELDiagnostic) -> CELSyntax {
        var terms: [CELSyntax] = []
        repeat {
            terms.append(operation == .or ? try chain(.and) : try relation())
        } while try take(operation.rawValue)
        return balance(terms[...], operation)
    }

    private func balance(_ terms: ArraySlice<CELSyntax>, _ operation: CELBinary) -> CELSyntax {
        let first = terms[terms.startIndex]
        if terms.count == 1 { return first }
        let middle = terms.startIndex + (terms.count + 1) / 2
        let left = balance(terms[..<middle], operation)
        let right = balance(terms[middle...], operation)
        return CELSyntax(
            kind: .binary(operation, left, right),
            range: left.range.lowerBound..<right.range.upperBound)
    }

    private mutating func relation() throws(CELDiagnostic) -> CELSyntax {
        try leftAssociative([
            .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual, .in,
        ]) { (parser: inout CELParser) throws(CELDiagnostic) in try parser.sum() }
    }

    private mutating func sum() throws(CELDiagnostic) -> CELSyntax {
        try leftAssociative([.add, .subtract]) {
            (parser: inout CELParser) throws(CELDiagnostic) in try parser.product()
        }
    }

    private mutating func product() throws(CELDiagnostic) -> CELSyntax {
        try leftAssociative([.multiply, .divide, .modulo]) {
            (parser: inout CELParser) throws(CELDiagnostic) in try parser.unary()
        }
    }

    private mutating func leftAssociative(
        _ operations: [CELBinary],
        _ operand: (inout CELParser) throws(CELDiagnostic) -> CELSyntax
    ) throws(CELDiagnostic) -> CELSyntax {
        let start = range.lowerBound
        var left = try operand(&self)
        var length = 0
        while let operation = operations.first(where: {
            token == .symbol($0.rawValue) || $0 == .in && token == .identifier("in")
        }) {
            length += 1
            guard length <= CELParser.maximumDepth else {
                throw CELDiagnostic(range, "more than \(CELParser.maximumDepth) operators in a row")
            }
            try advance()
            let right = try operand(&self)
            left = node(.binary(operation, left, right), from: start)
        }
        return left
    }

    private mutating func unary() throws(CELDiagnostic) -> CELSyntax {
        let start = range.lowerBound
        for operation in [CELUnary.not, .negate] where token == .symbol(operation.rawValue) {
            var count = 0
            while try take(operation.rawValue) {
                count += 1
                if operation == .negate, count % 2 == 1, isNumber { break }
            }
            if operation == .negate, count == 1, isNumber {
                return try member(of: try negativeLiteral(from: start), from: start)
            }
            guard count <= CELParser.maximumDepth else {
                throw CELDiagnostic(start..<previousEnd, "too many operators in a row")
            }
            var operand = try member(of: try primary(), from: range.lowerBound)
            for _ in 0..<count { operand = node(.unary(operation, operand), from: start) }
            return operand
        }
        return try member(of: try primary(), from: start)
    }

    private var isNumber: Bool {
        switch token {
        case .int, .double: true
        default: false
        }
    }

    private mutating func negativeLiteral(from start: Int) throws(CELDiagnostic) -> CELSyntax {
        let literal: CELLiteral
        switch token {
        case .int(let magnitude):
            guard magnitude <= 1 << 63 else {
                throw CELDiagnostic(start..<range.upperBound, "number out of range")
            }
            literal = .int(Int64(truncatingIfNeeded: 0 &- magnitude))
        case .double(let value): literal = .double(-value)
        default: throw unexpected("a number")
        }
        try advance()
        return node(.literal(literal), from: start)
    }

    // MARK: members

    private mutating func member(
        of operand: CELSyntax, from start: Int
    ) throws(CELDiagnostic) -> CELSyntax {
        var result = operand
        var length = 0
        while true {
            length += 1
            guard length <= CELParser.maximumDepth else {
                throw CELDiagnostic(range, "nested deeper than \(CELParser.maximumDepth)")
            }
            if try take(".") {
                let isOptional = try take("?")
                let name = try selector()
                if !isOptional, try take("(") {
                    let arguments = try list(until: ")")
                    result = node(
                        .call(name, target: result, arguments.map(\.value)), from: start)
                } else {
                    result = node(
                        .select(result, member: name, isOptional: isOptional), from: start)
                }
            } else if try take("[") {
                let isOptional = try take("?")
                let index = try expression()
                try expect("]")
                result = node(.index(result, index, isOptional: isOptional), from: start)
            } else if token == .symbol("{"), CELParser.isName(result) {
                try skipMessage()
                result = node(.message, from: start)
            } else {
                return result
            }
        }
    }

    private static func isName(_ operand: CELSyntax) -> Bool {
        switch operand.kind {
        case .identifier: true
        case .select(let inner, _, isOptional: false): isName(inner)
        default: false
        }
    }

    /// The fields of a message literal.
    private mutating func skipMessage() throws(CELDiagnostic) {
        try expect("{")
        while true {
            if try take("}") { return }
            _ = try take("?")
            _ = try selector()
            try expect(":")
            _ = try expression()
            if try take(",") { continue }
            return try expect("}")
        }
    }

    private mutating func selector() throws(CELDiagnostic) -> String {
        switch token {
        case .identifier(let name):
            // `true`, `false`, `null` and `in` are tokens of their own, never names.
            if CELParser.words.contains(name) { throw unexpected("a member name") }
            try advance()
            return name
        case .quoted(let name):
            try advance()
            return name
        default: throw unexpected("a member name")
        }
    }

    private static let words: Set<String> = ["true", "false", "null", "in"]
    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
        "loop", "package", "namespace", "return", "var", "void", "while",
    ]

    private mutating func primary() throws(CELDiagnostic) -> CELSyntax {
        let start = range.lowerBound
        switch token {
        case .int(let magnitude):
            guard let value = Int64(exactly: magnitude) else {
                throw CELDiagnostic(range, "number out of range")
            }
            return try literal(.int(value))
        case .uint(let value): return try literal(.uint(value))
        case .double(let value): return try literal(.double(value))
        case .string(let value): return try literal(.string(value))
        case .bytes(let value): return try literal(.bytes(value))
        case .identifier("true"): return try literal(.bool(true))
        case .identifier("false"): return try literal(.bool(false))
        case .identifier("null"): return try literal(.null)
        case .identifier, .symbol("."): return try identifier(from: start)
        case .symbol("("):
            try advance()
            let inner = try expression()
            try expect(")")
            return inner
        case .symbol("["):
            try advance()
            return node(.list(try list(until: "]")), from: start)
        case .symbol("{"):
            try advance()
            return node(.map(try entries()), from: start)
        default: throw unexpected("a value")
        }
    }

    private mutating func literal(_ value: CELLiteral) throws(CELDiagnostic) -> CELSyntax {
        let start = range.lowerBound
        try advance()
        return node(.literal(value), from: start)
    }

    private mutating func identifier(from start: Int) throws(CELDiagnostic) -> CELSyntax {
        let isRooted = try take(".")
        guard case .identifier(let name) = token else { throw unexpected("a name") }
        if CELParser.words.contains(name) || CELParser.reserved.contains(name) {
            throw CELDiagnostic(range, "'\(name)' is a reserved word")
        }
        let nameRange = range
        try advance()
        guard try take("(") else {
            return node(.identifier(name, isRooted: isRooted), from: start)
        }
        let arguments = try list(until: ")").map(\.value)
        guard name == "has" else {
            return node(.call(name, target: nil, arguments), from: start)
        }
        guard arguments.count == 1,
            case .select(let operand, let member, isOptional: false) = arguments[0].kind
        else {
            throw CELDiagnostic(
                nameRange, "has() takes one member selection, such as has(value.name)")
        }
        return node(.has(operand, member: member), from: start)
    }

    /// Expressions separated by commas, up to and with the closing symbol. Only a list's elements may be
    /// optional.
    private mutating func list(
        until close: String
    ) throws(CELDiagnostic) -> [CELSyntax.Element] {
        var elements: [CELSyntax.Element] = []
        while true {
            if try take(close) { return elements }
            let isOptional = close == "]" ? try take("?") : false
            elements.append(.init(value: try expression(), isOptional: isOptional))
            if try take(",") {
                if close == ")", token == .symbol(close) { throw unexpected("an argument") }
                continue
            }
            try expect(close)
            return elements
        }
    }

    private mutating func entries() throws(CELDiagnostic) -> [CELSyntax.Entry] {
        var entries: [CELSyntax.Entry] = []
        while true {
            if try take("}") { return entries }
            let isOptional = try take("?")
            let key = try expression()
            try expect(":")
            entries.append(.init(key: key, value: try expression(), isOptional: isOptional))
            if try take(",") { continue }
            try expect("}")
            return entries
        }
    }
}
