internal import Contracts
internal import Cryptography
internal import Ledger

/// What one turn of the loop has done so far, from the first record decided to the outcome.
struct Batch {
    /// Records decided.
    var decided = 0
    /// Messages handed to the client library in the open transaction, markers included.
    var planned = 0
    var delivered = 0
    var deliveredBytes = 0
    var sourceBytes = 0
    /// Dropped and quarantined: they make a marker due.
    var refused = 0
    var quarantined: [QuarantinedRecord] = []
    var digest = BatchDigest()
    /// When the first record was decided, and when the transaction began (monotonic).
    var openedAt: Duration?
    var begunAt: Duration?
    /// Set where the contract says `onViolation: stop`: the batch ends before that record.
    var stop: Halt?
    /// What the contract's quota lets it deliver; nil before the first record that leaves.
    var grant: QuotaBucket.Grant?
    /// The quota lets nothing leave now: the batch ends before that record.
    var isCut = false
    /// Partitions whose stopping record is quarantined by the operator's choice.
    var forced: [SourcePartition] = []
    /// Quarantined records that it decides anew, and nothing else then.
    var releases: [Release] = []

    var isEmpty: Bool { decided == 0 && releases.isEmpty }
}

/// One assigned partition: what it is, and how far the batch has come on it.
struct Slot {
    let partition: SourcePartition
    let decider: StreamDecider
    /// Nil where the stream does not retract.
    let presence: KeyPresence?
    /// Index into the plan's partner topics.
    let topic: Int
    /// D before the batch.
    var from: Int64
    /// D after it.
    var next: Int64
    /// Of the batch alone.
    var counts = Counts()
    /// Of the batch's last records, at most 8, oldest first.
    var fingerprints: [Fingerprint] = []
    /// How many of `counts.read` they stand for.
    var fingerprinted: Int64 = 0
    /// The end was reached at an offset beyond the last record: a marker is due.
    var endMoved = false
    /// The last end seen since the assignment.
    var end: Int64?

    mutating func reset() {
        presence?.settle()
        from = next
        begin()
    }

    mutating func rewind() {
        presence?.rewind()
        next = from
        end = nil
        begin()
    }

    /// Nothing of a batch yet.
    private mutating func begin() {
        counts = Counts()
        fingerprints = []
        fingerprinted = 0
        endMoved = false
    }
}

/// SHA-256 over everything that a batch delivers: per record the source partition, offset and partner
/// partition, then key, value and headers, each behind its length (-1 = null), all little-endian.
struct BatchDigest {
    private var stream = SHA256Stream()

    mutating func add(_ output: borrowing OutputRecord, slot: Int, offset: Int64) {
        var head = (
            offset.littleEndian, Int64(slot).littleEndian, Int64(output.partition).littleEndian
        )
        withUnsafeBytes(of: &head) { stream.update($0) }
        add(output.key)
        add(output.value)
        for header in output.headers {
            add(UnsafeRawBufferPointer(start: header.name, count: length(header.name)))
            add(header.value)
        }
    }

    private func length(_ name: UnsafePointer<CChar>) -> Int {
        var count = 0
        while name[count] != 0 { count += 1 }
        return count
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer?) {
        var count = Int64(bytes?.count ?? -1).littleEndian
        withUnsafeBytes(of: &count) { stream.update($0) }
        if let bytes { stream.update(bytes) }
    }

    mutating func finish() -> String { Hex.encode(stream.finish()) }

    /// The chain head after a batch: SHA-256 over the head before, the batch's digest and the range.
    static func chain(after head: String, digest: String, from: Int64, to: Int64) -> String {
        Hex.encode(SHA256.hash(Array("\(head)\n\(digest)\n\(from)\n\(to)".utf8)))
    }
}
