internal import CVector

/// Numbers and strings.
extension JSONScanner {
    // MARK: numbers

    /// From a digit or a minus on.
    @inline(__always)
    mutating func number(_ p: Pointer, _ kind: inout JSONKind) -> Pointer? {
        let stops: UInt32
        if end - p >= 17 {
            stops = crossdock_number_stops(p)
        } else {
            stops = numberStopsNearEnd(p)
            // Nothing ends it here: looking behind it would be looking behind the record.
            if stops & 0xFFFE == 0 { return numberSlowly(p, &kind) }
        }
        let length = number(p, stops & 0xFFFF, points: stops &>> 16, 16, &kind)
        return length > 0 ? p + length : numberSlowly(p, &kind)
    }

    /// Bytes of a number that is shorter than `width`, 0 where that is not plain to see. Bit i of `stops`:
    /// byte i is neither a digit nor a point; of `points`: it is a point.
    ///
    /// Its end is told from all bytes at once, and no branch depends on how many there are, or on a sign or
    /// a point among them. Where the next member stands hangs on the end alone, so that the checks do not
    /// hold it up.
    @inline(__always)
    private mutating func number(
        _ p: Pointer, _ stops: UInt32, points all: UInt32, _ width: Int, _ kind: inout JSONKind
    ) -> Int {
        let limit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: width)
        let length = (stops & ~1 | limit).trailingZeroBitCount
        let sign = stops & 1
        let points = all & ((1 &<< UInt32(truncatingIfNeeded: length)) &- 1)
        // No digit before the point, two points, no digit behind it.
        let isMispointed =
            points & (1 &<< sign) | points & (points &- 1)
            | points &>> UInt32(truncatingIfNeeded: length &- 1)
        let digits = length &- Int(truncatingIfNeeded: sign)
        let second = points & (2 &<< sign)
        let isZero = p[Int(truncatingIfNeeded: sign)] == UInt8(ascii: "0")
        let isOdd =
            isMispointed | bit(digits == 0) | bit(length == width)
            | bit(isZero) & bit(digits > 1) & bit(second == 0)
            | bit(p[length] | 0x20 == UInt8(ascii: "e"))
        kind = points != 0 ? .number : .integer
        return isOdd == 0 ? length : 0
    }

    /// The same of what is left of the record; nothing is told of what is behind it.
    @inline(never)
    private mutating func numberStopsNearEnd(_ p: Pointer) -> UInt32 {
        guard end - start >= 16 else { return 0 }
        let skipped = UInt32(truncatingIfNeeded: 16 - (end - p))
        guard skipped <= 15 else { return crossdock_number_stops(p) }
        let stops = crossdock_number_stops(end - 16)
        return (stops & 0xFFFF) &>> skipped | (stops &>> (16 + skipped)) &<< 16
    }

    /// 1 or 0, without a branch.
    @inline(__always)
    private func bit(_ condition: Bool) -> UInt32 { condition ? 1 : 0 }

    /// A number of any length, byte by byte.
    @inline(never)
    private mutating func numberSlowly(_ from: Pointer, _ kind: inout JSONKind) -> Pointer? {
        kind = .integer
        var p = from
        if p.pointee == UInt8(ascii: "-") {
            p += 1
            guard p < end else { return fail(p, .badNumber) }
        }
        if p.pointee == UInt8(ascii: "0") {
            p += 1
        } else {
            let digits = skipDigits(p)
            if digits == p { return fail(p, .badNumber) }
            p = digits
        }
        guard p < end else { return p }
        if p.pointee == UInt8(ascii: ".") {
            kind = .number
            let digits = skipDigits(p + 1)
            if digits == p + 1 { return fail(digits, .badNumber) }
            p = digits
            guard p < end else { return p }
        }
        if p.pointee | 0x20 == UInt8(ascii: "e") {
            kind = .number
            p += 1
            if p < end, p.pointee == UInt8(ascii: "+") || p.pointee == UInt8(ascii: "-") { p += 1 }
            let digits = skipDigits(p)
            if digits == p { return fail(p, .badNumber) }
            p = digits
        }
        return p
    }

    @inline(__always)
    private mutating func skipDigits(_ from: Pointer) -> Pointer {
        var p = from
        while p < end, p.pointee &- 0x30 <= 9 { p += 1 }
        return p
    }

    // MARK: strings

    /// From behind the opening quote to behind the closing one.
    @inline(__always)
    mutating func string(_ from: Pointer, _ kind: inout JSONKind) -> Pointer? {
        var p = from
        while end - p >= 32 {
            let stops = crossdock_string_stops(p) | crossdock_string_stops(p + 16) &<< 16
            if stops == 0 {
                p += 32
                continue
            }
            p += stops.trailingZeroBitCount
            return p.pointee == UInt8(ascii: "\"") ? p + 1 : stringSlowly(p, &kind)
        }
        p += stringStopsNearEnd(p).trailingZeroBitCount
        if p < end, p.pointee == UInt8(ascii: "\"") { return p + 1 }
        return stringSlowly(from, &kind)
    }

    /// Bytes that end plain text among the last 31 of the record; bit 31 is set.
    @inline(never)
    private mutating func stringStopsNearEnd(_ p: Pointer) -> UInt32 {
        let first = end - 32
        guard first >= start else { return 1 &<< 31 }
        let stops = crossdock_string_stops(first) | crossdock_string_stops(first + 16) &<< 16
        return stops &>> UInt32(truncatingIfNeeded: min(p - first, 31)) | 1 &<< 31
    }

    /// The rest of a string that has something else than plain ASCII in it, or ends near the record's
    /// end.
    @inline(never)
    private mutating func stringSlowly(_ from: Pointer, _ kind: inout JSONKind) -> Pointer? {
        var p = from
        while p < end {
            let byte = p.pointee
            if byte == UInt8(ascii: "\"") { return p + 1 }
            if byte == UInt8(ascii: "\\") {
                kind = .escapedString
                guard let next = escape(p) else { return nil }
                p = next
            } else if byte < 0x20 {
                return fail(p, .controlCharacter)
            } else if byte < 0x80 {
                p += 1
                while end - p >= 8 {
                    let stops = stringStops(UInt64(littleEndian: loadWord(p)))
                    if stops != 0 {
                        p += stops.trailingZeroBitCount &>> 3
                        break
                    }
                    p += 8
                }
            } else {
                let length = JSONText.sequenceLength(p, end)
                if length == 0 { return fail(p, .badUTF8) }
                p += length
            }
        }
        return fail(end, .endOfText)
    }

    private mutating func escape(_ p: Pointer) -> Pointer? {
        guard end - p >= 2 else { return fail(end, .endOfText) }
        if p[1] != UInt8(ascii: "u") {
            return JSONText.simpleEscape(p[1]) != 0 ? p + 2 : fail(p, .badEscape)
        }
        guard end - p >= 6, let unit = JSONText.hexUnit(p + 2) else { return fail(p, .badEscape) }
        if unit & 0xF800 != 0xD800 { return p + 6 }
        guard unit & 0xFC00 == 0xD800, end - p >= 12, p[6] == UInt8(ascii: "\\"),
            p[7] == UInt8(ascii: "u"), let low = JSONText.hexUnit(p + 8), low & 0xFC00 == 0xDC00
        else { return fail(p, .loneSurrogate) }
        return p + 12
    }
}
