/// A quarantined record that a batch decides anew, and what came of it. Identity: coordinates and
/// `refusedIn`, the same in every ledger; a lane's batch numbers never go back.
package struct Release: Hashable, Sendable, Codable {
    package enum Outcome: String, Hashable, Sendable, Codable { case delivered, filtered }

    /// Of the record in the ledger that released it.
    package var id: Int64
    package var topic: String
    package var partition: Int32
    package var offset: Int64
    /// batch_seq of the batch that refused it.
    package var refusedIn: Int64
    package var outcome: Outcome
    /// Delivered key and value bytes.
    package var bytes: Int64

    package init(
        id: Int64, source: SourcePartition, offset: Int64, refusedIn: Int64, outcome: Outcome,
        bytes: Int64
    ) {
        self.id = id
        topic = source.topic
        partition = source.partition
        self.offset = offset
        self.refusedIn = refusedIn
        self.outcome = outcome
        self.bytes = bytes
    }

    package var source: SourcePartition { SourcePartition(topic: topic, partition: partition) }

    /// What the release moves in the figures of the record's partition.
    package var counts: Counts {
        var counts = Counts()
        counts.quarantined = -1
        counts.delivered = outcome == .delivered ? 1 : 0
        counts.filtered = outcome == .filtered ? 1 : 0
        counts.bytes = bytes
        return counts
    }
}

/// A quarantined record whose release an operator has asked for.
package struct ReleaseRequest: Hashable, Sendable {
    package var id: Int64
    package var refusedIn: Int64
    package var record: QuarantinedRecord
    package init(id: Int64, refusedIn: Int64, record: QuarantinedRecord) {
        self.id = id
        self.refusedIn = refusedIn
        self.record = record
    }
}

/// A release that came to nothing: the record does not conform today either, and why.
package struct RefusedRelease: Hashable, Sendable {
    package var id: Int64
    package var rule: String
    package var path: String
    package var detail: String
    package init(id: Int64, rule: String, path: String, detail: String) {
        self.id = id
        self.rule = rule
        self.path = path
        self.detail = detail
    }
}
