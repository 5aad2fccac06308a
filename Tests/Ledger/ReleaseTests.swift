import Ledger
import Testing

/// Quarantined records that leave: figures move, copies go, and what is asked for stands until answered.
@Suite struct ReleaseTests {
    private let directory = TemporaryDirectory()
    private let lane = LaneID(contract: "flights-skyways", lane: 0)
    private let p = partition(0)

    private func open() throws -> Ledger {
        try Ledger.open(directory: directory.path, access: .service)
    }

    /// Ten offsets decided, of which 2, 5 and 7 were refused in batch 1.
    private func refuse(_ ledger: Ledger) throws -> LaneStore {
        let store = LaneStore(ledger: ledger, lane: lane)
        try store.write([.start([p: 0], pin: pin, clusters: clusters, layout: layout)])
        let step = progress(p, 0, 10, counts(delivered: 6, filtered: 1, quarantined: 3))
        try store.write([
            .intent(intent(1, [step]), quarantined: [2, 5, 7].map { refused(p, $0, bytes: 5000) })
        ])
        try store.write([.mark(batchSeq: 1, checkpointOffset: 4, acknowledged: [])])
        return store
    }

    private func release(
        _ request: ReleaseRequest, _ outcome: Release.Outcome = .delivered
    ) -> Release {
        Release(
            id: request.id, source: request.record.partition, offset: request.record.offset,
            refusedIn: request.refusedIn, outcome: outcome,
            bytes: outcome == .delivered ? 40 : 0)
    }

    private func releasing(
        _ seq: Int64, _ releases: [Release], nonce: UInt64 = 9
    ) -> Intent {
        var moved = Counts()
        for one in releases { moved = moved + one.counts }
        var intent = intent(seq, [progress(p, 10, 10, moved)], nonce: nonce)
        intent.releases = releases
        return intent
    }

    private func states(_ ledger: Ledger) throws -> [QuarantineState] {
        try ledger.quarantine(lane.contract).map(\.state)
    }

    private func expectFigures(
        _ ledger: Ledger, _ store: LaneStore, delivered: Int64, filtered: Int64,
        quarantined: Int64
    ) throws {
        let books = try #require(try store.books().partitions[p])
        let ranges = try ledger.ranges(lane.contract, p)
        let summed = ranges.reduce(Counts()) { $0 + $1.counts }
        for counts in [books.counts, summed] {
            #expect(counts.balances)
            #expect(counts.read == 10)
            #expect(counts.delivered == delivered)
            #expect(counts.filtered == filtered)
            #expect(counts.quarantined == quarantined)
        }
        #expect(books.counts.bytes == summed.bytes)
    }

    @Test func `a release moves figures with its mark, not before, and drops the copies`() throws {
        let ledger = try open()
        let store = try refuse(ledger)
        let size = try ledger.quarantineSize()
        #expect(try store.releaseRequests(limit: 10, bytes: 1 << 20).isEmpty)
        let asked = try ledger.record(.release, of: lane.contract, .ids([1, 3]))
        #expect(asked == QuarantineActOutcome(records: 2))
        #expect(try states(ledger) == [.releasing, .held, .releasing])
        #expect(try store.newestAct() == 1)
        let requests = try store.releaseRequests(limit: 10, bytes: 1 << 20)
        #expect(requests.map(\.record) == [2, 7].map { refused(p, $0, bytes: 5000) })
        #expect(try store.releaseRequests(limit: 10, bytes: 1).count == 1, "one at least")

        let attempt = releasing(2, [release(requests[0]), release(requests[1], .filtered)])
        try store.write([.intent(attempt, quarantined: [])])
        #expect(try store.books().intent == attempt)
        try expectFigures(ledger, store, delivered: 6, filtered: 1, quarantined: 3)
        try store.write([.drop(batchSeq: 2)])
        #expect(try states(ledger) == [.releasing, .held, .releasing], "an abort changes nothing")

        try store.write([.intent(attempt, quarantined: [])])
        try store.write([.mark(batchSeq: 2, checkpointOffset: 6, acknowledged: [])])
        #expect(try states(ledger) == [.released, .held, .filtered])
        try expectFigures(ledger, store, delivered: 7, filtered: 2, quarantined: 1)
        #expect(try ledger.quarantineSize() < size - 9000)
        #expect(try ledger.quarantined(1)?.value == nil)
        #expect(try ledger.quarantineEntry(lane.contract, 1)?.releasedIn == 2)
        #expect(try store.releaseRequests(limit: 10, bytes: 1 << 20).isEmpty)
        let totals = try ledger.quarantineTotals(lane.contract)
        #expect(totals.map(\.state) == [.filtered, .held, .released])
        #expect(totals.map(\.records) == [1, 1, 1])
    }

    @Test func `figures move in a coalesced row, too, and its batches are kept apart`() throws {
        let clock = TestClock()
        let ledger = try Ledger.open(
            directory: directory.path, access: .service, clock: { clock.milliseconds })
        let store = try refuse(ledger)
        for seq in Int64(2)...9 {
            let step = progress(p, 8 + seq, 9 + seq, counts(delivered: 1))
            try store.write([.intent(intent(seq, [step]), quarantined: [])])
            try store.write([.mark(batchSeq: seq, checkpointOffset: 4, acknowledged: [])])
        }
        clock.milliseconds = 40 * 86_400_000
        let keeping = Keeping(detail: 86_400_000)
        let maintenance = Maintenance(ledger: ledger, keeping: keeping)
        while try maintenance.step() {}
        #expect(try ledger.ranges(lane.contract, p).count < 9, "rows are coalesced")
        try ledger.record(.release, of: lane.contract, .ids([2]))
        let request = try #require(try store.releaseRequests(limit: 1, bytes: 1).first)
        var attempt = releasing(10, [release(request)])
        attempt.progress[0].from = 18
        attempt.progress[0].to = 18
        try store.write([.intent(attempt, quarantined: [])])
        try store.write([.mark(batchSeq: 10, checkpointOffset: 9, acknowledged: [])])
        let summed = try ledger.ranges(lane.contract, p).reduce(Counts()) { $0 + $1.counts }
        #expect(summed == (try store.books().partitions[p]?.counts))
        #expect(summed.quarantined == 2)
    }

    @Test func `one that does not conform either stays for the new reason`() throws {
        let ledger = try open()
        let store = try refuse(ledger)
        try ledger.record(.release, of: lane.contract, .all(rule: "required"))
        try store.write([
            .keep(
                [RefusedRelease(id: 2, rule: "check", path: "a", detail: "is 3, not 4")], pin: pin)
        ])
        #expect(try states(ledger) == [.releasing, .held, .releasing])
        let entry = try #require(try ledger.quarantineEntry(lane.contract, 2))
        #expect((entry.rule, entry.path, entry.detail) == ("check", "a", "is 3, not 4"))
        #expect(entry.outcome == "refused")
        #expect(try ledger.quarantined(2)?.value?.count == 5000, "its copy stays")
        try expectFigures(ledger, store, delivered: 6, filtered: 1, quarantined: 3)
    }

    @Test func `what the checkpoint topic tells of is released here once`() throws {
        let ledger = try open()
        let store = try refuse(ledger)
        try ledger.record(.release, of: lane.contract, .all(rule: nil))
        let told = release(try store.releaseRequests(limit: 1, bytes: 1)[0])
        for _ in 0..<2 {
            try store.write([.learnReleases([told], batchSeq: 5)])
            #expect(try states(ledger) == [.released, .releasing, .releasing])
            try expectFigures(ledger, store, delivered: 7, filtered: 1, quarantined: 2)
        }
        // Refused again since: that release was of an earlier copy.
        var older = release(try store.releaseRequests(limit: 1, bytes: 1)[0])
        older.refusedIn = 0
        try store.write([.learnReleases([older], batchSeq: 6)])
        #expect(try states(ledger) == [.released, .releasing, .releasing])
    }

    @Test func `what will be decided again, or may have been, is not released`() throws {
        let ledger = try open()
        let store = try refuse(ledger)
        try ledger.record(.release, of: lane.contract, .all(rule: nil))
        try store.write([.reposition(p, to: 5, why: "moved")])
        #expect(try states(ledger) == [.releasing, .unproven, .unproven])
        #expect(try store.releaseRequests(limit: 9, bytes: 1 << 20).map(\.record.offset) == [2])
        let asked = try ledger.record(.release, of: lane.contract, .ids([1, 2, 4]))
        #expect(
            asked.refused == [
                .init(id: 2, state: .unproven), .init(id: 4, state: nil),
            ])
        let move = Act(id: "x", choice: "start-at", reason: "r", argument: "earliest", at: 3)
        try store.write([.learn([move])])
        #expect(try states(ledger) == [.unproven, .unproven, .unproven])
    }

    @Test func `a discard keeps the count and drops the copy; under way it is refused`() throws {
        let ledger = try open()
        let store = try refuse(ledger)
        try ledger.record(.release, of: lane.contract, .ids([1, 2]))
        let requests = try store.releaseRequests(limit: 9, bytes: 1 << 20)
        try store.write([.intent(releasing(2, [release(requests[0])]), quarantined: [])])
        let done = try ledger.record(.discard, of: lane.contract, .all(rule: nil))
        #expect(done.records == 2, "the first one is under way")
        #expect(try states(ledger) == [.releasing, .discarded, .discarded])
        #expect(try ledger.quarantined(2)?.value == nil)
        try store.write([.drop(batchSeq: 2)])
        try expectFigures(ledger, store, delivered: 6, filtered: 1, quarantined: 3)
        #expect {
            try store.write([.intent(releasing(2, [release(requests[1])]), quarantined: [])])
        } throws: { ($0 as? LedgerFailure)?.kind == .unavailable }
        #expect(try store.books().intent == nil)
        #expect(try ledger.record(.discard, of: lane.contract, .ids([2])).refused.count == 1)
    }
}
