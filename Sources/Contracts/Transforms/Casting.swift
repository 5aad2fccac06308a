/// contract.md `cast` and `dateTruncate`: one scalar written as another.
enum Casting {
    /// Digits that an integer may have when it is written out.
    static let maximumDigits = 400

    /// Appends the value as `type`; false where it cannot be converted. `text`: a string's content or a
    /// scalar's source text. Strings are quoted where `asJSON`.
    static func write(
        _ span: JSONSpan, _ text: UnsafeBufferPointer<UInt8>, as type: Transform.Cast, asJSON: Bool,
        to output: inout ByteBuffer, _ arena: inout Arena
    ) -> Bool {
        if span.kind.isContainer { return false }
        switch type {
        case .string:
            if !asJSON {
                output.append(text)
            } else if span.kind.isString {
                output.append(span.start, span.length)
            } else {
                output.append(UInt8(ascii: "\""))
                output.append(text)
                output.append(UInt8(ascii: "\""))
            }
            return true
        case .boolean:
            guard isWord(text, "true") || isWord(text, "false"), !span.kind.isNumber else {
                return false
            }
            output.append(text)
            return true
        case .number:
            guard isNumber(span, text) else { return false }
            output.append(text)
            return true
        case .integer:
            return isNumber(span, text) && integer(text, to: &output, &arena)
        }
    }

    private static func isNumber(_ span: JSONSpan, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        span.kind.isNumber || span.kind.isString && JSONDecimal.isNumber(text)
    }

    private static func isWord(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        isEqual(
            text, UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// A whole number, without point and exponent.
    private static func integer(
        _ text: UnsafeBufferPointer<UInt8>, to output: inout ByteBuffer, _ arena: inout Arena
    ) -> Bool {
        let decimal = JSONDecimal(text)
        if decimal.isZero {
            output.append(UInt8(ascii: "0"))
            return true
        }
        let digits = arena.allocate(UInt8.self, count: text.count)
        let count = decimal.significant(digits)
        let length = decimal.magnitude + 1
        guard length >= count, length <= maximumDigits else { return false }
        if decimal.isNegative { output.append(UInt8(ascii: "-")) }
        for place in 0..<length { output.append(0x30 + (place < count ? digits[place] : 0)) }
        return true
    }

    /// Appends RFC 3339 text cut to a unit, in UTC, as full RFC 3339; false where `text` is none in the
    /// years 1 to 9999.
    static func truncate(
        _ text: UnsafeBufferPointer<UInt8>, to unit: Transform.DateUnit,
        to output: inout ByteBuffer
    ) -> Bool {
        guard let time = CELTime.timestamp(text) else { return false }
        let date = CELDate(time.seconds)
        number(date.year, 4, &output)
        output.append(UInt8(ascii: "-"))
        number(unit == .year ? 1 : date.month, 2, &output)
        output.append(UInt8(ascii: "-"))
        number(unit == .year || unit == .month ? 1 : date.day, 2, &output)
        output.append(UInt8(ascii: "T"))
        number(unit == .hour ? date.hour : 0, 2, &output)
        for byte in ":00:00Z".utf8 { output.append(byte) }
        return true
    }

    private static func number(_ value: Int64, _ digits: Int, _ output: inout ByteBuffer) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            output.append(0x30 + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}
