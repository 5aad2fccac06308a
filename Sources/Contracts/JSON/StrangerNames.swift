/// Member names that the table has no room for, of the objects that are open: kept until their object
/// closes and compared then, in linear time.
struct StrangerNames {
    private struct Name {
        var text: UnsafePointer<UInt8>
        var length: Int
        var hash: UInt64
        var place: UnsafePointer<UInt8>
    }

    private var names: UnsafeMutablePointer<Name>
    private var capacity = 64
    private(set) var count = 0
    private var buckets: UnsafeMutablePointer<Int32>
    private var bucketCapacity = 256
    /// Names whose escapes are resolved.
    private var arena = Arena()

    init() {
        names = .allocate(capacity: capacity)
        buckets = .allocate(capacity: bucketCapacity)
    }

    func free() {
        names.deallocate()
        buckets.deallocate()
        arena.free()
    }

    @inline(__always)
    mutating func reset() {
        count = 0
        arena.reset()
    }

    mutating func unescaped(_ raw: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let memory = arena.allocate(UInt8.self, count: raw.count)
        return UnsafeBufferPointer(start: memory, count: JSONText.unescape(raw, into: memory))
    }

    /// `place`: where an error would point to.
    mutating func add(
        _ name: UnsafeBufferPointer<UInt8>, hash: UInt64, place: UnsafePointer<UInt8>
    ) {
        if count == capacity {
            let larger = UnsafeMutablePointer<Name>.allocate(capacity: capacity * 2)
            larger.update(from: names, count: count)
            names.deallocate()
            names = larger
            capacity *= 2
        }
        names[count] = Name(
            text: name.baseAddress ?? place, length: name.count, hash: hash, place: place)
        count += 1
    }

    /// Forgets the names from `first` on: their object closes. Returns where a name stands for the
    /// second time, nil if all differ.
    mutating func close(from first: Int) -> UnsafePointer<UInt8>? {
        defer { count = first }
        let number = count - first
        if number == 1 { return nil }
        if number <= 8 {
            for one in first + 1..<count {
                for other in first..<one where isEqual(names[one], names[other]) {
                    return names[one].place
                }
            }
            return nil
        }
        var size = 32
        while size < number * 2 { size *= 2 }
        if size > bucketCapacity {
            buckets.deallocate()
            buckets = .allocate(capacity: size)
            bucketCapacity = size
        }
        buckets.update(repeating: -1, count: size)
        for one in first..<count {
            var bucket = Int(truncatingIfNeeded: names[one].hash) & (size - 1)
            while buckets[bucket] >= 0 {
                if isEqual(names[one], names[Int(buckets[bucket])]) { return names[one].place }
                bucket = (bucket + 1) & (size - 1)
            }
            buckets[bucket] = Int32(one)
        }
        return nil
    }

    @inline(__always)
    private func isEqual(_ one: Name, _ other: Name) -> Bool {
        guard one.hash == other.hash, one.length == other.length else { return false }
        for index in 0..<one.length where one.text[index] != other.text[index] { return false }
        return true
    }
}
