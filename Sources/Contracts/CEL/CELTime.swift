/// A point in time or a duration, as protobuf's Timestamp and Duration hold them. A timestamp's
/// nanoseconds are never negative; a duration's have its sign.
struct CELTime: Hashable, Comparable {
    var seconds: Int64
    var nanoseconds: Int32

    init(seconds: Int64, nanoseconds: Int32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    init(milliseconds: Int64) {
        seconds = milliseconds / 1000
        nanoseconds = Int32(milliseconds % 1000) * 1_000_000
    }

    /// The years 1 to 9999, in seconds since the epoch.
    static let timestamps: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
    /// CEL's durations fit into 64 bits of nanoseconds (about 292 years), as its first implementations
    /// have them: the conformance cases ask for an error beyond.
    static let durations: ClosedRange<Int64> = -9_223_372_036...9_223_372_036

    static func < (a: CELTime, b: CELTime) -> Bool {
        a.seconds != b.seconds ? a.seconds < b.seconds : a.nanoseconds < b.nanoseconds
    }

    var negated: CELTime { CELTime(seconds: -seconds, nanoseconds: -nanoseconds) }

    /// The sum, with nanoseconds from 0 on; nil outside the range.
    func added(_ other: CELTime, in range: ClosedRange<Int64>) -> CELTime? {
        var (sum, isOver) = seconds.addingReportingOverflow(other.seconds)
        if isOver { return nil }
        var nanoseconds = self.nanoseconds + other.nanoseconds
        while nanoseconds < 0 {
            nanoseconds += 1_000_000_000
            sum -= 1
        }
        while nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            sum += 1
        }
        return range.contains(sum) ? CELTime(seconds: sum, nanoseconds: nanoseconds) : nil
    }

    /// The same duration with both parts of one sign.
    var signed: CELTime {
        guard seconds < 0, nanoseconds > 0 else { return self }
        return CELTime(seconds: seconds + 1, nanoseconds: nanoseconds - 1_000_000_000)
    }

    // MARK: text

    /// RFC 3339 (`2026-01-31T08:00:00.5+01:00`), in the years 1 to 9999.
    static func timestamp(_ text: UnsafeBufferPointer<UInt8>) -> CELTime? {
        guard Checks.isDateTime(text) else { return nil }
        func number(_ from: Int, _ count: Int) -> Int64 {
            text[from..<from + count].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        var seconds = days(number(0, 4), number(5, 2), number(8, 2)) * 86400
        seconds += number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2)
        var place = 19
        var nanoseconds: Int32 = 0
        if text[place] == UInt8(ascii: ".") {
            place += 1
            var unit: Int32 = 100_000_000
            while text[place] &- 0x30 <= 9 {
                nanoseconds += Int32(text[place] - 0x30) * unit
                unit /= 10
                place += 1
            }
        }
        if text[place] | 0x20 != UInt8(ascii: "z") {
            let shift = number(place + 1, 2) * 3600 + number(place + 4, 2) * 60
            seconds -= text[place] == UInt8(ascii: "-") ? -shift : shift
        }
        guard timestamps.contains(seconds) else { return nil }
        return CELTime(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// `1h30m`, `-2.5s`, `300ms`: decimal numbers, each with its unit (h, m, s, ms, us, ns).
    static func duration(_ text: UnsafeBufferPointer<UInt8>) -> CELTime? {
        var place = 0
        let isNegative = text.first == UInt8(ascii: "-")
        if isNegative || text.first == UInt8(ascii: "+") { place = 1 }
        if text.count == place + 1, text[place] == UInt8(ascii: "0") {
            return CELTime(seconds: 0, nanoseconds: 0)
        }
        guard place < text.count else { return nil }
        var total: Int64 = 0
        while place < text.count {
            guard let (amount, end) = amount(text, place) else { return nil }
            let (sum, isOver) = total.addingReportingOverflow(amount)
            if isOver { return nil }
            total = sum
            place = end
        }
        if isNegative { total = -total }
        return CELTime(
            seconds: total / 1_000_000_000, nanoseconds: Int32(total % 1_000_000_000))
    }

    /// One number and its unit, in nanoseconds, and where it ends.
    private static func amount(
        _ text: UnsafeBufferPointer<UInt8>, _ from: Int
    ) -> (Int64, Int)? {
        var place = from
        var whole: Int64 = 0
        var fraction: Int64 = 0
        var scale: Int64 = 1
        var digits = 0
        while place < text.count, text[place] &- 0x30 <= 9 {
            let (ten, over) = whole.multipliedReportingOverflow(by: 10)
            let (sum, more) = ten.addingReportingOverflow(Int64(text[place] - 0x30))
            if over || more { return nil }
            whole = sum
            digits += 1
            place += 1
        }
        if place < text.count, text[place] == UInt8(ascii: ".") {
            place += 1
            while place < text.count, text[place] &- 0x30 <= 9 {
                if scale < 1_000_000_000_000 {
                    fraction = fraction * 10 + Int64(text[place] - 0x30)
                    scale *= 10
                }
                digits += 1
                place += 1
            }
        }
        guard digits > 0, let (unit, length) = unit(text, place) else { return nil }
        let (product, over) = whole.multipliedReportingOverflow(by: unit)
        if over { return nil }
        let part = Int64(Double(fraction) * Double(unit) / Double(scale))
        let (sum, more) = product.addingReportingOverflow(part)
        return more ? nil : (sum, place + length)
    }

    private static func unit(
        _ text: UnsafeBufferPointer<UInt8>, _ place: Int
    ) -> (nanoseconds: Int64, length: Int)? {
        let units: [(StaticString, Int64)] = [
            ("ms", 1_000_000), ("us", 1000), ("µs", 1000), ("ns", 1), ("h", 3_600_000_000_000),
            ("m", 60_000_000_000), ("s", 1_000_000_000),
        ]
        for (name, nanoseconds) in units {
            let length = name.utf8CodeUnitCount
            guard place + length <= text.count else { continue }
            let here = UnsafeBufferPointer(rebasing: text[place..<place + length])
            let wanted = UnsafeBufferPointer(start: name.utf8Start, count: length)
            if isEqual(here, wanted) { return (nanoseconds, length) }
        }
        return nil
    }

    /// RFC 3339 in UTC, with as many digits of a second as there are.
    var timestampText: String { timestampText(fractionText) }

    /// The same with 0, 3, 6 or 9 digits, as protobuf's JSON mapping has it.
    var timestampJSON: String { timestampText(groupedFraction) }

    private func timestampText(_ fraction: String) -> String {
        let date = CELDate(seconds)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let year = String(date.year)
        return String(repeating: "0", count: max(0, 4 - year.count)) + year
            + "-\(two(date.month))-\(two(date.day))T\(two(date.hour)):\(two(date.minute)):"
            + "\(two(date.second))\(fraction)Z"
    }

    /// Seconds with as many digits of their fraction as there are: `90.5s`.
    var durationText: String { durationText(fractionText) }

    /// The same with 0, 3, 6 or 9 digits, as protobuf's JSON mapping has it.
    var durationJSON: String { durationText(groupedFraction) }

    private func durationText(_ fraction: String) -> String {
        let sign = seconds < 0 || nanoseconds < 0 ? "-" : ""
        return "\(sign)\(seconds.magnitude)\(fraction)s"
    }

    private var groupedFraction: String {
        var text = fractionText
        while !text.isEmpty, text.count % 3 != 1 { text += "0" }
        return text
    }

    private var fractionText: String {
        guard nanoseconds != 0 else { return "" }
        var digits = String(nanoseconds.magnitude)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "." + digits
    }

    /// Days since the epoch of a date in the proleptic Gregorian calendar.
    static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

/// The parts of a point in time: month and day from 1 on, day of the week from Sunday = 0.
struct CELDate {
    let year: Int64
    let month: Int64
    let day: Int64
    let dayOfWeek: Int64
    /// From 0 on.
    let dayOfYear: Int64
    let hour: Int64
    let minute: Int64
    let second: Int64

    /// `seconds`: since the epoch, in the zone that is meant.
    init(_ seconds: Int64) {
        var days = seconds / 86400
        var rest = seconds % 86400
        if rest < 0 {
            rest += 86400
            days -= 1
        }
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        let weekday = (days + 4) % 7
        dayOfWeek = weekday < 0 ? weekday + 7 : weekday
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let marchDay = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * marchDay + 2) / 153
        day = marchDay - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        dayOfYear = days - CELTime.days(year, 1, 1)
    }
}
