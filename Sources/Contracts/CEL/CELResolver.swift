/// Resolves names and spells out macros (spec "Name resolution" and "Macros"). Mistakes are collected,
/// not thrown: the rest is still checked.
struct CELResolver {
    private(set) var diagnostics: [CELDiagnostic] = []
    /// Slots that the expression's own variables take, behind those that the caller sets.
    private(set) var slotCount: Int
    private let environment: CELEnvironment
    private var scope: [(name: String, slot: Int)] = []

    init(_ environment: CELEnvironment) {
        self.environment = environment
        slotCount = environment.boundCount
    }

    mutating func resolve(_ syntax: CELSyntax) -> CELExpression {
        CELExpression(kind: kind(syntax), range: syntax.range)
    }

    private mutating func kind(_ syntax: CELSyntax) -> CELExpression.Kind {
        if let named = name(syntax) { return named }
        switch syntax.kind {
        case .literal(let literal): return .literal(literal)
        case .identifier(let name, _): return unknown(name, syntax.range)
        case .select(let operand, let member, let isOptional):
            return .select(resolve(operand), member: member, isOptional: isOptional)
        case .has(let operand, let member): return .has(resolve(operand), member: member)
        case .index(let operand, let index, let isOptional):
            let operand = resolve(operand)
            return .index(operand, resolve(index), isOptional: isOptional)
        case .call(let name, let target, let arguments):
            return call(name, target, arguments, syntax.range)
        case .unary(let operation, let operand): return .unary(operation, resolve(operand))
        case .binary(let operation, let left, let right):
            let left = resolve(left)
            return .binary(operation, left, resolve(right))
        case .conditional(let condition, let yes, let no):
            let condition = resolve(condition)
            let yes = resolve(yes)
            return .conditional(condition, yes, resolve(no))
        case .list(let elements):
            return .list(
                elements.map { .init(value: resolve($0.value), isOptional: $0.isOptional) })
        case .map(let entries):
            return .map(
                entries.map {
                    let key = resolve($0.key)
                    return .init(key: key, value: resolve($0.value), isOptional: $0.isOptional)
                })
        case .message:
            let what = "a protobuf message cannot be made here: records are JSON"
            report(syntax.range, what)
            return .unresolved(what)
        }
    }

    private mutating func report(_ range: Range<Int>, _ message: String) {
        diagnostics.append(CELDiagnostic(range, message))
    }

    // MARK: names

    /// What `a` or `a.b.c` names as a whole; nil where only its operand may.
    private func name(_ syntax: CELSyntax) -> CELExpression.Kind? {
        guard let (path, isRooted) = path(syntax) else { return nil }
        if !isRooted, let root = path.first,
            let local = scope.last(where: { $0.name == root })
        {
            return path.count == 1 ? .local(local.slot) : nil
        }
        let name = path.joined(separator: ".")
        for candidate in isRooted ? [name] : environment.candidates(name) {
            if let variable = environment.variables[candidate] { return .variable(variable) }
            if CELLibrary.types.contains(candidate) { return .type(candidate) }
        }
        return nil
    }

    private func path(_ syntax: CELSyntax) -> (names: [String], isRooted: Bool)? {
        switch syntax.kind {
        case .identifier(let name, let isRooted): return ([name], isRooted)
        case .select(let operand, let member, isOptional: false):
            guard let (names, isRooted) = path(operand) else { return nil }
            return (names + [member], isRooted)
        default: return nil
        }
    }

    private mutating func unknown(_ name: String, _ range: Range<Int>) -> CELExpression.Kind {
        let known = Array(environment.variables.keys) + scope.map(\.name)
        let what = "unknown variable '\(name)'\(Spelling.hint(for: name, among: known.sorted()))"
        report(range, what)
        return .unresolved(what)
    }

    // MARK: calls

    private mutating func call(
        _ name: String, _ target: CELSyntax?, _ arguments: [CELSyntax], _ range: Range<Int>
    ) -> CELExpression.Kind {
        if let target {
            if let function = namespaced(name, target) {
                return .call(function, isMember: false, arguments.map { resolve($0) })
            }
            if case .identifier("cel", _) = target.kind, name == "bind" {
                return bind(arguments, range)
            }
            if let macro = macro(name, target, arguments, range) { return macro }
            if let space = namespace(target) {
                return unknownCall("\(space).\(name)", arguments, range)
            }
        }
        let operands = ((target.map { [$0] } ?? []) + arguments).map { resolve($0) }
        if let function = environment.function(name) {
            return .call(function, isMember: target != nil, operands)
        }
        report(range, unknownFunction(name))
        return .unknownCall(name, operands)
    }

    private func unknownFunction(_ name: String) -> String {
        let known =
            Array(CELLibrary.functions.keys) + Array(CELLibrary.macros)
            + Array(environment.functions.keys)
        return "unknown function '\(name)'\(Spelling.hint(for: name, among: known.sorted()))"
    }

    private mutating func unknownCall(
        _ name: String, _ arguments: [CELSyntax], _ range: Range<Int>
    ) -> CELExpression.Kind {
        report(range, unknownFunction(name))
        return .unknownCall(name, arguments.map { resolve($0) })
    }

    /// `math`, `base64` and their like, where no variable has that name.
    private func namespace(_ target: CELSyntax) -> String? {
        guard case .identifier(let space, _) = target.kind, name(target) == nil,
            CELLibrary.functions.keys.contains(where: { $0.hasPrefix(space + ".") })
        else { return nil }
        return space
    }

    /// `math.abs(…)`: a function whose name has dots, where the target names no variable.
    private func namespaced(_ name: String, _ target: CELSyntax) -> CELFunction? {
        guard let (path, _) = path(target), self.name(target) == nil,
            !scope.contains(where: { $0.name == path[0] })
        else { return nil }
        return environment.function((path + [name]).joined(separator: "."))
    }

    // MARK: macros

    private mutating func macro(
        _ name: String, _ target: CELSyntax, _ arguments: [CELSyntax], _ range: Range<Int>
    ) -> CELExpression.Kind? {
        switch (name, arguments.count) {
        case ("optMap", 2), ("optFlatMap", 2):
            return optionalMap(name, target, arguments)
        case ("all", 2), ("exists", 2), ("exists_one", 2), ("existsOne", 2), ("filter", 2),
            ("map", 2), ("map", 3):
            return loop(name, target, arguments, variables: 1)
        case ("all", 3), ("exists", 3), ("exists_one", 3), ("existsOne", 3),
            ("transformList", 3), ("transformList", 4), ("transformMap", 3), ("transformMap", 4),
            ("transformMapEntry", 3), ("transformMapEntry", 4):
            return loop(name, target, arguments, variables: 2)
        default:
            guard CELLibrary.macros.contains(name) else { return nil }
            let what = "write \(Self.usage[name] ?? name)"
            report(range, what)
            return .unresolved(what)
        }
    }

    private static let usage: [String: String] = [
        "all": "list.all(x, x > 0)", "exists": "list.exists(x, x > 0)",
        "exists_one": "list.exists_one(x, x > 0)", "existsOne": "list.existsOne(x, x > 0)",
        "map": "list.map(x, x * 2)", "filter": "list.filter(x, x > 0)",
        "transformList": "list.transformList(i, x, x * 2)",
        "transformMap": "map.transformMap(k, v, v * 2)",
        "transformMapEntry": "map.transformMapEntry(k, v, {v: k})",
        "optMap": "optional.optMap(x, x * 2)", "optFlatMap": "optional.optFlatMap(x, x.?member)",
        "has": "has(value.member)",
    ]

    private mutating func loop(
        _ name: String, _ target: CELSyntax, _ arguments: [CELSyntax], variables count: Int
    ) -> CELExpression.Kind {
        let kind = CELLoop.Kind(rawValue: name == "exists_one" ? "existsOne" : name) ?? .all
        let over = resolve(target)
        let depth = scope.count
        defer { scope.removeLast(scope.count - depth) }
        var slots: [Int] = []
        for argument in arguments[..<count] {
            guard let slot = declare(argument, name) else {
                return .unresolved("a variable's name")
            }
            slots.append(slot)
        }
        let rest = arguments[count...].map { resolve($0) }
        return .loop(
            CELLoop(
                kind: kind, over: over, first: slots[0], second: count == 2 ? slots[1] : nil,
                condition: rest.count == 2 ? rest[0] : nil, body: rest[rest.count - 1]))
    }

    /// A slot for the variable that a macro's argument names; nil where it names none.
    private mutating func declare(_ argument: CELSyntax, _ macro: String) -> Int? {
        guard case .identifier(let name, isRooted: false) = argument.kind else {
            report(argument.range, "\(macro)() wants the name of a variable here")
            return nil
        }
        scope.append((name, slotCount))
        slotCount += 1
        return slotCount - 1
    }

    private mutating func bind(
        _ arguments: [CELSyntax], _ range: Range<Int>
    ) -> CELExpression.Kind {
        guard arguments.count == 3 else {
            report(range, "write cel.bind(name, value, expression)")
            return .unresolved("cel.bind")
        }
        let value = resolve(arguments[1])
        guard let slot = declare(arguments[0], "cel.bind") else { return .unresolved("cel.bind") }
        defer { scope.removeLast() }
        return .bind(slot, value, resolve(arguments[2]))
    }

    private mutating func optionalMap(
        _ name: String, _ target: CELSyntax, _ arguments: [CELSyntax]
    ) -> CELExpression.Kind {
        let operand = resolve(target)
        guard let slot = declare(arguments[0], name) else { return .unresolved(name) }
        defer { scope.removeLast() }
        return .optionalMap(
            operand, slot: slot, resolve(arguments[1]), isFlat: name == "optFlatMap")
    }
}
