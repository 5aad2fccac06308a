internal import Contracts
package import Ledger

/// One lane: one transactional.id, one checkpoint partition, one thread. `run` is called on that thread
/// and returns when the lane shall stop.
///
/// Invariants:
/// - A. A record leaves only inside a transaction that also carries its partition's marker.
/// - B. The intent is durable before the commit is asked for; D moves only after the commit is known.
/// - C. What is held is released only when its outcome is known; an unknown outcome ends in `Recovery`.
/// - D. No transaction begins on a producer that has not been through `Recovery`.
package final class Lane<
    Source: LaneSource, Partner: LanePartner, Store: LaneLedger, World: LaneWorld
> {
    package enum Ending: Hashable, Sendable {
        /// `isStopping`: drained.
        case stopped
        /// Every partition has reached the end seen at the start.
        case caughtUp
        /// Halted, where the run was to end by itself.
        case halted(Halt)
    }

    enum Phase {
        /// Between a start, or an outcome that only the markers know, and the loop.
        case recovering(Recovery.Cause)
        case running
        /// Waits for an operator's choice.
        case halted(Halt)
        /// Suspended, revoked, or out of its window: waits for an operator's act, or for its time.
        case still
    }

    /// An operator's choice about the record that halted the lane: the first one at or after `from`.
    struct ForcedRecord {
        let act: String
        /// D when the lane halted.
        let from: Int64
    }

    /// Leaves the loop for a recovery.
    struct Renew: Error { var cause: Recovery.Cause }
    /// Leaves the loop until an operator acts again, or its window opens.
    struct Still: Error {}

    let plan: LanePlan
    let source: Source
    let partner: Partner
    let ledger: Store
    let world: World
    let codec: CheckpointCodec
    let quota: QuotaBucket?

    /// The ledger's books as they will stand once `unsaved` is written.
    var books = LaneBooks()
    /// A mark that may ride in the next write.
    var unsaved: [LedgerChange] = []
    var unsavedSince: Duration = .zero

    var phase = Phase.recovering(.start)
    var batch = Batch()
    var slots: [Slot] = []
    var ends: [PartitionEnd] = []

    // Known since the last recovery.
    var clusters = ClusterIDs(source: "", partner: "")
    var layout = Layout(
        lanes: 0, hash: LaneHash.name, checkpointPartitions: 0, partnerPartitions: [:])
    var partitions: [SourcePartition] = []
    /// Claims up to this offset of the checkpoint partition are older than our own doing; nil before the
    /// first look of the process, whatever went wrong before it.
    var knownClaim: Int64?
    /// Recoveries since a batch was last committed.
    var inits = 0
    /// Aborts and waits since a batch was last committed, for the backoff.
    var setbacks = 0
    /// Which partitions need a marker at D before anything else.
    var marksDue: Set<SourcePartition> = []
    var checkedAt: Duration = .zero
    /// When a record last arrived, and whether it was so long ago that the topic may have been deleted
    /// and made anew since: then nothing is decided before a check.
    var quietSince: Duration = .zero
    var hasWaited = false
    /// The newest record that the last check found in its place, by partition.
    var anchors: [SourcePartition: Fingerprint] = [:]
    /// Where the last check found none: told once.
    var unverified: Set<SourcePartition> = []
    var markedAt: Duration = .zero
    /// Records decided by filtered-only batches since the last marker.
    var unmarkedRecords: Int64 = 0
    /// Share of the contract's batch limits that is in use: halved when a batch was too slow.
    var share = 1.0
    /// Looks for the one record that the broker refuses: one record a request.
    var careful = false
    var culprits: Set<SourcePosition> = []
    /// How far the search goes: where the refused batch ended.
    var carefulUntil: [SourcePartition: Int64] = [:]
    /// Acts by partition: the record that stopped it is quarantined instead.
    var forced: [SourcePartition: ForcedRecord] = [:]
    var releasing = Releasing()
    /// Where the records of the last attempt stand, whose outcome only the markers may know.
    var flushed: (nonce: Nonce, positions: [PartnerPosition])?
    /// A transaction is open on the producer.
    var isOpen = false
    /// `newestAct` of the ledger when the books' acts were read; nil: not since the last recovery.
    var actsAsOf: Int64?
    var actsReadAt: Duration = .zero
    /// The acts in the newest marker of every partition; nil where they differ.
    var carried: [Act]?
    /// The group has to hear of a D that markers took back, or it would stay beyond the ledger.
    var groupIsBeyond = false
    var throttle = Throttle()
    var goals: [SourcePartition: Int64]?
    var idleReported = false

    package init(plan: LanePlan, source: Source, partner: Partner, ledger: Store, world: World) {
        self.plan = plan
        self.source = source
        self.partner = partner
        self.ledger = ledger
        self.world = world
        quota = plan.quota
        codec = CheckpointCodec(contract: plan.contract.id, key: plan.checkpointKey)
        guard let predecessor = plan.predecessor else { return }
        phase = .recovering(.renew("the contract changed"))
        knownClaim = predecessor.knownClaim
        inits = predecessor.inits
    }

    /// For a lane that follows this one.
    package var predecessor: Predecessor { Predecessor(knownClaim: knownClaim, inits: inits) }

    package func run() -> Ending {
        while true {
            if world.isStopping { return leave() }
            do {
                switch phase {
                case .recovering(let cause):
                    try recover(cause)
                    phase = .running
                    world.report(.running)
                case .running:
                    try turn()
                    if plan.untilCaughtUp && isCaughtUp {
                        _ = leave()
                        return .caughtUp
                    }
                case .halted(let halt):
                    if plan.untilCaughtUp { return .halted(halt) }
                    try awaitChoice(halt)
                case .still:
                    if plan.untilCaughtUp { return leave() }
                    try awaitAct()
                }
            } catch {
                guard take(error) else { return world.isStopping ? leave() : .stopped }
            }
        }
    }

    /// Where an error leads; false where the process is gone.
    private func take(_ thrown: any Error) -> Bool {
        var error = thrown
        if case .running = phase, let failure = error as? PortFailure, failure.kind == .refused {
            error = refused(failure.detail)
        }
        abandonBatch()
        switch error {
        case let halt as Halt:
            stopAt(halt)
        case let renew as Renew:
            phase = .recovering(renew.cause)
        case is Still:
            phase = .still
            closePartner()
            if let stillness { world.report(.still(stillness)) }
        case let failure as PortFailure:
            if failure.kind == .stopped { return false }
            // It may be a while until the right is granted.
            if failure.kind == .denied { closePartner() }
            phase = .recovering(
                failure.kind == .fenced ? .fenced(failure.detail) : .renew(failure.detail))
            if failure.kind != .fenced { pause(after: failure) }
        case let fault as LedgerFault:
            switch fault.kind {
            case .stopped: return false
            case .quarantineFull: stopAt(Halt(reason: "quarantine-full", detail: fault.detail))
            case .corrupt: stopAt(Halt(reason: "ledger-corrupt", detail: fault.detail))
            case .unavailable:
                phase = .recovering(.renew("ledger: \(fault.detail)"))
                pause(after: PortFailure(.unavailable, "ledger", fault.detail))
            }
        default:
            stopAt(Halt(reason: "markers-disagree", detail: "unexpected: \(type(of: error))"))
        }
        return true
    }

    private func stopAt(_ halt: Halt) {
        phase = .halted(halt)
        closePartner()
        // Where the ledger cannot take it now, the next recovery finds the same again.
        let answered = books.pending.filter { $0.reason == halt.reason }
        try? save([.halt(halt)] + answered.map { .applied(act: $0.id) })
        world.report(.halted(halt))
    }

    /// A halted lane holds no producer and waits for `recover`.
    private func awaitChoice(_ halt: Halt) throws {
        world.wait(plan.pace.acts)
        guard let found = try heedActs() else { return }
        guard found.pending.contains(where: { $0.reason == halt.reason }) else { return }
        // To take over is to start again; every other choice leaves a living twin alone.
        phase = .recovering(halt.reason == "another-instance" ? .start : .renew("choice recorded"))
        inits = 0
    }

    func pause(after failure: PortFailure) {
        let delay = backoff()
        world.report(.waiting(failure, retry: delay))
        world.wait(delay)
    }

    /// Bounded, doubling.
    func backoff() -> Duration {
        let delay = plan.pace.retry * (1 << min(setbacks, 10))
        setbacks += 1
        return min(delay, plan.pace.longestRetry)
    }

    /// SIGTERM, or the goal is reached: nothing is open between two turns; what is left is the mark.
    private func leave() -> Ending {
        abandonBatch()
        if !unsaved.isEmpty { try? save([]) }
        closePartner()
        return .stopped
    }

    /// An open transaction would hold up every read_committed reader of the partner until it times out.
    private func closePartner() {
        if isOpen { _ = partner.abort(timeout: .seconds(5)) }
        isOpen = false
        partner.close()
    }

    /// Whatever was open is left to the next init, which aborts it; what was held is read again from D.
    private func abandonBatch() {
        // It may have been delivered.
        settleGrant(isDelivered: true)
        batch = Batch()
        ends = []
        slots = []
        source.release(source.held.count)
    }

    private var isCaughtUp: Bool {
        guard let goals, case .running = phase, source.held.isEmpty else { return false }
        // A lane without partitions asks for none.
        guard slots.isEmpty || !releasing.isDue else { return false }
        return slots.allSatisfy { $0.next >= $0.end ?? goals[$0.partition] ?? 0 }
    }

    // MARK: The books

    /// Writes what is unsaved and `changes` in one SQLite transaction.
    func save(_ changes: [LedgerChange]) throws(LedgerFault) {
        try ledger.write(unsaved + changes)
        for change in changes { books.apply(change) }
        unsaved = []
    }

    /// Takes a change into the books now and into the ledger with the next write.
    func saveLater(_ change: LedgerChange) {
        if unsaved.isEmpty { unsavedSince = world.now() }
        unsaved.append(change)
        books.apply(change)
    }
}
