internal import Contracts
internal import Ledger

/// The end of a recovery: markers and ledger are compared, and the lane goes into the loop.
extension Lane {
    // MARK: 6. The verdict

    func groupOffsets() throws -> [SourcePartition: Int64] {
        let group = try source.groupOffsets(partitions, group: nil)
        var offsets: [SourcePartition: Int64] = [:]
        for (partition, offset) in zip(partitions, group) { offsets[partition] = offset }
        return offsets
    }

    func settle(_ view: CheckpointView, group: [SourcePartition: Int64]) throws {
        books = try ledger.books()
        try learnActs(view)
        let now = Circumstances(
            pin: plan.pin, lane: plan.lane, partitions: partitions, clusters: clusters,
            layout: layout, groupOffsets: group, contractStarted: try ledger.contractStarted())
        noteForced()
        let judged = view.foreignNonces.map(LedgerChange.claim)
        switch Reconciliation.judge(books: books, view: view, now: now, acts: books.pending) {
        case .halt(let halt): throw halt
        case .firstStart(let act):
            // `start` is resolved when the window opens.
            if case .early = stillness { throw Still() }
            var starts = try firstOffsets()
            if let act {
                for partition in partitions {
                    starts[partition] = try place(.spoken(act.argument), partition)
                }
            }
            try settle(
                "first start",
                judged + [.start(starts, pin: plan.pin, clusters: clusters, layout: layout)]
                    + (act == nil ? firstPresence : [])
                    + (act.map { [.applied(act: $0.id)] } ?? []))
        case .proceed(let proceeding):
            var changes =
                unknownReleases(view, proceeding) + proceeding.changes.map(withPositions)
            var appeared: [SourcePartition: Int64] = [:]
            for (partition, placement) in proceeding.appeared {
                appeared[partition] = try place(placement, partition)
            }
            if !appeared.isEmpty {
                changes.append(
                    .start(appeared, pin: plan.pin, clusters: clusters, layout: layout))
            }
            for (partition, placement) in proceeding.moved {
                changes.append(
                    .reposition(
                        partition, to: try place(placement, partition), why: "operator's choice"))
                marksDue.insert(partition)
            }
            try settle(proceeding.finding, judged + changes)
            groupIsBeyond = changes.contains { if case .adopt = $0 { true } else { false } }
        }
    }

    private func settle(_ finding: String, _ changes: [LedgerChange]) throws {
        // A choice about a record is carried out by the loop: until then a crash must find its halt.
        let clears = books.halt.map { !isLasting($0) && !awaitsRecord($0) } ?? false
        let known = books.partitions
        if !changes.isEmpty || clears { try save(changes + (clears ? [.clearHalt] : [])) }
        if case .learnReleases? = changes.first { books = try ledger.books() }
        for case .adopt(let markers, _, _, _, _, _, _) in changes { warn(finding, markers, known) }
        world.report(.recovered(verdict: finding, batchSeq: books.lastBatchSeq))
    }

    /// A marker tells what was acknowledged before its batch; where this process wrote it, it knows more.
    private func withPositions(_ change: LedgerChange) -> LedgerChange {
        guard case .mark(let batchSeq, let offset, _) = change, let flushed,
            flushed.nonce == books.intent?.nonce
        else { return change }
        return .mark(
            batchSeq: batchSeq, checkpointOffset: offset, acknowledged: flushed.positions)
    }

    /// What operators must know where markers are adopted: history is gone, and copies with it.
    private func warn(
        _ finding: String, _ markers: [AdoptedMarker], _ known: [SourcePartition: PartitionBooks]
    ) {
        let missing = markers.reduce(Int64(0)) { sum, marker in
            let kept = known[marker.partition]?.counts.quarantined ?? 0
            return sum + max(0, marker.counts.quarantined - kept)
        }
        world.report(
            .warning(
                "\(finding): positions and counts are the markers' now; of the quarantined records "
                    + "that they count, this ledger has no copy of \(missing)"))
    }

    /// `quarantine-record` is carried out by the loop, when it meets the record again.
    private func noteForced() {
        guard let partition = books.halt?.partition, books.halt?.reason == "violation" else {
            return
        }
        for act in books.pending where act.choice == "quarantine-record" {
            guard let from = Int64(act.argument) ?? books.partitions[partition]?.decided else {
                continue
            }
            forced[partition] = ForcedRecord(act: act.id, from: from)
        }
    }

    /// A choice about a record is carried out by the loop: until then a crash must find its halt.
    private func awaitsRecord(_ halt: Halt) -> Bool {
        halt.reason == "violation" && !forced.isEmpty
    }

    // MARK: 7. Into the loop

    func enterLoop() throws {
        let answered = Set(forced.values.map(\.act))
        let leftOver = books.pending.filter { !answered.contains($0.id) }
        // A choice answers the halt it was made for; it must not answer a later one unasked.
        if !leftOver.isEmpty { try save(leftOver.map { .applied(act: $0.id) }) }

        if plan.untilCaughtUp && goals == nil {
            let ends = try source.watermarks(partitions)
            goals = Dictionary(uniqueKeysWithValues: zip(partitions, ends.map(\.high)))
        }
        let deciders = try streamDeciders()
        let presences = try loadPresence()
        let topics = plan.partnerTopics
        slots = partitions.compactMap { partition in
            guard let known = books.partitions[partition], let decider = deciders[partition.topic],
                let stream = plan.contract.streams.first(where: { $0.from == partition.topic }),
                let topic = topics.firstIndex(of: stream.to)
            else { return nil }
            return Slot(
                partition: partition, decider: decider, presence: presences[partition],
                topic: topic, from: known.decided, next: known.decided)
        }
        let positions = slots.map { SourcePosition($0.partition, $0.from) }
        try source.assign(positions)
        if groupIsBeyond { source.commit(positions) }
        groupIsBeyond = false
        for slot in slots where books.partitions[slot.partition]?.marker == nil {
            marksDue.insert(slot.partition)
        }
        batch = Batch()
        ends = []
        if !forced.isEmpty { dropStaleChoices() }
        idleReported = false
        markedAt = world.now()
    }

    private func streamDeciders() throws -> [String: StreamDecider] {
        var deciders: [String: StreamDecider] = [:]
        for stream in plan.contract.streams {
            deciders[stream.from] = try StreamDecider(
                contractID: plan.contract.id, sourceCluster: clusters.source, stream: stream,
                keys: plan.keys,
                partnerPartitions: Int32(layout.partnerPartitions[stream.to] ?? 0))
        }
        return deciders
    }
}
