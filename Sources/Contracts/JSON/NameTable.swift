internal import CVector

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
    typealias Entry = crossdock_entry

    /// A member that is expected.
    typealias Foreseen = crossdock_foreseen

    static let root: Int32 = 0
    /// Inside a member that is not in the table: nothing is looked up or learnt.
    static let unknown: Int32 = -1

    static let limit = 2048
    static let limitPerObject = 512
    static let longestName = 255

    let entries: UnsafeMutablePointer<Entry>
    /// The same and their hashes, as the walk over members wants it.
    let index: UnsafeMutablePointer<crossdock_names>
    private let buckets: UnsafeMutablePointer<Int32>
    private let mask: Int
    private let capacity: Int
    /// A slot that nobody reads: a member that is not captured needs no branch of its own.
    let nowhere: Int32
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
        index = .allocate(capacity: 1)
        // Random, so that nobody can prepare names that meet in one bucket.
        func multiplier() -> UInt64 { UInt64.random(in: 0...UInt64.max) | 1 }
        index.initialize(
            to: crossdock_names(
                entries: entries, buckets: buckets, mask: UInt64(mask),
                multipliers: (multiplier(), multiplier(), multiplier(), multiplier())))
        count = 1
        entries[0] = blank(parent: -1, text: NameTable.emptyText())
    }

    private func blank(parent: Int32, text: UnsafeMutablePointer<UInt8>) -> Entry {
        var entry = Entry()
        entry.parent = parent
        entry.slot = nowhere
        entry.position = -1
        entry.text = text
        entry.elements = -1
        return entry
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
        index.deallocate()
    }

    /// A name prepared for looking up: its first 32 bytes, padded with zeros, and a hash.
    struct Name {
        var text: UnsafeBufferPointer<UInt8>
        var words: SIMD4<UInt64>
        var hash: UInt64
    }

    func prepare(_ text: UnsafeBufferPointer<UInt8>, parent: Int32) -> Name {
        var words = SIMD4<UInt64>()
        if let start = text.baseAddress {
            withUnsafeMutableBytes(of: &words) {
                $0.copyMemory(
                    from: UnsafeRawBufferPointer(start: start, count: min(text.count, 32)))
            }
        }
        var hash = withUnsafeBytes(of: words) { words in
            crossdock_name_hash(
                index, words.assumingMemoryBound(to: UInt64.self).baseAddress, parent)
        }
        for index in stride(from: 32, to: text.count, by: 1) {
            let byte = text[index]
            hash = mix(hash ^ UInt64(byte), self.index.pointee.multipliers.0)
        }
        return Name(text: text, words: words, hash: hash)
    }

    private func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// The entry of `name` (unescaped) below `parent`, -1 if there is none.
    func find(_ name: Name, parent: Int32) -> Int32 {
        var bucket = Int(truncatingIfNeeded: name.hash) & mask
        while true {
            let index = buckets[bucket]
            if index < 0 { return -1 }
            let entry = entries + Int(index)
            let (one, two, three, four) = entry.pointee.words
            let words = SIMD4(one, two, three, four) ^ name.words
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
        entries[count] = blank(parent: parent, text: text)
        entries[count].words = (name.words[0], name.words[1], name.words[2], name.words[3])
        entries[count].length = Int32(name.text.count)
        count += 1
        var bucket = Int(truncatingIfNeeded: name.hash) & mask
        while buckets[bucket] >= 0 { bucket = (bucket + 1) & mask }
        buckets[bucket] = index
        return index
    }

    /// Has the values of entry `index` put into `slot`.
    func capture(_ index: Int32, into slot: Int32) { entries[Int(index)].slot = slot }

    /// The entry that stands for the elements of `holder`, of arrays in them too; -1 where the bound is
    /// reached.
    mutating func elements(of holder: Int32) -> Int32 {
        let entry = entries + Int(holder)
        if entry.pointee.elements >= 0 { return entry.pointee.elements }
        guard count < NameTable.limit else { return -1 }
        let index = Int32(count)
        entries[count] = blank(parent: holder, text: NameTable.emptyText())
        entries[count].elements = index
        entry.pointee.elements = index
        count += 1
        return index
    }

    /// Expects entry `index` at `position` of the object that holds it from now on.
    mutating func foresee(_ index: Int32, at position: Int) {
        let entry = entries + Int(index)
        let holder = entries + Int(entry.pointee.parent)
        let count = Int(holder.pointee.foreseen_count)
        guard count < NameTable.limitPerObject, position <= count, isPlain(entry) else { return }
        makeRoom(holder)
        guard let foreseen = holder.pointee.foreseen else { return }
        for later in stride(from: count, to: position, by: -1) {
            foreseen[later] = foreseen[later - 1]
            entries[Int(foreseen[later].entry)].position = Int32(later)
        }
        foreseen[position] = NameTable.foreseen(entry.pointee, index)
        entry.pointee.position = Int32(position)
        holder.pointee.foreseen_count += 1
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
        let count = Int(holder.pointee.foreseen_count)
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
        var foreseen = Foreseen()
        withUnsafeMutableBytes(of: &foreseen.text) {
            $0.copyBytes(from: UnsafeRawBufferPointer(start: entry.text, count: min(length, 32)))
        }
        foreseen.length = UInt32(length)
        foreseen.entry = index
        foreseen.slot = entry.slot
        foreseen.mask = length >= 32 ? UInt32.max : 1 << UInt32(length) - 1
        return foreseen
    }
}
