/// Turns a checked expression into a program. Asks `paths` for the slots of members that are named from
/// `value` on: the scanner finds them while it validates, so the program need not look.
struct CELCompiler {
    private var nodes: [CELProgram.Node] = []
    private var ranges: [Range<Int>] = []
    private var constants: [CELValue] = []
    private var children: [Int32] = []
    private var patterns: [Pattern] = []
    private var memory: [UnsafeMutableRawPointer] = []
    /// The slot of a path of member names; nil where the record is not JSON.
    private let paths: (([String]) -> Int32)?

    private init(paths: (([String]) -> Int32)?) { self.paths = paths }

    static func compile(
        _ text: String, _ syntax: CELSyntax, paths: (([String]) -> Int32)?
    ) -> CELProgram {
        var compiler = CELCompiler(paths: paths)
        _ = compiler.node(syntax)
        return CELProgram(
            text: text, nodes: compiler.nodes, ranges: compiler.ranges,
            constants: compiler.constants, children: compiler.children,
            patterns: compiler.patterns, memory: compiler.memory)
    }

    private mutating func emit(
        _ operation: CELOperation, _ a: Int32 = -1, _ b: Int32 = -1, _ c: Int32 = -1,
        _ range: Range<Int>
    ) -> Int32 {
        nodes.append(CELProgram.Node(operation: operation, a: a, b: b, c: c))
        ranges.append(range)
        return Int32(nodes.count - 1)
    }

    private mutating func node(_ syntax: CELSyntax) -> Int32 {
        let range = syntax.range
        if let path = slotPath(syntax), let paths {
            let slot = paths(path)
            return emit(.slot, slot, constant(.string(Array((path.last ?? "value").utf8))), range)
        }
        switch syntax.kind {
        case .literal(let literal): return emit(.constant, constant(literal), range)
        case .identifier(let name): return emit(variable(name), range)
        case .select(let operand, let member):
            return emit(.select, node(operand), constant(.string(Array(member.utf8))), range)
        case .has(let operand, let member): return has(operand, member, range)
        case .index(let operand, let index):
            let a = node(operand)
            return emit(.index, a, node(index), range)
        case .call(let name, let target, let arguments):
            return call(name, (target.map { [$0] } ?? []) + arguments, range)
        case .unary(let operation, let operand):
            return emit(operation == .not ? .not : .negate, node(operand), range)
        case .binary(let operation, let left, let right):
            return binary(operation, left, right, range)
        case .conditional(let condition, let yes, let no):
            let a = node(condition)
            let b = node(yes)
            return emit(.conditional, a, b, node(no), range)
        case .list(let elements): return list(elements, range)
        case .map(let entries):
            let operands = entries.flatMap { [node($0.key), node($0.value)] }
            children.append(contentsOf: operands)
            return emit(
                .map, Int32(children.count - operands.count), Int32(operands.count), range)
        }
    }

    private mutating func emit(
        _ operation: CELOperation, _ range: Range<Int>
    ) -> Int32 { emit(operation, -1, -1, -1, range) }
    private mutating func emit(
        _ operation: CELOperation, _ a: Int32, _ range: Range<Int>
    ) -> Int32 { emit(operation, a, -1, -1, range) }
    private mutating func emit(
        _ operation: CELOperation, _ a: Int32, _ b: Int32, _ range: Range<Int>
    ) -> Int32 { emit(operation, a, b, -1, range) }

    // MARK: what stands in the record

    /// The member names of `value.a.b` or `value['a'].b`; empty for `value` itself, nil for anything
    /// else.
    private func slotPath(_ syntax: CELSyntax) -> [String]? {
        guard paths != nil else { return nil }
        switch syntax.kind {
        case .identifier("value"): return []
        case .select(let operand, let member):
            return slotPath(operand).map { $0 + [member] }
        case .index(let operand, let index):
            guard case .literal(.string(let name)) = index.kind else { return nil }
            return slotPath(operand).map { $0 + [String(decoding: name, as: UTF8.self)] }
        default: return nil
        }
    }

    private func variable(_ name: String) -> CELOperation {
        switch name {
        case "key": .key
        case "headers": .headers
        case "topic": .topic
        case "partition": .partition
        case "offset": .offset
        default: .wholeValue
        }
    }

    private mutating func has(
        _ operand: CELSyntax, _ member: String, _ range: Range<Int>
    ) -> Int32 {
        guard let path = slotPath(operand), let paths else {
            return emit(.hasMember, node(operand), constant(.string(Array(member.utf8))), range)
        }
        let parent = path.isEmpty ? -1 : paths(path)
        return emit(.hasSlot, paths(path + [member]), parent, range)
    }

    // MARK: operators and functions

    private mutating func binary(
        _ operation: CELBinary, _ left: CELSyntax, _ right: CELSyntax, _ range: Range<Int>
    ) -> Int32 {
        let a = node(left)
        let b = node(right)
        let general: CELOperation
        var inPlace: CELOperation?
        switch operation {
        case .or: general = .or
        case .and: general = .and
        case .less: (general, inPlace) = (.less, .slotLess)
        case .lessOrEqual: (general, inPlace) = (.lessOrEqual, .slotLessOrEqual)
        case .greater: (general, inPlace) = (.greater, .slotGreater)
        case .greaterOrEqual: (general, inPlace) = (.greaterOrEqual, .slotGreaterOrEqual)
        case .equal: (general, inPlace) = (.equal, .slotEqual)
        case .notEqual: (general, inPlace) = (.notEqual, .slotNotEqual)
        case .in: general = .in
        case .add: general = .add
        case .subtract: general = .subtract
        case .multiply: general = .multiply
        case .divide: general = .divide
        case .modulo: general = .modulo
        }
        let whole = emit(general, a, b, range)
        if let inPlace, nodes[Int(a)].operation == .slot, nodes[Int(b)].operation == .constant {
            return emit(inPlace, nodes[Int(a)].a, nodes[Int(b)].a, whole, range)
        }
        return whole
    }

    private mutating func call(
        _ name: String, _ arguments: [CELSyntax], _ range: Range<Int>
    ) -> Int32 {
        if name == "matches", arguments.count == 2,
            case .literal(.string(let text)) = arguments[1].kind,
            let pattern = try? Pattern(text)
        {
            patterns.append(pattern)
            return emit(.matchesPattern, node(arguments[0]), Int32(patterns.count - 1), range)
        }
        let operands = arguments.map { node($0) }
        let operation = CELLibrary.functions[name]?.operation ?? .unbound
        return emit(
            operation, operands.first ?? -1, operands.count > 1 ? operands[1] : -1, range)
    }

    private mutating func list(_ elements: [CELSyntax], _ range: Range<Int>) -> Int32 {
        var literals: [CELValue] = []
        for element in elements {
            if case .literal(let literal) = element.kind { literals.append(value(literal)) }
        }
        if literals.count == elements.count {
            let values = copy(literals)
            memory.append(UnsafeMutableRawPointer(values))
            constants.append(.list(values, literals.count))
            return emit(.constant, Int32(constants.count - 1), range)
        }
        let operands = elements.map { node($0) }
        children.append(contentsOf: operands)
        return emit(.list, Int32(children.count - operands.count), Int32(operands.count), range)
    }

    // MARK: constants

    private mutating func constant(_ literal: CELLiteral) -> Int32 {
        constants.append(value(literal))
        return Int32(constants.count - 1)
    }

    private mutating func value(_ literal: CELLiteral) -> CELValue {
        switch literal {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .uint(let value): return .uint(value)
        case .double(let value): return .double(value)
        case .string(let text): return .string(keep(text))
        case .bytes(let data): return .bytes(keep(data))
        }
    }

    private mutating func keep(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
        let piece = copy(bytes)
        memory.append(UnsafeMutableRawPointer(piece))
        return UnsafeBufferPointer(start: piece, count: bytes.count)
    }
}
