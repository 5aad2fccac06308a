/// Arithmetic: both operands of one type, checked overflow (spec "Numeric values").
extension CELEvaluator {
    mutating func arithmetic(
        _ operation: CELOperation, _ a: CELValue, _ b: CELValue, _ index: Int32
    ) -> CELValue {
        switch (a.tag, b.tag) {
        case (.int, .int): return signed(operation, a.asInt, b.asInt, index)
        case (.uint, .uint): return unsigned(operation, a.payload, b.payload, index)
        case (.double, .double):
            let (x, y) = (a.asDouble, b.asDouble)
            switch operation {
            case .add: return .double(x + y)
            case .subtract: return .double(x - y)
            case .multiply: return .double(x * y)
            case .divide: return .double(x / y)
            default: return .failure(.noOverload, index)
            }
        default: break
        }
        if a.tag == .timestamp || a.tag == .duration || b.tag == .timestamp {
            return time(operation, a, b, index)
        }
        guard operation == .add else { return .failure(.noOverload, index) }
        switch (a.tag, b.tag) {
        case (.string, .string): return .string(joined(a.text, b.text))
        case (.bytes, .bytes): return .bytes(joined(a.text, b.text))
        case (.list, .list), (.list, .array), (.array, .list), (.array, .array):
            return joinedLists(a, b, index)
        default: return .failure(.noOverload, index)
        }
    }

    private func time(
        _ operation: CELOperation, _ a: CELValue, _ b: CELValue, _ index: Int32
    ) -> CELValue {
        let isSum = operation == .add
        guard isSum || operation == .subtract else { return .failure(.noOverload, index) }
        let isTimestamp: Bool
        switch (a.tag, b.tag, isSum) {
        case (.timestamp, .duration, _), (.duration, .timestamp, true): isTimestamp = true
        case (.duration, .duration, _), (.timestamp, .timestamp, false): isTimestamp = false
        default: return .failure(.noOverload, index)
        }
        let range = isTimestamp ? CELTime.timestamps : CELTime.durations
        guard let time = a.time.added(isSum ? b.time : b.time.negated, in: range) else {
            return .failure(.outOfRange, index)
        }
        return isTimestamp ? .timestamp(time) : .duration(time.signed)
    }

    private func signed(
        _ operation: CELOperation, _ a: Int64, _ b: Int64, _ index: Int32
    ) -> CELValue {
        let result: (partialValue: Int64, overflow: Bool)
        switch operation {
        case .add: result = a.addingReportingOverflow(b)
        case .subtract: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        default:
            if b == 0 { return .failure(.divisionByZero, index) }
            result =
                operation == .divide
                ? a.dividedReportingOverflow(by: b) : a.remainderReportingOverflow(dividingBy: b)
        }
        return result.overflow ? .failure(.overflow, index) : .int(result.partialValue)
    }

    private func unsigned(
        _ operation: CELOperation, _ a: UInt64, _ b: UInt64, _ index: Int32
    ) -> CELValue {
        let result: (partialValue: UInt64, overflow: Bool)
        switch operation {
        case .add: result = a.addingReportingOverflow(b)
        case .subtract: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        default:
            if b == 0 { return .failure(.divisionByZero, index) }
            result =
                operation == .divide
                ? a.dividedReportingOverflow(by: b) : a.remainderReportingOverflow(dividingBy: b)
        }
        return result.overflow ? .failure(.overflow, index) : .uint(result.partialValue)
    }

    func negate(_ value: CELValue, _ index: Int32) -> CELValue {
        switch value.tag {
        case .int:
            let result = Int64(0).subtractingReportingOverflow(value.asInt)
            return result.overflow ? .failure(.overflow, index) : .int(result.partialValue)
        case .double: return .double(-value.asDouble)
        default: return .failure(.noOverload, index)
        }
    }

    private mutating func joined(
        _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8> {
        spend((a.count + b.count) / 64)
        let memory = arena.allocate(UInt8.self, count: a.count + b.count)
        if let start = a.baseAddress { memory.update(from: start, count: a.count) }
        if let start = b.baseAddress { (memory + a.count).update(from: start, count: b.count) }
        return UnsafeBufferPointer(start: memory, count: a.count + b.count)
    }

    private mutating func joinedLists(
        _ a: CELValue, _ b: CELValue, _ index: Int32
    ) -> CELValue {
        let (first, second) = (size(a, index), size(b, index))
        let count = Int(first.asInt + second.asInt)
        spend(count)
        if steps < 0 { return .failure(.tooCostly, index) }
        let values = arena.allocate(CELValue.self, count: count)
        var place = 0
        for list in [a, b] {
            var elements = CELElements(list)
            while let element = elements.next(&self) {
                values[place] = element
                place += 1
            }
        }
        return .list(values, count)
    }
}
