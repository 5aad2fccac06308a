internal import Contracts
internal import Ledger

/// Performs what `Recovery` asks for: one effect, one event.
extension Lane {
    func recover(_ cause: Recovery.Cause) throws {
        if !unsaved.isEmpty { try save([]) }
        books = try ledger.books()
        var attempt = Attempt(nonce: Nonce(high: 0, low: 0))
        var recovery = Recovery(
            instance: ledger.instance, cause: cause, previousInits: inits, baseline: knownClaim)
        var effect = recovery.begin()
        while true {
            if world.isStopping { throw PortFailure(.stopped, "recovery", "stopping") }
            if case .halt(let halt) = effect { throw halt }
            let event: Recovery.Event
            do {
                if case .run = effect { return try enterLoop() }
                event = try perform(effect, &attempt)
            } catch let failure as PortFailure {
                if failure.kind == .stopped { throw failure }
                event = .failed(failure)
            } catch let halt as Halt {
                event = .found(halt)
            }
            effect = recovery.handle(event)
            inits = recovery.initCount
            knownClaim = recovery.knownClaim
        }
    }

    /// What one recovery carries from step to step.
    private struct Attempt {
        var nonce: Nonce
        /// Where the claim stands on the lane's checkpoint partition.
        var claimOffset: Int64 = -1
        var view = CheckpointView()
        var readingSince: Duration?
        /// Asked for between our init and our claim: a claim that commits proves that no twin came in
        /// between, so nothing here is ahead of the markers that the read up to the claim will see.
        var group: [SourcePartition: Int64] = [:]
    }

    private func perform(_ effect: Recovery.Effect, _ attempt: inout Attempt) throws
        -> Recovery.Event
    {
        switch effect {
        case .survey:
            try survey()
            return .surveyed
        case .look:
            return .looked(try newestClaim())
        case .wait(.transactionTimeout):
            world.report(.recovering(step: "waiting for another producer's transaction to end"))
            world.wait(partner.transactionTimeout)
            return .waited
        case .wait(.retry(let failure)):
            pause(after: failure)
            return .waited
        case .initialise:
            world.report(.recovering(step: "init_transactions"))
            try partner.initialise(careful: careful)
            isOpen = false
            try endRemains(onCheckpoints: claimedPartitions)
            return .initialised
        case .claim:
            attempt.nonce = world.nonce()
            attempt.readingSince = nil
            attempt.group = try groupOffsets()
            let event = try claim(attempt.nonce)
            if case .claimed(_, let offset) = event { attempt.claimOffset = offset }
            return event
        case .read:
            let since = attempt.readingSince ?? world.now()
            attempt.readingSince = since
            if let view = try readCheckpoints(until: attempt.nonce, at: attempt.claimOffset) {
                attempt.view = view
                return .read
            }
            world.wait(.milliseconds(50))
            return .notVisible(overdue: world.now() - since > partner.transactionTimeout * 2)
        case .judge:
            do {
                try settle(attempt.view, group: attempt.group)
            } catch let halt as Halt {
                // Markers are read up to our claim: where another instance has claimed since, compaction
                // may have taken those that it replaced. Then that is the reason, and not what is missing.
                if let newest = try newestClaim(), !newest.isOurs,
                    newest.offset > attempt.claimOffset
                {
                    return .failed(
                        PortFailure(.fenced, "judge", "another instance has claimed since"))
                }
                throw halt
            }
            try endRemainsOnTopics()
            return .settled
        case .check:
            let known = books.acknowledged
            try checkAndAnswer()
            // An operator let go of it: what is open there may be anything now.
            if books.acknowledged != known { try endRemainsOnTopics() }
            return .checked
        case .halt(let halt):
            return .found(halt)
        case .run:
            return .checked
        }
    }

    // MARK: 2. Who is there

    private func survey() throws {
        let internalFacts = try source.facts(topics: plan.sourceTopics)
        let partnerFacts = try partner.facts(topics: plan.partnerTopics)
        for topic in plan.sourceTopics where internalFacts.partitions[topic] == nil {
            throw PortFailure(
                .unavailable, "metadata",
                "topic '\(topic)' is not there on '\(plan.contract.source)': it does not exist, or "
                    + "the right to describe it is missing")
        }
        for topic in plan.partnerTopics where partnerFacts.partitions[topic] == nil {
            throw PortFailure(
                .denied, "metadata",
                "topic '\(topic)' is not there on '\(plan.contract.target)': ask the partner to "
                    + "create it or to grant Describe on it")
        }
        guard let checkpoints = partnerFacts.checkpointPartitions else { throw noCheckpointTopic() }
        for stream in plan.contract.streams where stream.partition == .keep {
            let needed = internalFacts.partitions[stream.from] ?? 0
            let there = partnerFacts.partitions[stream.to] ?? 0
            guard needed > there else { continue }
            throw Halt(
                reason: "partner-partitions",
                detail: "'\(stream.from)' has \(needed) partitions and the partner's "
                    + "'\(stream.to)' has \(there): `partition: keep` needs at least as many")
        }
        clusters = ClusterIDs(source: internalFacts.clusterID, partner: partnerFacts.clusterID)
        layout = Layout(
            lanes: plan.lanes, hash: LaneHash.name, checkpointPartitions: checkpoints,
            partnerPartitions: partnerFacts.partitions)
        partitions = plan.partitions(of: internalFacts)
    }

    private func noCheckpointTopic() -> any Error {
        guard books.partitions.values.contains(where: { $0.marker != nil }) else {
            return PortFailure(
                .denied, "metadata",
                "the checkpoint topic is not there on '\(plan.contract.target)': it could not be "
                    + "created, or the right to describe it is missing")
        }
        return Halt(
            reason: "checkpoint-lost",
            detail: "the checkpoint topic is not there on '\(plan.contract.target)'; the ledger "
                + "knows markers on it")
    }

    // MARK: 3. to 5. Claims and markers

    /// Where reading starts: no marker that counts stands before it. Nil: at the low watermark.
    private var readFrom: Int64? {
        guard !books.partitions.isEmpty else { return nil }
        var lowest = Int64.max
        for known in books.partitions.values {
            guard let marker = known.marker, marker.checkpointOffset >= 0 else { return nil }
            lowest = min(lowest, marker.checkpointOffset)
        }
        return lowest
    }

    private func newestClaim() throws -> Recovery.SeenClaim? {
        var newest: Recovery.SeenClaim?
        let scan = try partner.scanCheckpoints(
            partition: checkpointPartition, from: readFrom, uncommitted: false,
            timeout: .seconds(15)
        ) { record in
            if case .claim(let claim) = codec.open(record), claim.lane == plan.lane {
                newest = Recovery.SeenClaim(
                    instance: claim.instance, isOurs: isOurs(claim), offset: record.offset)
            }
            return false
        }
        guard scan == .end else {
            throw PortFailure(
                .unavailable, "fetch", "the checkpoint topic could not be read in time")
        }
        return newest
    }

    private func isOurs(_ claim: Claim) -> Bool {
        claim.instance == ledger.instance
            && Nonce(text: claim.nonce).map(books.claims.contains) ?? false
    }

    /// A lane that knows nothing claims on every checkpoint partition, to read each up to its claim:
    /// "no marker anywhere" is only then more than "none seen yet".
    private var claimedPartitions: [Int32] {
        books.partitions.isEmpty
            ? (0..<Int32(layout.checkpointPartitions)).map { $0 } : [checkpointPartition]
    }

    private func claim(_ nonce: Nonce) throws -> Recovery.Event {
        try ledger.write([.claim(nonce)])
        books.apply(.claim(nonce))
        let sealed = try codec.seal(
            Claim(
                contract: plan.contract.id, lane: plan.lane, instance: ledger.instance,
                nonce: nonce.text, at: world.wallClock()))
        try partner.begin()
        isOpen = true
        let targets = claimedPartitions
        for partition in targets {
            try partner.produceCheckpoint(
                partition: partition, key: sealed.key, value: sealed.value)
        }
        let half = partner.transactionTimeout / 2
        let acknowledged = try partner.flush(timeout: half)
        guard acknowledged.count == targets.count, acknowledged.failed == 0 else {
            let why = acknowledged.refusal ?? acknowledged.failure ?? "not acknowledged in time"
            throw PortFailure(.unavailable, "claim", why)
        }
        let outcome = partner.commit(timeout: half)
        isOpen = false
        switch outcome {
        case .committed:
            if partner.isDirty {
                return .claimedInVain(
                    PortFailure(.fatal, "claim", "EndTxn was sent more than once"),
                    at: acknowledged.checkpointOffset)
            }
            return .claimed(nonce, at: acknowledged.checkpointOffset)
        case .notSent(let why): throw PortFailure(.abortable, "claim", why)
        case .unknown(let why): return .claimUnknown(why, at: acknowledged.checkpointOffset)
        case .fenced(let why): throw PortFailure(.fenced, "claim", why)
        }
    }

    /// Nil: our nonce is not visible yet on some partition.
    private func readCheckpoints(until nonce: Nonce, at offset: Int64) throws -> CheckpointView? {
        // A claim that stands before markers that we know: the topic was made anew since.
        let from = readFrom.flatMap { $0 <= offset ? $0 : nil }
        guard let view = try readCheckpoints(from: from, until: nonce) else { return nil }
        let complete = books.partitions.values.allSatisfy {
            $0.marker == nil || view.markers[$0.partition] != nil
        }
        return complete || from == nil ? view : try readCheckpoints(from: nil, until: nonce)
    }

    private func readCheckpoints(from: Int64?, until nonce: Nonce) throws -> CheckpointView? {
        var view = CheckpointView()
        for partition in claimedPartitions {
            let scan = try partner.scanCheckpoints(
                partition: partition, from: partition == checkpointPartition ? from : nil,
                uncommitted: false, timeout: .seconds(15)
            ) { take($0, into: &view, until: nonce) }
            guard scan == .found else { return nil }
        }
        return view
    }

    /// True where the record is our own claim.
    private func take(_ record: CheckpointRecord, into view: inout CheckpointView, until own: Nonce)
        -> Bool
    {
        switch codec.open(record) {
        case .foreign: return false
        case .unreadable(let why):
            view.unreadable =
                "checkpoint record at partition \(record.partition) offset \(record.offset): \(why)"
            return false
        case .claim(let claim):
            guard claim.lane == plan.lane else { return false }
            if claim.nonce == own.text { return true }
            note(claim, at: record, in: &view)
            return false
        case .release(let note):
            if note.lane == plan.lane { view.releases.append(note) }
            return false
        case .marker(let marker):
            view.anyOfContract = true
            let isOwn = marker.lane == plan.lane
            view.note(marker.acts.filter { isOwn || $0.aboutContract != nil })
            if marker.lane == plan.lane || partitions.contains(marker.source) {
                view.markers[marker.source] = .init(marker: marker, offset: record.offset)
            }
            return false
        }
    }

    /// Another instance's claim since our last verdict, or one of an older timeline of our own. A claim
    /// of ours that no verdict followed (a crash in between) does not cover those before it; a marker
    /// that the ledger knows does.
    private func note(_ claim: Claim, at record: CheckpointRecord, in view: inout CheckpointView) {
        guard record.partition == checkpointPartition, let nonce = Nonce(text: claim.nonce) else {
            return
        }
        if books.claims.contains(nonce) {
            // The oldest ones are forgotten: what stands before a known one may be one of these.
            guard books.claims.count >= LaneBooks.claimsKept else { return }
            view.foreignClaim = nil
            view.foreignNonces = []
        } else if record.offset > newestKnownMarker {
            view.foreignClaim = claim.instance
            view.foreignNonces.append(nonce)
        }
    }

    private var newestKnownMarker: Int64 {
        books.partitions.values.compactMap(\.marker?.checkpointOffset).max() ?? -1
    }
}
