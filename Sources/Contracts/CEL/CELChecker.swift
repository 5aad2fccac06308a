/// Overloads and types of an expression, checked once (spec "Gradual type checking"). Finds all
/// mistakes, not only the first.
struct CELChecker {
    private(set) var diagnostics: [CELDiagnostic] = []
    private var bindings = CELTypeBindings()
    /// Types of the macros' variables by slot.
    private var locals: [Int: CELType] = [:]
    private let text: [UInt8]

    /// `text`: the expression's source, for proposals.
    init(text: String = "") { self.text = Array(text.utf8) }

    /// The type of a whole expression; what could not be told is dyn.
    mutating func check(_ expression: CELExpression) -> CELType {
        bindings.closed(type(of: expression))
    }

    private mutating func type(of node: CELExpression) -> CELType {
        switch node.kind {
        case .literal(let literal): return CELChecker.type(of: literal)
        case .variable(let variable): return variable.type
        case .local(let slot): return locals[slot] ?? .dyn
        case .type: return .type
        case .select(let operand, _, let isOptional): return select(operand, isOptional, node.range)
        case .has(let operand, _):
            _ = select(operand, false, node.range)
            return .bool
        case .index(let operand, let index, let isOptional):
            return indexed(operand, index, isOptional, node.range)
        case .call(let function, let isMember, let operands):
            return call(function, isMember, operands, node.range)
        case .unary(let operation, let operand): return unary(operation, operand)
        case .binary(let operation, let left, let right):
            return binary(operation, left, right, node.range)
        case .conditional(let condition, let yes, let no):
            require(type(of: condition), [.bool], condition.range, "the condition of '?:'")
            let yes = type(of: yes)
            return bindings.joined(yes, type(of: no))
        case .list(let elements): return list(elements)
        case .map(let entries): return map(entries)
        case .loop(let loop): return self.loop(loop)
        case .bind(let slot, let value, let body):
            locals[slot] = type(of: value)
            return type(of: body)
        case .optionalMap(let operand, let slot, let body, let isFlat):
            return optionalMap(operand, slot, body, isFlat)
        case .unresolved: return .dyn
        case .unknownCall(_, let operands):
            for operand in operands { _ = type(of: operand) }
            return .dyn
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

    mutating func report(
        _ range: Range<Int>, _ message: String, _ severity: Diagnostic.Severity = .error
    ) {
        diagnostics.append(CELDiagnostic(range, message, severity))
    }

    private mutating func require(
        _ given: CELType, _ allowed: [CELType], _ range: Range<Int>, _ what: String
    ) {
        let type = bindings.closed(given)
        if type == .dyn || allowed.contains(type) { return }
        let names = allowed.map(\.name).joined(separator: " or ")
        report(range, "\(what) is \(names), not \(type.name)")
    }

    // MARK: members and elements

    private mutating func select(
        _ operand: CELExpression, _ isOptional: Bool, _ range: Range<Int>
    ) -> CELType {
        let type = bindings.resolved(type(of: operand))
        let held = type.wrapped.map(bindings.resolved)
        let member: CELType
        switch held ?? type {
        case .map(_, let value): member = value
        case .dyn, .open: member = .dyn
        case let other:
            report(range, "\(other.name) has no members")
            member = .dyn
        }
        return held != nil || isOptional ? .optional(member) : member
    }

    private mutating func indexed(
        _ operand: CELExpression, _ index: CELExpression, _ isOptional: Bool, _ range: Range<Int>
    ) -> CELType {
        let type = bindings.resolved(type(of: operand))
        let held = type.wrapped.map(bindings.resolved)
        let indexType = self.type(of: index)
        let element: CELType
        switch held ?? type {
        case .dyn, .open: element = .dyn
        case .list(let inner):
            require(indexType, [.int, .uint, .double], index.range, "a list's index")
            element = inner
        case .map(_, let value): element = value
        case let other:
            report(range, "\(other.name) has no elements")
            element = .dyn
        }
        return held != nil || isOptional ? .optional(element) : element
    }

    // MARK: containers

    private mutating func list(_ elements: [CELExpression.Element]) -> CELType {
        var joined: CELType?
        for element in elements {
            let type = held(element.value, element.isOptional)
            joined = joined.map { bindings.joined($0, type) } ?? type
        }
        return .list(joined ?? bindings.fresh())
    }

    private mutating func map(_ entries: [CELExpression.Entry]) -> CELType {
        var key: CELType?
        var value: CELType?
        for entry in entries {
            let keyType = type(of: entry.key)
            require(keyType, [.bool, .int, .uint, .string], entry.key.range, "a map's key")
            key = key.map { bindings.joined($0, keyType) } ?? keyType
            let type = held(entry.value, entry.isOptional)
            value = value.map { bindings.joined($0, type) } ?? type
        }
        return .map(key ?? bindings.fresh(), value ?? bindings.fresh())
    }

    /// What a written element adds: `?x` adds what the optional holds.
    private mutating func held(_ value: CELExpression, _ isOptional: Bool) -> CELType {
        let type = bindings.resolved(type(of: value))
        guard isOptional else { return type }
        if let inner = type.wrapped { return inner }
        if type != .dyn { report(value.range, "'?' takes an optional, not \(type.name)") }
        return .dyn
    }

    // MARK: macros

    private mutating func loop(_ loop: CELLoop) -> CELType {
        let name = loop.kind.rawValue
        let over = bindings.resolved(type(of: loop.over))
        switch over {
        case .list(let element):
            locals[loop.first] = loop.second == nil ? element : .int
            if let second = loop.second { locals[second] = element }
        case .map(let key, let value):
            locals[loop.first] = key
            if let second = loop.second { locals[second] = value }
        case .dyn, .open: break
        default: report(loop.over.range, "\(name)() goes over a list or a map, not \(over.name)")
        }
        if let condition = loop.condition {
            require(type(of: condition), [.bool], condition.range, "the condition of \(name)()")
        }
        let body = type(of: loop.body)
        if loop.kind.isTest {
            require(body, [.bool], loop.body.range, "the condition of \(name)()")
        }
        switch loop.kind {
        case .all, .exists, .existsOne: return .bool
        case .filter:
            if case .list = over { return over }
            return .list(locals[loop.first] ?? .dyn)
        case .map, .transformList: return .list(body)
        case .transformMap:
            if case .map(let key, _) = over { return .map(key, body) }
            return .map(over == .dyn ? .dyn : .int, body)
        case .transformMapEntry:
            if case .map = bindings.resolved(body) { return body }
            if body != .dyn { report(loop.body.range, "\(name)() makes maps of one entry") }
            return .map(.dyn, .dyn)
        }
    }

    private mutating func optionalMap(
        _ operand: CELExpression, _ slot: Int, _ body: CELExpression, _ isFlat: Bool
    ) -> CELType {
        let type = bindings.resolved(type(of: operand))
        locals[slot] = type.wrapped ?? .dyn
        if type.wrapped == nil, type != .dyn {
            report(operand.range, "an optional is wanted here, not \(type.name)")
        }
        let result = bindings.resolved(self.type(of: body))
        guard isFlat else { return .optional(result) }
        if result.wrapped == nil, result != .dyn {
            report(body.range, "optFlatMap() makes an optional, and this is \(result.name)")
        }
        return result.wrapped == nil ? .optional(.dyn) : result
    }

    // MARK: operators

    private mutating func unary(_ operation: CELUnary, _ operand: CELExpression) -> CELType {
        let type = bindings.closed(type(of: operand))
        switch operation {
        case .not:
            require(type, [.bool], operand.range, "the operand of '!'")
            return .bool
        case .negate:
            require(type, [.int, .double], operand.range, "the operand of '-'")
            return type
        }
    }

    private mutating func binary(
        _ operation: CELBinary, _ left: CELExpression, _ right: CELExpression, _ range: Range<Int>
    ) -> CELType {
        let open = (type(of: left), type(of: right))
        if case (.list, .list) = (bindings.resolved(open.0), bindings.resolved(open.1)),
            operation == .add
        {
            return bindings.joined(open.0, open.1)
        }
        let a = bindings.closed(open.0)
        let b = bindings.closed(open.1)
        switch operation {
        case .or, .and:
            require(a, [.bool], left.range, "an operand of '\(operation.rawValue)'")
            require(b, [.bool], right.range, "an operand of '\(operation.rawValue)'")
            return .bool
        case .equal, .notEqual:
            if !comparable(a, b), a != .null, b != .null { noOverload(operation, a, b, range) }
            return .bool
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            if !comparable(a, b) || !isOrdered(a) || !isOrdered(b) {
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

    private func isOrdered(_ type: CELType) -> Bool {
        switch type {
        case .null, .list, .map, .type, .abstract: false
        default: true
        }
    }

    private mutating func comparable(_ a: CELType, _ b: CELType) -> Bool {
        switch (a, b) {
        case (.dyn, _), (_, .dyn), (.list, .list), (.map, .map): return true
        default: return a.isNumber && b.isNumber || bindings.accepts(a, b)
        }
    }

    private mutating func noOverload(
        _ operation: CELBinary, _ a: CELType, _ b: CELType, _ range: Range<Int>
    ) {
        report(range, "'\(operation.rawValue)' does not take \(a.name) and \(b.name)")
    }

    private mutating func arithmetic(
        _ operation: CELBinary, _ left: (node: CELExpression, type: CELType),
        _ right: (node: CELExpression, type: CELType), _ range: Range<Int>
    ) -> CELType {
        let (a, b) = (left.type, right.type)
        if let time = CELChecker.time(operation, a, b) { return time }
        guard CELChecker.takes(operation, a), CELChecker.takes(operation, b),
            a == b || a == .dyn || b == .dyn
        else {
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

    private static func takes(_ operation: CELBinary, _ type: CELType) -> Bool {
        switch type {
        case .dyn, .int, .uint: true
        case .double: operation != .modulo
        case .string, .bytes, .list: operation == .add
        default: false
        }
    }

    /// Points in time and durations; nil where neither is among the operands, or where they do not go
    /// together.
    private static func time(_ operation: CELBinary, _ a: CELType, _ b: CELType) -> CELType? {
        switch (operation, a, b) {
        case (.add, .timestamp, .duration), (.add, .duration, .timestamp),
            (.subtract, .timestamp, .duration), (.add, .timestamp, .dyn), (.add, .dyn, .timestamp):
            .timestamp
        case (.add, .duration, .duration), (.subtract, .duration, .duration),
            (.subtract, .timestamp, .timestamp), (.subtract, .duration, .dyn):
            .duration
        case (.add, .duration, .dyn), (.add, .dyn, .duration), (.subtract, .timestamp, .dyn),
            (.subtract, .dyn, .timestamp), (.subtract, .dyn, .duration):
            .dyn
        default: nil
        }
    }

    private func isLiteral(_ node: CELExpression) -> Bool {
        if case .literal = node.kind { true } else { false }
    }

    /// contract.md: CEL has no `int * double`, so a record that says 5 instead of 5.0 would fail.
    private mutating func warn(_ range: Range<Int>, _ proposal: String) {
        report(
            range,
            "fails on a record that holds a whole number here, which CEL does not mix with a "
                + "double; write \(proposal)", .warning)
    }

    private func source(_ node: CELExpression) -> String {
        String(decoding: text[node.range.clamped(to: 0..<text.count)], as: UTF8.self)
    }

    // MARK: functions

    private mutating func call(
        _ function: CELFunction, _ isMember: Bool, _ operands: [CELExpression], _ range: Range<Int>
    ) -> CELType {
        let given = operands.map { bindings.resolved(type(of: $0)) }
        var fitting = function.overloads.filter { $0.isMember == isMember }
        if function.isVariadic, given.count > 1 {
            return variadic(function, operands, given)
        }
        fitting.removeAll { $0.parameters.count != given.count }
        guard !fitting.isEmpty else {
            report(range, "write \(function.usage)")
            return function.overloads.first?.result ?? .dyn
        }
        var taken: [(CELType, CELTypeBindings)] = []
        for overload in fitting {
            var tried = bindings
            var names: [String: CELType] = [:]
            let wanted = overload.parameters.map { tried.instantiate($0, &names) }
            guard zip(wanted, given).allSatisfy({ tried.accepts($0, $1) }) else { continue }
            taken.append((tried.instantiate(overload.result, &names), tried))
        }
        guard let first = taken.first else {
            reportOperand(function, fitting, operands, given)
            return fitting[0].result
        }
        checkLiterals(function, operands)
        guard taken.count > 1 else {
            bindings = first.1
            return first.0
        }
        let closed = taken.map { $1.closed($0) }
        return closed.allSatisfy { $0 == closed[0] } ? closed[0] : .dyn
    }

    /// `math.greatest` and `math.least`: numbers of any types; one type among them is the result's.
    private mutating func variadic(
        _ function: CELFunction, _ operands: [CELExpression], _ given: [CELType]
    ) -> CELType {
        let given = given.map { bindings.closed($0) }
        for (operand, type) in zip(operands, given) where !type.isNumber && type != .dyn {
            report(operand.range, "\(function.name)() takes numbers, not \(type.name)")
        }
        return given.allSatisfy { $0 == given[0] } ? given[0] : .dyn
    }

    /// Names the first operand that no overload takes.
    private mutating func reportOperand(
        _ function: CELFunction, _ overloads: [CELFunction.Overload], _ operands: [CELExpression],
        _ given: [CELType]
    ) {
        for (place, (operand, type)) in zip(operands, given).enumerated() {
            var names: [String] = []
            var isTaken = false
            for overload in overloads {
                var tried = bindings
                var open: [String: CELType] = [:]
                let wanted = tried.instantiate(overload.parameters[place], &open)
                if tried.accepts(wanted, type) { isTaken = true }
                if !names.contains(wanted.name) { names.append(wanted.name) }
            }
            if isTaken { continue }
            report(
                operand.range,
                "\(function.name)() takes \(names.joined(separator: ", ")) here, not \(type.name)")
            return
        }
        if let last = operands.last {
            report(last.range, "\(function.name)() does not take these together")
        }
    }

    /// Patterns and time zones that stand in the expression are looked at now, not on a record.
    private mutating func checkLiterals(_ function: CELFunction, _ operands: [CELExpression]) {
        guard let last = operands.last, case .literal(.string(let text)) = last.kind else { return }
        switch function.call {
        case .matches:
            do { _ = try Pattern(text) } catch { report(last.range, error.text) }
        case .toTimestamp:
            if text.withUnsafeBufferPointer({ CELTime.timestamp($0) }) == nil {
                report(last.range, "no RFC 3339 time between the years 1 and 9999")
            }
        case .toDuration:
            if text.withUnsafeBufferPointer({ CELTime.duration($0) }) == nil {
                report(last.range, "no duration, such as '1h30m' or '2.5s'")
            }
        case .getDate, .getDayOfMonth, .getDayOfWeek, .getDayOfYear, .getFullYear, .getHours,
            .getMilliseconds, .getMinutes, .getMonth, .getSeconds:
            checkZone(String(decoding: text, as: UTF8.self), last.range)
        default: break
        }
    }

    private mutating func checkZone(_ name: String, _ range: Range<Int>) {
        if CELTimeZone.offset(name) != nil || name == "UTC" { return }
        guard CELTimeZone.named(name) != nil else {
            return report(range, "no time zone of this machine's, and no offset such as '+01:00'")
        }
        report(
            range,
            "decides by this machine's time zone data, which changes with its updates; write an "
                + "offset such as '+01:00' where it must not", .warning)
    }
}
