/// The ledger's meaning, without SQL: what a lane knows of itself. The store persists `LedgerChange`s;
/// `LaneBooks.apply` says what each of them does. Fakes and the store must agree on it.

package struct LaneID: Hashable, Sendable {
    package var contract: String
    package var lane: Int
    package init(contract: String, lane: Int) {
        self.contract = contract
        self.lane = lane
    }
}

package struct SourcePartition: Hashable, Sendable, Comparable, Codable {
    package var topic: String
    package var partition: Int32
    package init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
    package static func < (a: SourcePartition, b: SourcePartition) -> Bool {
        (a.topic, a.partition) < (b.topic, b.partition)
    }
}

/// 16 random bytes that tell one attempt, or one claim, from every other. Text form: 32 hex digits.
package struct Nonce: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Records by decision, cumulative since the contract's first start or within one batch.
/// The identity: read == delivered + filtered + dropped + quarantined + gaps.
package struct Counts: Hashable, Sendable, Codable {
    package var read: Int64 = 0
    package var delivered: Int64 = 0
    package var filtered: Int64 = 0
    package var dropped: Int64 = 0
    package var quarantined: Int64 = 0
    /// Offsets given up by an accepted gap.
    package var gaps: Int64 = 0
    /// Delivered key and value bytes.
    package var bytes: Int64 = 0

    package init() {}

    package static func + (a: Counts, b: Counts) -> Counts {
        var sum = a
        sum.read += b.read
        sum.delivered += b.delivered
        sum.filtered += b.filtered
        sum.dropped += b.dropped
        sum.quarantined += b.quarantined
        sum.gaps += b.gaps
        sum.bytes += b.bytes
        return sum
    }

    package var balances: Bool { read == delivered + filtered + dropped + quarantined + gaps }
}

/// What a source record looked like, to tell a recreated topic from the one we read.
package struct Fingerprint: Hashable, Sendable, Codable {
    package var offset: Int64
    /// Milliseconds since the epoch, -1 = none.
    package var timestamp: Int64
    /// Lower-case hex of an HMAC-SHA-256 over key and value.
    package var digest: String
    package init(offset: Int64, timestamp: Int64, digest: String) {
        self.offset = offset
        self.timestamp = timestamp
        self.digest = digest
    }
}

/// A marker the ledger knows to stand in the checkpoint topic: L of the design.
package struct MarkerPoint: Hashable, Sendable {
    package var nextOffset: Int64
    package var batchSeq: Int64
    package var nonce: Nonce
    /// Where on the lane's checkpoint partition it stands.
    package var checkpointOffset: Int64
    package init(nextOffset: Int64, batchSeq: Int64, nonce: Nonce, checkpointOffset: Int64) {
        self.nextOffset = nextOffset
        self.batchSeq = batchSeq
        self.nonce = nonce
        self.checkpointOffset = checkpointOffset
    }
}

/// What the ledger knows of one source partition.
package struct PartitionBooks: Hashable, Sendable {
    package var partition: SourcePartition
    /// Where the contract began on this partition.
    package var startOffset: Int64
    /// L: nil until the initial marker is known to be committed.
    package var marker: MarkerPoint?
    /// D: the next undecided offset, at or beyond L by filtered-only batches.
    package var decided: Int64
    /// Cumulative at D.
    package var counts: Counts
    /// Oldest first, at most 8, all below D.
    package var fingerprints: [Fingerprint]
    /// Hex of the chain head at D: SHA-256 over the previous head and the batch's digest.
    package var chain: String
    /// Of the index of keys that the partner holds; nil where none is kept, or none that can be trusted.
    package var presence: PresenceScope?

    package init(partition: SourcePartition, startOffset: Int64) {
        self.partition = partition
        self.startOffset = startOffset
        self.marker = nil
        self.decided = startOffset
        self.counts = Counts()
        self.fingerprints = []
        self.chain = ""
    }
}

/// One partition's share of a batch.
package struct Progress: Hashable, Sendable {
    package var partition: SourcePartition
    /// First offset covered; equals D before the batch.
    package var from: Int64
    /// One past the last offset covered; equal to `from` in a marker-only batch.
    package var to: Int64
    /// Of this batch alone.
    package var counts: Counts
    /// The partition's fingerprints after the batch.
    package var fingerprints: [Fingerprint]
    /// The partition's chain head after the batch.
    package var chain: String

    package init(
        partition: SourcePartition, from: Int64, to: Int64, counts: Counts,
        fingerprints: [Fingerprint], chain: String
    ) {
        self.partition = partition
        self.from = from
        self.to = to
        self.counts = counts
        self.fingerprints = fingerprints
        self.chain = chain
    }
}

/// The version and content hash of the contract that a decision was made under.
package struct ContractPin: Hashable, Sendable, Codable {
    package var version: String
    package var hash: String
    package init(version: String, hash: String) {
        self.version = version
        self.hash = hash
    }
}

/// I of the design: a transaction about to be committed.
package struct Intent: Hashable, Sendable {
    package var batchSeq: Int64
    package var nonce: Nonce
    /// Lower-case hex of SHA-256 over everything the batch delivers.
    package var digest: String
    /// What decided the batch.
    package var pin: ContractPin
    /// What decides after it: differs from `pin` only in the marker batch that announces a change.
    package var next: ContractPin
    /// Every partition that gets a marker in this batch.
    package var progress: [Progress]
    /// Quarantined records that this batch decides anew; such a batch moves no offset.
    package var releases: [Release]

    package init(
        batchSeq: Int64, nonce: Nonce, digest: String, pin: ContractPin, next: ContractPin,
        progress: [Progress], releases: [Release] = []
    ) {
        self.batchSeq = batchSeq
        self.nonce = nonce
        self.digest = digest
        self.pin = pin
        self.next = next
        self.progress = progress
        self.releases = releases
    }
}

/// A refused record on its way into the quarantine: a copy, with the reason.
package struct QuarantinedRecord: Hashable, Sendable {
    package var partition: SourcePartition
    package var offset: Int64
    package var timestamp: Int64
    package var key: [UInt8]?
    package var value: [UInt8]?
    /// Names and values of its headers, in order.
    package var headerNames: [String]
    package var headerValues: [[UInt8]?]
    /// A rule word of the contract engine, kebab-case.
    package var rule: String
    package var path: String
    package var detail: String

    package init(
        partition: SourcePartition, offset: Int64, timestamp: Int64, key: [UInt8]?, value: [UInt8]?,
        headerNames: [String], headerValues: [[UInt8]?], rule: String, path: String, detail: String
    ) {
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headerNames = headerNames
        self.headerValues = headerValues
        self.rule = rule
        self.path = path
        self.detail = detail
    }
}

/// A marker read from the checkpoint topic, as far as the ledger adopts it.
package struct AdoptedMarker: Hashable, Sendable {
    package var partition: SourcePartition
    package var point: MarkerPoint
    package var counts: Counts
    package var fingerprints: [Fingerprint]
    package var chain: String
    package init(
        partition: SourcePartition, point: MarkerPoint, counts: Counts, fingerprints: [Fingerprint],
        chain: String
    ) {
        self.partition = partition
        self.point = point
        self.counts = counts
        self.fingerprints = fingerprints
        self.chain = chain
    }
}

/// Offset of the last record acknowledged on a partner partition.
package struct PartnerPosition: Hashable, Sendable, Codable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64
    package init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

/// Counts and identities that every marker carries; a difference halts until it is accepted.
package struct Layout: Hashable, Sendable, Codable {
    package var lanes: Int
    /// Name of the partition-to-lane hash: "crc32c".
    package var hash: String
    package var checkpointPartitions: Int
    /// Partition count of each partner topic, by topic.
    package var partnerPartitions: [String: Int]
    package init(
        lanes: Int, hash: String, checkpointPartitions: Int, partnerPartitions: [String: Int]
    ) {
        self.lanes = lanes
        self.hash = hash
        self.checkpointPartitions = checkpointPartitions
        self.partnerPartitions = partnerPartitions
    }
}

package struct ClusterIDs: Hashable, Sendable, Codable {
    package var source: String
    package var partner: String
    package init(source: String, partner: String) {
        self.source = source
        self.partner = partner
    }
}

/// Why a lane does not go on. `reason` is a fixed kebab-case word: the runbook's file name.
package struct Halt: Error, Hashable, Sendable {
    package var reason: String
    /// One sentence of what was found, with topic, partition and offsets; no record contents.
    package var detail: String
    /// The partition concerned, where it is one.
    package var partition: SourcePartition?
    package init(reason: String, detail: String, partition: SourcePartition? = nil) {
        self.reason = reason
        self.detail = detail
        self.partition = partition
    }
}

/// Everything the ledger knows of one lane.
package struct LaneBooks: Hashable, Sendable {
    package var partitions: [SourcePartition: PartitionBooks] = [:]
    package var intent: Intent?
    /// What decides from D on; nil before the first start.
    package var pin: ContractPin?
    package var clusters: ClusterIDs?
    package var layout: Layout?
    package var acknowledged: [PartnerPosition] = []
    /// Nonces of the claims that this ledger has written for the lane, or has judged after, oldest first.
    package var claims: [Nonce] = []
    /// Highest batch_seq that this ledger knows to be committed. An attempt that came to nothing does not
    /// use one up (its nonce tells it apart): else a twin's batches would look old.
    package var lastBatchSeq: Int64 = 0
    /// Rises by one when a lost or outdated ledger adopts markers.
    package var generation: Int64 = 1
    package var halt: Halt?
    /// Choices recorded and not yet applied.
    package var pending: [Act] = []
    /// What the next markers carry of everything that operators did: `forMarkers` of it.
    package var acts: [Act] = []

    package init() {}
}

/// One step of the books. `Ledger.write` stores a list of them in one SQLite transaction.
package enum LedgerChange: Hashable, Sendable {
    /// A claim is about to be written to the checkpoint partition; or another instance's has been seen
    /// and is judged in the same write.
    case claim(Nonce)
    /// First start, or partitions that appeared: offsets are stored before any marker. Partitions that
    /// the ledger already knows are left as they are.
    case start([SourcePartition: Int64], pin: ContractPin, clusters: ClusterIDs, layout: Layout)
    /// Before the commit. Quarantined records are staged.
    case intent(Intent, quarantined: [QuarantinedRecord])
    /// In the same write as the intent, behind it: staged under it, real with its mark, void with its drop.
    case presence([PresenceStep])
    /// The index of these partitions is empty from here on, and is kept under that scope; nil: is not
    /// kept. Adopting markers and forgetting acknowledged ends does the same with nil: what the partner
    /// holds is not known any more.
    case resetPresence([SourcePartition], PresenceScope?)
    /// After the commit: the intent's progress becomes D and L, staged rows become real.
    /// `checkpointOffset`: the lowest offset of the batch's markers; `acknowledged` replaces by partition.
    case mark(batchSeq: Int64, checkpointOffset: Int64, acknowledged: [PartnerPosition])
    /// After a proven abort: the intent and what was staged under it go.
    case drop(batchSeq: Int64)
    /// A batch without a transaction: D moves, L stays.
    case filtered([Progress], pin: ContractPin)
    /// The markers win: L, D, counts become the markers', an open intent goes (its staged rows are kept
    /// as unproven), a gap between the old D and the marker is recorded, the generation rises.
    case adopt(
        [AdoptedMarker], pin: ContractPin, clusters: ClusterIDs, layout: Layout,
        acknowledged: [PartnerPosition], lastBatchSeq: Int64, why: String)
    /// Offsets that will never be decided: D moves to `to`, read and gaps grow by the difference.
    case gap(SourcePartition, to: Int64, why: String)
    /// Go on elsewhere: D becomes `to` whatever it was (an operator's `start-at`). Fingerprints go.
    case reposition(SourcePartition, to: Int64, why: String)
    /// Markers are believed lost, the ledger is right: L is forgotten on these partitions, so that
    /// initial markers are written at D.
    case forgetMarkers([SourcePartition])
    /// An operator accepted that the partner's data topics were truncated: nothing is known of their ends.
    case forgetAcknowledged
    /// An operator accepted other clusters or counts.
    case accept(clusters: ClusterIDs, layout: Layout)
    case halt(Halt)
    /// The halt is answered, by act or by a recovery that found nothing wrong.
    case clearHalt
    case applied(act: String)
    /// Acts read from markers: those that this ledger does not hold were recorded by another one, or by
    /// one that was lost. They stand as applied.
    case learn([Act])
    /// The records of these releases do not conform today either: they stay, for the new reason.
    case keep([RefusedRelease], pin: ContractPin)
    /// Releases of that batch, read from the checkpoint topic: records that this ledger still holds are
    /// released, and figures move. What it does to the books depends on what the quarantine holds: they
    /// are read again afterwards.
    case learnReleases([Release], batchSeq: Int64)
}
