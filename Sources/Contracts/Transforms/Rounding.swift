/// contract.md `round`: the nearest multiple of a decimal number, half away from zero, in decimal
/// arithmetic on the source text.
struct Rounding {
    /// The step is `multiple × 10^-scale`.
    private let multiple: UInt64
    private let scale: Int

    /// Digits before and behind the point that a result may have.
    static let maximumDigits = 400

    /// `step`: a JSON number, positive, of at most 15 significant digits and places.
    init?(_ step: String) {
        let bytes = Array(step.utf8)
        guard bytes.withUnsafeBufferPointer({ JSONDecimal.isNumber($0) }) else { return nil }
        var multiple: UInt64 = 0
        var scale = 0
        let found: Bool = bytes.withUnsafeBufferPointer { text in
            let decimal = JSONDecimal(text)
            guard !decimal.isZero, !decimal.isNegative, text.count <= 64 else { return false }
            var digits = [UInt8](repeating: 0, count: text.count)
            let count = digits.withUnsafeMutableBufferPointer {
                $0.baseAddress.map { decimal.significant($0) } ?? 0
            }
            // The power of ten of the last digit.
            let last = decimal.magnitude - (count - 1)
            guard count <= 15, (-15...15).contains(last) else { return false }
            for digit in digits[..<count] { multiple = multiple * 10 + UInt64(digit) }
            scale = max(0, -last)
            for _ in 0..<max(0, last) {
                let (product, isOver) = multiple.multipliedReportingOverflow(by: 10)
                guard !isOver, product <= 1_000_000_000_000_000 else { return false }
                multiple = product
            }
            return true
        }
        guard found else { return nil }
        self.multiple = multiple
        self.scale = scale
    }

    /// Appends the rounded number, without needless zeros; false where it is too large to be written out.
    func write(
        _ number: UnsafeBufferPointer<UInt8>, to output: inout ByteBuffer, _ arena: inout Arena
    ) -> Bool {
        let decimal = JSONDecimal(number)
        // Digits before the point of number × 10^scale.
        let whole = decimal.isZero ? 0 : decimal.magnitude + scale + 1
        guard whole <= Rounding.maximumDigits else { return false }
        let digits = arena.allocate(UInt8.self, count: number.count)
        let count = decimal.significant(digits)
        // The quotient, and behind it room for its product with the step.
        let length = max(whole, 1)
        let result = arena.allocate(UInt8.self, count: length + 20)
        result.initialize(repeating: 0, count: length + 20)
        var remainder: UInt64 = 0
        for place in 0..<max(whole, 0) {
            let digit = place < count ? digits[place] : 0
            let value = remainder * 10 + UInt64(digit)
            result[20 + place] = UInt8(truncatingIfNeeded: value / multiple)
            remainder = value % multiple
        }
        // The first digit behind the point decides a tie with the step's half.
        let next = whole >= 0 && whole < count ? digits[whole] : 0
        let missing = multiple - min(multiple, 2 * remainder)
        if missing == 0 || missing == 1 && next >= 5 { increment(result, 20 + length) }
        multiply(result, 20 + length)
        write(result, 20 + length, decimal.isNegative, to: &output)
        return true
    }

    private func increment(_ digits: UnsafeMutablePointer<UInt8>, _ count: Int) {
        var place = count - 1
        while place >= 0 {
            digits[place] += 1
            if digits[place] < 10 { return }
            digits[place] = 0
            place -= 1
        }
    }

    private func multiply(_ digits: UnsafeMutablePointer<UInt8>, _ count: Int) {
        var carry: UInt64 = 0
        for place in stride(from: count - 1, through: 0, by: -1) {
            let value = UInt64(digits[place]) * multiple + carry
            digits[place] = UInt8(truncatingIfNeeded: value % 10)
            carry = value / 10
        }
    }

    private func write(
        _ digits: UnsafeMutablePointer<UInt8>, _ count: Int, _ isNegative: Bool,
        to output: inout ByteBuffer
    ) {
        var end = count
        while end > count - scale, digits[end - 1] == 0 { end -= 1 }
        var first = 0
        while first < count - scale - 1, digits[first] == 0 { first += 1 }
        let isZero = !(0..<count).contains { digits[$0] != 0 }
        if isNegative, !isZero { output.append(UInt8(ascii: "-")) }
        for place in first..<max(end, count - scale) {
            if place == count - scale { output.append(UInt8(ascii: ".")) }
            output.append(0x30 + digits[place])
        }
    }
}
