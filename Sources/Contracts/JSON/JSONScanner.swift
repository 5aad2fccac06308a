internal import CVector

/// One strict pass over a record: validates all of it (RFC 8259, strict UTF-8, nesting at most 128, no
/// duplicate member names after unescaping, no lone surrogates) and notes where the members stand that
/// the contract names. What it does not note is looked at only to validate it.
struct JSONScanner {
    typealias Pointer = UnsafePointer<UInt8>

    static let maximumDepth = 128

    var names: NameTable
    /// One per captured path, `absent` until the pass meets it, and one behind them for all the rest.
    let slots: UnsafeMutablePointer<JSONSpan>
    let slotCount: Int
    private(set) var fault = JSONFault()

    private(set) var start: Pointer
    private(set) var end: Pointer
    private var walk = crossdock_walk()
    /// Of the object that was opened last; never reused.
    private var serial: UInt64 = 0
    /// Names that the table does not hold, of all open objects.
    private var strangers: StrangerNames

    /// Where an empty text without an address lies.
    private let nowhere: UnsafeMutablePointer<UInt8>
    private let noExpectation: UnsafeMutablePointer<NameTable.Foreseen>

    /// `names` is owned by the scanner from here on.
    init(names: NameTable, slotCount: Int) {
        precondition(Int(names.nowhere) == slotCount, "what is not captured goes behind the slots")
        precondition(JSONSpan.isLaidOutAsInC, "the walk over members writes spans")
        self.names = names
        self.slotCount = slotCount
        slots = .allocate(capacity: slotCount + 1)
        nowhere = .allocate(capacity: 1)
        noExpectation = .allocate(capacity: 1)
        start = Pointer(nowhere)
        end = start
        strangers = StrangerNames()
        clearSlots()
    }

    func free() {
        names.free()
        slots.deallocate()
        nowhere.deallocate()
        noExpectation.deallocate()
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
        crossdock_walk_start(&walk, start, end)
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
    mutating func fail(_ place: Pointer, _ reason: JSONFault.Reason) -> Pointer? {
        fault = JSONFault(reason: reason, offset: place - start)
        return nil
    }

    @inline(__always)
    private mutating func skipSpace(_ from: Pointer) -> Pointer {
        var p = from
        while p < end {
            let byte = p.pointee
            if byte > 0x20 { return p }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return p }
            p += 1
        }
        return p
    }

    // Helpers are mutating although they change nothing: a method that only reads would be handed a
    // copy of the whole scanner.

    // MARK: values

    /// `holder`: the table entry of the member that holds this value.
    @inline(__always)
    private mutating func value(
        _ p: Pointer, _ holder: Int32, _ depth: Int, _ kind: inout JSONKind
    ) -> Pointer? {
        guard p < end else { return fail(p, .endOfText) }
        let first = p.pointee
        if first == UInt8(ascii: "\"") {
            kind = .string
            return string(p + 1, &kind)
        }
        if first &- 0x30 <= 9 || first == UInt8(ascii: "-") { return number(p, &kind) }
        return other(p, holder, depth, &kind)
    }

    /// What is neither a string nor a number.
    @inline(never)
    private mutating func other(
        _ p: Pointer, _ holder: Int32, _ depth: Int, _ kind: inout JSONKind
    ) -> Pointer? {
        switch p.pointee {
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

    // MARK: containers

    @inline(never)
    private mutating func array(_ from: Pointer, _ holder: Int32, _ depth: Int) -> Pointer? {
        guard depth <= JSONScanner.maximumDepth else { return fail(from - 1, .tooDeep) }
        var p = skipSpace(from)
        if p < end, p.pointee == UInt8(ascii: "]") { return p + 1 }
        var kind = JSONKind.absent
        let elements = holder >= 0 ? names.elements(of: holder) : NameTable.unknown
        while true {
            guard let after = value(p, elements, depth, &kind) else { return nil }
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
    ///
    /// As long as the members come as foreseen, each at its position, they are known to differ: nothing
    /// else is checked. From the first surprise on they are stamped, those before it included.
    @inline(never)
    private mutating func object(_ from: Pointer, _ holder: Int32, _ depth: Int) -> Pointer? {
        guard depth <= JSONScanner.maximumDepth else { return fail(from - 1, .tooDeep) }
        var p = skipSpace(from)
        if p < end, p.pointee == UInt8(ascii: "}") { return p + 1 }
        let entries = names.entries
        let firstStranger = strangers.count
        var expectation = expectation(holder)
        var position = 0
        // 0 while everything came as foreseen, else the object's serial number.
        var stamp: UInt64 = 0
        var kind = JSONKind.absent
        while true {
            // Behind a value rather than behind a comma.
            if takePlain(&p, holder, stamp, expectation, &position), p[-1] != UInt8(ascii: ",") {
                guard p.pointee == UInt8(ascii: "}") else { return fail(p, .expectedCommaOrBrace) }
                p += 1
                break
            }
            p = skipSpace(p)
            var member = NameTable.unknown
            let slot: Int32
            if position < expectation.count, stands(expectation.start + position, at: p) {
                let foreseen = expectation.start + position
                member = foreseen.pointee.entry
                slot = foreseen.pointee.slot
                if stamp != 0 {
                    let entry = entries + Int(member)
                    if entry.pointee.stamp == stamp { return fail(p, .duplicateName) }
                    entry.pointee.stamp = stamp
                }
                p += Int(foreseen.pointee.length)
                position &+= 1
            } else {
                if stamp == 0 {
                    stamp = stampAll(expectation.start, position)
                    continue
                }
                guard let after = name(p, holder, &member) else { return nil }
                if member >= 0 {
                    let entry = entries + Int(member)
                    if entry.pointee.stamp == stamp { return fail(p, .duplicateName) }
                    entry.pointee.stamp = stamp
                    slot = entry.pointee.slot
                    if entry.pointee.position < 0 {
                        names.foresee(member, at: position)
                        expectation = self.expectation(holder)
                    }
                    if entry.pointee.position >= 0 { position = Int(entry.pointee.position) &+ 1 }
                } else {
                    slot = names.nowhere
                }
                p = after
            }
            p = skipSpace(p)
            guard let after = value(p, member, depth, &kind) else { return nil }
            slots[Int(slot)] = JSONSpan(start: p, count: after - p, kind: kind)
            p = skipSpace(after)
            guard p < end else { return fail(p, .endOfText) }
            let byte = p.pointee
            p += 1
            if byte == UInt8(ascii: "}") { break }
            guard byte == UInt8(ascii: ",") else { return fail(p - 1, .expectedCommaOrBrace) }
        }
        if strangers.count > firstStranger, let twin = strangers.close(from: firstStranger) {
            return fail(twin, .duplicateName)
        }
        return p
    }

    private typealias Expectation = (start: UnsafeMutablePointer<NameTable.Foreseen>, count: Int)

    @inline(__always)
    private mutating func expectation(_ holder: Int32) -> Expectation {
        guard holder >= 0, let start = names.entries[Int(holder)].foreseen else {
            return (noExpectation, 0)
        }
        return (start, Int(names.entries[Int(holder)].foreseen_count))
    }

    /// Stamps the first members of an expectation, which are those that the object has had so far.
    private mutating func stampAll(
        _ foreseen: UnsafeMutablePointer<NameTable.Foreseen>, _ count: Int
    ) -> UInt64 {
        serial &+= 1
        for index in 0..<count { names.entries[Int(foreseen[index].entry)].stamp = serial }
        return serial
    }

    /// Whether the record has exactly this `"name":` at `p`.
    @inline(__always)
    private mutating func stands(
        _ foreseen: UnsafeMutablePointer<NameTable.Foreseen>, at p: Pointer
    ) -> Bool {
        let length = Int(foreseen.pointee.length)
        guard end - p >= length else { return false }
        let text = Pointer(names.entries[Int(foreseen.pointee.entry)].text)
        return isEqual(
            UnsafeBufferPointer(start: p, count: length),
            UnsafeBufferPointer(start: text, count: length))
    }

    /// Takes members whose names are known and whose values are plain: as foreseen, or in any order from
    /// the first surprise on. False: none.
    @inline(__always)
    private mutating func takePlain(
        _ p: inout Pointer, _ holder: Int32, _ stamp: UInt64, _ expectation: Expectation,
        _ position: inout Int
    ) -> Bool {
        guard holder >= 0 else { return false }
        var place: Pointer? = p
        let spans = UnsafeMutableRawPointer(slots).assumingMemoryBound(to: crossdock_span.self)
        let taken: Int
        if stamp == 0 {
            taken = crossdock_walk_foreseen(
                &walk, &place, expectation.start + position, expectation.count &- position, spans)
            position &+= taken
        } else {
            var last: Int32 = 0
            taken = crossdock_walk_known(
                &walk, &place, names.index, holder, stamp, &last, spans)
            if taken > 0 { position = Int(last) &+ 1 }
        }
        p = place ?? p
        return taken > 0
    }

    /// A member name that was not foreseen: finds it in the table or adds it, else remembers it as a
    /// stranger. From its opening quote to behind the colon.
    @inline(never)
    private mutating func name(
        _ p: Pointer, _ holder: Int32, _ member: inout Int32
    ) -> Pointer? {
        guard p < end, p.pointee == UInt8(ascii: "\"") else { return fail(p, .expectedName) }
        var kind = JSONKind.string
        guard let after = string(p + 1, &kind) else { return nil }
        newName(p, after, kind, holder, &member)
        let colon = skipSpace(after)
        guard colon < end, colon.pointee == UInt8(ascii: ":") else {
            return fail(colon, .expectedColon)
        }
        return colon + 1
    }

    private mutating func newName(
        _ p: Pointer, _ after: Pointer, _ kind: JSONKind, _ holder: Int32,
        _ member: inout Int32
    ) {
        let raw = UnsafeBufferPointer(start: p + 1, count: after - p - 2)
        let text = kind == .string ? raw : strangers.unescaped(raw)
        let name = names.prepare(text, parent: holder)
        if holder >= 0 {
            member = names.find(name, parent: holder)
            if member < 0 { member = names.insert(name, parent: holder) }
        }
        if member < 0 {
            strangers.add(text, hash: name.hash, place: p)
        }
    }
}
