/// Every member name that the scanner knows, by the member that holds it: what the contract names from
/// the start, and what records bring, up to a bound.
///
/// An entry stands for one member below one parent, so it tells at once what is captured there, and its
/// stamp tells whether the object at hand has had it already. Names beyond the bound are looked after by
/// the scanner itself.
///
/// Records of one stream repeat their names in order. Each entry keeps the names that were met in the
/// object it holds in the order they came, as `Foreseen`: mostly one comparison of bytes replaces both
/// hashing and the check for duplicates.
struct NameTable {
    struct Entry {
        /// The name as it stands in a record, `"name":`, in padded memory.
        var text: UnsafeMutablePointer<UInt8>
        var word0, word1: UInt64
        /// The last object (by serial number) that had this member.
        var stamp: UInt64 = 0
        /// Bytes of the name.
        var length: Int32
        /// Where the scanner puts the member's value, -1 = nowhere.
        var slot: Int32 = -1
        var parent: Int32
        /// Where it stands in its parent's `foreseen`, -1 = nowhere.
        var position: Int32 = -1
        /// What is expected in the object that this member holds.
        var foreseen: UnsafeMutablePointer<Foreseen>?
        var foreseenCount: UInt16 = 0
        /// Names learnt below this member.
        var children: UInt16 = 0
        /// Stands for the elements of the array that this member holds: what is captured in an object is
        /// not captured in the objects of an array. -1 = none yet.
        var elements: Int32 = -1
    }

    /// A member that is expected, laid out so that comparing needs one line of memory.
    struct Foreseen {
        /// The first 24 bytes of `"name":`, and masks for what counts of them.
        var word0, word1, word2: UInt64
        var mask0, mask1, mask2: UInt64
        /// Bytes of `"name":`.
        var length: Int32
        var entry: Int32
        var slot: Int32
    }

    static let root: Int32 = 0
    /// Inside a member that is not in the table: nothing is looked up or learnt.
    static let unknown: Int32 = -1

    static let limit = 2048
    static let limitPerObject = 512
    static let longestName = 255

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
        entries[0] = Entry(text: text, word0: 0, word1: 0, length: 0, parent: -1)
        count = 1
    }

    func free() {
        for index in 0..<count {
            entries[index].text.deallocate()
            entries[index].foreseen?.deallocate()
        }
        entries.deallocate()
        buckets.deallocate()
    }

    /// A name prepared for looking up: its first and last eight bytes (zero-padded), and a hash.
    struct Name {
        var text: UnsafeBufferPointer<UInt8>
        var words: (UInt64, UInt64)
        var hash: UInt64
    }

    /// `readable`: bytes that may be read from the name's start on, at least its length.
    @inline(__always)
    func prepare(_ text: UnsafeBufferPointer<UInt8>, readable: Int, parent: Int32) -> Name {
        var words: (UInt64, UInt64) = (0, 0)
        let count = text.count
        if let start = text.baseAddress, count > 0 {
            if count >= 8 {
                words.0 = loadWord(start)
                words.1 = loadWord(start + (count - 8))
            } else if readable >= 8 {
                words.0 = UInt64(littleEndian: loadWord(start))
                words.0 &= UInt64.max &>> UInt64(64 &- count &* 8)
            } else {
                for index in 0..<count { words.0 |= UInt64(start[index]) << UInt64(index * 8) }
            }
        }
        // Seeded per table: the hash decides where a name is looked for, never what becomes of it.
        let first = words.0 ^ seed ^ UInt64(truncatingIfNeeded: parent) &* 0x9E37_79B9_7F4A_7C15
        var hash = mix(first &+ UInt64(truncatingIfNeeded: count), 0xA076_1D64_78BD_642F)
        if count > 8 { hash = mix(hash ^ words.1, 0xE703_7ED1_A0B4_28DB) }
        if count > 16 { hash = mixMiddle(hash, text) }
        return Name(text: text, words: words, hash: hash)
    }

    private func mixMiddle(_ hash: UInt64, _ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let start = text.baseAddress else { return hash }
        var hash = hash
        var index = 8
        while index + 8 < text.count {
            hash = mix(hash ^ loadWord(start + index), 0xE703_7ED1_A0B4_28DB)
            index += 8
        }
        return hash
    }

    @inline(__always)
    private func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// The entry of `name` (unescaped) below `parent`, -1 if there is none.
    @inline(__always)
    func find(_ name: Name, parent: Int32) -> Int32 {
        var bucket = Int(truncatingIfNeeded: name.hash) & mask
        while true {
            let index = buckets[bucket]
            if index < 0 { return -1 }
            let entry = entries + Int(index)
            if entry.pointee.word0 == name.words.0, entry.pointee.word1 == name.words.1,
                entry.pointee.parent == parent,
                Int(entry.pointee.length) == name.text.count,
                name.text.count <= 16 || hasText(entry, name.text)
            {
                return index
            }
            bucket = (bucket &+ 1) & mask
        }
    }

    private func hasText(
        _ entry: UnsafeMutablePointer<Entry>, _ name: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        isEqual(UnsafeBufferPointer(start: entry.pointee.text + 1, count: name.count), name)
    }

    /// Adds a name that is not there yet; -1 where the bound is reached (never for a planned one).
    mutating func insert(_ name: Name, parent: Int32, planned: Bool = false) -> Int32 {
        let holder = entries + Int(parent)
        if !planned {
            guard count < NameTable.limit, name.text.count <= NameTable.longestName,
                holder.pointee.children < NameTable.limitPerObject
            else { return -1 }
        }
        guard count < capacity else { return -1 }
        holder.pointee.children &+= 1
        let length = name.text.count + 3
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: length + 24)
        text.initialize(repeating: 0, count: length + 24)
        text[0] = UInt8(ascii: "\"")
        for (index, byte) in name.text.enumerated() { text[index + 1] = byte }
        text[length - 2] = UInt8(ascii: "\"")
        text[length - 1] = UInt8(ascii: ":")
        let index = Int32(count)
        entries[count] = Entry(
            text: text, word0: name.words.0, word1: name.words.1, length: Int32(name.text.count),
            parent: parent)
        count += 1
        var bucket = Int(truncatingIfNeeded: name.hash) & mask
        while buckets[bucket] >= 0 { bucket = (bucket + 1) & mask }
        buckets[bucket] = index
        return index
    }

    /// The entry that stands for the elements of `holder`, of arrays in them too; -1 where the bound is
    /// reached.
    mutating func elements(of holder: Int32) -> Int32 {
        let entry = entries + Int(holder)
        if entry.pointee.elements >= 0 { return entry.pointee.elements }
        guard count < NameTable.limit else { return -1 }
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: 8)
        text.initialize(repeating: 0, count: 8)
        let index = Int32(count)
        entries[count] = Entry(text: text, word0: 0, word1: 0, length: 0, parent: holder)
        entries[count].elements = index
        entry.pointee.elements = index
        count += 1
        return index
    }

    /// Expects entry `index` at `position` of the object that holds it from now on.
    mutating func foresee(_ index: Int32, at position: Int) {
        let entry = entries + Int(index)
        let holder = entries + Int(entry.pointee.parent)
        let count = Int(holder.pointee.foreseenCount)
        guard count < NameTable.limitPerObject, position <= count, isPlain(entry) else { return }
        makeRoom(holder)
        guard let foreseen = holder.pointee.foreseen else { return }
        for later in stride(from: count, to: position, by: -1) {
            foreseen[later] = foreseen[later - 1]
            entries[Int(foreseen[later].entry)].position = Int32(later)
        }
        foreseen[position] = NameTable.foreseen(entry.pointee, index)
        entry.pointee.position = Int32(position)
        holder.pointee.foreseenCount += 1
    }

    /// False where the name needs an escape: source text equal to `text` would not be that name then.
    private func isPlain(_ entry: UnsafeMutablePointer<Entry>) -> Bool {
        for index in 0..<Int(entry.pointee.length) {
            let byte = entry.pointee.text[index + 1]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                return false
            }
        }
        return true
    }

    private func makeRoom(_ holder: UnsafeMutablePointer<Entry>) {
        let count = Int(holder.pointee.foreseenCount)
        // Rooms are 8, 16, 32 … places.
        let isFull = count == 0 || count >= 8 && count & (count - 1) == 0
        guard isFull else { return }
        let larger = UnsafeMutablePointer<Foreseen>.allocate(capacity: max(8, count * 2))
        if let old = holder.pointee.foreseen {
            larger.update(from: old, count: count)
            old.deallocate()
        }
        holder.pointee.foreseen = larger
    }

    private static func foreseen(_ entry: Entry, _ index: Int32) -> Foreseen {
        let length = Int(entry.length) + 3
        let text = UnsafePointer<UInt8>(entry.text)
        func mask(_ from: Int) -> UInt64 {
            let left = min(max(length - from, 0), 8)
            return left == 0 ? 0 : (UInt64.max >> UInt64(64 - left * 8)).littleEndian
        }
        return Foreseen(
            word0: loadWord(text) & mask(0), word1: loadWord(text + 8) & mask(8),
            word2: loadWord(text + 16) & mask(16), mask0: mask(0), mask1: mask(8),
            mask2: mask(16), length: Int32(length), entry: index, slot: entry.slot)
    }
}
