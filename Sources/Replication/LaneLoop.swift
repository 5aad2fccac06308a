internal import Contracts
internal import Ledger

/// The loop of exactly-once.md. No other file calls two of its steps.
extension Lane {
    /// One batch, or a wait for records.
    func turn() throws {
        try saveWhenQuiet()
        try heedActs()
        if isCheckDue { try check() }
        if try writeMarkersDue() { return }
        if isStill { try standStill() }
        if slots.isEmpty { return rest() }
        if awaitsQuota() { return }
        if try releaseDue() { return }
        try collect()
        guard !batch.isEmpty || slots.contains(where: \.endMoved) else {
            if let halt = batch.stop { throw halt }
            return
        }
        if hasWaited { try check() }
        if needsTransaction {
            try deliver(pin: books.pin ?? plan.pin, next: books.pin ?? plan.pin)
        } else {
            try decideWithoutDelivery()
        }
        if let halt = batch.stop { throw halt }
        finishBatch()
    }

    /// A lane without partitions keeps its claim and waits for some to appear.
    private func rest() {
        reportIdle()
        world.wait(plan.pace.poll)
    }

    // MARK: 1. Take a bounded batch; 2. decide every record; 3. produce what leaves

    /// Ends with a batch that is full, old enough or at the end of every partition, or with none.
    private func collect() throws {
        // What was held when a batch was full or cut is decided first.
        try decideHeld()
        while !isFull && batch.stop == nil && !world.isStopping {
            let wait = timeLeft()
            if wait <= .zero { break }
            let arrived = try source.poll(limit: plan.pace.chunk, timeout: wait)
            ends.append(contentsOf: arrived)
            try decideHeld()
            if batch.isEmpty {
                if !arrived.isEmpty { break }
                if world.now() - quietSince >= plan.pace.quiet { hasWaited = true }
                try saveWhenQuiet()
                partner.serve()
                if isCheckDue { break }
                if world.now() - actsReadAt >= plan.pace.acts { break }
                reportIdle()
            } else {
                quietSince = world.now()
            }
        }
        if source.held.isEmpty { takeEnds() }
    }

    /// Sooner where the partner seems to be away: an idle lane would not notice until the next record.
    private var isCheckDue: Bool {
        let pace = partner.isAway ? plan.pace.quiet : plan.pace.check
        return world.now() - checkedAt >= pace
    }

    private func timeLeft() -> Duration {
        guard let openedAt = batch.openedAt else { return plan.pace.poll }
        return min(plan.pace.poll, plan.contract.delivery.maxInterval - (world.now() - openedAt))
    }

    private var isFull: Bool {
        if batch.isCut || isGrantUsed { return true }
        let limits = plan.contract.delivery
        // A record a request, each waited for: over a slow link a few hundred fill a transaction's time.
        let most = careful ? min(500, limits.maxRecords) : limits.maxRecords
        let records = max(1, Int(Double(most) * share))
        let bytes = max(1, Int(Double(limits.maxBytes) * share))
        return batch.delivered >= records || batch.deliveredBytes >= bytes
            // What is filtered is decided again too, where the batch comes to nothing.
            || batch.decided >= 8 * records || batch.sourceBytes >= 8 * bytes
    }

    /// What is decided is released at once, while its memory is still near: where the batch comes to
    /// nothing, the source is read again.
    private func decideHeld() throws {
        let held = source.held
        guard !held.isEmpty else { return }
        if batch.openedAt == nil { batch.openedAt = world.now() }
        var count = 0
        while count < held.count, !isFull, batch.stop == nil {
            let record = held[count]
            guard try decide(record, slot: Int(record.slot)) else { break }
            batch.decided += 1
            count += 1
        }
        takeFingerprints(of: held.prefix(count))
        source.release(count)
    }

    /// False where the batch ends before this record.
    @inline(__always)
    private func decide(_ record: SourceRecord, slot: Int) throws -> Bool {
        let decider = slots[slot].decider
        var decision = decider.decide(record)
        if let presence = slots[slot].presence {
            decision = presence.judge(decision, record, decider)
        }
        if !culprits.isEmpty { decision = withCulprits(decision, record, decider, slot) }
        if decision == .delivered {
            guard isGranted else { return false }
            decision = try produce(decider.output, of: record, decider, slot)
        }
        switch decision {
        case .delivered:
            slots[slot].presence?.confirm()
            slots[slot].counts.delivered += 1
        case .filtered: slots[slot].counts.filtered += 1
        case .dropped:
            slots[slot].counts.dropped += 1
            batch.refused += 1
        case .quarantined:
            slots[slot].counts.quarantined += 1
            batch.refused += 1
            batch.quarantined.append(copy(record, decider.violation, slots[slot].partition))
        case .stopped:
            guard isQuarantinedByChoice(slots[slot]) else {
                batch.stop = violationHalt(decider.violation, record, slots[slot].partition)
                return false
            }
            slots[slot].counts.quarantined += 1
            batch.refused += 1
            batch.quarantined.append(copy(record, decider.violation, slots[slot].partition))
        }
        slots[slot].counts.read += 1
        slots[slot].next = record.offset + 1
        batch.sourceBytes += (record.value?.count ?? 0) + (record.key?.count ?? 0)
        return true
    }

    func produce(
        _ output: OutputRecord, of record: SourceRecord, _ decider: StreamDecider, _ slot: Int
    ) throws -> Decision {
        if batch.begunAt == nil { try begin() }
        while true {
            switch try partner.produce(output, topic: slots[slot].topic) {
            case .accepted:
                batch.planned += 1
                let bytes = (output.key?.count ?? 0) + (output.value?.count ?? 0)
                slots[slot].counts.bytes += Int64(bytes)
                batch.delivered += 1
                batch.deliveredBytes += bytes
                batch.digest.add(output, slot: slot, offset: record.offset)
                if careful { try expectAccepted(record, slot) }
                return .delivered
            case .tooLarge:
                return decider.refuse(
                    Violation(
                        rule: .tooLarge,
                        detail: "the output is larger than the partner's topic takes"))
            case .queueFull:
                if world.isStopping { throw PortFailure(.stopped, "produce", "stopping") }
                partner.serve()
                world.wait(.milliseconds(1))
                try keepYoung()
            }
        }
    }

    func begin() throws {
        if partner.isDirty { throw Renew(cause: .renew("an EndTxn may still be under way")) }
        batch.begunAt = world.now()
        try partner.begin()
        isOpen = true
    }

    /// A partition's end moves D over what no reader will ever see: control records, aborted
    /// transactions, compacted offsets.
    private func takeEnds() {
        for end in ends where end.slot < slots.count { slots[end.slot].end = end.offset }
        ends = []
        for index in slots.indices {
            guard let end = slots[index].end, end > slots[index].next else { continue }
            slots[index].next = end
            slots[index].endMoved = true
        }
    }

    // MARK: Without a transaction

    private var needsTransaction: Bool {
        if batch.begunAt != nil || batch.refused > 0 { return true }
        if slots.contains(where: \.endMoved) { return true }
        let read = slots.reduce(0) { $0 + $1.counts.read }
        return unmarkedRecords + read >= plan.pace.markerRecords
            || world.now() - markedAt >= plan.pace.markerInterval
    }

    private func decideWithoutDelivery() throws {
        if isStill { try standStill() }
        let progress = progress(of: slots.indices.filter { slots[$0].next > slots[$0].from }, "")
        try save([.filtered(progress, pin: books.pin ?? plan.pin)])
        unmarkedRecords += progress.reduce(0) { $0 + $1.counts.read }
        source.commit(progress.map { SourcePosition($0.partition, $0.to) })
    }

    // MARK: 3. to 7. The transaction

    /// Markers due without records: initial ones, those of a changed contract, an idle lane's.
    /// True where a batch was written for them.
    private func writeMarkersDue() throws -> Bool {
        guard batch.isEmpty, !slots.isEmpty else { return false }
        let pin = books.pin ?? plan.pin
        let now = world.now()
        if pin != plan.pin || carried != books.acts {
            marksDue = Set(slots.map(\.partition))
        } else if now - markedAt >= plan.pace.idleMarker {
            marksDue = Set(slots.map(\.partition))
        } else if now - markedAt >= plan.pace.markerInterval {
            for slot in slots where isAhead(slot) { marksDue.insert(slot.partition) }
        }
        guard !marksDue.isEmpty else { return false }
        try deliver(pin: pin, next: plan.pin)
        finishBatch()
        return true
    }

    private func isAhead(_ slot: Slot) -> Bool {
        slot.next > books.partitions[slot.partition]?.marker?.nextOffset ?? -1
    }

    func deliver(pin: ContractPin, next: ContractPin) throws {
        // 3. Markers last, in the same transaction.
        if batch.begunAt == nil { try begin() }
        let nonce = world.nonce()
        let digest = batch.digest.finish()
        let covered = slots.indices.filter {
            slots[$0].next > slots[$0].from || slots[$0].endMoved || slots[$0].counts != Counts()
                || marksDue.contains(slots[$0].partition)
                || (needsTransaction && isAhead(slots[$0]))
        }
        let intent = Intent(
            batchSeq: books.lastBatchSeq + 1, nonce: nonce, digest: digest, pin: pin, next: next,
            progress: progress(of: covered, digest), releases: batch.releases)
        let acts = books.acts
        for step in intent.progress { try produceMarker(step, intent, acts) }
        try produceReleaseNote(intent)

        // 5. The intent, durable before the commit; the client library sends meanwhile.
        try save([.intent(intent, quarantined: batch.quarantined)] + presenceChanges)

        // 4. Everything planned was accepted and acknowledged, and offsets rise.
        let acknowledged: Acknowledged
        do throws(PortFailure) {
            acknowledged = try partner.flush(timeout: timeToCommit())
        } catch {
            guard error.kind == .unavailable else { throw error }
            return try abort(intent, error.detail)
        }
        if let refusal = acknowledged.refusal { throw refused(refusal) }
        guard acknowledged.failed == 0, acknowledged.count == batch.planned else {
            return try abort(
                intent,
                acknowledged.failure
                    ?? "\(acknowledged.count) of \(batch.planned) messages acknowledged in time")
        }
        guard acknowledged.rising, isBeyondKnown(acknowledged.positions) else {
            throw Halt(
                reason: "partner-truncated",
                detail: "the partner acknowledged records at offsets that it had given out before: "
                    + "a data topic was recreated or truncated")
        }

        guard acknowledged.checkpointsRising else {
            throw Halt(
                reason: "checkpoint-lost",
                detail: "a marker was acknowledged at an offset that the checkpoint topic had "
                    + "given out before: the topic was recreated or truncated")
        }

        // 6. Still ours, not overruled, and young: commit.
        if world.now() - checkedAt >= plan.pace.check { try check() }
        try heedActs()
        if isStill && !batch.isEmpty {
            return try abort(intent, "it is not to be sent any more", pauses: false)
        }
        guard age < partner.transactionTimeout / 2 else { return try abort(intent, "too slow") }
        flushed = (nonce, acknowledged.positions)
        let outcome = partner.commit(timeout: timeToCommit())
        if case .notSent = outcome {} else { isOpen = false }
        switch outcome {
        case .committed:
            carried = acts
            try committed(intent, acknowledged)
        case .notSent(let why): try abort(intent, why)
        case .unknown(let why):
            world.report(.unknownOutcome(why))
            throw Renew(cause: .renew(why))
        case .fenced(let why): throw Renew(cause: .fenced(why))
        }
    }

    /// 7. The staged rows become real, with the next write or soon.
    private func committed(_ intent: Intent, _ acknowledged: Acknowledged) throws {
        saveLater(
            .mark(
                batchSeq: intent.batchSeq, checkpointOffset: acknowledged.checkpointOffset,
                acknowledged: acknowledged.positions))
        source.commit(intent.progress.map { SourcePosition($0.partition, $0.to) })
        markedAt = world.now()
        marksDue = []
        unmarkedRecords = 0
        inits = 0
        setbacks = 0
        share = min(1, share * 1.5)
        idleReported = false
        world.report(
            .committed(
                records: batch.decided, delivered: batch.delivered,
                partitions: intent.progress.count, seconds: age.seconds))
        batch.forced.forEach(settleChoice)
        if careful { try leaveCare() }
        if partner.isDirty { throw Renew(cause: .renew("EndTxn was sent more than once")) }
    }

    /// A producer knows only what it was told itself; the books know what came before it.
    private func isBeyondKnown(_ positions: [PartnerPosition]) -> Bool {
        positions.allSatisfy { position in
            books.acknowledged.allSatisfy {
                $0.partition != position.partition || $0.offset < position.offset
                    || $0.topic != position.topic
            }
        }
    }

    private func produceMarker(_ step: Progress, _ intent: Intent, _ acts: [Act]) throws {
        guard let known = books.partitions[step.partition] else { return }
        let marker = Marker(
            contract: plan.contract.id, lane: plan.lane, pin: intent.pin, next: intent.next,
            topic: step.partition.topic, partition: step.partition.partition, nextOffset: step.to,
            batchSeq: intent.batchSeq, nonce: intent.nonce.text, digest: intent.digest,
            counts: known.counts + step.counts, chain: step.chain, clusters: clusters,
            layout: layout, acknowledged: books.acknowledged, fingerprints: step.fingerprints,
            acts: acts)
        let sealed = try codec.seal(marker)
        try partner.produceCheckpoint(
            partition: checkpointPartition, key: sealed.key, value: sealed.value)
        batch.planned += 1
    }

    var checkpointPartition: Int32 { plan.checkpointPartition(of: layout.checkpointPartitions) }

    // MARK: When it does not commit

    /// Nothing was committed, and the client library can say so: the batch is decided again.
    private func abort(_ intent: Intent, _ why: String, pauses: Bool = true) throws {
        world.report(.aborted(why))
        if age >= partner.transactionTimeout / 4 { share = max(0.001, share / 2) }
        isOpen = false
        switch partner.abort(timeout: partner.transactionTimeout / 2) {
        case .aborted where !partner.isDirty:
            try save([.drop(batchSeq: intent.batchSeq)])
            settleGrant(isDelivered: false)
            batch = Batch()
            if pauses { pause(after: PortFailure(.unavailable, "commit_transaction", why)) }
            try endRemains(onCheckpoints: [checkpointPartition], afterAbort: true)
            try endRemainsOnTopics()
            try readAgain()
        case .aborted: throw Renew(cause: .renew("an EndTxn may still be under way"))
        case .unknown(let detail): throw Renew(cause: .renew(detail))
        case .fenced(let detail): throw Renew(cause: .fenced(detail))
        }
    }

    /// From D on.
    private func readAgain() throws {
        for index in slots.indices { slots[index].rewind() }
        ends = []
        try source.assign(slots.map { SourcePosition($0.partition, $0.from) })
    }

    private var age: Duration { batch.begunAt.map { world.now() - $0 } ?? .zero }

    private func timeToCommit() -> Duration {
        max(partner.transactionTimeout / 2 - age, .milliseconds(100))
    }

    private func keepYoung() throws {
        guard age >= partner.transactionTimeout / 2 else { return }
        share = max(0.001, share / 2)
        throw PortFailure(.unavailable, "produce", "the partner takes records too slowly")
    }

    // MARK: Between batches

    func finishBatch() {
        if !forced.isEmpty { dropStaleChoices() }
        for index in slots.indices { slots[index].reset() }
        settleGrant(isDelivered: true)
        batch = Batch()
    }

    /// The mark is written alone when nothing follows that it could ride in.
    private func saveWhenQuiet() throws {
        guard !unsaved.isEmpty,
            world.now() - unsavedSince >= plan.contract.delivery.maxInterval
        else { return }
        try save([])
    }

    private func reportIdle() {
        guard !idleReported, !batch.isCut, slots.allSatisfy({ $0.end != nil }) else { return }
        idleReported = true
        throttle.reported = nil
        world.report(.idle)
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
