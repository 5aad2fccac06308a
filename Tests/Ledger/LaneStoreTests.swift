import Ledger
import Testing

@Suite struct LaneStoreTests {
    private let directory = TemporaryDirectory()
    private let lane = LaneID(contract: "flights-skyways", lane: 0)

    private func open(quarantineBytes: Int64 = 1 << 20) throws -> Ledger {
        try Ledger.open(
            directory: directory.path, access: .service, quarantineBytes: quarantineBytes)
    }

    @Test(arguments: Array<UInt64>(1...12))
    func `the store's books equal the pure ones after any changes, and after reopening`(
        seed: UInt64
    ) throws {
        var ledger = try open()
        var store = LaneStore(ledger: ledger, lane: lane)
        var model = RandomBooks(seed: seed)
        for turn in 0..<150 {
            let changes = model.nextChanges()
            try store.write(changes)
            let stored = try store.books()
            #expect(stored == model.books, "seed \(seed), turn \(turn), after \(changes)")
            guard stored == model.books else { return }
            try expectPresence(store, model, "seed \(seed), turn \(turn), after \(changes)")
            if turn % 40 == 39 {
                // A service's lock goes with the last reference.
                store = LaneStore(ledger: try Self.reopen(&ledger, open), lane: lane)
                #expect(try store.books() == model.books, "seed \(seed), reopened")
            }
        }
        for known in model.books.partitions.values {
            try expectCovered(ledger, known, "seed \(seed)")
        }
    }

    /// Read in pages of two, the index is the model's.
    private func expectPresence(
        _ store: LaneStore, _ model: RandomBooks, _ context: String
    ) throws {
        for partition in model.books.partitions.keys {
            var found: [PresenceChange] = []
            while true {
                let page = try store.presence(of: partition, after: found.last?.hash, limit: 2)
                if page.isEmpty { break }
                found += page
            }
            let wanted = (model.presence[partition] ?? [:]).sorted { $0.key < $1.key }
                .map { PresenceChange($0.key, isPresent: $0.value) }
            #expect(found == wanted, "\(context): \(partition)")
        }
    }

    private static func reopen(
        _ ledger: inout Ledger, _ open: (Int64) throws -> Ledger
    ) throws -> Ledger {
        ledger.close()
        ledger = try open(1 << 20)
        return ledger
    }

    /// Ranges follow on one another up to D, from the start or from wherever a marker or an operator
    /// put the beginning.
    private func expectCovered(
        _ ledger: Ledger, _ known: PartitionBooks, _ context: String
    ) throws {
        let ranges = try ledger.ranges(lane.contract, known.partition)
        for (earlier, later) in zip(ranges, ranges.dropFirst()) {
            #expect(earlier.to == later.from, "\(context): \(known.partition)")
        }
        if let last = ranges.last { #expect(last.to == known.decided, "\(context)") }
        if let first = ranges.first, known.decided > known.startOffset {
            #expect(first.from <= known.startOffset, "\(context)")
        }
    }

    @Test func `a failed write leaves nothing of it behind`() throws {
        let store = LaneStore(ledger: try open(quarantineBytes: 1000), lane: lane)
        let p = partition(0)
        try store.write([.start([p: 0], pin: pin, clusters: clusters, layout: layout)])
        let before = try store.books()
        let large = refused(p, 0, bytes: 2000)
        let step = progress(p, 0, 1, counts(quarantined: 1))
        #expect {
            try store.write([
                .claim(Nonce(high: 1, low: 2)), .intent(intent(1, [step]), quarantined: [large]),
            ])
        } throws: { ($0 as? LedgerFailure)?.kind == .quarantineFull }
        #expect(try store.books() == before)
    }

    @Test func `a batch for a partition that was never started is refused`() throws {
        let store = LaneStore(ledger: try open(), lane: lane)
        let step = progress(partition(9), 0, 1, counts(filtered: 1))
        #expect {
            try store.write([.filtered([step], pin: pin)])
        } throws: { ($0 as? LedgerFailure)?.kind == .corrupt }
    }

    @Test func `lanes of a contract share the start decision and see their own partitions only`()
        throws
    {
        let ledger = try open()
        let first = LaneStore(ledger: ledger, lane: lane)
        let second = LaneStore(ledger: ledger, lane: LaneID(contract: lane.contract, lane: 1))
        #expect(try second.contractStarted() == false)
        let start = [partition(0): Int64(5), partition(2): 6]
        try first.write([.start(start, pin: pin, clusters: clusters, layout: layout)])
        #expect(try second.contractStarted())
        #expect(try second.books().partitions.isEmpty)
        let other = [partition(0): Int64(77), partition(1): 8]
        try second.write([.start(other, pin: pin, clusters: clusters, layout: layout)])
        #expect(try first.books().partitions.mapValues(\.startOffset) == start)
        #expect(try second.books().partitions.mapValues(\.startOffset) == [partition(1): 8])
        #expect(try ledger.starts(lane.contract)[partition(0)] == 5)
    }

    @Test func `refused records are staged, become real, come back whole, and count`() throws {
        let ledger = try open()
        let store = LaneStore(ledger: ledger, lane: lane)
        let p = partition(0)
        try store.write([.start([p: 0], pin: pin, clusters: clusters, layout: layout)])
        let first = intent(1, [progress(p, 0, 2, counts(quarantined: 2))])
        try store.write([.intent(first, quarantined: [refused(p, 0), refused(p, 1)])])
        #expect(try ledger.quarantine(lane.contract).map(\.state) == [.staged, .staged])
        try store.write([.drop(batchSeq: 1)])
        #expect(try ledger.quarantine(lane.contract).isEmpty)
        #expect(try ledger.quarantineSize() == 0)
        let second = intent(2, first.progress)
        try store.write([.intent(second, quarantined: [refused(p, 0), refused(p, 1)])])
        try store.write([.mark(batchSeq: 2, checkpointOffset: 4, acknowledged: [])])
        let entries = try ledger.quarantine(lane.contract)
        #expect(entries.map(\.state) == [.held, .held])
        #expect(try ledger.quarantineSize() == entries.reduce(0) { $0 + $1.size })
        #expect(try ledger.quarantined(entries[1].id) == refused(p, 1))
    }

    @Test func `an adoption keeps what was staged as unproven, and deciding again replaces it`()
        throws
    {
        let ledger = try open()
        let store = LaneStore(ledger: ledger, lane: lane)
        let p = partition(0)
        try store.write([.start([p: 0], pin: pin, clusters: clusters, layout: layout)])
        let open = intent(1, [progress(p, 0, 4, counts(delivered: 3, quarantined: 1))])
        try store.write([.intent(open, quarantined: [refused(p, 3)])])
        try store.write([adoption(of: p, at: 2, counts(delivered: 2))])
        #expect(try ledger.quarantine(lane.contract).map(\.state) == [.unproven])
        #expect(try ledger.ranges(lane.contract, p).map(\.kind) == ["ledger-gap"])
        let again = intent(3, [progress(p, 2, 4, counts(delivered: 1, quarantined: 1))])
        try store.write([.intent(again, quarantined: [refused(p, 3)])])
        try store.write([.mark(batchSeq: 3, checkpointOffset: 9, acknowledged: [])])
        #expect(try ledger.quarantine(lane.contract).map(\.state) == [.held])
        #expect(try ledger.ranges(lane.contract, p).map(\.to) == [2, 4])
    }

    @Test(arguments: [false, true])
    func `a record that is decided otherwise has no row left of the attempt that refused it`(
        filtered: Bool
    ) throws {
        let ledger = try open()
        let store = LaneStore(ledger: ledger, lane: lane)
        let p = partition(0)
        try store.write([.start([p: 0], pin: pin, clusters: clusters, layout: layout)])
        let open = intent(1, [progress(p, 0, 4, counts(delivered: 2, quarantined: 2))])
        try store.write([.intent(open, quarantined: [refused(p, 1), refused(p, 3)])])
        try store.write([adoption(of: p, at: 2, counts(delivered: 1, quarantined: 1))])
        if filtered {
            try store.write([.filtered([progress(p, 2, 4, counts(filtered: 2))], pin: pin)])
        } else {
            let again = intent(3, [progress(p, 2, 4, counts(delivered: 2))])
            try store.write([.intent(again, quarantined: [])])
            try store.write([.mark(batchSeq: 3, checkpointOffset: 9, acknowledged: [])])
        }
        // Below the marker the attempt may have been the one that counts.
        #expect(try ledger.quarantine(lane.contract).map(\.offset) == [1])
    }

    @Test func `an older marker voids what lies beyond it, a row across it as a whole`() throws {
        let ledger = try open()
        let store = LaneStore(ledger: ledger, lane: lane)
        let p = partition(0)
        try store.write([.start([p: 0], pin: pin, clusters: clusters, layout: layout)])
        for (number, from) in [Int64(0), 10, 20].enumerated() {
            let step = progress(p, from, from + 10, counts(delivered: 10))
            try store.write([.intent(intent(Int64(number + 1), [step]), quarantined: [])])
            try store.write([
                .mark(batchSeq: Int64(number + 1), checkpointOffset: 0, acknowledged: [])
            ])
        }
        try store.write([adoption(of: p, at: 15, counts(delivered: 15))])
        let ranges = try ledger.ranges(lane.contract, p)
        #expect(ranges.map(\.kind) == ["decided", "unaccounted"])
        #expect(ranges.map(\.to) == [10, 15])
        #expect(ranges.map(\.counts.delivered) == [10, 5])
        #expect(try store.books().partitions[p]?.decided == 15)
    }

    private func adoption(
        of partition: SourcePartition, at next: Int64, _ counts: Counts
    ) -> LedgerChange {
        let point = MarkerPoint(
            nextOffset: next, batchSeq: 2, nonce: Nonce(high: 8, low: 9), checkpointOffset: 3)
        let marker = AdoptedMarker(
            partition: partition, point: point, counts: counts, fingerprints: [], chain: "x")
        return .adopt(
            [marker], pin: pin, clusters: clusters, layout: layout, acknowledged: [],
            lastBatchSeq: 2, why: "test")
    }
}
