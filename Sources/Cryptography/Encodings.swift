/// Lower-case hexadecimal (RFC 4648 section 8, in lower case).
package enum Hex {
    private static let digits: StaticString = "0123456789abcdef"

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.underestimatedCount * 2)
        let digits = digits.utf8Start
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Writes two digits for each of `count` bytes from `source` on.
    package static func encode(
        _ source: UnsafeRawPointer, count: Int, into target: UnsafeMutableRawPointer
    ) {
        let digits = digits.utf8Start
        for index in 0..<count {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            target.storeBytes(of: digits[Int(byte >> 4)], toByteOffset: 2 * index, as: UInt8.self)
            target.storeBytes(
                of: digits[Int(byte & 15)], toByteOffset: 2 * index + 1, as: UInt8.self)
        }
    }

    /// Nil where the text is not an even number of hexadecimal digits (either case).
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for unit in text.utf8 {
            guard let digit = value(unit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }

    private static func value(_ unit: UInt8) -> UInt8? {
        switch unit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): unit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): unit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): unit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Base64 with padding (RFC 4648 section 4).
package enum Base64 {
    private static let alphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    package static func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: length(of: bytes.count)) { text in
            bytes.withUnsafeBufferPointer { source in
                guard let start = source.baseAddress, let target = text.baseAddress else {
                    return 0
                }
                encode(start, count: source.count, into: target)
                return length(of: source.count)
            }
        }
    }

    /// Characters that `count` bytes take.
    package static func length(of count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes `length(of: count)` characters for the bytes from `source` on.
    package static func encode(
        _ source: UnsafePointer<UInt8>, count: Int, into target: UnsafeMutablePointer<UInt8>
    ) {
        let alphabet = alphabet.utf8Start
        var out = target
        for index in stride(from: 0, to: count, by: 3) {
            let left = count - index
            let second = left > 1 ? UInt32(source[index + 1]) : 0
            let third = left > 2 ? UInt32(source[index + 2]) : 0
            let group = UInt32(source[index]) << 16 | second << 8 | third
            out[0] = alphabet[Int(group >> 18)]
            out[1] = alphabet[Int(group >> 12 & 63)]
            out[2] = left > 1 ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "=")
            out[3] = left > 2 ? alphabet[Int(group & 63)] : UInt8(ascii: "=")
            out += 4
        }
    }

    /// Nil where the text is not padded base64; where `strict` also if unused bits are set: one value, one
    /// text.
    package static func decode(_ text: some StringProtocol, strict: Bool = true) -> [UInt8]? {
        let units = Array(text.utf8)
        guard units.count % 4 == 0 else { return nil }
        let padding = units.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(units.count / 4 * 3)
        var group: UInt32 = 0
        var bits = 0
        for unit in units.dropLast(padding) {
            guard let digit = value(unit) else { return nil }
            group = group << 6 | digit
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
                group &= (1 << UInt32(bits)) - 1
            }
        }
        return group == 0 || !strict ? bytes : nil
    }

    private static func value(_ unit: UInt8) -> UInt32? {
        switch unit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(unit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(unit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(unit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
