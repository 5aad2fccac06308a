internal import Glibc

/// String functions and conversions.
extension CELEvaluator {
    mutating func test(
        _ call: CELCall, _ a: CELValue, _ b: CELValue, _ index: Int32
    ) -> CELValue {
        guard a.tag == .string, b.tag == .string else { return .failure(.noOverload, index) }
        let (text, part) = (a.text, b.text)
        switch call {
        case .startsWith:
            return .bool(
                part.count <= text.count
                    && Contracts.isEqual(UnsafeBufferPointer(rebasing: text[..<part.count]), part))
        case .endsWith:
            return .bool(
                part.count <= text.count
                    && Contracts.isEqual(
                        UnsafeBufferPointer(rebasing: text[(text.count - part.count)...]), part)
            )
        case .contains:
            spend(text.count / 16)
            return .bool(has(text, part))
        default:
            spend(text.count / 16 + part.count * 16)
            guard let pattern = try? Pattern(Array(part)) else {
                return .failure(.badPattern, index)
            }
            return .bool(pattern.matches(text))
        }
    }

    /// Looks for the part's first byte and compares there. The steps pay for texts that make this
    /// quadratic.
    private mutating func has(
        _ text: UnsafeBufferPointer<UInt8>, _ part: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard let start = text.baseAddress, let needle = part.baseAddress, let first = part.first
        else { return part.isEmpty }
        var place = 0
        while place + part.count <= text.count {
            let left = text.count - part.count - place + 1
            guard let found = memchr(start + place, Int32(first), left) else { return false }
            place = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            if memcmp(start + place, needle, part.count) == 0 { return true }
            spend(1 + part.count / 64)
            if steps < 0 { return false }
            place += 1
        }
        return false
    }

    mutating func convert(
        _ call: CELCall, _ value: CELValue, _ index: Int32
    ) -> CELValue {
        spend(value.tag == .string ? value.length / 16 : 0)
        let converted: CELValue?
        switch call {
        case .toDyn: return value
        case .toInt: converted = int(value)
        case .toUInt: converted = uint(value)
        case .toDouble: converted = double(value)
        case .toBool: converted = bool(value)
        case .toString: converted = string(value)
        case .toTimestamp: converted = timestamp(value)
        case .toDuration: converted = duration(value)
        default: converted = bytes(value)
        }
        return converted
            ?? .failure(canConvert(call, value) ? .badConversion : .noOverload, index)
    }

    private func canConvert(_ call: CELCall, _ value: CELValue) -> Bool {
        switch call {
        case .toBool, .toDuration: value.tag == .string
        case .toTimestamp: value.tag == .string || value.tag == .int
        case .toString: value.tag == .bytes
        case .toBytes: false
        default: value.isNumber || value.tag == .string
        }
    }

    private func timestamp(_ value: CELValue) -> CELValue? {
        switch value.tag {
        case .timestamp: return value
        case .int:
            guard CELTime.timestamps.contains(value.asInt) else { return nil }
            return .timestamp(CELTime(seconds: value.asInt, nanoseconds: 0))
        case .string: return CELTime.timestamp(value.text).map { .timestamp($0) }
        default: return nil
        }
    }

    private func duration(_ value: CELValue) -> CELValue? {
        switch value.tag {
        case .duration: value
        case .string: CELTime.duration(value.text).map { .duration($0) }
        default: nil
        }
    }

    private func int(_ value: CELValue) -> CELValue? {
        switch value.tag {
        case .int: return value
        case .timestamp: return .int(value.time.seconds)
        case .uint: return Int64(exactly: value.payload).map { .int($0) }
        case .double:
            // The range is open: the bounds themselves are not exact in all of CEL's languages.
            let number = value.asDouble
            guard number > -9_223_372_036_854_775_808, number < 9_223_372_036_854_775_808 else {
                return nil
            }
            return .int(Int64(number))
        case .string: return Int64(String(decoding: value.text, as: UTF8.self)).map { .int($0) }
        default: return nil
        }
    }

    private func uint(_ value: CELValue) -> CELValue? {
        switch value.tag {
        case .int: return UInt64(exactly: value.asInt).map { .uint($0) }
        case .uint: return value
        case .double:
            let number = value.asDouble
            guard number >= 0, number < 18_446_744_073_709_551_616 else { return nil }
            return .uint(UInt64(number))
        case .string: return UInt64(String(decoding: value.text, as: UTF8.self)).map { .uint($0) }
        default: return nil
        }
    }

    private func double(_ value: CELValue) -> CELValue? {
        switch value.tag {
        case .int: return .double(Double(value.asInt))
        case .uint: return .double(Double(value.payload))
        case .double: return value
        case .string: return Double(String(decoding: value.text, as: UTF8.self)).map { .double($0) }
        default: return nil
        }
    }

    private func bool(_ value: CELValue) -> CELValue? {
        if value.tag == .bool { return value }
        guard value.tag == .string else { return nil }
        switch String(decoding: value.text, as: UTF8.self) {
        case "1", "t", "true", "TRUE", "True": return .bool(true)
        case "0", "f", "false", "FALSE", "False": return .bool(false)
        default: return nil
        }
    }

    private mutating func string(_ value: CELValue) -> CELValue? {
        switch value.tag {
        case .string: return value
        case .bytes: return JSONText.isUTF8(value.text) ? .string(value.text) : nil
        case .bool: return keep(value.payload != 0 ? "true" : "false")
        case .int: return keep(String(value.asInt))
        case .uint: return keep(String(value.payload))
        case .double: return keep(CELEvaluator.text(of: value.asDouble))
        case .timestamp: return keep(value.time.timestampText)
        case .duration: return keep(value.time.durationText)
        default: return nil
        }
    }

    private func bytes(_ value: CELValue) -> CELValue? {
        switch value.tag {
        case .bytes: value
        case .string: .bytes(value.text)
        default: nil
        }
    }

    /// Shortest text that reads back as the same double, as C's %g lays it out (`1e+06`, `0.0001`): what
    /// Google's runtimes make of a double.
    static func text(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        let (digits, point) = digits(of: number.magnitude)
        let sign = number.sign == .minus ? "-" : ""
        let exponent = point - 1
        if exponent < -4 || exponent >= 6 {
            let rest = digits.dropFirst()
            return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest)
                + (exponent < 0 ? "e-" : "e+") + (abs(exponent) < 10 ? "0" : "")
                + String(abs(exponent))
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if digits.count <= point {
            return sign + digits + String(repeating: "0", count: point - digits.count)
        }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// The shortest digits that tell the double, without zeros at either end, and where the point stands:
    /// 0.digits × 10^point. Zero is one digit.
    private static func digits(of number: Double) -> (Substring, point: Int) {
        if number == 0 { return ("0", 1) }
        let text = String(number)
        let mantissa = text.prefix { $0 != "e" }
        let exponent = Int(text.dropFirst(mantissa.count + 1)) ?? 0
        let whole = mantissa.prefix { $0 != "." }
        let all = (whole + mantissa.dropFirst(whole.count + 1))
        let digits = all.drop { $0 == "0" }
        let point = whole.count + exponent - (all.count - digits.count)
        let end = digits.lastIndex { $0 != "0" }.map { digits.index(after: $0) }
        return (digits[..<(end ?? digits.endIndex)], point)
    }
}
