/// Equality and order, across number types as CEL has it.
extension CELEvaluator {
    /// Values of different types differ; numbers compare by what they stand for.
    mutating func isEqual(_ a: CELValue, _ b: CELValue) -> Bool {
        if a.isNumber, b.isNumber { return CELEvaluator.compare(a, b) == 0 }
        switch (a.tag, b.tag) {
        case (.null, .null): return true
        case (.bool, .bool): return a.payload == b.payload
        case (.timestamp, .timestamp), (.duration, .duration): return a.time == b.time
        case (.optional, .optional):
            guard let one = a.held, let other = b.held else {
                return a.held == nil && b.held == nil
            }
            return isEqual(one, other)
        case (.string, .string), (.bytes, .bytes), (.type, .type):
            spend(a.length / 64)
            return Contracts.isEqual(a.text, b.text)
        case (.list, .list), (.list, .array), (.array, .list), (.array, .array):
            return areEqualLists(a, b)
        case (.map, .map), (.map, .object), (.object, .map), (.object, .object):
            return areEqualMaps(a, b)
        default: return false
        }
    }

    private mutating func areEqualLists(_ a: CELValue, _ b: CELValue) -> Bool {
        var left = CELElements(a)
        var right = CELElements(b)
        while true {
            spend(1)
            if steps < 0 { return false }
            let one = left.next(&self)
            let other = right.next(&self)
            guard let one, let other else { return one == nil && other == nil }
            if !isEqual(one, other) { return false }
        }
    }

    private mutating func areEqualMaps(_ a: CELValue, _ b: CELValue) -> Bool {
        let sizes = (size(a, -1), size(b, -1))
        guard sizes.0.asInt == sizes.1.asInt else { return false }
        var entries = CELElements(a)
        // Mostly both have their members in one order: then nothing needs to be looked up.
        var others = CELElements(b)
        var isInStep = true
        while let key = entries.nextKey(&self) {
            spend(1)
            if steps < 0 { return false }
            guard let value = entries.next(&self) else { return false }
            if isInStep, let otherKey = others.nextKey(&self), let other = others.next(&self) {
                if isEqual(key, otherKey) {
                    if isEqual(value, other) { continue }
                    return false
                }
            }
            isInStep = false
            let other = member(of: b, key, .noSuchKey, -1)
            if other.isFailure || !isEqual(value, other) { return false }
        }
        return true
    }

    mutating func order(
        _ operation: CELOperation, _ a: CELValue, _ b: CELValue, _ index: Int32
    ) -> CELValue {
        let result: Int
        if a.isNumber, b.isNumber {
            // No order holds with NaN.
            guard let order = CELEvaluator.compare(a, b) else { return .bool(false) }
            result = order
        } else {
            switch (a.tag, b.tag) {
            case (.string, .string), (.bytes, .bytes):
                spend(min(a.length, b.length) / 64)
                result = CELEvaluator.compare(a.text, b.text)
            case (.bool, .bool): result = Int(a.payload) - Int(b.payload)
            case (.timestamp, .timestamp), (.duration, .duration):
                result = a.time < b.time ? -1 : a.time == b.time ? 0 : 1
            default: return .failure(.noOverload, index)
            }
        }
        switch operation {
        case .less: return .bool(result < 0)
        case .lessOrEqual: return .bool(result <= 0)
        case .greater: return .bool(result > 0)
        default: return .bool(result >= 0)
        }
    }

    /// UTF-8 compares byte by byte as its code points do.
    private static func compare(
        _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
    ) -> Int {
        for index in 0..<min(a.count, b.count) where a[index] != b[index] {
            return a[index] < b[index] ? -1 : 1
        }
        return a.count - b.count
    }

    /// Negative, zero or positive; nil with NaN.
    static func compare(_ a: CELValue, _ b: CELValue) -> Int? {
        switch (a.tag, b.tag) {
        case (.int, .int): return sign(a.asInt, b.asInt)
        case (.uint, .uint): return sign(a.payload, b.payload)
        case (.int, .uint): return a.asInt < 0 ? -1 : sign(UInt64(a.asInt), b.payload)
        case (.uint, .int): return b.asInt < 0 ? 1 : sign(a.payload, UInt64(b.asInt))
        case (.double, .double):
            return a.asDouble.isNaN || b.asDouble.isNaN ? nil : sign(a.asDouble, b.asDouble)
        case (.double, _): return compare(a.asDouble, integer: b)
        default: return compare(b.asDouble, integer: a).map { -$0 }
        }
    }

    @inline(__always)
    private static func sign<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a > b ? 1 : 0 }

    /// As doubles, as the specification's cases have it, lossy for integers beyond 2^53.
    private static func compare(_ double: Double, integer: CELValue) -> Int? {
        if double.isNaN { return nil }
        return sign(
            double, integer.tag == .uint ? Double(integer.payload) : Double(integer.asInt))
    }
}

/// Walks over a list, an array, or the values of a map or an object.
struct CELElements {
    private let container: CELValue
    private var cursor: JSONCursor?
    private var place = 0
    private var pending: JSONSpan?

    init(_ container: CELValue) {
        self.container = container
        cursor = container.span.map { JSONCursor($0) }
    }

    /// The next key of a map or an object; its value is what `next` returns then.
    mutating func nextKey(_ evaluator: inout CELEvaluator) -> CELValue? {
        guard cursor != nil else {
            guard place < container.length * 2 else { return nil }
            place += 1
            return container.values[place - 1]
        }
        guard let member = cursor?.nextMember() else { return nil }
        pending = member.value
        return evaluator.value(of: member.name)
    }

    mutating func next(_ evaluator: inout CELEvaluator) -> CELValue? {
        if let span = pending {
            pending = nil
            return evaluator.value(of: span)
        }
        guard cursor == nil else {
            return cursor?.nextElement().map { evaluator.value(of: $0) }
        }
        guard place < container.values.count else { return nil }
        place += 1
        return container.values[place - 1]
    }
}
