/// What an expression may name: variables, functions, and the container that its names are looked up in
/// (spec "Name resolution").
struct CELEnvironment {
    struct Variable {
        /// Where its value comes from when the expression runs.
        enum Source: Hashable {
            case value, wholeValue, key, headers, timestamp, topic, partition, offset
            /// Set by the caller before the run: a slot of the evaluator's variables.
            case bound(Int)
        }

        var type: CELType
        var source: Source
    }

    var variables: [String: Variable] = [:]
    /// Functions beyond the library's: they can be checked, not run.
    var functions: [String: CELFunction] = [:]
    var container = ""

    /// What a record offers. `format` says what `value` is: any JSON object, or bytes.
    static func record(_ format: Stream.Format) -> CELEnvironment {
        let value =
            format == .bytes
            ? Variable(type: .bytes, source: .wholeValue) : Variable(type: .dyn, source: .value)
        return CELEnvironment(variables: [
            "value": value, "key": .init(type: .dyn, source: .key),
            "headers": .init(type: .map(.string, .dyn), source: .headers),
            "timestamp": .init(type: .timestamp, source: .timestamp),
            "topic": .init(type: .string, source: .topic),
            "partition": .init(type: .int, source: .partition),
            "offset": .init(type: .int, source: .offset),
        ])
    }

    /// Slots that the caller sets.
    var boundCount: Int {
        variables.values.count { if case .bound = $0.source { true } else { false } }
    }

    func function(_ name: String) -> CELFunction? {
        CELLibrary.functions[name] ?? functions[name]
    }

    /// Names that a name may stand for, in the order in which they are tried: the container's own first.
    func candidates(_ name: String) -> [String] {
        var names: [String] = []
        var space = container[...]
        while !space.isEmpty {
            names.append("\(space).\(name)")
            space = space.lastIndex(of: ".").map { space[..<$0] } ?? ""
        }
        return names + [name]
    }
}

/// A function of the library, or one declared by an environment.
struct CELFunction: Sendable {
    struct Overload: Sendable {
        var isMember: Bool
        /// The target first.
        var parameters: [CELType]
        var result: CELType
    }

    var name: String
    var overloads: [Overload]
    /// Nil: can be checked, not run.
    var call: CELCall?
    /// How it is written, for messages.
    var usage: String

    /// Any number of operands from one on, all taken by one overload's only parameter.
    var isVariadic = false
}
