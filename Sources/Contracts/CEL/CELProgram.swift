/// What a node of a compiled expression does. `a`, `b`, `c` are its operands' nodes unless said
/// otherwise.
enum CELOperation: UInt8 {
    /// Constant `a`.
    case constant
    /// The value that the scanner put into slot `a`; `b` is the constant with the member's name.
    case slot
    /// has(): slot `a`, below slot `b` (-1 = the record itself).
    case hasSlot
    case key, headers, timestamp, topic, partition, offset, wholeValue
    /// Variable `a`: a macro's, or one that the caller set.
    case local
    /// Operand `a`, constant `b` is the member's name.
    case select, selectOptional, hasMember
    case index, indexOptional
    case and, or, not, conditional
    case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual
    case `in`
    case add, subtract, multiply, divide, modulo, negate
    /// Operands are the nodes `children[a ..< a + b]`; one that is optional (a map's: its value) is
    /// stored as the complement of its number.
    case list, map
    /// `CELCall` number `c` on the nodes `children[a ..< a + b]`.
    case call
    /// Text `a`, pattern number `b`.
    case matchesPattern
    /// Loop number `a`.
    case loop
    /// Variable `a` takes the value of `b` in `c`.
    case bind
    /// Optional `a`, mapped by `b` on variable `c`.
    case optionalMap, optionalFlatMap
    /// A name that stands for nothing: only in an expression that was not checked.
    case unbound
    /// Slot `a` against constant `b`, compared in place; `c` is the node of the general form.
    case slotEqual, slotNotEqual, slotLess, slotLessOrEqual, slotGreater, slotGreaterOrEqual
}

/// An expression ready to run: nodes in one block, operands before the node that uses them. Immutable.
final class CELProgram {
    struct Node {
        var operation: CELOperation
        var a: Int32 = -1
        var b: Int32 = -1
        var c: Int32 = -1
    }

    /// A macro over a list or a map: nodes, and the slots of its variables (-1 = none).
    struct Loop {
        var kind: CELLoop.Kind
        var over: Int32
        var first: Int32
        var second: Int32 = -1
        var condition: Int32 = -1
        var body: Int32
    }

    let text: String
    let nodes: UnsafeMutablePointer<Node>
    let count: Int
    /// Where each node stands in the text, for error messages.
    let ranges: [Range<Int>]
    let constants: UnsafeMutablePointer<CELValue>
    let children: UnsafeMutablePointer<Int32>
    let patterns: [Pattern]
    let loops: [Loop]
    /// Variables of the macros, and those that the caller sets.
    let variableCount: Int
    private let memory: [UnsafeMutableRawPointer]

    var root: Int32 { Int32(count - 1) }

    /// Whether it asks for anything of the record beside its members.
    var looksAtRecord: Bool {
        (0..<count).contains { index in
            switch nodes[index].operation {
            case .key, .headers, .timestamp, .topic, .partition, .offset, .wholeValue: true
            default: false
            }
        }
    }

    init(
        text: String, nodes: [Node], ranges: [Range<Int>], constants: [CELValue],
        children: [Int32], patterns: [Pattern], loops: [Loop], variableCount: Int,
        memory: [UnsafeMutableRawPointer]
    ) {
        self.text = text
        self.ranges = ranges
        self.patterns = patterns
        self.loops = loops
        self.variableCount = variableCount
        self.memory = memory
        count = nodes.count
        self.nodes = copy(nodes)
        self.constants = copy(constants)
        self.children = copy(children)
    }

    deinit {
        nodes.deallocate()
        constants.deallocate()
        children.deallocate()
        for piece in memory { piece.deallocate() }
    }

    /// The source text of a node.
    func source(of node: Int32) -> String {
        guard node >= 0, Int(node) < ranges.count else { return text }
        let utf8 = Array(text.utf8)
        return String(decoding: utf8[ranges[Int(node)].clamped(to: 0..<utf8.count)], as: UTF8.self)
    }
}

/// Memory that the caller owns.
func copy<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutablePointer<T> {
    let memory = UnsafeMutablePointer<T>.allocate(capacity: max(values.count, 1))
    for (index, value) in values.enumerated() { (memory + index).initialize(to: value) }
    return memory
}
