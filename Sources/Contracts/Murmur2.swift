/// Kafka's own partitioner for records with a key (org.apache.kafka.common.utils.Utils.murmur2 and
/// BuiltInPartitioner: the hash without its sign bit, modulo the partition count).
enum Murmur2 {
    static func partition(_ key: UnsafeRawBufferPointer, of count: Int32) -> Int32 {
        Int32(hash(key) & 0x7FFF_FFFF) % count
    }

    static func hash(_ data: UnsafeRawBufferPointer) -> UInt32 {
        let multiplier: UInt32 = 0x5BD1_E995
        let length = data.count
        var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: length)
        var index = 0
        while index + 4 <= length {
            var word = UInt32(
                littleEndian: data.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = hash &* multiplier
            hash ^= word
            index += 4
        }
        let rest = length - index
        if rest > 2 { hash ^= UInt32(data[index + 2]) << 16 }
        if rest > 1 { hash ^= UInt32(data[index + 1]) << 8 }
        if rest > 0 {
            hash ^= UInt32(data[index])
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        hash ^= hash >> 15
        return hash
    }
}
