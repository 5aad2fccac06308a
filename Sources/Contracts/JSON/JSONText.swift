/// Word-wise reading of text that lies anywhere in memory.
@inline(__always)
func loadWord(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
    UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self)
}

/// Non-zero where a byte of `word` ends plain string text (quote, backslash, control, not ASCII).
/// Only the lowest set bit is exact: borrows may set bits above it.
@inline(__always)
func stringStops(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let found =
        ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
        | ((word &- (ones &* 0x20)) & ~word) | word
    return found & (ones &* 0x80)
}

enum JSONText {
    /// Length in bytes of the well-formed UTF-8 sequence at `p`, 0 if there is none (Unicode table 3-7:
    /// no overlong forms, no surrogates, nothing above U+10FFFF).
    @inline(__always)
    static func sequenceLength(
        _ p: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
    ) -> Int {
        let lead = p[0]
        if lead < 0x80 { return 1 }
        let left = end - p
        if lead < 0xC2 { return 0 }
        if lead < 0xE0 { return left >= 2 && p[1] & 0xC0 == 0x80 ? 2 : 0 }
        if lead < 0xF0 {
            guard left >= 3, p[1] & 0xC0 == 0x80, p[2] & 0xC0 == 0x80 else { return 0 }
            if lead == 0xE0 && p[1] < 0xA0 || lead == 0xED && p[1] > 0x9F { return 0 }
            return 3
        }
        guard lead < 0xF5, left >= 4, p[1] & 0xC0 == 0x80, p[2] & 0xC0 == 0x80, p[3] & 0xC0 == 0x80
        else { return 0 }
        if lead == 0xF0 && p[1] < 0x90 || lead == 0xF4 && p[1] > 0x8F { return 0 }
        return 4
    }

    static func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard var p = bytes.baseAddress else { return true }
        let end = p + bytes.count
        while p < end {
            if end - p >= 8, loadWord(p) & 0x8080_8080_8080_8080 == 0 {
                p += 8
                continue
            }
            let length = sequenceLength(p, end)
            if length == 0 { return false }
            p += length
        }
        return true
    }

    @inline(__always)
    static func hexDigit(_ byte: UInt8) -> UInt32 {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 0x30
        case 0x41...0x46: UInt32(byte) - 0x37
        case 0x61...0x66: UInt32(byte) - 0x57
        default: 0xFFFF_FFFF
        }
    }

    /// Four hex digits, or nil. The caller has made sure that four bytes are there.
    @inline(__always)
    static func hexUnit(_ p: UnsafePointer<UInt8>) -> UInt32? {
        let digits = (hexDigit(p[0]), hexDigit(p[1]), hexDigit(p[2]), hexDigit(p[3]))
        if (digits.0 | digits.1 | digits.2 | digits.3) > 15 { return nil }
        return digits.0 << 12 | digits.1 << 8 | digits.2 << 4 | digits.3
    }

    /// Writes the content of a validated string (text between the quotes) with its escapes resolved.
    /// `output` has room for `text.count` bytes: no escape is shorter than what it stands for.
    /// Returns the number of bytes written.
    static func unescape(
        _ text: UnsafeBufferPointer<UInt8>, into output: UnsafeMutablePointer<UInt8>
    ) -> Int {
        guard var p = text.baseAddress else { return 0 }
        let end = p + text.count
        var out = output
        while p < end {
            if p[0] != 0x5C {
                out[0] = p[0]
                out += 1
                p += 1
                continue
            }
            let letter = p[1]
            p += 2
            if letter != UInt8(ascii: "u") {
                out[0] = simpleEscape(letter)
                out += 1
                continue
            }
            var scalar = hexUnit(p) ?? 0xFFFD
            p += 4
            if scalar & 0xFC00 == 0xD800 {
                let low = hexUnit(p + 2) ?? 0xDC00
                scalar = 0x10000 + ((scalar & 0x3FF) << 10) + (low & 0x3FF)
                p += 6
            }
            out += encode(scalar, out)
        }
        return out - output
    }

    /// What `\letter` stands for, 0 if it is not one of JSON's (`\u` is not among them).
    @inline(__always)
    static func simpleEscape(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: 0
        }
    }

    /// Writes a Unicode scalar as UTF-8 and returns the number of bytes.
    @inline(__always)
    static func encode(_ scalar: UInt32, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        let low = { (shift: UInt32) in UInt8(truncatingIfNeeded: 0x80 | (scalar >> shift & 0x3F)) }
        if scalar < 0x80 {
            out[0] = UInt8(truncatingIfNeeded: scalar)
            return 1
        }
        if scalar < 0x800 {
            out[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6)
            out[1] = low(0)
            return 2
        }
        if scalar < 0x10000 {
            out[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12)
            out[1] = low(6)
            out[2] = low(0)
            return 3
        }
        out[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
        out[1] = low(12)
        out[2] = low(6)
        out[3] = low(0)
        return 4
    }
}
