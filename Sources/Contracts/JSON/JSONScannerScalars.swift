/// Numbers and strings.
extension JSONScanner {
    // MARK: numbers

    /// Most numbers are shorter than a word: their digits are told from the rest all at once, and no
    /// branch depends on how many there are.
    @inline(__always)
    mutating func number(_ from: Pointer, _ kind: inout JSONKind) -> Pointer? {
        let p = from.pointee == UInt8(ascii: "-") ? from + 1 : from
        guard end - p >= 8 else { return numberSlowly(from, &kind) }
        let word = UInt64(littleEndian: loadWord(p))
        var stops = nonDigits(word)
        let digits = stops.trailingZeroBitCount &>> 3
        let leadingZero = word & 0xFF == 0x30 && digits != 1
        if stops == 0 || digits == 0 || leadingZero { return numberSlowly(from, &kind) }
        let stop = p[digits]
        if stop != UInt8(ascii: "."), stop | 0x20 != UInt8(ascii: "e") {
            kind = .integer
            return p + digits
        }
        stops &= stops &- 1
        let length = stops.trailingZeroBitCount &>> 3
        if stops == 0 || stop != UInt8(ascii: ".") || length == digits &+ 1
            || p[length] | 0x20 == UInt8(ascii: "e")
        {
            return numberSlowly(from, &kind)
        }
        kind = .number
        return p + length
    }

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
        while end - p >= 8 {
            let stops = stringStops(UInt64(littleEndian: loadWord(p)))
            if stops == 0 {
                p += 8
                continue
            }
            p += stops.trailingZeroBitCount &>> 3
            if p.pointee == UInt8(ascii: "\"") { return p + 1 }
            break
        }
        return stringSlowly(p, &kind)
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
