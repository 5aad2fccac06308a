/// RFC 3339 times.
package enum Timestamp {
    /// Milliseconds since the epoch; nil where `text` is not `2026-01-31T08:00:00[.123](Z|+01:00)`.
    /// Fractions beyond milliseconds are cut; a leap second counts as the second after it.
    package static func milliseconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.count <= 40 else { return nil }
        func number(_ start: Int, _ count: Int) -> Int? {
            var value = 0
            guard start + count <= bytes.count else { return nil }
            for byte in bytes[start..<start + count] {
                guard Names.isDigit(byte) else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return value
        }
        func stands(_ character: Unicode.Scalar, _ index: Int) -> Bool {
            index < bytes.count && bytes[index] | 0x20 == UInt8(ascii: character) | 0x20
        }
        guard let year = number(0, 4), stands("-", 4), let month = number(5, 2), stands("-", 7),
            let day = number(8, 2), stands("t", 10), let hour = number(11, 2), stands(":", 13),
            let minute = number(14, 2), stands(":", 16), let second = number(17, 2),
            (1...12).contains(month), day >= 1, day <= days(in: month, of: year), hour < 24,
            minute < 60, second <= 60
        else { return nil }
        var index = 19
        var fraction = 0
        if stands(".", index) {
            let start = index + 1
            index = start
            while index < bytes.count, Names.isDigit(bytes[index]) { index += 1 }
            guard index > start else { return nil }
            for place in 0..<3 {
                let digit = start + place < index ? Int(bytes[start + place]) - 48 : 0
                fraction = fraction * 10 + digit
            }
        }
        var offset = 0
        if stands("z", index), index == bytes.count - 1 {
            offset = 0
        } else {
            guard index + 6 == bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D,
                let hours = number(index + 1, 2), stands(":", index + 3),
                let minutes = number(index + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[index] == 0x2D ? -60 : 60)
        }
        let seconds =
            daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Int64(seconds * 1000 + fraction)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Proleptic Gregorian days from 1970-01-01, by counting from March so that the leap day is last.
    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let days = shifted * 365 + floored(shifted, 4) - floored(shifted, 100)
        return days + floored(shifted, 400) + dayOfYear - 719_468
    }

    private static func floored(_ a: Int, _ b: Int) -> Int {
        a >= 0 ? a / b : (a - b + 1) / b
    }
}
