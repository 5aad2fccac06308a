package import Contracts
package import Ledger

/// What the lane needs of the world. Production implements these over librdkafka, SQLite and the clock;
/// the simulation implements them in memory and crashes between any two calls.

/// A port could not do what was asked. Nothing here says whether a transaction committed: see
/// `CommitOutcome`.
package struct PortFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The other side is away or slow: waiting and trying again is right.
        case unavailable
        /// The other side said no (ACL, authentication): waits too, but the operator must act.
        case denied
        /// Our transactional.id belongs to somebody else now, or may.
        case fenced
        /// The open transaction must be aborted.
        case abortable
        /// The partner's broker refused contents that are in the open transaction, as in
        /// `Acknowledged.refusal`: it answered before the batch was complete.
        case refused
        /// The handle is of no use any more.
        case fatal
        /// The reading position does not exist any more.
        case outOfRange
        /// The process is being torn down (and, in the simulation: has crashed).
        case stopped
    }

    package var kind: Kind
    /// The operation, in the client library's words ("init_transactions").
    package var operation: String
    /// What was said, without record contents or secrets.
    package var detail: String
    package init(_ kind: Kind, _ operation: String, _ detail: String) {
        self.kind = kind
        self.operation = operation
        self.detail = detail
    }
}

package struct SourcePosition: Hashable, Sendable {
    package var partition: SourcePartition
    package var offset: Int64
    package init(_ partition: SourcePartition, _ offset: Int64) {
        self.partition = partition
        self.offset = offset
    }
}

/// A partition's end was reached: everything below `offset` has been seen or does not exist
/// (control records, aborted transactions, compaction).
package struct PartitionEnd: Hashable, Sendable {
    package var slot: Int
    package var offset: Int64
    package init(slot: Int, offset: Int64) {
        self.slot = slot
        self.offset = offset
    }
}

package struct Watermarks: Hashable, Sendable {
    package var low: Int64
    package var high: Int64
    package init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}

package struct SourceFacts: Hashable, Sendable {
    package var clusterID: String
    /// Partition count by topic; a topic that does not exist is absent.
    package var partitions: [String: Int]
    package init(clusterID: String, partitions: [String: Int]) {
        self.clusterID = clusterID
        self.partitions = partitions
    }
}

/// The internal cluster, as one lane reads it. One owner, one thread.
package protocol LaneSource: AnyObject {
    /// Everything that was polled and not released yet, oldest first. Stable until `poll`, `release`
    /// or `assign`.
    var held: UnsafeBufferPointer<SourceRecord> { get }

    /// Reads from these positions on (read_committed); slot = index in the list. Drops what is held.
    func assign(_ positions: [SourcePosition]) throws(PortFailure)
    /// Waits at most `timeout` for records and appends at most `limit` of them to `held`. Ends reached
    /// stand behind all records polled so far. The Guard: offsets strictly rise per slot, else fatal.
    func poll(limit: Int, timeout: Duration) throws(PortFailure) -> [PartitionEnd]
    /// The first `count` records held are decided: their memory goes.
    func release(_ count: Int)
    /// Advisory, asynchronous, failures are ignored: for lag exporters.
    func commit(_ positions: [SourcePosition])

    // On a second handle:
    func facts(topics: [String]) throws(PortFailure) -> SourceFacts
    /// Low, and high as the *uncommitted* end.
    func watermarks(_ partitions: [SourcePartition]) throws(PortFailure) -> [Watermarks]
    /// Committed offsets of the group (nil: our own, `crossdock.<contract>`); nil = none.
    func groupOffsets(_ partitions: [SourcePartition], group: String?) throws(PortFailure)
        -> [Int64?]
    /// First offset at or after the time, the high watermark (asked for first) where there is none.
    func offsets(_ partitions: [SourcePartition], at milliseconds: Int64) throws(PortFailure)
        -> [Int64]
    /// Reads the record that stands at exactly each position and shows it; nil where none stands there
    /// (compacted, aborted, control).
    func probe(
        _ positions: [SourcePosition], visit: (Int, SourceRecord?) -> Void
    ) throws(PortFailure)
}

package struct PartnerFacts: Hashable, Sendable {
    package var clusterID: String
    /// Partition count by topic; a topic that does not exist is absent.
    package var partitions: [String: Int]
    /// nil: the checkpoint topic does not exist.
    package var checkpointPartitions: Int?
    package init(clusterID: String, partitions: [String: Int], checkpointPartitions: Int?) {
        self.clusterID = clusterID
        self.partitions = partitions
        self.checkpointPartitions = checkpointPartitions
    }
}

package struct CheckpointRecord: Hashable, Sendable {
    package var partition: Int32
    package var offset: Int64
    package var key: [UInt8]
    /// nil is a tombstone, which is never ours.
    package var value: [UInt8]?
    package init(partition: Int32, offset: Int64, key: [UInt8], value: [UInt8]?) {
        self.partition = partition
        self.offset = offset
        self.key = key
        self.value = value
    }
}

package enum CheckpointScan: Hashable, Sendable {
    /// `visit` said that it has seen what it was looking for.
    case found
    /// The read_committed end was reached without it.
    case end
    /// The time was over.
    case timedOut
}

package enum Produced: Hashable, Sendable {
    case accepted
    /// The local queue is full: `flush` or wait, then again.
    case queueFull
    /// The record alone is larger than the partner takes.
    case tooLarge
}

/// What the partner acknowledged of the open transaction.
package struct Acknowledged: Hashable, Sendable {
    /// Messages acknowledged, markers included.
    package var count: Int
    /// Messages that failed.
    package var failed: Int
    /// Set where the broker refused contents (INVALID_RECORD, INVALID_TIMESTAMP, MSG_SIZE_TOO_LARGE):
    /// the error's name.
    package var refusal: String?
    /// First other failure, the error's name.
    package var failure: String?
    /// False where an acknowledged offset did not rise on some partner partition (data topics only).
    package var rising: Bool
    /// The same of the checkpoint topic.
    package var checkpointsRising: Bool
    /// Last acknowledged offset by partner partition (data topics only).
    package var positions: [PartnerPosition]
    /// Lowest acknowledged offset on the checkpoint topic, -1 = none.
    package var checkpointOffset: Int64
    package init(
        count: Int = 0, failed: Int = 0, refusal: String? = nil, failure: String? = nil,
        rising: Bool = true, checkpointsRising: Bool = true, positions: [PartnerPosition] = [],
        checkpointOffset: Int64 = -1
    ) {
        self.count = count
        self.failed = failed
        self.refusal = refusal
        self.failure = failure
        self.rising = rising
        self.checkpointsRising = checkpointsRising
        self.positions = positions
        self.checkpointOffset = checkpointOffset
    }
}

package enum CommitOutcome: Hashable, Sendable {
    case committed
    /// EndTxn was certainly never sent: the transaction is still open and may be aborted.
    case notSent(String)
    /// May have committed or not: only the markers can tell.
    case unknown(String)
    case fenced(String)
}

package enum AbortOutcome: Hashable, Sendable {
    case aborted
    case unknown(String)
    case fenced(String)
}

/// The partner's cluster, as one lane writes it: one transactional.id. One owner, one thread.
package protocol LanePartner: AnyObject {
    /// After a commit or an abort: an EndTxn may still be under way, or more than one was sent. No new
    /// transaction may begin on this producer (KIP-890's hole in transactions v1).
    var isDirty: Bool { get }
    /// The client library has lost every broker, and none has answered since. Costs nothing to ask; as
    /// fresh as the last `serve`.
    var isAway: Bool { get }
    /// Largest transaction.timeout.ms in use for this lane.
    var transactionTimeout: Duration { get }
    /// Its name.
    var checkpointTopic: String { get }

    func facts(topics: [String]) throws(PortFailure) -> PartnerFacts
    /// High watermarks, -1 where the partition does not exist.
    func highWatermarks(_ positions: [PartnerPosition]) throws(PortFailure) -> [Int64]
    /// Last stable offsets: no transaction is open below. -1 where the partition does not exist.
    func stableOffsets(_ positions: [PartnerPosition]) throws(PortFailure) -> [Int64]
    /// Reads a checkpoint partition, read_committed or not, from `offset` (nil: the low watermark; below
    /// the low watermark: from there) until `visit` returns true, the end, or the time is over.
    func scanCheckpoints(
        partition: Int32, from offset: Int64?, uncommitted: Bool, timeout: Duration,
        visit: (CheckpointRecord) -> Bool
    ) throws(PortFailure) -> CheckpointScan

    /// Closes the producer, if there is one, and makes a new one; then init_transactions: aborts our own
    /// open transaction, fences a twin. `careful`: one record a produce request, to find a culprit.
    func initialise(careful: Bool) throws(PortFailure)
    func begin() throws(PortFailure)
    /// `topic`: index into the list of partner topics that the lane was made with. The output's key and
    /// value are copied before the call returns; its headers stay where they are until the next call of
    /// anything here.
    func produce(_ output: borrowing OutputRecord, topic: Int) throws(PortFailure) -> Produced
    func produceCheckpoint(partition: Int32, key: [UInt8], value: [UInt8]) throws(PortFailure)
    /// Serves delivery reports without waiting.
    func serve()
    /// Waits until everything produced in this transaction is acknowledged or failed.
    func flush(timeout: Duration) throws(PortFailure) -> Acknowledged
    func commit(timeout: Duration) -> CommitOutcome
    func abort(timeout: Duration) -> AbortOutcome
    /// Closes the producer; the next use needs `initialise`.
    func close()
}

/// The ledger could not be written or read. The lane halts its work and tries again or stops.
package struct LedgerFault: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Disk full, read-only, I/O: may heal.
        case unavailable
        /// The quarantine's bound is reached: the lane halts.
        case quarantineFull
        /// Not a ledger any more.
        case corrupt
        /// The simulation's crash.
        case stopped
    }
    package var kind: Kind
    package var detail: String
    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

/// The ledger, as one lane uses it.
package protocol LaneLedger: AnyObject {
    /// An id made with the ledger file.
    var instance: String { get }
    func books() throws(LedgerFault) -> LaneBooks
    /// Whether start offsets are stored for any lane of the contract.
    func contractStarted() throws(LedgerFault) -> Bool
    /// All changes in one SQLite transaction, durable on return.
    func write(_ changes: [LedgerChange]) throws(LedgerFault)
    /// The index of keys that the partner holds, by rising hash, at most `limit` of it after `last`; empty
    /// at its end. Staged changes are not in it.
    func presence(of partition: SourcePartition, after last: KeyHash?, limit: Int)
        throws(LedgerFault) -> [PresenceChange]
    /// Rises with every act that an operator records; asked at each batch boundary.
    func newestAct() throws(LedgerFault) -> Int64
    /// Quarantined records below D whose release was asked for, oldest first; at least one where there is
    /// any, at most `limit`, and `bytes` of them where they are several.
    func releaseRequests(limit: Int, bytes: Int64) throws(LedgerFault) -> [ReleaseRequest]
}

/// Why a lane that could run does not.
package enum Stillness: Hashable, Sendable {
    case suspended, revoked
    /// Its window opens then. Milliseconds since the epoch.
    case early(Int64)
    /// Its window ended then. Milliseconds since the epoch.
    case over(Int64)
}

/// What the lane tells about itself; the service writes it to log, ledger and metrics.
package enum LaneNews: Hashable, Sendable {
    case recovering(step: String)
    case recovered(verdict: String, batchSeq: Int64)
    case running
    case idle
    case waiting(PortFailure, retry: Duration)
    case halted(Halt)
    /// Nothing is decided, nothing is open.
    case still(Stillness)
    /// The contract's quota makes the lane wait, in words.
    case throttled(String)
    case committed(records: Int, delivered: Int, partitions: Int, seconds: Double)
    /// Of the quarantined records of a batch, `delivered` and `filtered` were released, `refused` stay.
    case released(delivered: Int, filtered: Int, refused: Int)
    case aborted(String)
    case unknownOutcome(String)
    case warning(String)
}

/// Clock, randomness and the way out.
package protocol LaneWorld: AnyObject {
    /// Monotonic.
    func now() -> Duration
    /// Milliseconds since the epoch.
    func wallClock() -> Int64
    func nonce() -> Nonce
    /// Waits; returns early when the lane shall stop or there is something to look at.
    func wait(_ duration: Duration)
    /// SIGTERM: finish or abort the open transaction, mark, leave.
    var isStopping: Bool { get }
    func report(_ news: LaneNews)
}
