/// Lets the allowed headers through, in their order, duplicates included.
struct HeaderFilter {
    private let allowed: [UnsafeMutablePointer<CChar>]
    private var selected: UnsafeMutablePointer<OutputHeader>
    private var capacity = 16
    /// The last `select` let every header through, and there were some.
    private(set) var isAll = false

    init(_ names: [String]) {
        allowed = names.map { name in copy(name.utf8.map { CChar(bitPattern: $0) } + [0]) }
        selected = .allocate(capacity: capacity)
    }

    func free() {
        for name in allowed { name.deallocate() }
        selected.deallocate()
    }

    /// Valid until the next call. Headers are not even parsed where none may leave.
    @inline(__always)
    mutating func select(_ reader: HeaderReader) -> UnsafeBufferPointer<OutputHeader> {
        allowed.isEmpty ? UnsafeBufferPointer(start: nil, count: 0) : selectSome(reader)
    }

    private mutating func selectSome(_ reader: HeaderReader) -> UnsafeBufferPointer<OutputHeader> {
        var count = 0
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var length = 0
        while reader.read(reader.handle, index, &name, &value, &length) {
            index += 1
            guard let name, isAllowed(name) else { continue }
            if count == capacity { grow() }
            let bytes = value.map { UnsafeRawBufferPointer(start: $0, count: length) }
            (selected + count).initialize(to: OutputHeader(name: name, value: bytes))
            count += 1
        }
        isAll = count == index && count > 0
        return UnsafeBufferPointer(start: selected, count: count)
    }

    @inline(__always)
    private func isAllowed(_ name: UnsafePointer<CChar>) -> Bool {
        for other in allowed {
            var index = 0
            while name[index] == other[index] {
                if name[index] == 0 { return true }
                index += 1
            }
        }
        return false
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<OutputHeader>.allocate(capacity: capacity * 2)
        larger.update(from: selected, count: capacity)
        selected.deallocate()
        selected = larger
        capacity *= 2
    }
}
