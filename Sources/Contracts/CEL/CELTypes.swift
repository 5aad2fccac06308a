/// What is known of a value before any record is there (spec "Gradual type checking").
indirect enum CELType: Hashable, Sendable {
    case dyn, null, bool, int, uint, double, string, bytes, timestamp, duration, type
    case list(CELType)
    case map(CELType, CELType)
    /// A type with parameters and no literal: `optional_type(int)`.
    case abstract(String, [CELType])
    /// A type parameter of a function's signature, as it is written there.
    case parameter(String)
    /// A type that is not known yet: an empty list's element.
    case open(Int)

    static func optional(_ value: CELType) -> CELType { .abstract("optional_type", [value]) }

    var name: String {
        switch self {
        case .dyn, .open: "dyn"
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .type: "type"
        case .list: "list"
        case .map: "map"
        case .abstract("optional_type", _): "optional"
        case .abstract(let name, _), .parameter(let name): name
        }
    }

    var isNumber: Bool { self == .int || self == .uint || self == .double }

    /// Types whose values may be null (protobuf's messages, in CEL's history).
    var isNullable: Bool {
        switch self {
        case .timestamp, .duration, .abstract: true
        default: false
        }
    }

    /// What an optional holds, nil for any other type.
    var wrapped: CELType? {
        if case .abstract("optional_type", let held) = self { held.first } else { nil }
    }
}

/// Types found so far for those that were open. Cheap to copy: a call tries its overloads on copies.
struct CELTypeBindings {
    private var bound: [Int: CELType] = [:]
    private var next = 0

    mutating func fresh() -> CELType {
        next += 1
        return .open(next)
    }

    /// A signature's type with its parameters replaced by open types, the same for the same name.
    mutating func instantiate(_ type: CELType, _ names: inout [String: CELType]) -> CELType {
        switch type {
        case .parameter(let name):
            if let known = names[name] { return known }
            let made = fresh()
            names[name] = made
            return made
        case .list(let element): return .list(instantiate(element, &names))
        case .map(let key, let value):
            let key = instantiate(key, &names)
            return .map(key, instantiate(value, &names))
        case .abstract(let name, let held):
            return .abstract(name, held.map { instantiate($0, &names) })
        default: return type
        }
    }

    /// The type as far as it is known.
    func resolved(_ type: CELType) -> CELType {
        switch type {
        case .open(let number): bound[number].map(resolved) ?? type
        case .list(let element): .list(resolved(element))
        case .map(let key, let value): .map(resolved(key), resolved(value))
        case .abstract(let name, let held): .abstract(name, held.map(resolved))
        default: type
        }
    }

    /// The same, with what stayed open as dyn.
    func closed(_ type: CELType) -> CELType {
        switch resolved(type) {
        case .open: .dyn
        case .list(let element): .list(closed(element))
        case .map(let key, let value): .map(closed(key), closed(value))
        case .abstract(let name, let held): .abstract(name, held.map(closed))
        case let known: known
        }
    }

    /// Whether a value of one type may stand where the other is wanted; open types are bound to make it
    /// so.
    mutating func accepts(_ wanted: CELType, _ given: CELType) -> Bool {
        switch (resolved(wanted), resolved(given)) {
        case (.open(let a), .open(let b)) where a == b: return true
        case (.open(let number), let type), (let type, .open(let number)):
            guard !holds(type, number) else { return false }
            bound[number] = type
            return true
        case (.dyn, _), (_, .dyn): return true
        case (.null, let other), (let other, .null): return other == .null || other.isNullable
        case (.list(let a), .list(let b)): return accepts(a, b)
        case (.map(let keyA, let a), .map(let keyB, let b)):
            return accepts(keyA, keyB) && accepts(a, b)
        case (.abstract(let a, let heldA), .abstract(let b, let heldB)):
            guard a == b, heldA.count == heldB.count else { return false }
            for (one, other) in zip(heldA, heldB) where !accepts(one, other) { return false }
            return true
        case (let a, let b): return a == b
        }
    }

    private func holds(_ type: CELType, _ number: Int) -> Bool {
        switch resolved(type) {
        case .open(let other): other == number
        case .list(let element): holds(element, number)
        case .map(let key, let value): holds(key, number) || holds(value, number)
        case .abstract(_, let held): held.contains { holds($0, number) }
        default: false
        }
    }

    /// The least type that takes values of both; dyn where nothing narrower does.
    mutating func joined(_ a: CELType, _ b: CELType) -> CELType {
        var tried = self
        guard tried.accepts(a, b) else { return .dyn }
        self = tried
        return wider(resolved(a), resolved(b))
    }

    private func wider(_ a: CELType, _ b: CELType) -> CELType {
        switch (a, b) {
        case (.dyn, _), (_, .dyn): .dyn
        case (.null, let other), (let other, .null): other
        case (.list(let x), .list(let y)): .list(wider(x, y))
        case (.map(let keyX, let x), .map(let keyY, let y)): .map(wider(keyX, keyY), wider(x, y))
        case (.abstract(let name, let x), .abstract(_, let y)):
            .abstract(name, zip(x, y).map { wider($0, $1) })
        default: a
        }
    }
}
