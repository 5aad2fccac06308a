internal import Glibc

/// What a number's source text says. The text has been validated.
enum JSONNumber {
    /// The value where the text is a plain integer that fits.
    @inline(__always)
    static func int64(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let negative = text[0] == UInt8(ascii: "-")
        guard let magnitude = magnitude(text, from: negative ? 1 : 0) else { return nil }
        if !negative { return Int64(exactly: magnitude) }
        if magnitude == 1 << 63 { return Int64.min }
        return Int64(exactly: magnitude).map { 0 - $0 }
    }

    static func uint64(_ text: UnsafeBufferPointer<UInt8>) -> UInt64? {
        text[0] == UInt8(ascii: "-") ? nil : magnitude(text, from: 0)
    }

    @inline(__always)
    private static func magnitude(
        _ text: UnsafeBufferPointer<UInt8>, from: Int
    ) -> UInt64? {
        var value: UInt64 = 0
        let count = text.count
        if count - from <= 19 {
            for index in from..<count { value = value &* 10 &+ UInt64(text[index] &- 0x30) }
            return value
        }
        if count - from > 20 { return nil }
        for index in from..<count {
            let (tens, overTens) = value.multipliedReportingOverflow(by: 10)
            let (sum, overSum) = tens.addingReportingOverflow(UInt64(text[index] &- 0x30))
            if overTens || overSum { return nil }
            value = sum
        }
        return value
    }

    /// The nearest double; infinite where the text is beyond its range.
    @inline(__always)
    static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double {
        // Clinger's fast path: up to 15 digits and a power of ten up to 22 are both exact doubles, so
        // one division or multiplication rounds once, correctly.
        var mantissa: UInt64 = 0
        var digits = 0
        var point = -1
        let negative = text[0] == UInt8(ascii: "-")
        for index in (negative ? 1 : 0)..<text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                point = digits
            } else if byte &- 0x30 <= 9 {
                mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30)
                digits += 1
            } else {
                return slowDouble(text)
            }
        }
        guard digits <= 15 else { return slowDouble(text) }
        var value = Double(mantissa)
        if point >= 0 { value /= powerOfTen(digits - point) }
        return negative ? -value : value
    }

    @inline(__always)
    private static func powerOfTen(_ exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    /// The process never calls setlocale, so strtod reads a point as a point.
    @inline(never)
    private static func slowDouble(_ text: UnsafeBufferPointer<UInt8>) -> Double {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
            for index in 0..<text.count { copy[index] = CChar(bitPattern: text[index]) }
            copy[text.count] = 0
            guard let start = copy.baseAddress else { return 0 }
            return strtod(start, nil)
        }
    }

    /// Whether the text is a whole number, in decimal: `1`, `1.0`, `1.5e1`, `10e-1`.
    static func isWhole(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        // The last non-zero digit must not stand behind the point after it has been shifted.
        var fraction = 0
        var lastNonZero: Int?
        var seenPoint = false
        var exponent = 0
        var index = 0
        while index < text.count, text[index] | 0x20 != UInt8(ascii: "e") {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "-") { continue }
            if byte == UInt8(ascii: ".") {
                seenPoint = true
                continue
            }
            if seenPoint { fraction += 1 }
            // The place of the digit: -1 is the first behind the point.
            if byte != UInt8(ascii: "0") { lastNonZero = seenPoint ? fraction : 0 }
        }
        guard let lastNonZero else { return true }
        if index == text.count { return lastNonZero == 0 }
        index += 1
        let negative = text[index] == UInt8(ascii: "-")
        if negative || text[index] == UInt8(ascii: "+") { index += 1 }
        while index < text.count {
            exponent = min(exponent * 10 + Int(text[index] &- 0x30), 1 << 40)
            index += 1
        }
        if !negative { return lastNonZero <= exponent }
        // A negative exponent shifts digits before the point behind it: count trailing zeros there.
        guard lastNonZero == 0 else { return false }
        return trailingZeros(text) >= exponent
    }

    /// Zeros at the end of the digits before the point.
    private static func trailingZeros(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        var zeros = 0
        for byte in text {
            if byte == UInt8(ascii: "-") { continue }
            guard byte &- 0x30 <= 9 else { break }
            zeros = byte == UInt8(ascii: "0") ? zeros + 1 : 0
        }
        return zeros
    }
}
