import Ledger
import Testing

@testable import Replication

/// The table of "Start and recovery", row by row, and over every combination of a small domain.
@Suite struct ReconcileTests {
    static let p0 = SourcePartition(topic: "orders", partition: 0)
    static let p1 = SourcePartition(topic: "orders", partition: 1)
    static let pin = ContractPin(version: "1.0.0", hash: "aaaa")
    static let clusters = ClusterIDs(source: "s", partner: "t")
    static let layout = Layout(
        lanes: 1, hash: "crc32c", checkpointPartitions: 1, partnerPartitions: ["out": 2])

    static func nonce(_ number: Int64) -> Nonce { Nonce(high: 7, low: UInt64(number)) }

    static func marker(
        _ partition: SourcePartition, _ seq: Int64, nonce: Int64? = nil, digest: String = "d",
        lane: Int = 0
    ) -> CheckpointView.Standing {
        CheckpointView.Standing(
            marker: Marker(
                contract: "c", lane: lane, pin: pin, next: pin, topic: partition.topic,
                partition: partition.partition, nextOffset: seq * 10, batchSeq: seq,
                nonce: Self.nonce(nonce ?? seq).text, digest: digest, counts: Counts(), chain: "",
                clusters: clusters, layout: layout, acknowledged: [], fingerprints: [], acts: []),
            offset: seq)
    }

    static func view(_ markers: [SourcePartition: CheckpointView.Standing]) -> CheckpointView {
        var view = CheckpointView()
        view.markers = markers
        view.anyOfContract = !markers.isEmpty
        return view
    }

    /// L per partition by batch_seq, nil = started, no marker yet.
    static func books(_ known: [SourcePartition: Int64?], intent: Intent? = nil) -> LaneBooks {
        var books = LaneBooks()
        for (partition, seq) in known {
            var entry = PartitionBooks(partition: partition, startOffset: 0)
            if let seq {
                entry.decided = seq * 10
                entry.marker = MarkerPoint(
                    nextOffset: seq * 10, batchSeq: seq, nonce: nonce(seq), checkpointOffset: seq)
            }
            books.partitions[partition] = entry
        }
        books.intent = intent
        books.pin = pin
        books.clusters = clusters
        books.layout = layout
        books.lastBatchSeq = known.values.compactMap { $0 }.max() ?? 0
        return books
    }

    static func intent(_ partitions: [SourcePartition], _ seq: Int64) -> Intent {
        Intent(
            batchSeq: seq, nonce: nonce(seq), digest: "d", pin: pin, next: pin,
            progress: partitions.map {
                Progress(
                    partition: $0, from: 0, to: seq * 10, counts: Counts(), fingerprints: [],
                    chain: "")
            })
    }

    static func now(_ body: (inout Circumstances) -> Void = { _ in }) -> Circumstances {
        var now = Circumstances(
            pin: pin, lane: 0, partitions: [p0, p1], clusters: clusters, layout: layout,
            groupOffsets: [:], contractStarted: true)
        body(&now)
        return now
    }

    static let settled = books([p0: 2, p1: 1])
    static let standing = view([p0: marker(p0, 2), p1: marker(p1, 1)])

    private func reason(
        _ books: LaneBooks, _ view: CheckpointView, _ now: Circumstances = now()
    ) -> String? {
        guard case .halt(let halt) = Reconciliation.judge(books: books, view: view, now: now)
        else { return nil }
        return halt.reason
    }

    private func changes(
        _ books: LaneBooks, _ view: CheckpointView, _ now: Circumstances = now()
    ) -> [LedgerChange]? {
        guard case .proceed(let done) = Reconciliation.judge(books: books, view: view, now: now)
        else { return nil }
        return done.changes
    }

    private func adopts(
        _ books: LaneBooks, _ view: CheckpointView, _ now: Circumstances = now()
    ) -> Bool {
        guard case .adopt? = changes(books, view, now)?.last else { return false }
        return true
    }

    // MARK: Row by row

    @Test func differingIdentitiesHalt() {
        for lost in [false, true] {
            let books = lost ? LaneBooks() : Self.settled
            let view = Self.standing
            let now = Self.now
            #expect(reason(books, view, now { $0.clusters.source = "x" }) == "cluster-changed")
            #expect(reason(books, view, now { $0.clusters.partner = "x" }) == "cluster-changed")
            #expect(reason(books, view, now { $0.layout.lanes = 2 }) == "layout-changed")
            #expect(reason(books, view, now { $0.layout.hash = "x" }) == "layout-changed")
            #expect(
                reason(books, view, now { $0.layout.checkpointPartitions = 3 }) == "layout-changed")
            #expect(
                reason(books, view, now { $0.layout.partnerPartitions["out"] = 3 })
                    == "layout-changed")
        }
        #expect(
            reason(LaneBooks(), Self.view([Self.p0: Self.marker(Self.p0, 1, lane: 1)]))
                == "layout-changed")
        var unreadable = Self.standing
        unreadable.unreadable = "format 9"
        #expect(reason(Self.settled, unreadable) == "marker-unreadable")
    }

    @Test func nothingAnywhereIsAFirstStart() {
        let fresh = Self.now { $0.contractStarted = false }
        let judgement = Reconciliation.judge(books: LaneBooks(), view: Self.view([:]), now: fresh)
        #expect(judgement == .firstStart(act: nil))
        let known = Self.now {
            $0.contractStarted = false
            $0.groupOffsets = [Self.p0: 5]
        }
        #expect(reason(LaneBooks(), Self.view([:]), known) == "checkpoint-lost")
    }

    @Test func initialMarkersThatAreMissingAreWritten() {
        #expect(changes(Self.books([Self.p0: nil, Self.p1: nil]), Self.view([:])) == [])
        // A ledger that lacks a partition that appeared later.
        let judgement = Reconciliation.judge(
            books: Self.books([Self.p0: 2]), view: Self.view([Self.p0: Self.marker(Self.p0, 2)]),
            now: Self.now())
        guard case .proceed(let done) = judgement else {
            Issue.record("\(judgement)")
            return
        }
        #expect(done.appeared == [Self.p1: .low])
    }

    @Test func aMarkerThatIsGoneHaltsAndSoDoesAnOlderOne() {
        #expect(
            reason(Self.settled, Self.view([Self.p0: Self.marker(Self.p0, 2)]))
                == "checkpoint-lost")
        #expect(reason(Self.settled, Self.view([:])) == "checkpoint-lost")
        let older = Self.view([
            Self.p0: Self.marker(Self.p0, 1), Self.p1: Self.marker(Self.p1, 1),
        ])
        #expect(reason(Self.settled, older) == "partner-restored")
    }

    @Test func aLostLedgerAdoptsUnlessTheContractChanged() {
        #expect(adopts(LaneBooks(), Self.standing))
        let changed = Self.now { $0.pin = ContractPin(version: "1.1.0", hash: "bbbb") }
        #expect(reason(LaneBooks(), Self.standing, changed) == "contract-changed")
    }

    @Test func anOutdatedLedgerAdopts() {
        let newer = Self.view([
            Self.p0: Self.marker(Self.p0, 2), Self.p1: Self.marker(Self.p1, 3),
        ])
        #expect(adopts(Self.settled, newer))
        var claimed = Self.standing
        claimed.foreignClaim = "twin"
        #expect(adopts(Self.settled, claimed))
        #expect(adopts(Self.settled, Self.standing, Self.now { $0.groupOffsets = [Self.p0: 21] }))
        #expect(!adopts(Self.settled, Self.standing, Self.now { $0.groupOffsets = [Self.p0: 20] }))
        // Judged before the rows about I: the batch of I stands, and something newer beside it.
        let open = Self.books([Self.p0: 2, Self.p1: 1], intent: Self.intent([Self.p0], 3))
        let beside = Self.view([
            Self.p0: Self.marker(Self.p0, 3), Self.p1: Self.marker(Self.p1, 4),
        ])
        #expect(adopts(open, beside))
        let others = Self.view([
            Self.p0: Self.marker(Self.p0, 3, nonce: 99), Self.p1: Self.marker(Self.p1, 1),
        ])
        #expect(adopts(open, others))
    }

    @Test func anOpenIntentIsMarkedDroppedOrImpossible() {
        let both = Self.books(
            [Self.p0: 2, Self.p1: 1], intent: Self.intent([Self.p0, Self.p1], 3))
        let committed = Self.view([
            Self.p0: Self.marker(Self.p0, 3), Self.p1: Self.marker(Self.p1, 3),
        ])
        #expect(
            changes(both, committed)
                == [.mark(batchSeq: 3, checkpointOffset: 3, acknowledged: [])])
        // The group was told before the mark was written.
        #expect(
            changes(both, committed, Self.now { $0.groupOffsets = [Self.p0: 30] })
                == [.mark(batchSeq: 3, checkpointOffset: 3, acknowledged: [])])
        #expect(changes(both, Self.standing) == [.drop(batchSeq: 3)])
        let half = Self.view([
            Self.p0: Self.marker(Self.p0, 3), Self.p1: Self.marker(Self.p1, 1),
        ])
        #expect(reason(both, half) == "markers-disagree")
        let forged = Self.view([
            Self.p0: Self.marker(Self.p0, 3, digest: "other"),
            Self.p1: Self.marker(Self.p1, 3, digest: "other"),
        ])
        #expect(reason(both, forged) == "markers-disagree")
    }

    /// Such markers still tell the old figures: a lost ledger's, an old copy's, those of its open intent.
    @Test func whatAnOperatorAcceptedHoldsForMarkersThatTheLedgerHasNotTakenIn() {
        let committed = Self.view([
            Self.p0: Self.marker(Self.p0, 3), Self.p1: Self.marker(Self.p1, 3),
        ])
        let open = Self.books(
            [Self.p0: 2, Self.p1: 1], intent: Self.intent([Self.p0, Self.p1], 3))
        let act = Act(
            id: "1", choice: "accept-layout", reason: "layout-changed", argument: "", at: 0)
        func judge(_ books: LaneBooks, _ now: Circumstances) -> Judgement {
            Reconciliation.judge(books: books, view: committed, now: now, acts: [act])
        }
        for books in [LaneBooks(), Self.settled, open] {
            let grown = judge(books, Self.now { $0.layout.partnerPartitions["out"] = 3 })
            guard case .proceed(let done) = grown else {
                Issue.record("\(grown)")
                continue
            }
            #expect(done.changes.contains(.applied(act: "1")))
            guard case .halt = judge(books, Self.now { $0.layout.lanes = 2 }) else {
                Issue.record("another number of lanes was accepted")
                continue
            }
        }
    }

    @Test func theVeryMarkerIsNormalAndAnotherOfItsNumberIsNot() {
        #expect(changes(Self.settled, Self.standing) == [])
        let other = Self.view([
            Self.p0: Self.marker(Self.p0, 2, nonce: 98), Self.p1: Self.marker(Self.p1, 1),
        ])
        #expect(reason(Self.settled, other) == "markers-disagree")
    }

    @Test func whatAppearsOnALaneThatStartedWithoutPartitionsBeginsAtItsBeginning() {
        var books = Self.books([:])
        let now = Self.now()
        let judgement = Reconciliation.judge(books: books, view: CheckpointView(), now: now)
        guard case .proceed(let done) = judgement else {
            Issue.record("\(judgement)")
            return
        }
        #expect(done.appeared == [Self.p0: .low, Self.p1: .low])
        books.pin = nil
        #expect(
            Reconciliation.judge(books: books, view: CheckpointView(), now: now)
                == .firstStart(act: nil))
    }

    /// An old copy from between the first markers' intent and its mark, and records filtered since.
    @Test func theGroupBeyondTheFirstMarkersShowsAnOldCopyToo() {
        let copy = Self.books([Self.p0: nil, Self.p1: nil], intent: Self.intent([Self.p0], 1))
        let view = Self.view([Self.p0: Self.marker(Self.p0, 1)])
        #expect(!adopts(copy, view, Self.now { $0.groupOffsets = [Self.p0: 10] }))
        #expect(adopts(copy, view, Self.now { $0.groupOffsets = [Self.p0: 11] }))
    }

    @Test func aGroupThatWasToldMoreThanAnOperatorsNewPlaceProvesNothing() {
        var moved = Self.settled
        moved.partitions[Self.p0]?.decided = 3
        #expect(changes(moved, Self.standing, Self.now { $0.groupOffsets = [Self.p0: 20] }) == [])
        #expect(adopts(moved, Self.standing, Self.now { $0.groupOffsets = [Self.p0: 21] }))
        // Markers let go of, and the first new one not written yet.
        let none = Self.books([Self.p0: nil, Self.p1: nil])
        #expect(
            changes(none, CheckpointView(), Self.now { $0.groupOffsets = [Self.p0: 20] }) == [])
    }

    // MARK: Every combination

    /// 2 partitions, L none or 1 or 2, M none or one of four, an intent over none, one or both.
    @Test func noCombinationTrustsWhatIsNotProven() {
        var judged = 0
        let markers: [(Int64, Int64)?] = [nil, (1, 1), (2, 2), (3, 3), (3, 99), (4, 4)]
        let known: [Int64?] = [nil, 1, 2]
        let intents: [[SourcePartition]] = [[], [Self.p0], [Self.p1], [Self.p0, Self.p1]]
        for l0 in known {
            for l1 in known {
                for m0 in markers {
                    for m1 in markers {
                        for touched in intents {
                            for foreign in [false, true] {
                                check([l0, l1], [m0, m1], touched, foreign)
                                judged += 1
                            }
                        }
                    }
                }
            }
        }
        print("reconcile: \(judged) combinations")
    }

    private func check(
        _ known: [Int64?], _ markers: [(Int64, Int64)?], _ touched: [SourcePartition],
        _ foreign: Bool
    ) {
        let partitions = [Self.p0, Self.p1]
        let next = (known.compactMap { $0 }.max() ?? 0) + 1
        let intent = touched.isEmpty ? nil : Self.intent(touched, next)
        let books = Self.books([Self.p0: known[0], Self.p1: known[1]], intent: intent)
        var view = CheckpointView()
        for (partition, entry) in zip(partitions, markers) {
            guard let entry else { continue }
            view.markers[partition] = Self.marker(partition, entry.0, nonce: entry.1)
        }
        view.anyOfContract = !view.markers.isEmpty
        view.foreignClaim = foreign ? "twin" : nil
        let judgement = Reconciliation.judge(books: books, view: view, now: Self.now())
        guard case .proceed(let done) = judgement else { return }

        let what = Comment(rawValue: "L \(known), M \(markers), I \(touched), \(foreign): \(done)")
        var after = books
        for change in done.changes { after.apply(change) }
        #expect(after.intent == nil, what)
        for (index, partition) in partitions.enumerated() {
            let isIntents = markers[index].map { $0 == (next, next) } ?? false
            for change in done.changes {
                if case .mark = change, touched.contains(partition) { #expect(isIntents, what) }
                if case .drop = change, touched.contains(partition) { #expect(!isIntents, what) }
            }
            // L forgotten by an operator's choice, and no newer marker: the ledger is trusted.
            if known[index] == nil, let marker = markers[index], marker.0 < next { continue }
            // The lane never goes on from anywhere but the marker that stands there.
            let standing = view.markers[partition]
            #expect(after.partitions[partition]?.marker?.nonce.text == standing?.marker.nonce, what)
            if let standing {
                #expect(after.partitions[partition]?.decided == standing.marker.nextOffset, what)
            }
        }
    }
}
