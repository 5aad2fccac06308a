internal import CVector

/// Raw memory that grows and is reused: written from the front, cleared by setting `count` to 0.
/// Growing moves it, so a pointer into it lives until the next `reserve`. The owner calls `free`.
struct ByteBuffer {
    private(set) var base: UnsafeMutablePointer<UInt8>
    var count = 0
    private(set) var capacity: Int

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    func free() { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Makes room for `more` bytes behind `count`.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ source: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        (base + count).update(from: source, count: length)
        count &+= length
    }

    /// Text of which whole pieces of 16 bytes can be read.
    @inline(__always)
    mutating func append(padded text: UnsafePointer<UInt8>, _ length: Int, room: Int = 0) {
        reserve(length &+ 16 &+ room)
        let target = base + count
        var offset = 0
        repeat {
            crossdock_copy_16(target + offset, text + offset)
            offset &+= 16
        } while offset < length
        count &+= length
    }

    /// Text inside memory that ends at `end`. No call where it is short, and no branch that depends on how short.
    @inline(__always)
    mutating func append(
        _ source: UnsafePointer<UInt8>, _ length: Int, readableTo end: UnsafePointer<UInt8>
    ) {
        guard length <= 32, end - source >= 32 else { return append(source, length) }
        reserve(32)
        crossdock_copy_16(base + count, source)
        crossdock_copy_16(base + count + 16, source + 16)
        count &+= length
    }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let start = bytes.baseAddress { append(start, bytes.count) }
    }
}

/// Memory handed out piece by piece and taken back all at once: what a record's evaluation makes.
/// Pieces do not move. Blocks are kept for the next record. The owner calls `free`.
struct Arena {
    private var blocks: [UnsafeMutableRawBufferPointer]
    private var current = 0
    private var next: UnsafeMutableRawPointer?
    private var left = 0

    init() { blocks = [] }

    func free() { for block in blocks { block.deallocate() } }

    @inline(__always)
    mutating func reset() {
        if next == nil { return }
        current = 0
        left = blocks[0].count
        next = blocks[0].baseAddress
    }

    /// 8-byte aligned.
    @inline(__always)
    mutating func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        let rounded = (size + 7) & ~7
        if let piece = next, left >= rounded {
            next = piece + rounded
            left -= rounded
            return piece
        }
        return allocateSlowly(rounded)
    }

    @inline(never)
    private mutating func allocateSlowly(_ size: Int) -> UnsafeMutableRawPointer {
        if next != nil { current += 1 }
        while current < blocks.count, blocks[current].count < size { current += 1 }
        if current == blocks.count {
            blocks.append(.allocate(byteCount: max(size, 16 << 10), alignment: 16))
        }
        let block = blocks[current]
        left = block.count - size
        // A block is never empty, so it has an address; the fallback keeps the type total.
        let piece = block.baseAddress ?? .allocate(byteCount: size, alignment: 16)
        next = piece + size
        return piece
    }

    mutating func allocate<T: BitwiseCopyable>(
        _ type: T.Type, count: Int
    ) -> UnsafeMutablePointer<T> {
        allocate(max(count, 1) * MemoryLayout<T>.stride).bindMemory(to: type, capacity: count)
    }
}
