/// contract.md `mask`: every character but the first and last few replaced. A character is an extended
/// grapheme cluster; at least one is always replaced: `keepLast` gives way first.
struct Masking {
    private let keepFirst: Int
    private let keepLast: Int
    /// As it stands inside a JSON string.
    private let replacement: [UInt8]
    /// The same, unescaped: for a key.
    private let plainReplacement: [UInt8]

    init(_ mask: Mask) {
        keepFirst = mask.keepFirst
        keepLast = mask.keepLast
        plainReplacement = Array(mask.with.utf8)
        replacement = Array(JSONLiteral.quoted(mask.with).utf8.dropFirst().dropLast())
    }

    /// Appends the masked text. `text` is UTF-8; with `asJSON` what is kept is escaped again.
    func write(
        _ text: UnsafeBufferPointer<UInt8>, asJSON: Bool, to output: inout ByteBuffer,
        _ arena: inout Arena
    ) {
        // Ends of the characters. There are at most as many as bytes.
        let ends = arena.allocate(Int32.self, count: text.count)
        let count = Graphemes.boundaries(text, ends)
        guard count > 0 else { return }
        let first = min(keepFirst, count - 1)
        let last = min(keepLast, count - 1 - first)
        let filler = asJSON ? replacement : plainReplacement
        let firstEnd = first > 0 ? Int(ends[first - 1]) : 0
        let lastStart = Int(ends[count - last - 1])
        append(UnsafeBufferPointer(rebasing: text[..<firstEnd]), asJSON, &output)
        for _ in 0..<(count - first - last) {
            filler.withUnsafeBufferPointer { output.append($0) }
        }
        append(UnsafeBufferPointer(rebasing: text[lastStart...]), asJSON, &output)
    }

    private func append(
        _ text: UnsafeBufferPointer<UInt8>, _ asJSON: Bool, _ output: inout ByteBuffer
    ) {
        if asJSON { output.appendEscaped(text) } else { output.append(text) }
    }
}
