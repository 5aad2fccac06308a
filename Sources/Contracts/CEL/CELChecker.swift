/// What is known of a value before any record is there.
indirect enum CELType: Equatable, Sendable {
    case dyn, null, bool, int, uint, double, string, bytes
    case list(CELType)
    case map(CELType)

    var name: String {
        switch self {
        case .dyn: "dyn"
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        }
    }

    var isNumber: Bool { self == .int || self == .uint || self == .double }
}

/// Names, overloads and types of an expression, checked once. Finds all mistakes, not only the first.
struct CELChecker {
    private(set) var diagnostics: [CELDiagnostic] = []
    private let variables: [String: CELType]
    private let text: [UInt8]

    /// `text`: the expression's source, for proposals.
    init(variables: [String: CELType], text: String = "") {
        self.variables = variables
        self.text = Array(text.utf8)
    }

    mutating func type(of node: CELSyntax) -> CELType {
        switch node.kind {
        case .literal(let literal): return CELChecker.type(of: literal)
        case .identifier(let name): return variable(name, node.range)
        case .select(let operand, _), .has(let operand, _):
            let type = type(of: operand)
            let isTest = if case .has = node.kind { true } else { false }
            if case .map(let value) = type { return isTest ? .bool : value }
            if type != .dyn { report(node.range, "\(type.name) has no members") }
            return isTest ? .bool : .dyn
        case .index(let operand, let index): return indexed(operand, index, node.range)
        case .call(let name, let target, let arguments):
            return call(name, target, arguments, node.range)
        case .unary(let operation, let operand): return unary(operation, operand, node.range)
        case .binary(let operation, let left, let right):
            return binary(operation, left, right, node.range)
        case .conditional(let condition, let yes, let no):
            require(type(of: condition), [.bool], condition.range, "the condition of '?:'")
            return join(type(of: yes), type(of: no))
        case .list(let elements):
            return .list(elements.map { type(of: $0) }.reduce(nil, joinOptional) ?? .dyn)
        case .map(let entries):
            var value: CELType?
            for entry in entries {
                require(
                    type(of: entry.key), [.bool, .int, .uint, .string], entry.key.range,
                    "a map's key")
                value = joinOptional(value, type(of: entry.value))
            }
            return .map(value ?? .dyn)
        }
    }

    static func type(of literal: CELLiteral) -> CELType {
        switch literal {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        }
    }

    private func joinOptional(_ a: CELType?, _ b: CELType) -> CELType? {
        a.map { join($0, b) } ?? b
    }
    private func join(_ a: CELType, _ b: CELType) -> CELType { a == b ? a : .dyn }

    private mutating func report(
        _ range: Range<Int>, _ message: String, _ severity: Diagnostic.Severity = .error
    ) {
        diagnostics.append(CELDiagnostic(range, message, severity))
    }

    private mutating func require(
        _ type: CELType, _ allowed: [CELType], _ range: Range<Int>, _ what: String
    ) {
        if type == .dyn || allowed.contains(type) { return }
        let names = allowed.map(\.name).joined(separator: " or ")
        report(range, "\(what) is \(names), not \(type.name)")
    }

    private mutating func variable(_ name: String, _ range: Range<Int>) -> CELType {
        if let type = variables[name] { return type }
        if CELLibrary.laterVariables.contains(name) {
            report(range, CELLibrary.refusal("'\(name)'"))
        } else {
            let hint = Spelling.hint(for: name, among: Array(variables.keys))
            report(range, "unknown variable '\(name)'\(hint)")
        }
        return .dyn
    }

    private mutating func indexed(
        _ operand: CELSyntax, _ index: CELSyntax, _ range: Range<Int>
    ) -> CELType {
        let container = type(of: operand)
        let indexType = type(of: index)
        switch container {
        case .dyn: return .dyn
        case .list(let element):
            require(indexType, [.int, .uint, .double], index.range, "a list's index")
            return element
        case .map(let value): return value
        default:
            report(range, "\(container.name) has no elements")
            return .dyn
        }
    }

    private mutating func unary(
        _ operation: CELUnary, _ operand: CELSyntax, _ range: Range<Int>
    ) -> CELType {
        let type = type(of: operand)
        switch operation {
        case .not:
            require(type, [.bool], operand.range, "the operand of '!'")
            return .bool
        case .negate:
            require(type, [.int, .double], operand.range, "the operand of '-'")
            return type
        }
    }

    // MARK: binary operators

    private mutating func binary(
        _ operation: CELBinary, _ left: CELSyntax, _ right: CELSyntax, _ range: Range<Int>
    ) -> CELType {
        let a = type(of: left)
        let b = type(of: right)
        switch operation {
        case .or, .and:
            require(a, [.bool], left.range, "an operand of '\(operation.rawValue)'")
            require(b, [.bool], right.range, "an operand of '\(operation.rawValue)'")
            return .bool
        case .equal, .notEqual:
            if !comparable(a, b), a != .null, b != .null { noOverload(operation, a, b, range) }
            return .bool
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            let ordered = { (type: CELType) in
                switch type {
                case .null, .list, .map: false
                default: true
                }
            }
            if !comparable(a, b) || !ordered(a) || !ordered(b) {
                noOverload(operation, a, b, range)
            }
            return .bool
        case .in:
            switch b {
            case .dyn, .list, .map: break
            default: report(right.range, "'in' looks into a list or a map, not \(b.name)")
            }
            return .bool
        case .add, .subtract, .multiply, .divide, .modulo:
            return arithmetic(operation, (left, a), (right, b), range)
        }
    }

    private func comparable(_ a: CELType, _ b: CELType) -> Bool {
        switch (a, b) {
        case (.dyn, _), (_, .dyn), (.list, .list), (.map, .map): true
        default: a == b || a.isNumber && b.isNumber
        }
    }

    private mutating func noOverload(
        _ operation: CELBinary, _ a: CELType, _ b: CELType, _ range: Range<Int>
    ) {
        report(range, "'\(operation.rawValue)' does not take \(a.name) and \(b.name)")
    }

    private mutating func arithmetic(
        _ operation: CELBinary, _ left: (node: CELSyntax, type: CELType),
        _ right: (node: CELSyntax, type: CELType), _ range: Range<Int>
    ) -> CELType {
        func takes(_ type: CELType) -> Bool {
            switch type {
            case .dyn, .int, .uint: true
            case .double: operation != .modulo
            case .string, .bytes, .list: operation == .add
            case .null, .bool, .map: false
            }
        }
        let (a, b) = (left.type, right.type)
        let same =
            switch (a, b) {
            case (.list, .list): true
            default: a == b || a == .dyn || b == .dyn
            }
        guard takes(a), takes(b), same else {
            noOverload(operation, a, b, range)
            return .dyn
        }
        if a == .dyn, b == .double, isLiteral(right.node) {
            warn(range, "double(\(source(left.node))) \(operation.rawValue) \(source(right.node))")
        }
        if b == .dyn, a == .double, isLiteral(left.node) {
            warn(range, "\(source(left.node)) \(operation.rawValue) double(\(source(right.node)))")
        }
        return a == .dyn ? b : a
    }

    private func isLiteral(_ node: CELSyntax) -> Bool {
        if case .literal = node.kind { true } else { false }
    }

    /// contract.md: CEL has no `int * double`, so a record that says 5 instead of 5.0 would fail.
    private mutating func warn(_ range: Range<Int>, _ proposal: String) {
        report(
            range,
            "fails on a record that holds a whole number here, which CEL does not mix with a "
                + "double; write \(proposal)", .warning)
    }

    private func source(_ node: CELSyntax) -> String {
        String(decoding: text[node.range.clamped(to: 0..<text.count)], as: UTF8.self)
    }

    // MARK: functions

    private mutating func call(
        _ name: String, _ target: CELSyntax?, _ arguments: [CELSyntax], _ range: Range<Int>
    ) -> CELType {
        if let target, case .identifier(let space) = target.kind,
            CELLibrary.laterNamespaces.contains(space), variables[space] == nil
        {
            report(range, CELLibrary.refusal("\(space).\(name)()"))
            return .dyn
        }
        guard let function = CELLibrary.functions[name] else {
            // Nothing is said about the arguments: a macro's have variables of their own.
            if CELLibrary.laterFunctions.contains(name) {
                report(range, CELLibrary.refusal("\(name)()"))
            } else {
                let known = Array(CELLibrary.functions.keys) + Array(CELLibrary.laterFunctions)
                report(range, "unknown function '\(name)'\(Spelling.hint(for: name, among: known))")
            }
            return .dyn
        }
        let operands = (target.map { [$0] } ?? []) + arguments
        let isMember = target != nil
        guard operands.count == function.parameters.count,
            isMember ? function.style != .global : function.style != .member
        else {
            report(range, "write \(function.usage)")
            return function.result
        }
        for (operand, allowed) in zip(operands, function.parameters) {
            let type = type(of: operand)
            if type == .dyn || allowed.isEmpty || allowed.contains(type.name) { continue }
            report(
                operand.range,
                "\(name)() takes \(allowed.joined(separator: ", ")) here, not \(type.name)")
        }
        if name == "matches", case .literal(.string(let pattern)) = arguments.last?.kind,
            let last = arguments.last
        {
            do { _ = try Pattern(pattern) } catch { report(last.range, error.text) }
        }
        return function.result
    }
}
