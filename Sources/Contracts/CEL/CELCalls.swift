internal import Cryptography

/// Calls of the library: operands first, then by name. An operand of another type than the overloads take
/// is a failure, in checked expressions too, where a record's value is not what was hoped for.
extension CELEvaluator {
    mutating func call(_ node: CELProgram.Node, _ index: Int32) -> CELValue {
        guard let call = CELCall(rawValue: UInt8(truncatingIfNeeded: node.c)) else {
            return .failure(.unknownName, index)
        }
        let count = Int(node.b)
        let memory = arena.allocate(CELValue.self, count: count)
        for place in 0..<count {
            let operand = value(program.children[Int(node.a) + place])
            if operand.isFailure { return operand }
            // What stands in for nothing is not looked at where there is something.
            if call == .orValue || call == .or, operand.tag == .optional, let held = operand.held {
                return call == .or ? operand : held
            }
            memory[place] = operand
        }
        let operands = UnsafeBufferPointer(start: UnsafePointer(memory), count: count)
        let result = perform(call, operands, index)
        return steps < 0 ? .failure(.tooCostly, index) : result
    }

    private mutating func perform(
        _ call: CELCall, _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        switch call {
        case .size: return size(operands[0], index)
        case .startsWith, .endsWith, .contains, .matches:
            return test(call, operands[0], operands[1], index)
        case .toInt, .toUInt, .toDouble, .toBool, .toString, .toBytes, .toDyn, .toTimestamp,
            .toDuration:
            return convert(call, operands[0], index)
        case .typeOf: return typeOf(operands[0])
        case .getDate, .getDayOfMonth, .getDayOfWeek, .getDayOfYear, .getFullYear, .getHours,
            .getMilliseconds, .getMinutes, .getMonth, .getSeconds:
            return part(call, operands, index)
        case .charAt, .indexOf, .lastIndexOf, .join, .lowerAscii, .upperAscii, .quote, .replace,
            .reverse, .split, .substring, .trim:
            return strings(call, operands, index)
        case .format: return format(operands[0], operands[1], index)
        case .greatest, .least: return extreme(call, operands, index)
        case .ceil, .floor, .round, .trunc, .abs, .sign, .isNaN, .isInf, .isFinite:
            return number(call, operands[0], index)
        case .bitAnd, .bitOr, .bitXor, .bitNot, .bitShiftLeft, .bitShiftRight:
            return bits(call, operands, index)
        case .base64Encode, .base64Decode: return base64(call, operands[0], index)
        case .optionalOf, .optionalOfNonZero, .optionalNone, .hasValue, .value, .or, .orValue:
            return optional(call, operands, index)
        }
    }

    private func typeOf(_ value: CELValue) -> CELValue {
        let name = value.typeName
        return CELValue(
            type: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    // MARK: optionals

    private mutating func optional(
        _ call: CELCall, _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        switch call {
        case .optionalNone: return .none
        case .optionalOf: return optional(operands[0])
        case .optionalOfNonZero: return isZero(operands[0]) ? .none : optional(operands[0])
        default: break
        }
        guard operands[0].tag == .optional else { return .failure(.noOverload, index) }
        let held = operands[0].held
        switch call {
        case .hasValue: return .bool(held != nil)
        case .value: return held ?? .failure(.noneHeld, index)
        case .orValue: return held ?? operands[1]
        default:
            guard operands[1].tag == .optional else { return .failure(.noOverload, index) }
            return held == nil ? operands[1] : operands[0]
        }
    }

    private func isZero(_ value: CELValue) -> Bool {
        switch value.tag {
        case .failure: false
        case .null: true
        case .bool, .int, .uint: value.payload == 0
        case .double: value.asDouble == 0
        case .string, .bytes, .list, .map: value.length == 0
        case .object, .array: value.span.map { count($0) == 0 } ?? true
        case .timestamp, .duration: value.payload == 0 && value.count == 0
        case .optional: value.held == nil
        case .type: false
        }
    }

    /// optMap and optFlatMap.
    mutating func mapped(
        _ operand: CELValue, _ node: CELProgram.Node, _ index: Int32
    ) -> CELValue {
        guard operand.tag == .optional else { return .failure(.noOverload, index) }
        guard let held = operand.held else { return .none }
        variables[Int(node.c)] = held
        let result = value(node.b)
        if result.isFailure { return result }
        if node.operation == .optionalMap { return optional(result) }
        return result.tag == .optional ? result : .failure(.noOverload, index)
    }

    // MARK: encoders

    private mutating func base64(
        _ call: CELCall, _ operand: CELValue, _ index: Int32
    ) -> CELValue {
        spend(operand.length / 8)
        if call == .base64Encode {
            guard operand.tag == .bytes else { return .failure(.noOverload, index) }
            return keep(Base64.encode(Array(operand.text)))
        }
        guard operand.tag == .string else { return .failure(.noOverload, index) }
        var text = String(decoding: operand.text, as: UTF8.self)
        if !text.hasSuffix("=") {
            text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        }
        guard let bytes = Base64.decode(text, strict: false) else {
            return .failure(.badConversion, index)
        }
        return .bytes(keep(bytes))
    }

    // MARK: results

    mutating func keep(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
        spend(bytes.count / 16)
        let memory = arena.allocate(UInt8.self, count: bytes.count)
        bytes.withUnsafeBufferPointer {
            if let start = $0.baseAddress { memory.update(from: start, count: $0.count) }
        }
        return UnsafeBufferPointer(start: memory, count: bytes.count)
    }

    mutating func keep(_ text: String) -> CELValue { .string(keep(Array(text.utf8))) }
}
