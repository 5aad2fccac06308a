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
        /// The name's first 32 bytes, padded with zeros.
        var words: SIMD4<UInt64>
        /// The last object (by serial number) that had this member.
        var stamp: UInt64 = 0
        /// Bytes of the name.
        var length: Int32
        var parent: Int32
        /// Where the scanner puts the member's value; `nowhere` where nobody asks for it.
        var slot: Int32
        /// Where it stands in its parent's `foreseen`, -1 = nowhere.
        var position: Int32 = -1
        /// The name as it stands in a record, `"name":`, in padded memory.
        var text: UnsafeMutablePointer<UInt8>
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
    /// A slot that nobody reads: a member that is not captured needs no branch of its own.
    let nowhere: Int32
    /// 32 bytes of ones, then 32 of zeros: from 32 - n on stands the mask for n bytes.
    private let masks: UnsafeMutablePointer<UInt8>
    /// Random and odd, so that nobody can prepare names that meet in one bucket.
    private let multipliers: SIMD4<UInt64>
    private(set) var count: Int

    /// `planned`: how many names the contract brings, on top of what may be learnt. `nowhere`: the slot behind
    /// the last one.
    init(planned: Int, nowhere: Int32 = 0) {
        capacity = NameTable.limit + planned + 1
        var size = 1024
        while size < capacity * 2 { size *= 2 }
        mask = size - 1
        self.nowhere = nowhere
        entries = .allocate(capacity: capacity)
        buckets = .allocate(capacity: size)
        buckets.initialize(repeating: -1, count: size)
        masks = .allocate(capacity: 64)
        masks.initialize(repeating: 0xFF, count: 32)
        (masks + 32).initialize(repeating: 0, count: 32)
        multipliers = SIMD4.random(in: 0...UInt64.max) | 1
        entries[0] = Entry(
            words: SIMD4(), length: 0, parent: -1, slot: nowhere, text: NameTable.emptyText())
        count = 1
    }

    private static func emptyText() -> UnsafeMutablePointer<UInt8> {
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: 8)
        text.initialize(repeating: 0, count: 8)
        return text
    }

    func free() {
        for index in 0..<count {
            entries[index].text.deallocate()
            entries[index].foreseen?.deallocate()
        }
        entries.deallocate()
        buckets.deallocate()
        masks.deallocate()
    }

    /// A name prepared for looking up: its first 32 bytes, padded with zeros, and a hash.
    struct Name {
        var text: UnsafeBufferPointer<UInt8>
        var words: SIMD4<UInt64>
        var hash: UInt64
    }

    /// A name of up to 32 bytes, of which 32 may be read.
    @inline(__always)
    func prepareShort(_ text: UnsafePointer<UInt8>, _ count: Int, parent: Int32) -> Name {
        let mask = UnsafeRawPointer(masks + (32 &- count))
        let words =
            UnsafeRawPointer(text).loadUnaligned(as: SIMD4<UInt64>.self)
            & mask.loadUnaligned(as: SIMD4<UInt64>.self)
        return Name(
            text: UnsafeBufferPointer(start: text, count: count), words: words,
            hash: hash(words, parent))
    }

    func prepare(_ text: UnsafeBufferPointer<UInt8>, parent: Int32) -> Name {
        var words = SIMD4<UInt64>()
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: text.prefix(32)) }
        var hash = hash(words, parent)
        for byte in text.dropFirst(32) { hash = mix(hash ^ UInt64(byte), multipliers[0]) }
        return Name(text: text, words: words, hash: hash)
    }

    /// The hash decides where a name is looked for, never what becomes of it.
    @inline(__always)
    private func hash(_ words: SIMD4<UInt64>, _ parent: Int32) -> UInt64 {
        let first = mix(words[0] ^ UInt64(truncatingIfNeeded: parent) &<< 40, multipliers[0])
        let rest =
            words[1] &* multipliers[1] &+ words[2] &* multipliers[2] &+ words[3] &* multipliers[3]
        return first ^ rest &>> 32
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
            let words = entry.pointee.words ^ name.words
            let length = Int32(truncatingIfNeeded: name.text.count)
            let other = UInt32(
                bitPattern: (entry.pointee.length ^ length) | (entry.pointee.parent ^ parent))
            if words[0] | words[1] | words[2] | words[3] | UInt64(other) == 0,
                name.text.count <= 32 || hasText(entry, name.text)
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
            words: name.words, length: Int32(name.text.count), parent: parent, slot: nowhere,
            text: text)
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
        let index = Int32(count)
        entries[count] = Entry(
            words: SIMD4(), length: 0, parent: holder, slot: nowhere, text: NameTable.emptyText())
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
