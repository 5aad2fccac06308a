/// Turns a checked expression into a program. Asks `paths` for the slots of members that are named from
/// `value` on: the scanner finds them while it validates, so the program need not look.
struct CELCompiler {
    private var nodes: [CELProgram.Node] = []
    private var ranges: [Range<Int>] = []
    private var constants: [CELValue] = []
    private var children: [Int32] = []
    private var patterns: [Pattern] = []
    private var loops: [CELProgram.Loop] = []
    private var memory: [UnsafeMutableRawPointer] = []
    /// The slot of a path of member names; nil where the record is not JSON.
    private let paths: (([String]) -> Int32)?

    private init(paths: (([String]) -> Int32)?) { self.paths = paths }

    /// `variableCount`: as the resolver counted them.
    static func compile(
        _ text: String, _ expression: CELExpression, variableCount: Int,
        paths: (([String]) -> Int32)?
    ) -> CELProgram {
        var compiler = CELCompiler(paths: paths)
        _ = compiler.node(expression)
        return CELProgram(
            text: text, nodes: compiler.nodes, ranges: compiler.ranges,
            constants: compiler.constants, children: compiler.children,
            patterns: compiler.patterns, loops: compiler.loops, variableCount: variableCount,
            memory: compiler.memory)
    }

    private mutating func emit(
        _ operation: CELOperation, _ a: Int32 = -1, _ b: Int32 = -1, _ c: Int32 = -1,
        at range: Range<Int>
    ) -> Int32 {
        nodes.append(CELProgram.Node(operation: operation, a: a, b: b, c: c))
        ranges.append(range)
        return Int32(nodes.count - 1)
    }

    private mutating func node(_ expression: CELExpression) -> Int32 {
        let range = expression.range
        if let path = slotPath(expression), let paths {
            let name = constant(.string(Array((path.last ?? "value").utf8)))
            return emit(.slot, paths(path), name, at: range)
        }
        switch expression.kind {
        case .literal(let literal): return emit(.constant, constant(literal), at: range)
        case .variable(let variable): return self.variable(variable, range)
        case .local(let slot): return emit(.local, Int32(slot), at: range)
        case .type(let name):
            constants.append(CELValue(type: keep(Array(name.utf8))))
            return emit(.constant, Int32(constants.count - 1), at: range)
        case .select(let operand, let member, let isOptional):
            let name = constant(.string(Array(member.utf8)))
            return emit(isOptional ? .selectOptional : .select, node(operand), name, at: range)
        case .has(let operand, let member): return has(operand, member, range)
        case .index(let operand, let index, let isOptional):
            let a = node(operand)
            return emit(isOptional ? .indexOptional : .index, a, node(index), at: range)
        case .call(let function, let isMember, let operands):
            return call(function, isMember, operands, range)
        case .unary(let operation, let operand):
            return emit(operation == .not ? .not : .negate, node(operand), at: range)
        case .binary(let operation, let left, let right):
            return binary(operation, left, right, range)
        case .conditional(let condition, let yes, let no):
            let a = node(condition)
            let b = node(yes)
            return emit(.conditional, a, b, node(no), at: range)
        case .list(let elements): return list(elements, range)
        case .map(let entries):
            return group(
                .map, entries.flatMap { [($0.key, false), ($0.value, $0.isOptional)] }, range)
        case .loop(let loop): return self.loop(loop, range)
        case .bind(let slot, let value, let body):
            let b = node(value)
            return emit(.bind, Int32(slot), b, node(body), at: range)
        case .optionalMap(let operand, let slot, let body, let isFlat):
            let a = node(operand)
            let b = node(body)
            return emit(isFlat ? .optionalFlatMap : .optionalMap, a, b, Int32(slot), at: range)
        case .unresolved, .unknownCall: return emit(.unbound, at: range)
        }
    }

    // MARK: what stands in the record

    /// The member names of `value.a.b` or `value['a'].b`; empty for `value` itself, nil for anything
    /// else.
    private func slotPath(_ expression: CELExpression) -> [String]? {
        guard paths != nil else { return nil }
        switch expression.kind {
        case .variable(let variable): return variable.source == .value ? [] : nil
        case .select(let operand, let member, isOptional: false):
            return slotPath(operand).map { $0 + [member] }
        case .index(let operand, let index, isOptional: false):
            guard case .literal(.string(let name)) = index.kind else { return nil }
            return slotPath(operand).map { $0 + [String(decoding: name, as: UTF8.self)] }
        default: return nil
        }
    }

    private mutating func variable(
        _ variable: CELEnvironment.Variable, _ range: Range<Int>
    ) -> Int32 {
        switch variable.source {
        case .key: emit(.key, at: range)
        case .headers: emit(.headers, at: range)
        case .timestamp: emit(.timestamp, at: range)
        case .topic: emit(.topic, at: range)
        case .partition: emit(.partition, at: range)
        case .offset: emit(.offset, at: range)
        case .bound(let slot): emit(.local, Int32(slot), at: range)
        case .value, .wholeValue: emit(.wholeValue, at: range)
        }
    }

    private mutating func has(
        _ operand: CELExpression, _ member: String, _ range: Range<Int>
    ) -> Int32 {
        guard let path = slotPath(operand), let paths else {
            let name = constant(.string(Array(member.utf8)))
            return emit(.hasMember, node(operand), name, at: range)
        }
        let parent = path.isEmpty ? -1 : paths(path)
        return emit(.hasSlot, paths(path + [member]), parent, at: range)
    }

    // MARK: operators and functions

    private mutating func binary(
        _ operation: CELBinary, _ left: CELExpression, _ right: CELExpression, _ range: Range<Int>
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
        let whole = emit(general, a, b, at: range)
        if let inPlace, nodes[Int(a)].operation == .slot, nodes[Int(b)].operation == .constant {
            return emit(inPlace, nodes[Int(a)].a, nodes[Int(b)].a, whole, at: range)
        }
        return whole
    }

    private mutating func call(
        _ function: CELFunction, _ isMember: Bool, _ operands: [CELExpression], _ range: Range<Int>
    ) -> Int32 {
        if function.call == .matches, operands.count == 2,
            case .literal(.string(let text)) = operands[1].kind, let pattern = try? Pattern(text)
        {
            patterns.append(pattern)
            return emit(
                .matchesPattern, node(operands[0]), Int32(patterns.count - 1), at: range)
        }
        let isThere =
            function.isVariadic
            || function.overloads.contains {
                $0.isMember == isMember && $0.parameters.count == operands.count
            }
        guard let call = function.call, isThere else { return emit(.unbound, at: range) }
        let numbers = operands.map { node($0) }
        children.append(contentsOf: numbers)
        return emit(
            .call, Int32(children.count - numbers.count), Int32(numbers.count),
            Int32(call.rawValue), at: range)
    }

    private mutating func list(
        _ elements: [CELExpression.Element], _ range: Range<Int>
    ) -> Int32 {
        var literals: [CELValue] = []
        for element in elements {
            if case .literal(let literal) = element.value.kind, !element.isOptional {
                literals.append(value(literal))
            }
        }
        if literals.count == elements.count {
            let values = copy(literals)
            memory.append(UnsafeMutableRawPointer(values))
            constants.append(.list(values, literals.count))
            return emit(.constant, Int32(constants.count - 1), at: range)
        }
        return group(.list, elements.map { ($0.value, $0.isOptional) }, range)
    }

    private mutating func group(
        _ operation: CELOperation, _ operands: [(CELExpression, isOptional: Bool)],
        _ range: Range<Int>
    ) -> Int32 {
        let numbers = operands.map { operand, isOptional in
            isOptional ? ~node(operand) : node(operand)
        }
        children.append(contentsOf: numbers)
        return emit(
            operation, Int32(children.count - numbers.count), Int32(numbers.count), at: range)
    }

    private mutating func loop(_ loop: CELLoop, _ range: Range<Int>) -> Int32 {
        let over = node(loop.over)
        let condition = loop.condition.map { node($0) } ?? -1
        loops.append(
            CELProgram.Loop(
                kind: loop.kind, over: over, first: Int32(loop.first),
                second: loop.second.map(Int32.init) ?? -1, condition: condition,
                body: node(loop.body)))
        return emit(.loop, Int32(loops.count - 1), at: range)
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
