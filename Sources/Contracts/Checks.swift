/// contract.md `type:`, on a value that is neither absent nor null.
enum Checks {
    @inline(__always)
    static func conforms(_ span: JSONSpan, _ type: JSONType) -> Bool {
        switch type {
        case .string: span.kind.isString
        case .number: span.kind.isNumber
        case .integer:
            span.kind == .integer || span.kind == .number && JSONNumber.isWhole(span.bytes)
        case .boolean: span.kind == .true || span.kind == .false
        case .object: span.kind == .object
        case .array: span.kind == .array
        case .dateTime:
            span.kind == .string && isDateTime(span.content)
                || span.kind == .escapedString && isEscapedDateTime(span.content)
        }
    }

    /// Nobody has a reason to write `"\u0032026-…"`, and it is the same text.
    @inline(never)
    private static func isEscapedDateTime(_ content: UnsafeBufferPointer<UInt8>) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: content.count) { text in
            guard let start = text.baseAddress else { return false }
            let count = JSONText.unescape(content, into: start)
            return isDateTime(UnsafeBufferPointer(start: start, count: count))
        }
    }

    /// RFC 3339 `date-time`: `2026-01-31T08:00:00.5+01:00`. A leap second may stand where UTC has them,
    /// at 23:59:60.
    static func isDateTime(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        func number(_ from: Int, _ count: Int) -> Int? {
            guard from + count <= text.count else { return nil }
            var value = 0
            for index in from..<from + count {
                guard text[index] &- 0x30 <= 9 else { return nil }
                value = value * 10 + Int(text[index] - 0x30)
            }
            return value
        }
        func has(_ index: Int, _ characters: StaticString) -> Bool {
            guard index < text.count else { return false }
            for place in 0..<characters.utf8CodeUnitCount
            where characters.utf8Start[place] == text[index] { return true }
            return false
        }
        guard let year = number(0, 4), has(4, "-"), let month = number(5, 2), has(7, "-"),
            let day = number(8, 2), has(10, "Tt"), let hour = number(11, 2), has(13, ":"),
            let minute = number(14, 2), has(16, ":"), let second = number(17, 2)
        else { return false }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        guard (1...12).contains(month), day >= 1, hour < 24, minute < 60, second <= 60,
            day <= (month == 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31)
        else { return false }
        var place = 19
        if has(place, ".") {
            place += 1
            let first = place
            while has(place, "0123456789") { place += 1 }
            if place == first { return false }
        }
        var shift = 0
        if has(place, "+-") {
            guard let hours = number(place + 1, 2), has(place + 3, ":"),
                let minutes = number(place + 4, 2), hours < 24, minutes < 60
            else { return false }
            shift = (hours * 60 + minutes) * (has(place, "+") ? -1 : 1)
            place += 6
        } else if has(place, "Zz") {
            place += 1
        } else {
            return false
        }
        let utc = (hour * 60 + minute + shift + 2 * 1440) % 1440
        return place == text.count && (second < 60 || utc == 1439)
    }
}
