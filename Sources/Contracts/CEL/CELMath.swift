internal import Glibc

/// The math extension.
extension CELEvaluator {
    mutating func extreme(
        _ call: CELCall, _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        if operands.count == 1, operands[0].tag == .list || operands[0].tag == .array {
            var elements = CELElements(operands[0])
            var best: CELValue?
            while let element = elements.next(&self) {
                spend(1)
                if steps < 0 { return .failure(.tooCostly, index) }
                guard let better = better(call, best, element) else {
                    return .failure(.noOverload, index)
                }
                best = better
            }
            return best ?? .failure(.noOverload, index)
        }
        var best: CELValue?
        for operand in operands {
            guard let better = better(call, best, operand) else {
                return .failure(.noOverload, index)
            }
            best = better
        }
        return best ?? .failure(.noOverload, index)
    }

    /// The first of equals; nil where one is no number.
    private func better(_ call: CELCall, _ best: CELValue?, _ other: CELValue) -> CELValue? {
        guard other.isNumber else { return nil }
        guard let best else { return other }
        guard let order = CELEvaluator.compare(other, best) else { return best }
        return (call == .greatest ? order > 0 : order < 0) ? other : best
    }

    func number(_ call: CELCall, _ value: CELValue, _ index: Int32) -> CELValue {
        switch call {
        case .abs: return absolute(value, index)
        case .sign: return sign(value, index)
        default: break
        }
        guard value.tag == .double else { return .failure(.noOverload, index) }
        let number = value.asDouble
        switch call {
        case .ceil: return .double(number.rounded(.up))
        case .floor: return .double(number.rounded(.down))
        case .round: return .double(number.rounded(.toNearestOrAwayFromZero))
        case .trunc: return .double(number.rounded(.towardZero))
        case .isNaN: return .bool(number.isNaN)
        case .isInf: return .bool(number.isInfinite)
        default: return .bool(number.isFinite)
        }
    }

    private func absolute(_ value: CELValue, _ index: Int32) -> CELValue {
        switch value.tag {
        case .int:
            return value.asInt == .min
                ? .failure(.overflow, index) : .int(Int64(value.asInt.magnitude))
        case .uint: return value
        case .double: return .double(value.asDouble.magnitude)
        default: return .failure(.noOverload, index)
        }
    }

    private func sign(_ value: CELValue, _ index: Int32) -> CELValue {
        switch value.tag {
        case .int: return .int(value.asInt.signum())
        case .uint: return .uint(value.payload == 0 ? 0 : 1)
        case .double:
            let number = value.asDouble
            return .double(number > 0 ? 1 : number < 0 ? -1 : number)
        default: return .failure(.noOverload, index)
        }
    }

    func bits(
        _ call: CELCall, _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        let a = operands[0]
        guard a.tag == .int || a.tag == .uint else { return .failure(.noOverload, index) }
        if call == .bitNot { return CELValue(a.tag, payload: ~a.payload) }
        let b = operands[1]
        if call == .bitShiftLeft || call == .bitShiftRight {
            guard b.tag == .int else { return .failure(.noOverload, index) }
            guard b.asInt >= 0 else { return .failure(.negativeShift, index) }
            // The shift fills with zeros, whatever the sign, and 64 or more leave nothing.
            let shift = UInt64(b.asInt)
            let shifted = call == .bitShiftLeft ? a.payload << shift : a.payload >> shift
            return CELValue(a.tag, payload: shift > 63 ? 0 : shifted)
        }
        guard b.tag == a.tag else { return .failure(.noOverload, index) }
        switch call {
        case .bitAnd: return CELValue(a.tag, payload: a.payload & b.payload)
        case .bitOr: return CELValue(a.tag, payload: a.payload | b.payload)
        default: return CELValue(a.tag, payload: a.payload ^ b.payload)
        }
    }
}
