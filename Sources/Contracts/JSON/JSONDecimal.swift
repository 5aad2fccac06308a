/// A JSON number's source text as a decimal number, exactly: `d.ddd… × 10^magnitude`.
struct JSONDecimal {
    let isNegative: Bool
    /// Power of ten of the first significant digit; 0 for zero.
    let magnitude: Int
    private let text: UnsafeBufferPointer<UInt8>
    /// The first significant digit, and the end of the digits; equal for zero.
    private let first: Int
    private let end: Int

    /// `text` has been validated as a JSON number.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        isNegative = text.first == UInt8(ascii: "-")
        var end = text.count
        var point: Int?
        var first: Int?
        for index in (isNegative ? 1 : 0)..<text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                point = index
            } else if byte | 0x20 == UInt8(ascii: "e") {
                end = index
                break
            } else if byte != UInt8(ascii: "0"), first == nil {
                first = index
            }
        }
        self.end = end
        guard let first else {
            self.first = end
            magnitude = 0
            return
        }
        self.first = first
        let whole = point ?? end
        let place = first < whole ? whole - first - 1 : whole - first
        magnitude = place + JSONDecimal.exponent(text, from: end)
    }

    /// The number behind `e`; beyond any that matters it stays at its bound.
    private static func exponent(_ text: UnsafeBufferPointer<UInt8>, from end: Int) -> Int {
        guard end < text.count else { return 0 }
        var value = 0
        for byte in text[(end + 1)...] where byte &- 0x30 <= 9 {
            value = min(value * 10 + Int(byte - 0x30), 1 << 40)
        }
        return text[end + 1] == UInt8(ascii: "-") ? -value : value
    }

    var isZero: Bool { first == end }

    /// Writes the significant digits (0 to 9 each), without zeros at the end, and returns their number.
    /// `digits` has room for the text's length.
    func significant(_ digits: UnsafeMutablePointer<UInt8>) -> Int {
        var count = 0
        var last = 0
        for index in first..<end where text[index] != UInt8(ascii: ".") {
            digits[count] = text[index] - 0x30
            count += 1
            if text[index] != UInt8(ascii: "0") { last = count }
        }
        return last
    }

    /// Negative, zero or positive, as the numbers compare.
    static func compare(_ a: JSONDecimal, _ b: JSONDecimal) -> Int {
        if a.isZero || b.isZero {
            if a.isZero && b.isZero { return 0 }
            return a.isZero ? (b.isNegative ? 1 : -1) : (a.isNegative ? -1 : 1)
        }
        if a.isNegative != b.isNegative { return a.isNegative ? -1 : 1 }
        let sign = a.isNegative ? -1 : 1
        if a.magnitude != b.magnitude { return a.magnitude < b.magnitude ? -sign : sign }
        var (left, right) = (a.first, b.first)
        while left < a.end || right < b.end {
            let (one, other) = (a.digit(&left), b.digit(&right))
            if one != other { return one < other ? -sign : sign }
        }
        return 0
    }

    private func digit(_ index: inout Int) -> UInt8 {
        if index < end, text[index] == UInt8(ascii: ".") { index += 1 }
        guard index < end else { return 0x30 }
        index += 1
        return text[index - 1]
    }

    /// Whether a text is a JSON number (RFC 8259 section 6).
    static func isNumber(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var place = 0
        func digits() -> Int {
            let from = place
            while place < text.count, text[place] &- 0x30 <= 9 { place += 1 }
            return place - from
        }
        func has(_ letter: Unicode.Scalar) -> Bool {
            place < text.count && text[place] | 0x20 == UInt8(ascii: letter) | 0x20
        }
        if has("-") { place += 1 }
        let isZeroFirst = has("0")
        let whole = digits()
        guard whole > 0, !isZeroFirst || whole == 1 else { return false }
        if place < text.count, text[place] == UInt8(ascii: ".") {
            place += 1
            guard digits() > 0 else { return false }
        }
        if has("e") {
            place += 1
            if has("+") || has("-") { place += 1 }
            guard digits() > 0 else { return false }
        }
        return place == text.count
    }
}
