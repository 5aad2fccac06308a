/// Batches of one partition, one behind the other, in a few bytes each: what a coalesced row keeps of
/// each of them. A year of ten batches a second is a matter of bytes a batch.
///
/// Per batch a byte of flags, then only what the flags announce, as varints (LEB128, unsigned): how many
/// numbers were passed over, where it is not the next one; offsets covered; milliseconds since the one before; delivered records
/// and bytes; records read, where they are not one an offset; dropped, quarantined and gaps. Filtered
/// follows from the identity, and is written where that does not hold.
struct PackedBatches {
    struct Batch: Hashable {
        var from: Int64
        var to: Int64
        /// Nil for a batch without a transaction.
        var batchSeq: Int64?
        /// Milliseconds since the epoch.
        var at: Int64
        var counts: Counts
    }

    private(set) var bytes: [UInt8]
    /// Of the last batch that had one.
    private(set) var batchSeq: Int64?
    private var at: Int64

    /// Nothing yet; `since` is when the first batch was decided.
    init(since: Int64) {
        bytes = []
        at = since
    }

    /// Goes on behind the last of what is packed already, which had this number and time.
    init(_ bytes: [UInt8], batchSeq: Int64?, at: Int64) {
        self.bytes = bytes
        self.batchSeq = batchSeq
        self.at = at
    }

    private struct Flags: OptionSet {
        var rawValue: UInt8
        /// The number itself follows: there was none before, or it fell.
        static let numbered = Flags(rawValue: 1)
        static let unnumbered = Flags(rawValue: 2)
        /// The clock was set back: the time is to be subtracted.
        static let earlier = Flags(rawValue: 4)
        static let delivered = Flags(rawValue: 8)
        static let sparse = Flags(rawValue: 16)
        static let exceptions = Flags(rawValue: 32)
        static let unbalanced = Flags(rawValue: 64)
        /// How far the number is beyond the next one follows.
        static let skipped = Flags(rawValue: 128)
    }

    mutating func append(_ batch: Batch) {
        let counts = batch.counts
        var flags: Flags = []
        var skipped: Int64 = 0
        if let number = batch.batchSeq {
            skipped = batchSeq.map { number - $0 - 1 } ?? -1
            if skipped != 0 { flags.insert(skipped > 0 ? .skipped : .numbered) }
        } else {
            flags.insert(.unnumbered)
        }
        if batch.at < at { flags.insert(.earlier) }
        if counts.delivered != 0 || counts.bytes != 0 { flags.insert(.delivered) }
        if counts.read != batch.to - batch.from { flags.insert(.sparse) }
        if counts.dropped != 0 || counts.quarantined != 0 || counts.gaps != 0 {
            flags.insert(.exceptions)
        }
        if !counts.balances { flags.insert(.unbalanced) }
        bytes.append(flags.rawValue)
        if flags.contains(.numbered) { put(batch.batchSeq ?? 0) }
        if flags.contains(.skipped) { put(skipped) }
        put(batch.to - batch.from)
        put(abs(batch.at - at))
        if flags.contains(.delivered) {
            put(counts.delivered)
            put(counts.bytes)
        }
        if flags.contains(.sparse) { put(counts.read) }
        if flags.contains(.exceptions) {
            put(counts.dropped)
            put(counts.quarantined)
            put(counts.gaps)
        }
        if flags.contains(.unbalanced) { put(counts.filtered) }
        batchSeq = batch.batchSeq ?? batchSeq
        at = batch.at
    }

    /// All 64 bits: a negative figure takes ten bytes and comes back as it was.
    private mutating func put(_ number: Int64) {
        var rest = UInt64(bitPattern: number)
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    // MARK: Reading

    /// - Parameters: where the first begins, and when it was decided.
    static func unpack(
        _ bytes: [UInt8], from: Int64, since: Int64
    ) throws(LedgerFailure) -> [Batch] {
        var batches: [Batch] = []
        var rest = bytes[...]
        var position = from
        var at = since
        var last: Int64?
        while let first = rest.popFirst() {
            let flags = Flags(rawValue: first)
            var number: Int64?
            if flags.contains(.numbered) {
                number = try take(&rest)
            } else if !flags.contains(.unnumbered) {
                let skipped = flags.contains(.skipped) ? try take(&rest) : 0
                number = last.map { $0 &+ 1 &+ skipped }
            }
            let span = try take(&rest)
            let elapsed = try take(&rest)
            at = flags.contains(.earlier) ? at &- elapsed : at &+ elapsed
            let counts = try counts(flags, span, &rest)
            batches.append(
                Batch(
                    from: position, to: position &+ span, batchSeq: number, at: at, counts: counts))
            position &+= span
            last = number ?? last
        }
        return batches
    }

    private static func counts(
        _ flags: Flags, _ span: Int64, _ rest: inout ArraySlice<UInt8>
    ) throws(LedgerFailure) -> Counts {
        var counts = Counts()
        if flags.contains(.delivered) {
            counts.delivered = try take(&rest)
            counts.bytes = try take(&rest)
        }
        counts.read = flags.contains(.sparse) ? try take(&rest) : span
        if flags.contains(.exceptions) {
            counts.dropped = try take(&rest)
            counts.quarantined = try take(&rest)
            counts.gaps = try take(&rest)
        }
        counts.filtered =
            flags.contains(.unbalanced)
            ? try take(&rest)
            : counts.read &- counts.delivered &- counts.dropped &- counts.quarantined
                &- counts.gaps
        return counts
    }

    private static func take(_ rest: inout ArraySlice<UInt8>) throws(LedgerFailure) -> Int64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = rest.popFirst(), shift < 64 {
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int64(bitPattern: number) }
            shift += 7
        }
        throw LedgerFailure(.corrupt, "the batches of a coalesced row are unreadable")
    }
}
