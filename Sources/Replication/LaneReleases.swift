internal import Contracts
internal import Ledger

/// What the lane remembers of releases between batches.
struct Releasing {
    /// Whether the ledger has to be asked for requests: after a recovery, and after any act.
    var isDue = true
    /// The partner's broker refused a batch of them: one at a time, to find the culprit.
    var singly = false
    /// Ids of records that it refused alone.
    var culprits: Set<Int64> = []
}

/// Quarantined records that an operator lets go: decided anew by today's contract, delivered behind what
/// has been delivered since, in a batch of their own that moves no offset. A record is released once,
/// whatever crashes: see `ReleaseNote`.
extension Lane {
    /// Tells released records apart at the partner: they stand outside the order.
    static var releasedHeader: String { "crossdock-released" }
    /// A note of so many stays far below a checkpoint topic's message size.
    private static var mostInABatch: Int { 500 }

    /// True where the turn was used for it.
    func releaseDue() throws -> Bool {
        guard releasing.isDue, batch.isEmpty, !careful else { return false }
        // What the last batch released is asked for until its mark is on record.
        if !unsaved.isEmpty { try save([]) }
        let limits = plan.contract.delivery
        let requests = try ledger.releaseRequests(
            limit: releasing.singly ? 1 : min(Self.mostInABatch, limits.maxRecords),
            bytes: Int64(limits.maxBytes))
        guard !requests.isEmpty else {
            releasing = Releasing(isDue: false)
            return false
        }
        var refused: [RefusedRelease] = []
        for request in requests where !batch.isCut && !isGrantUsed {
            if let refusal = try decideAnew(request) { refused.append(refusal) }
        }
        let pin = books.pin ?? plan.pin
        if !refused.isEmpty { try save([.keep(refused, pin: pin)]) }
        let releases = batch.releases
        // One that is too large opens a transaction and leaves nothing in it.
        if !releases.isEmpty || batch.begunAt != nil {
            try deliver(pin: pin, next: pin)
            // Aborted: they are asked for again.
            guard batch.begunAt != nil else { return true }
            finishBatch()
        }
        guard !releases.isEmpty || !refused.isEmpty else { return true }
        let delivered = releases.count { $0.outcome == .delivered }
        world.report(
            .released(
                delivered: delivered, filtered: releases.count - delivered, refused: refused.count))
        return true
    }

    /// Why it stays; nil where it goes with the batch, or has to wait for the contract's quota.
    private func decideAnew(_ request: ReleaseRequest) throws -> RefusedRelease? {
        let record = request.record
        guard let slot = slots.firstIndex(where: { $0.partition == record.partition }) else {
            return RefusedRelease(
                id: request.id, rule: record.rule, path: record.path,
                detail: "the contract reads '\(record.partition.topic)' no more")
        }
        if slots[slot].presence != nil { return outOfOrder(request) }
        let decider = slots[slot].decider
        let bytes = slots[slot].counts.bytes
        var decision = Decision.filtered
        try record.owned.withSource(slot: Int32(slot)) { source in
            decision = decider.decide(source)
            if decision == .delivered, releasing.culprits.contains(request.id) {
                decision = decider.refuse(
                    Violation(
                        rule: .refusedByPartner,
                        detail: "the partner's broker refuses this record"))
            }
            guard decision == .delivered, isGranted else { return }
            try decider.output.withHeader(Self.releasedHeader) { output in
                marksDue.insert(record.partition)
                decision = try produce(output, of: source, decider, slot)
            }
        }
        if batch.isCut { return nil }
        guard decision == .delivered || decision == .filtered else {
            let violation = decider.violation
            return RefusedRelease(
                id: request.id, rule: violation.rule.rawValue, path: violation.path,
                detail: violation.detail)
        }
        let release = Release(
            id: request.id, source: record.partition, offset: record.offset,
            refusedIn: request.refusedIn, outcome: decision == .delivered ? .delivered : .filtered,
            bytes: slots[slot].counts.bytes - bytes)
        // The bytes are counted already.
        var moved = release.counts
        moved.bytes = 0
        slots[slot].counts = slots[slot].counts + moved
        batch.releases.append(release)
        return nil
    }

    /// Where keys are retracted, one that comes late would stand for a key that has left the filter since.
    private func outOfOrder(_ request: ReleaseRequest) -> RefusedRelease {
        let why = "; not released: the stream retracts keys (onScopeExit), and this is out of order"
        let record = request.record
        return RefusedRelease(
            id: request.id, rule: record.rule, path: record.path,
            detail: record.detail.hasSuffix(why) ? record.detail : record.detail + why)
    }

    func produceReleaseNote(_ intent: Intent) throws {
        guard !intent.releases.isEmpty else { return }
        let sealed = try codec.seal(
            ReleaseNote(
                contract: plan.contract.id, lane: plan.lane, batchSeq: intent.batchSeq,
                nonce: intent.nonce.text, pin: intent.pin, releases: intent.releases))
        try partner.produceCheckpoint(
            partition: checkpointPartition, key: sealed.key, value: sealed.value)
        batch.planned += 1
    }

    /// The partner's broker refuses something in the open batch of releases.
    func refusedRelease(_ refusal: String) -> any Error {
        if releasing.singly { releasing.culprits.formUnion(batch.releases.map(\.id)) }
        releasing.singly = true
        return Renew(cause: .refused("the partner's broker refused a released record: \(refusal)"))
    }

    /// Notes of batches that this ledger does not know to be committed; that of its open intent is in the
    /// mark, where there will be one.
    func unknownReleases(_ view: CheckpointView, _ proceeding: Proceeding) -> [LedgerChange] {
        var proven: String?
        for case .mark in proceeding.changes { proven = books.intent?.nonce.text }
        return view.releases
            .filter { $0.batchSeq > books.lastBatchSeq && $0.nonce != proven }
            .map { .learnReleases($0.releases, batchSeq: $0.batchSeq) }
    }
}

extension QuarantinedRecord {
    /// The copy as a record that can be decided.
    fileprivate var owned: OwnedRecord {
        OwnedRecord(
            topic: partition.topic, partition: partition.partition, offset: offset,
            timestamp: timestamp, key: key, value: value,
            headers: zip(headerNames, headerValues).map { ($0, $1) })
    }
}

extension OutputRecord {
    /// The same with one header more, without a value; valid while `body` runs.
    fileprivate func withHeader(_ name: String, _ body: (OutputRecord) throws -> Void) throws {
        try name.withCString { name in
            let all = Array(headers) + [OutputHeader(name: name, value: nil)]
            try all.withUnsafeBufferPointer { headers in
                var marked = self
                marked.headers = headers
                try body(marked)
            }
        }
    }
}
