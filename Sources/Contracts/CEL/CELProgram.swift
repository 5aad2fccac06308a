/// What a node of a compiled expression does. `a`, `b`, `c` are its operands' nodes unless said
/// otherwise.
enum CELOperation: UInt8 {
    /// Constant `a`.
    case constant
    /// The value that the scanner put into slot `a`; `b` is the constant with the member's name.
    case slot
    /// has(): slot `a`, below slot `b` (-1 = the record itself).
    case hasSlot
    case key, headers, topic, partition, offset, wholeValue
    /// Operand `a`, constant `b` is the member's name.
    case select, hasMember
    case index
    case and, or, not, conditional
    case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual
    case `in`
    case add, subtract, multiply, divide, modulo, negate
    /// Operands are the nodes `children[a ..< a + b]`.
    case list, map
    case size, startsWith, endsWith, contains, matches
    /// Text `a`, pattern number `b`.
    case matchesPattern
    case toInt, toUInt, toDouble, toBool, toString, toBytes, toDyn
    /// A function that does not exist: only in an expression that was not checked.
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

    let text: String
    let nodes: UnsafeMutablePointer<Node>
    let count: Int
    /// Where each node stands in the text, for error messages.
    let ranges: [Range<Int>]
    let constants: UnsafeMutablePointer<CELValue>
    let children: UnsafeMutablePointer<Int32>
    let patterns: [Pattern]
    private let memory: [UnsafeMutableRawPointer]

    var root: Int32 { Int32(count - 1) }

    init(
        text: String, nodes: [Node], ranges: [Range<Int>], constants: [CELValue],
        children: [Int32], patterns: [Pattern], memory: [UnsafeMutableRawPointer]
    ) {
        self.text = text
        self.ranges = ranges
        self.patterns = patterns
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
