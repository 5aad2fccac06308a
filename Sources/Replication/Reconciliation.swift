package import Ledger

/// The table of exactly-once.md, "Start and recovery": rows are tried from the top, over all partitions
/// of the lane together; the verdict is the lane's, and no row fitting is a halt. Pure.
package struct Reconciliation {
    private var books: LaneBooks
    private let view: CheckpointView
    private let now: Circumstances
    private var acts: [Act]
    private var done = Proceeding(finding: "normal")

    /// `acts`: the operator's choices that are not applied yet; each answers one halt.
    package static func judge(
        books: LaneBooks, view: CheckpointView, now: Circumstances, acts: [Act] = []
    ) -> Judgement {
        var judge = Reconciliation(books: books, view: view, now: now, acts: acts)
        // Every answered halt uses up one act, so this ends.
        while true {
            let judgement = judge.byTheTable()
            guard case .halt(let halt) = judgement else { return judgement }
            guard judge.answer(halt) else { return judgement }
            if judge.startsAfresh { return .firstStart(act: judge.usedAct) }
        }
    }

    private var startsAfresh = false
    /// An operator accepted the clusters or counts of now: markers that this ledger has not taken in yet,
    /// its own open intent's among them, still tell those of then.
    private var isIdentityAccepted = false
    private var usedAct: Act?

    private init(books: LaneBooks, view: CheckpointView, now: Circumstances, acts: [Act]) {
        self.books = books
        self.view = view
        self.now = now
        self.acts = acts
    }

    /// Partitions that anybody knows of: today's, the ledger's, the markers'.
    private var everyPartition: [SourcePartition] {
        Set(now.partitions).union(books.partitions.keys).union(view.markers.keys).sorted()
    }

    // MARK: The rows

    private mutating func byTheTable() -> Judgement {
        if let halt = identityDiffers() { return .halt(halt) }
        // Where another lane of a new contract was faster, its markers say nothing about this one.
        let contractIsNew = !view.anyOfContract || now.contractStarted
        // A lane that started without partitions has started: what appears now begins at its beginning.
        if books.partitions.isEmpty && view.markers.isEmpty && contractIsNew && books.pin == nil {
            return nothingKnown()
        }
        if let halt = markerMissing() ?? markerOlder() { return .halt(halt) }
        noteAppeared()
        if books.partitions.isEmpty {
            if view.markers.isEmpty { return .proceed(done) }
            return adopt("ledger lost, markers adopted")
        }
        if let why = notTheLatest() { return adopt(why) }
        if let intent = books.intent { return resolve(intent) }
        guard let odd = everyPartition.first(where: { !stands($0) }) else {
            return .proceed(done)
        }
        return .halt(unexplained(odd))
    }

    private func unexplained(_ partition: SourcePartition) -> Halt {
        let marker = view.markers[partition]?.marker
        let known = books.partitions[partition]?.marker
        return Halt(
            reason: "markers-disagree",
            detail: "the marker for \(name(partition)) tells of batch \(marker?.batchSeq ?? 0) at "
                + "offset \(marker?.nextOffset ?? 0), attempt \(marker?.nonce.prefix(8) ?? "-"); the "
                + "ledger knows batch \(known?.batchSeq ?? 0) at offset \(known?.nextOffset ?? 0), "
                + "attempt \(known?.nonce.text.prefix(8) ?? "-"); no rule explains it",
            partition: partition)
    }

    /// Row 1.
    private func identityDiffers() -> Halt? {
        if let unreadable = view.unreadable {
            return Halt(reason: "marker-unreadable", detail: unreadable)
        }
        if let known = books.clusters, known != now.clusters { return clustersDiffer(known) }
        if let known = books.layout, let halt = layoutDiffers(known) { return halt }
        for (partition, standing) in view.markers.sorted(by: { $0.key < $1.key }) {
            let marker = standing.marker
            // What an operator accepted stands in the ledger; markers of then still tell the old figures.
            if books.layout != nil && marker.batchSeq <= books.lastBatchSeq { continue }
            if !isIdentityAccepted {
                if marker.clusters != now.clusters { return clustersDiffer(marker.clusters) }
                if let halt = layoutDiffers(marker.layout) { return halt }
            }
            if marker.lane != now.lane {
                return Halt(
                    reason: "layout-changed",
                    detail: "\(name(partition)) was lane \(marker.lane)'s and is now lane "
                        + "\(now.lane)'s: set lanes back to \(marker.layout.lanes)",
                    partition: partition)
            }
        }
        return nil
    }

    /// Row 2.
    private func nothingKnown() -> Judgement {
        guard let (partition, offset) = now.groupOffsets.min(by: { $0.key < $1.key }) else {
            return .firstStart(act: nil)
        }
        return .halt(
            Halt(
                reason: "checkpoint-lost",
                detail: "the source group holds offset \(offset) for \(name(partition)), so this "
                    + "contract has run before, but neither the ledger nor the checkpoint topic "
                    + "knows of it",
                partition: partition))
    }

    /// Row "none for a partition | L known".
    private func markerMissing() -> Halt? {
        for (partition, known) in books.partitions.sorted(by: { $0.key < $1.key }) {
            guard let marker = known.marker, view.markers[partition] == nil else { continue }
            return Halt(
                reason: "checkpoint-lost",
                detail: "the checkpoint topic holds no marker for \(name(partition)); the ledger "
                    + "knows one at offset \(marker.nextOffset) and has decided up to "
                    + "\(known.decided)",
                partition: partition)
        }
        return nil
    }

    /// Row "older than L".
    private func markerOlder() -> Halt? {
        for (partition, standing) in view.markers.sorted(by: { $0.key < $1.key }) {
            guard let known = books.partitions[partition]?.marker,
                standing.marker.batchSeq < known.batchSeq
            else { continue }
            return Halt(
                reason: "partner-restored",
                detail: "the marker for \(name(partition)) tells of batch "
                    + "\(standing.marker.batchSeq) at offset \(standing.marker.nextOffset); the "
                    + "ledger knows batch \(known.batchSeq) at offset \(known.nextOffset)",
                partition: partition)
        }
        return nil
    }

    /// Row "none for a partition | start offsets stored, or a partition that appeared later".
    private mutating func noteAppeared() {
        for partition in now.partitions
        where books.partitions[partition] == nil && view.markers[partition] == nil {
            done.appeared[partition] = .low
        }
    }

    /// Row "newer than the ledger knows": the words of the reason, nil where the ledger is the latest.
    private func notTheLatest() -> String? {
        let known = books.partitions.values.compactMap(\.marker?.batchSeq).max() ?? 0
        // Where an operator let markers be forgotten, their numbers are still known.
        let newest = max(known, books.lastBatchSeq, books.intent?.batchSeq ?? 0)
        for (partition, standing) in view.markers {
            let marker = standing.marker
            if marker.batchSeq > newest { return "newer markers than the ledger knows, adopted" }
            if let intent = books.intent, marker.batchSeq == intent.batchSeq,
                marker.nonce != intent.nonce.text
            {
                return "another instance committed this batch, its markers adopted"
            }
            if books.partitions[partition] == nil {
                return "markers unknown to the ledger, adopted"
            }
        }
        // Without any marker the other instance has decided nothing that counts.
        if view.foreignClaim != nil && !view.markers.isEmpty {
            return "another instance ran since, markers adopted"
        }
        let proven = books.intent.flatMap { isCommitted($0) ? $0 : nil }
        for (partition, offset) in now.groupOffsets {
            // What a proven intent says is L and D at once, also where it is the first marker.
            let ahead = proven?.progress.first { $0.partition == partition }?.to
            // An operator may have moved D below what the group was told; up to L, and where L was let
            // go of, the group proves nothing.
            guard let known = books.partitions[partition],
                let marked = ahead ?? known.marker?.nextOffset
            else { continue }
            if offset > max(marked, ahead ?? known.decided) {
                return "the source group is beyond the ledger, markers adopted"
            }
        }
        return nil
    }

    private mutating func adopt(_ why: String) -> Judgement {
        let standings = view.markers.sorted { $0.key < $1.key }
        guard let newest = standings.map(\.value.marker).max(by: { $0.batchSeq < $1.batchSeq })
        else {
            return .halt(
                Halt(
                    reason: "markers-disagree",
                    detail: "the ledger is not the latest, and there is no marker to go by: \(why)")
            )
        }
        if newest.next.hash != now.pin.hash && !accepted("contract-changed", "adopt-marker") {
            return .halt(
                Halt(
                    reason: "contract-changed",
                    detail: "\(why): the newest marker says that version \(newest.next.version) "
                        + "decides next, and the contract's file is version \(now.pin.version)"))
        }
        var markers: [AdoptedMarker] = []
        for (partition, standing) in standings {
            guard let point = standing.point else { continue }
            markers.append(
                AdoptedMarker(
                    partition: partition, point: point, counts: standing.marker.counts,
                    fingerprints: standing.marker.fingerprints, chain: standing.marker.chain))
        }
        done.finding = why
        done.changes.append(
            .adopt(
                markers, pin: newest.next, clusters: now.clusters, layout: now.layout,
                acknowledged: newest.acknowledged, lastBatchSeq: newest.batchSeq, why: why))
        return .proceed(done)
    }

    /// The three rows about an open intent.
    private mutating func resolve(_ intent: Intent) -> Judgement {
        let carriers = view.markers.filter {
            $0.value.marker.batchSeq == intent.batchSeq
                && $0.value.marker.nonce == intent.nonce.text
        }
        let othersStand = everyPartition.allSatisfy { carriers[$0] != nil || stands($0) }
        if isCommitted(intent) && carriers.count == intent.progress.count && othersStand {
            let standings = intent.progress.compactMap { view.markers[$0.partition] }
            done.finding = "committed, mark missed"
            done.changes.append(
                .mark(
                    batchSeq: intent.batchSeq,
                    checkpointOffset: standings.map(\.offset).min() ?? -1,
                    acknowledged: standings.first?.marker.acknowledged ?? []))
            return .proceed(done)
        }
        if carriers.isEmpty && othersStand {
            done.finding = "aborted"
            done.changes.append(.drop(batchSeq: intent.batchSeq))
            return .proceed(done)
        }
        return .halt(
            Halt(
                reason: "markers-disagree",
                detail:
                    "batch \(intent.batchSeq) stands in some of its partitions' markers and not "
                    + "in others, which one transaction cannot do"))
    }

    private func isCommitted(_ intent: Intent) -> Bool {
        intent.progress.allSatisfy { step in
            guard let marker = view.markers[step.partition]?.marker else { return false }
            return marker.batchSeq == intent.batchSeq && marker.nonce == intent.nonce.text
                && marker.digest == intent.digest
        }
    }

    private func isMarkerL(_ partition: SourcePartition, _ standing: CheckpointView.Standing)
        -> Bool
    {
        guard let known = books.partitions[partition]?.marker else { return false }
        return standing.marker.batchSeq == known.batchSeq
            && standing.marker.nonce == known.nonce.text
    }

    /// The marker there is L. Where an operator let L be forgotten, whatever stands there is as good.
    private func stands(_ partition: SourcePartition) -> Bool {
        guard let standing = view.markers[partition] else {
            return books.partitions[partition]?.marker == nil
        }
        return books.partitions[partition]?.marker == nil || isMarkerL(partition, standing)
    }

    // MARK: Differences in words

    private func clustersDiffer(_ known: ClusterIDs) -> Halt {
        let side = known.source != now.clusters.source ? "source" : "partner"
        let was = side == "source" ? known.source : known.partner
        let isNow = side == "source" ? now.clusters.source : now.clusters.partner
        return Halt(
            reason: "cluster-changed",
            detail: "the \(side) cluster's id was '\(was)' and is now '\(isNow)'")
    }

    private func layoutDiffers(_ known: Layout) -> Halt? {
        func differs(_ what: String, _ was: Any, _ isNow: Any) -> Halt {
            Halt(reason: "layout-changed", detail: "\(what): was \(was), is now \(isNow)")
        }
        if known.lanes != now.layout.lanes {
            return differs("lanes in crossdock.yaml", known.lanes, now.layout.lanes)
        }
        if known.hash != now.layout.hash {
            return differs("the lane hash", known.hash, now.layout.hash)
        }
        if known.checkpointPartitions != now.layout.checkpointPartitions {
            return differs(
                "partitions of the checkpoint topic", known.checkpointPartitions,
                now.layout.checkpointPartitions)
        }
        for (topic, count) in known.partnerPartitions.sorted(by: { $0.key < $1.key }) {
            if let today = now.layout.partnerPartitions[topic], today != count {
                return differs("partitions of the partner's topic '\(topic)'", count, today)
            }
        }
        return nil
    }

    private func name(_ partition: SourcePartition) -> String {
        "\(partition.topic)[\(partition.partition)]"
    }

    // MARK: The operator's answer

    private mutating func accepted(_ reason: String, _ choice: String) -> Bool {
        guard let index = acts.firstIndex(where: { $0.reason == reason && $0.choice == choice })
        else { return false }
        done.changes.append(.applied(act: acts.remove(at: index).id))
        return true
    }

    private mutating func record(_ change: LedgerChange) {
        books.apply(change)
        done.changes.append(change)
    }

    /// Applies the operator's choice for this halt, if there is one: true where judging goes on.
    private mutating func answer(_ halt: Halt) -> Bool {
        guard let index = acts.firstIndex(where: { $0.reason == halt.reason }) else { return false }
        let act = acts[index]
        switch (halt.reason, act.choice) {
        case ("cluster-changed", "accept-clusters"), ("layout-changed", "accept-layout"):
            guard canAccept() else { return false }
            // What another cluster acknowledged says nothing about where topics end on this one.
            if books.clusters?.partner != now.clusters.partner { record(.forgetAcknowledged) }
            record(.accept(clusters: now.clusters, layout: now.layout))
            forgetEveryMarker()
            isIdentityAccepted = true
        case ("checkpoint-lost", "trust-ledger") where !books.partitions.isEmpty,
            ("partner-restored", "trust-ledger"), ("markers-disagree", "trust-ledger"):
            if let intent = books.intent { record(.drop(batchSeq: intent.batchSeq)) }
            forgetEveryMarker()
            doubtPresence()
        case ("checkpoint-lost", "start-at"), ("partner-restored", "start-at"):
            if books.partitions.isEmpty {
                startsAfresh = true
                usedAct = act
            } else {
                if let intent = books.intent { record(.drop(batchSeq: intent.batchSeq)) }
                forgetEveryMarker()
                doubtPresence()
                // Where the partner's topics end now is known, and answered.
                if halt.reason == "partner-restored" { record(.forgetAcknowledged) }
                for partition in now.partitions { done.moved[partition] = .spoken(act.argument) }
            }
        case ("partner-restored", "adopt-marker"), ("markers-disagree", "adopt-marker"):
            acts.remove(at: index)
            done.changes.append(.applied(act: act.id))
            return adoptByChoice()
        default:
            return false
        }
        acts.remove(at: index)
        done.changes.append(.applied(act: act.id))
        return true
    }

    /// Lanes and checkpoint partitions say where a marker stands: they cannot change under a contract.
    private func canAccept() -> Bool {
        let known = [books.layout].compactMap { $0 } + view.markers.values.map(\.marker.layout)
        return known.allSatisfy {
            $0.lanes == now.layout.lanes && $0.hash == now.layout.hash
                && $0.checkpointPartitions == now.layout.checkpointPartitions
        }
    }

    private mutating func forgetEveryMarker() {
        record(.forgetMarkers(books.partitions.keys.sorted()))
    }

    /// Whether the partner still has what was delivered, and what was retracted, is not known.
    private mutating func doubtPresence() {
        let kept = books.partitions.values.filter { $0.presence != nil }.map(\.partition)
        if !kept.isEmpty { record(.resetPresence(kept.sorted(), nil)) }
    }

    /// Takes the markers as they stand into the books, so that the next pass finds them to be L.
    private mutating func adoptByChoice() -> Bool {
        guard case .proceed = adopt("markers adopted by choice") else { return false }
        if case .adopt? = done.changes.last, let change = done.changes.last { books.apply(change) }
        return true
    }
}

extension CheckpointView.Standing {
    package var point: MarkerPoint? {
        guard let nonce = Nonce(text: marker.nonce) else { return nil }
        return MarkerPoint(
            nextOffset: marker.nextOffset, batchSeq: marker.batchSeq, nonce: nonce,
            checkpointOffset: offset)
    }
}
