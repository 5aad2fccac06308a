/// One strict pass over a record: validates all of it (RFC 8259, strict UTF-8, nesting at most 128, no
/// duplicate member names after unescaping, no lone surrogates) and notes where the members stand that
/// the contract names. What it does not note is looked at only to validate it.
struct JSONScanner {
    typealias Pointer = UnsafePointer<UInt8>

    static let maximumDepth = 128

    var names: NameTable
    /// One per captured path, `absent` until the pass meets it.
    let slots: UnsafeMutablePointer<JSONSpan>
    let slotCount: Int
    private(set) var fault = JSONFault()

    private var start: Pointer
    private var end: Pointer
    /// Of the object that was opened last; never reused.
    private var serial: UInt64 = 0
    /// Names that the table does not hold, of all open objects.
    private var strangers: StrangerNames

    /// Where an empty text without an address lies.
    private let nowhere: UnsafeMutablePointer<UInt8>

    /// `names` is owned by the scanner from here on.
    init(names: NameTable, slotCount: Int) {
        self.names = names
        self.slotCount = slotCount
        slots = .allocate(capacity: max(slotCount, 1))
        nowhere = .allocate(capacity: 1)
        start = Pointer(nowhere)
        end = start
        strangers = StrangerNames()
        clearSlots()
    }

    func free() {
        names.free()
        slots.deallocate()
        nowhere.deallocate()
        strangers.free()
    }

    @inline(__always)
    private func clearSlots() {
        for slot in 0..<slotCount {
            slots[slot] = JSONSpan(start: start, count: 0, kind: .absent)
        }
    }

    /// Validates a record: one object. False: `fault` says where and why.
    mutating func scan(_ record: UnsafeRawBufferPointer, root: Int32 = -1) -> Bool {
        scan(record, root: root, anyValue: false)
    }

    /// Validates any JSON value, as RFC 8259 defines a text.
    mutating func scanValue(_ text: UnsafeRawBufferPointer) -> Bool {
        scan(text, root: -1, anyValue: true)
    }

    /// `root`: the slot of the whole record, -1 = none.
    private mutating func scan(
        _ text: UnsafeRawBufferPointer, root: Int32, anyValue: Bool
    ) -> Bool {
        let memory = text.bindMemory(to: UInt8.self)
        start = memory.baseAddress ?? Pointer(nowhere)
        end = start + memory.count
        strangers.reset()
        clearSlots()
        guard memory.count <= UInt32.max else { return fail(start, .tooLarge) != nil }
        let first = skipSpace(start)
        guard first < end else { return fail(first, .endOfText) != nil }
        var last: Pointer?
        if first.pointee == UInt8(ascii: "{") {
            last = object(first + 1, NameTable.root, 1)
        } else {
            guard anyValue else { return fail(first, .notAnObject) != nil }
            var kind = JSONKind.absent
            last = value(first, NameTable.root, 0, &kind)
        }
        guard let last else { return false }
        if root >= 0 {
            slots[Int(root)] = JSONSpan(start: first, count: last - first, kind: .object)
        }
        let rest = skipSpace(last)
        return rest == end ? true : fail(rest, .textAfterValue) != nil
    }

    @inline(never)
    private mutating func fail(_ place: Pointer, _ reason: JSONFault.Reason) -> Pointer? {
        fault = JSONFault(reason: reason, offset: place - start)
        return nil
    }

    @inline(__always)
    private func skipSpace(_ from: Pointer) -> Pointer {
        var p = from
        while p < end {
            let byte = p.pointee
            if byte > 0x20 { return p }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return p }
            p += 1
        }
        return p
    }

    // MARK: values

    /// `holder`: the table entry of the member that holds this value.
    @inline(__always)
    private mutating func value(
        _ p: Pointer, _ holder: Int32, _ depth: Int, _ kind: inout JSONKind
    ) -> Pointer? {
        guard p < end else { return fail(p, .endOfText) }
        switch p.pointee {
        case UInt8(ascii: "\""):
            kind = .string
            return string(p + 1, &kind)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return number(p, &kind)
        case UInt8(ascii: "n"):
            kind = .null
            return word(p, 0x6C6C_756E)
        case UInt8(ascii: "t"):
            kind = .true
            return word(p, 0x6575_7274)
        case UInt8(ascii: "f"):
            kind = .false
            guard end - p >= 5, word(p + 1, 0x6573_6C61) != nil else { return fail(p, .badLiteral) }
            return p + 5
        case UInt8(ascii: "{"):
            kind = .object
            return object(p + 1, holder, depth + 1)
        case UInt8(ascii: "["):
            kind = .array
            return array(p + 1, holder, depth + 1)
        default:
            return fail(p, .expectedValue)
        }
    }

    /// Four bytes, given as they lie in memory on a little-endian machine.
    @inline(__always)
    private mutating func word(_ p: Pointer, _ bytes: UInt32) -> Pointer? {
        guard end - p >= 4,
            UInt32(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt32.self)) == bytes
        else { return fail(p, .badLiteral) }
        return p + 4
    }

    @inline(__always)
    private mutating func number(_ from: Pointer, _ kind: inout JSONKind) -> Pointer? {
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
    private func skipDigits(_ from: Pointer) -> Pointer {
        var p = from
        while p < end, p.pointee &- 0x30 <= 9 { p += 1 }
        return p
    }

    // MARK: strings

    /// From behind the opening quote to behind the closing one.
    @inline(__always)
    private mutating func string(_ from: Pointer, _ kind: inout JSONKind) -> Pointer? {
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

    // MARK: containers

    private mutating func array(_ from: Pointer, _ holder: Int32, _ depth: Int) -> Pointer? {
        guard depth <= JSONScanner.maximumDepth else { return fail(from - 1, .tooDeep) }
        var p = skipSpace(from)
        if p < end, p.pointee == UInt8(ascii: "]") { return p + 1 }
        var kind = JSONKind.absent
        while true {
            guard let after = value(p, holder, depth, &kind) else { return nil }
            p = skipSpace(after)
            guard p < end else { return fail(p, .endOfText) }
            let byte = p.pointee
            p += 1
            if byte == UInt8(ascii: "]") { return p }
            guard byte == UInt8(ascii: ",") else { return fail(p - 1, .expectedCommaOrBracket) }
            p = skipSpace(p)
        }
    }

    /// From behind the opening brace to behind the closing one.
    private mutating func object(_ from: Pointer, _ holder: Int32, _ depth: Int) -> Pointer? {
        guard depth <= JSONScanner.maximumDepth else { return fail(from - 1, .tooDeep) }
        var p = skipSpace(from)
        if p < end, p.pointee == UInt8(ascii: "}") { return p + 1 }
        serial &+= 1
        let serial = serial
        let entries = names.entries
        let firstStranger = strangers.count
        var previous: Int32 = -1
        var kind = JSONKind.absent
        while true {
            let nameStart = p
            var member: Int32 = -1
            if holder >= 0 {
                var guess = -1
                if previous >= 0 {
                    guess = Int(entries[Int(previous)].next)
                } else {
                    guess = Int(entries[Int(holder)].first)
                }
                if guess >= 0, stands(entries + guess, at: p) {
                    member = Int32(truncatingIfNeeded: guess)
                    p += Int(entries[guess].length)
                }
            }
            if member < 0 {
                guard let after = name(p, holder, previous, &member) else { return nil }
                p = after
            }
            var slot: Int32 = -1
            if member >= 0 {
                let entry = entries + Int(member)
                if entry.pointee.stamp == serial { return fail(nameStart, .duplicateName) }
                entry.pointee.stamp = serial
                slot = entry.pointee.slot
            }
            p = skipSpace(p)
            guard let after = value(p, member, depth, &kind) else { return nil }
            if slot >= 0 {
                slots[Int(slot)] = JSONSpan(start: p, count: after - p, kind: kind)
            }
            previous = member
            p = skipSpace(after)
            guard p < end else { return fail(p, .endOfText) }
            let byte = p.pointee
            p += 1
            if byte == UInt8(ascii: ",") {
                p = skipSpace(p)
            } else if byte == UInt8(ascii: "}") {
                break
            } else {
                return fail(p - 1, .expectedCommaOrBrace)
            }
        }
        if strangers.count > firstStranger, let twin = strangers.close(from: firstStranger) {
            return fail(twin, .duplicateName)
        }
        return p
    }

    /// Whether the record has exactly the entry's `"name":` at `p`.
    @inline(__always)
    private func stands(_ entry: UnsafeMutablePointer<NameTable.Entry>, at p: Pointer) -> Bool {
        let length = Int(entry.pointee.length)
        guard end - p >= length + 8 else { return false }
        let text = Pointer(entry.pointee.text)
        var index = 0
        while index + 8 <= length {
            if loadWord(p + index) != loadWord(text + index) { return false }
            index += 8
        }
        let rest = length - index
        if rest == 0 { return true }
        let difference = UInt64(littleEndian: loadWord(p + index) ^ loadWord(text + index))
        return difference &<< UInt64(64 - rest * 8) == 0
    }

    /// A member name that was not predicted: finds it in the table or adds it, else remembers it as a
    /// stranger. From its opening quote to behind the colon.
    private mutating func name(
        _ p: Pointer, _ holder: Int32, _ previous: Int32, _ member: inout Int32
    ) -> Pointer? {
        guard p < end, p.pointee == UInt8(ascii: "\"") else { return fail(p, .expectedName) }
        var kind = JSONKind.string
        guard let after = string(p + 1, &kind) else { return nil }
        let raw = UnsafeBufferPointer(start: p + 1, count: after - p - 2)
        let name = kind == .string ? raw : strangers.unescaped(raw)
        let hash = names.hash(name, parent: holder)
        if holder >= 0 {
            member = names.find(name, parent: holder, hash: hash)
            if member < 0 { member = names.insert(name, parent: holder, hash: hash) }
        }
        if member < 0 {
            strangers.add(name, hash: hash, place: p)
        } else {
            foresee(member, after: previous, below: holder)
        }
        let colon = skipSpace(after)
        guard colon < end, colon.pointee == UInt8(ascii: ":") else {
            return fail(colon, .expectedColon)
        }
        return colon + 1
    }

    @inline(__always)
    private mutating func foresee(_ member: Int32, after previous: Int32, below holder: Int32) {
        guard names.entries[Int(member)].plain else { return }
        if previous >= 0 {
            names.entries[Int(previous)].next = member
        } else {
            names.entries[Int(holder)].first = member
        }
    }
}
