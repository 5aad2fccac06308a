/// The record that an expression looks at.
struct CELInput {
    var value: UnsafeRawBufferPointer?
    var key: UnsafeRawBufferPointer?
    var headers: HeaderReader
    var partition: Int32
    var offset: Int64
    /// Milliseconds since the epoch, -1 = none.
    var timestamp: Int64 = -1
}

extension CELInput {
    @inline(__always)
    init(_ record: borrowing SourceRecord) {
        value = record.value
        key = record.key
        headers = record.headers
        partition = record.partition
        offset = record.offset
        timestamp = record.timestamp
    }
}

/// Runs a program on a record. No recursion beyond the expression's own nesting and the record's, and a
/// bound on steps: no expression runs unbounded.
struct CELEvaluator {
    /// Steps that one evaluation may take: nodes, elements and members looked at, 16 to 64 bytes of text each.
    static let maximumSteps = 5_000_000

    let program: CELProgram
    private let root: Int32
    /// Beyond what the scanner found: else the record need not be copied.
    private let looksAtRecord: Bool
    let nodes: UnsafeMutablePointer<CELProgram.Node>
    let constants: UnsafeMutablePointer<CELValue>
    /// What the scanner found.
    let slots: UnsafeMutablePointer<JSONSpan>
    let topic: CELValue
    private let topicText: UnsafeMutablePointer<UInt8>
    /// Of the macros, and before them those that the caller sets.
    let variables: UnsafeMutablePointer<CELValue>
    var arena = Arena()
    var input: CELInput
    var steps = 0
    /// Time zones by name, once read.
    var zones: [String: CELTimeZone] = [:]
    /// The headers as a map, once one was asked for.
    var headers: CELValue?

    init(_ program: CELProgram, slots: UnsafeMutablePointer<JSONSpan>, topic: String) {
        self.program = program
        root = program.root
        looksAtRecord = program.looksAtRecord
        nodes = program.nodes
        constants = program.constants
        self.slots = slots
        let bytes = Array(topic.utf8)
        topicText = copy(bytes)
        variables = copy(Array(repeating: .null, count: program.variableCount))
        self.topic = .string(UnsafeBufferPointer(start: topicText, count: bytes.count))
        input = CELInput(value: nil, key: nil, headers: .none, partition: 0, offset: 0)
    }

    func free() {
        topicText.deallocate()
        variables.deallocate()
        arena.free()
    }

    /// What it returns is valid until the next call.
    @inline(__always)
    mutating func run(_ input: CELInput) -> CELValue {
        arena.reset()
        steps = CELEvaluator.maximumSteps
        headers = nil
        if looksAtRecord { self.input = input }
        return value(root)
    }

    @inline(__always)
    mutating func spend(_ count: Int) { steps &-= count }

    mutating func value(_ index: Int32) -> CELValue {
        steps &-= 1
        if steps < 0 { return .failure(.tooCostly, index) }
        let node = nodes[Int(index)]
        switch node.operation {
        case .slotEqual, .slotNotEqual, .slotLess, .slotLessOrEqual, .slotGreater,
            .slotGreaterOrEqual:
            return compareInPlace(node)
        case .and: return junction(node, decides: false)
        case .or: return junction(node, decides: true)
        case .constant: return constants[Int(node.a)]
        case .slot:
            let span = slots[Int(node.a)]
            return span.kind == .absent ? .failure(.noSuchMember, index) : value(of: span)
        case .not:
            let operand = value(node.a)
            if operand.tag == .bool { return .bool(operand.payload == 0) }
            return operand.isFailure ? operand : .failure(.noOverload, index)
        case .conditional:
            let condition = value(node.a)
            guard condition.tag == .bool else {
                return condition.isFailure ? condition : .failure(.noOverload, index)
            }
            return value(condition.payload != 0 ? node.b : node.c)
        default: return general(node, index)
        }
    }

    /// `&&` (decided by false) and `||` (decided by true): an operand that decides absorbs a failure of
    /// the other.
    @inline(__always)
    private mutating func junction(_ node: CELProgram.Node, decides: Bool) -> CELValue {
        let bit: UInt64 = decides ? 1 : 0
        let left = value(node.a)
        if left.tag == .bool, left.payload == bit { return left }
        let right = value(node.b)
        if right.tag == .bool {
            if right.payload == bit { return right }
            if left.tag == .bool { return right }
        }
        if left.isFailure { return left }
        if right.isFailure { return right }
        return .failure(.noOverload, left.tag == .bool ? node.b : node.a)
    }

    @inline(never)
    private mutating func general(_ node: CELProgram.Node, _ index: Int32) -> CELValue {
        switch node.operation {
        case .local: return variables[Int(node.a)]
        case .key: return key()
        case .headers: return headerMap()
        case .timestamp:
            return input.timestamp < 0 ? .null : .timestamp(CELTime(milliseconds: input.timestamp))
        case .topic: return topic
        case .partition: return .int(Int64(input.partition))
        case .offset: return .int(input.offset)
        case .wholeValue:
            return input.value.map { .bytes($0.bindMemory(to: UInt8.self)) } ?? .null
        case .hasSlot: return hasSlot(node, index)
        case .list: return list(node, index)
        case .map: return map(node, index)
        case .call: return call(node, index)
        case .loop: return loop(program.loops[Int(node.a)], index)
        case .bind:
            // A failure is one where the variable is used, as in Google's runtimes.
            variables[Int(node.a)] = value(node.b)
            return value(node.c)
        case .unbound: return .failure(.unknownName, index)
        default: break
        }
        let a = value(node.a)
        if a.isFailure { return a }
        switch node.operation {
        case .select: return select(a, constants[Int(node.b)], isOptional: false, index)
        case .selectOptional: return select(a, constants[Int(node.b)], isOptional: true, index)
        case .hasMember: return hasMember(a, constants[Int(node.b)], index)
        case .negate: return negate(a, index)
        case .optionalMap, .optionalFlatMap: return mapped(a, node, index)
        case .matchesPattern:
            guard a.tag == .string else { return .failure(.noOverload, index) }
            spend(a.length / 16)
            return .bool(program.patterns[Int(node.b)].matches(a.text))
        default: break
        }
        let b = value(node.b)
        return b.isFailure ? b : binary(node.operation, a, b, index)
    }

    private mutating func binary(
        _ operation: CELOperation, _ a: CELValue, _ b: CELValue, _ index: Int32
    ) -> CELValue {
        switch operation {
        case .equal, .notEqual:
            let same = isEqual(a, b)
            if steps < 0 { return .failure(.tooCostly, index) }
            return .bool(same == (operation == .equal))
        case .less, .lessOrEqual, .greater, .greaterOrEqual: return order(operation, a, b, index)
        case .in: return contains(b, a, index)
        case .index: return element(of: a, b, isOptional: false, index)
        case .indexOptional: return element(of: a, b, isOptional: true, index)
        default: return arithmetic(operation, a, b, index)
        }
    }

    // MARK: the record

    /// A scanned value as CEL sees it: a number without fraction and exponent is an int where it fits,
    /// else a uint where it fits, any other a double.
    @inline(__always)
    mutating func value(of span: JSONSpan) -> CELValue {
        switch span.kind {
        case .absent, .null: return .null
        case .false: return .bool(false)
        case .true: return .bool(true)
        case .integer:
            if let int = JSONNumber.int64(span.bytes) { return .int(int) }
            if let uint = JSONNumber.uint64(span.bytes) { return .uint(uint) }
            return .double(JSONNumber.double(span.bytes))
        case .number: return .double(JSONNumber.double(span.bytes))
        case .string: return .string(span.content)
        case .escapedString: return .string(unescaped(span))
        case .object:
            return CELValue(
                .object, payload: UInt64(UInt(bitPattern: span.start)), count: span.length)
        case .array:
            return CELValue(
                .array, payload: UInt64(UInt(bitPattern: span.start)), count: span.length)
        }
    }

    private mutating func unescaped(_ span: JSONSpan) -> UnsafeBufferPointer<UInt8> {
        let memory = arena.allocate(UInt8.self, count: span.content.count)
        return UnsafeBufferPointer(
            start: memory, count: JSONText.unescape(span.content, into: memory))
    }

    private func hasSlot(_ node: CELProgram.Node, _ index: Int32) -> CELValue {
        if slots[Int(node.a)].kind != .absent { return .bool(true) }
        if node.b < 0 { return .bool(false) }
        switch slots[Int(node.b)].kind {
        case .object: return .bool(false)
        case .absent: return .failure(.noSuchMember, index)
        default: return .failure(.noOverload, index)
        }
    }

    private func key() -> CELValue {
        guard let key = input.key else { return .null }
        return text(key)
    }

    /// A string, or bytes where it is not UTF-8.
    private func text(_ data: UnsafeRawBufferPointer) -> CELValue {
        let bytes = data.bindMemory(to: UInt8.self)
        return JSONText.isUTF8(bytes) ? .string(bytes) : .bytes(bytes)
    }

    /// The headers by name, the last of a name.
    private mutating func headerMap() -> CELValue {
        if let headers { return headers }
        var count = 0
        var name: UnsafePointer<CChar>?
        var data: UnsafeRawPointer?
        var length = 0
        while input.headers.read(input.headers.handle, count, &name, &data, &length) { count += 1 }
        let pairs = arena.allocate(CELValue.self, count: count * 2)
        var distinct = 0
        for index in 0..<count {
            guard input.headers.read(input.headers.handle, index, &name, &data, &length),
                let name
            else { break }
            let key = text(UnsafeRawBufferPointer(start: name, count: terminatedLength(name)))
            let value = data.map { text(UnsafeRawBufferPointer(start: $0, count: length)) } ?? .null
            let place = (0..<distinct).first { isEqual(pairs[$0 * 2], key) } ?? distinct
            spend(distinct)
            pairs[place * 2] = key
            pairs[place * 2 + 1] = value
            distinct = max(distinct, place + 1)
        }
        let map = CELValue.map(pairs, distinct)
        headers = map
        return map
    }

    // MARK: comparing in place

    /// Slot against constant: the common filters need no value of the slot at all.
    @inline(__always)
    private mutating func compareInPlace(_ node: CELProgram.Node) -> CELValue {
        let span = slots[Int(node.a)]
        let constant = constants[Int(node.b)]
        if node.operation == .slotEqual || node.operation == .slotNotEqual {
            let wanted = node.operation == .slotEqual
            if constant.tag == .null, span.kind != .absent {
                return .bool((span.kind == .null) == wanted)
            }
            if constant.tag == .string, span.kind == .string {
                return .bool(Contracts.isEqual(span.content, constant.text) == wanted)
            }
        }
        if span.kind == .number, constant.tag == .int, constant.asInt.magnitude < 1 << 53 {
            let value = JSONNumber.double(span.bytes)
            return .bool(CELEvaluator.holds(node.operation, value, Double(constant.asInt)))
        }
        if span.kind == .integer, constant.tag == .int, let value = JSONNumber.int64(span.bytes) {
            return .bool(CELEvaluator.holds(node.operation, value, constant.asInt))
        }
        return value(node.c)
    }

    @inline(__always)
    private static func holds(_ operation: CELOperation, _ a: Double, _ b: Double) -> Bool {
        switch operation {
        case .slotEqual: a == b
        case .slotNotEqual: a != b
        case .slotLess: a < b
        case .slotLessOrEqual: a <= b
        case .slotGreater: a > b
        default: a >= b
        }
    }

    @inline(__always)
    private static func holds(_ operation: CELOperation, _ a: Int64, _ b: Int64) -> Bool {
        switch operation {
        case .slotEqual: a == b
        case .slotNotEqual: a != b
        case .slotLess: a < b
        case .slotLessOrEqual: a <= b
        case .slotGreater: a > b
        default: a >= b
        }
    }
}

/// Bytes before the NUL.
@inline(__always)
func terminatedLength(_ text: UnsafePointer<CChar>) -> Int {
    var length = 0
    while text[length] != 0 { length += 1 }
    return length
}
