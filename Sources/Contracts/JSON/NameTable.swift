/// Every member name that the scanner knows, by the member that holds it: what the contract names from
/// the start, and what records bring, up to a bound.
///
/// An entry stands for one member below one parent, so it tells at once what is captured there, and its
/// stamp tells whether the object at hand has had it already. Records of one stream repeat their names
/// in order: each entry remembers which ones followed it, so that mostly one comparison of bytes
/// replaces hashing. Names beyond the bound are looked after by the scanner itself.
struct NameTable {
    struct Entry {
        /// `"name":` in padded memory; compared as a whole.
        var text: UnsafeMutablePointer<UInt8>
        var hash: UInt64
        /// The last object (by serial number) that had this member.
        var stamp: UInt64 = 0
        /// Bytes of `text`, quotes and colon included.
        var length: Int32
        /// Where the scanner puts the member's value, -1 = nowhere.
        var slot: Int32 = -1
        /// The entry that followed last, and the one before it; -1 = none.
        var next: Int32 = -1
        var alternate: Int32 = -1
        /// The entry that came first in the object which this member holds.
        var first: Int32 = -1
        var parent: Int32
        /// Names learnt below this member.
        var children: Int32 = 0
        /// Whether source text equal to `text` is this name: false where the name needs an escape.
        var plain: Bool
    }

    static let root: Int32 = 0
    /// Inside a member that is not in the table: nothing is looked up or learnt.
    static let unknown: Int32 = -1

    static let limit = 2048
    static let limitPerObject = 512

    let entries: UnsafeMutablePointer<Entry>
    private let buckets: UnsafeMutablePointer<Int32>
    private let mask: Int
    private let capacity: Int
    private let seed: UInt64
    private(set) var count: Int

    /// `planned`: how many names the contract brings, on top of what may be learnt.
    init(planned: Int) {
        capacity = NameTable.limit + planned + 1
        var size = 1024
        while size < capacity * 2 { size *= 2 }
        mask = size - 1
        entries = .allocate(capacity: capacity)
        buckets = .allocate(capacity: size)
        buckets.initialize(repeating: -1, count: size)
        seed = UInt64.random(in: 1...UInt64.max)
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: 8)
        text.initialize(repeating: 0, count: 8)
        entries[0] = Entry(text: text, hash: 0, length: 0, parent: -1, plain: false)
        count = 1
    }

    func free() {
        for index in 0..<count { entries[index].text.deallocate() }
        entries.deallocate()
        buckets.deallocate()
    }

    /// Seeded per table: it decides where a name is looked for, never what becomes of it.
    @inline(__always)
    func hash(_ name: UnsafeBufferPointer<UInt8>, parent: Int32) -> UInt64 {
        var state = seed ^ (UInt64(truncatingIfNeeded: parent) &* 0x9E37_79B9_7F4A_7C15)
        guard var p = name.baseAddress else { return mix(state, 1) }
        var left = name.count
        while left >= 8 {
            state = mix(state, loadWord(p))
            p += 8
            left -= 8
        }
        var tail: UInt64 = 0
        while left > 0 {
            tail = tail << 8 | UInt64(p[0])
            p += 1
            left -= 1
        }
        return mix(state, tail ^ UInt64(name.count) << 56)
    }

    @inline(__always)
    private func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = (a ^ b ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(
            by: b ^ 0xE703_7ED1_A0B4_28DB ^ a &>> 32)
        return product.high ^ product.low
    }

    /// The entry of `name` (unescaped) below `parent`, -1 if there is none.
    @inline(__always)
    func find(_ name: UnsafeBufferPointer<UInt8>, parent: Int32, hash: UInt64) -> Int32 {
        var bucket = Int(truncatingIfNeeded: hash) & mask
        while true {
            let index = buckets[bucket]
            if index < 0 { return -1 }
            let entry = entries + Int(index)
            if entry.pointee.hash == hash, entry.pointee.parent == parent,
                isEqual(entry.pointee, name)
            {
                return index
            }
            bucket = (bucket + 1) & mask
        }
    }

    @inline(__always)
    private func isEqual(_ entry: Entry, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        guard Int(entry.length) == name.count + 3 else { return false }
        guard let start = name.baseAddress else { return true }
        for index in 0..<name.count where entry.text[index + 1] != start[index] { return false }
        return true
    }

    /// Adds a name that is not there yet; -1 where the bound is reached (never for a planned one).
    mutating func insert(
        _ name: UnsafeBufferPointer<UInt8>, parent: Int32, hash: UInt64, planned: Bool = false
    ) -> Int32 {
        guard count < capacity else { return -1 }
        let holder = entries + Int(parent)
        if !planned {
            guard count < NameTable.limit, name.count < 256,
                holder.pointee.children < NameTable.limitPerObject
            else { return -1 }
        }
        holder.pointee.children += 1
        let length = name.count + 3
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: length + 8)
        text.initialize(repeating: 0, count: length + 8)
        text[0] = UInt8(ascii: "\"")
        var plain = true
        for (index, byte) in name.enumerated() {
            text[index + 1] = byte
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                plain = false
            }
        }
        text[length - 2] = UInt8(ascii: "\"")
        text[length - 1] = UInt8(ascii: ":")
        let index = Int32(count)
        entries[count] = Entry(
            text: text, hash: hash, length: Int32(length), parent: parent, plain: plain)
        count += 1
        var bucket = Int(truncatingIfNeeded: hash) & mask
        while buckets[bucket] >= 0 { bucket = (bucket + 1) & mask }
        buckets[bucket] = index
        return index
    }
}
