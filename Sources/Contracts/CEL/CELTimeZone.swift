internal import Glibc

/// A time zone of this machine's data (TZif, RFC 8536), read once. What it says can change with the
/// data's updates, which is why the checker warns of names.
struct CELTimeZone {
    /// Seconds since the epoch from which each offset holds, rising; the first holds before it too.
    private var transitions: [Int64] = []
    /// Seconds east of UTC, one for each transition.
    private var offsets: [Int64] = []
    private var earliest: Int64 = 0
    private var rule: CELTimeZoneRule?

    /// `UTC`, `Z`, and `+01:00`, `-09:30` or `02:00`: hours and minutes east of UTC, in seconds.
    static func offset(_ text: String) -> Int64? {
        if text == "UTC" || text == "Z" || text.isEmpty { return 0 }
        var digits = text[...]
        var sign: Int64 = 1
        if digits.hasPrefix("-") { sign = -1 }
        if digits.hasPrefix("-") || digits.hasPrefix("+") { digits = digits.dropFirst() }
        let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy(Names.isDigit) }),
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    /// A zone of the IANA database, such as `Europe/Paris`; nil where this machine does not know it.
    static func named(_ name: String) -> CELTimeZone? {
        let isName = name.utf8.allSatisfy { byte in
            Names.isDigit(byte) || (byte | 0x20) &- 0x61 < 26 || "/_+-".utf8.contains(byte)
        }
        guard isName, !name.isEmpty, !name.hasPrefix("/"), let data = read(name) else { return nil }
        return CELTimeZone(data)
    }

    private static func read(_ name: String) -> [UInt8]? {
        guard let file = fopen("/usr/share/zoneinfo/" + name, "rb") else { return nil }
        defer { fclose(file) }
        var data = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&data, 1, data.count, file)
        return count > 44 && count < data.count ? Array(data[..<count]) : nil
    }

    func offset(at seconds: Int64) -> Int64 {
        if let last = transitions.last, seconds >= last {
            return rule?.offset(at: seconds) ?? offsets[offsets.count - 1]
        }
        guard !transitions.isEmpty else { return rule?.offset(at: seconds) ?? earliest }
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? earliest : offsets[low - 1]
    }

    // MARK: TZif

    /// RFC 8536: the second block, of 64-bit times, and the rule behind it.
    private init?(_ data: [UInt8]) {
        guard data.starts(with: Array("TZif".utf8)), data[4] >= UInt8(ascii: "2") else {
            return nil
        }
        func number(_ place: Int, _ size: Int) -> Int64? {
            guard place >= 0, place + size <= data.count else { return nil }
            var value: UInt64 = 0
            for byte in data[place..<place + size] { value = value << 8 | UInt64(byte) }
            return size == 8 ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value))
        }
        func counts(_ header: Int) -> [Int]? {
            var counts: [Int] = []
            for field in 0..<6 {
                guard let count = number(header + 20 + 4 * field, 4), count >= 0 else { return nil }
                counts.append(Int(count))
            }
            return counts
        }
        // isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt
        guard let short = counts(0) else { return nil }
        let header =
            44 + short[3] * 5 + short[4] * 6 + short[5] + short[2] * 8 + short[1] + short[0]
        guard header + 44 <= data.count, let long = counts(header) else { return nil }
        let times = header + 44
        let kinds = times + long[3] * 8
        let types = kinds + long[3]
        let rest = types + long[4] * 6 + long[5] + long[2] * 12 + long[1] + long[0]
        guard rest <= data.count, long[4] > 0, let first = number(types, 4) else { return nil }
        earliest = first
        for index in 0..<long[3] {
            guard let time = number(times + 8 * index, 8),
                let offset = number(types + 6 * Int(data[kinds + index]), 4)
            else { return nil }
            transitions.append(time)
            offsets.append(offset)
        }
        let footer = data[rest...].drop { $0 == 0x0A }.prefix { $0 != 0x0A }
        rule = CELTimeZoneRule(String(decoding: footer, as: UTF8.self))
    }
}

/// What holds after a zone's last transition: POSIX's TZ, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct CELTimeZoneRule {
    /// `Mmonth.week.day/time`: seconds of local time on the week-th such day (5 = the last).
    private struct Change {
        var month: Int64
        var week: Int64
        var day: Int64
        var time: Int64
    }

    private let standard: Int64
    private var daylight: Int64 = 0
    private var changes: (start: Change, end: Change)?

    init?(_ text: String) {
        var reader = Reader(rest: text[...])
        guard reader.skipName(), let west = reader.time() else { return nil }
        standard = -west
        guard reader.skipName() else { return }
        daylight = standard + 3600
        if !reader.rest.hasPrefix(","), let west = reader.time() { daylight = -west }
        guard let start = reader.change(), let end = reader.change() else { return nil }
        changes = (start, end)
    }

    func offset(at seconds: Int64) -> Int64 {
        guard let changes else { return standard }
        let year = CELDate(seconds + standard).year
        let start = CELTimeZoneRule.second(of: changes.start, in: year) - standard
        let end = CELTimeZoneRule.second(of: changes.end, in: year) - daylight
        let isDaylight =
            start < end ? start <= seconds && seconds < end : seconds < end || start <= seconds
        return isDaylight ? daylight : standard
    }

    /// The change's moment, in seconds of local time.
    private static func second(of change: Change, in year: Int64) -> Int64 {
        let first = CELTime.days(year, change.month, 1)
        let weekday = ((first + 4) % 7 + 7) % 7
        var day = first + (change.day - weekday + 7) % 7 + (change.week - 1) * 7
        let next =
            change.month == 12
            ? CELTime.days(year + 1, 1, 1) : CELTime.days(year, change.month + 1, 1)
        while day >= next { day -= 7 }
        return day * 86400 + change.time
    }

    private struct Reader {
        var rest: Substring

        mutating func skipName() -> Bool {
            let before = rest.count
            if rest.hasPrefix("<") {
                rest = rest.drop { $0 != ">" }.dropFirst()
            } else {
                rest = rest.drop { $0.isLetter }
            }
            return rest.count < before
        }

        private mutating func number() -> Int64? {
            let digits = rest.prefix { $0.isNumber }
            rest = rest.dropFirst(digits.count)
            return Int64(digits)
        }

        /// `[+-]hours[:minutes[:seconds]]` in seconds.
        mutating func time() -> Int64? {
            let isNegative = rest.hasPrefix("-")
            if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
            guard var seconds = number().map({ $0 * 3600 }) else { return nil }
            var unit: Int64 = 60
            while unit > 0, rest.hasPrefix(":") {
                rest = rest.dropFirst()
                seconds += (number() ?? 0) * unit
                unit /= 60
            }
            return isNegative ? -seconds : seconds
        }

        mutating func change() -> Change? {
            guard rest.hasPrefix(",M") else { return nil }
            rest = rest.dropFirst(2)
            guard let month = number() else { return nil }
            rest = rest.dropFirst()
            guard let week = number() else { return nil }
            rest = rest.dropFirst()
            guard let day = number() else { return nil }
            var time: Int64 = 7200
            if rest.hasPrefix("/") {
                rest = rest.dropFirst()
                time = self.time() ?? time
            }
            return Change(month: month, week: week, day: day, time: time)
        }
    }
}
