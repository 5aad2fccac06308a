/// An expression with its names resolved and its macros spelled out: what is checked and compiled.
struct CELExpression {
    var kind: Kind
    /// UTF-8 bytes from the text's start.
    var range: Range<Int>

    struct Element {
        var value: CELExpression
        var isOptional: Bool
    }

    struct Entry {
        var key: CELExpression
        var value: CELExpression
        var isOptional: Bool
    }

    indirect enum Kind {
        case literal(CELLiteral)
        case variable(CELEnvironment.Variable)
        /// A macro's variable: a slot of the evaluator's variables.
        case local(Int)
        /// A type's name as a value.
        case type(String)
        case select(CELExpression, member: String, isOptional: Bool)
        case has(CELExpression, member: String)
        case index(CELExpression, CELExpression, isOptional: Bool)
        case call(CELFunction, isMember: Bool, [CELExpression])
        case unary(CELUnary, CELExpression)
        case binary(CELBinary, CELExpression, CELExpression)
        case conditional(CELExpression, CELExpression, CELExpression)
        case list([Element])
        case map([Entry])
        case loop(CELLoop)
        /// `cel.bind(slot, value, body)`
        case bind(Int, CELExpression, CELExpression)
        /// `optional.optMap(slot, body)`, `optFlatMap` where flat.
        case optionalMap(CELExpression, slot: Int, CELExpression, isFlat: Bool)
        /// Names nothing; the message says what was looked for. Fails when it runs.
        case unresolved(String)
        /// The same where an operand is there to be looked at.
        case unknownCall(String, [CELExpression])
    }
}

/// A macro that goes over a list or a map.
struct CELLoop {
    enum Kind: String {
        case all, exists, existsOne = "existsOne", map, filter, transformList, transformMap
        case transformMapEntry

        /// Whether its last operand is a condition.
        var isTest: Bool {
            switch self {
            case .all, .exists, .existsOne, .filter: true
            default: false
            }
        }
    }

    var kind: Kind
    var over: CELExpression
    /// With one variable: elements of a list, keys of a map. With two: position and element, key and value.
    var first: Int
    var second: Int?
    var condition: CELExpression?
    var body: CELExpression
}
