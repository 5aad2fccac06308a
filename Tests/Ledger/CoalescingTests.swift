import Ledger
import Testing

/// Rows of one partition as far as coalescing must not change them.
private struct Account: Equatable {
    var from: Int64?
    var to: Int64?
    var counts = Counts()
    var batches = 0
    /// What stands between ordinary rows.
    var exceptions: [DecidedRange] = []
    /// Which version decided what: adjacent ranges of one version.
    var versions: [[String]] = []

    init(_ rows: [DecidedRange], _ context: String) {
        from = rows.first?.from
        to = rows.last?.to
        for (earlier, later) in zip(rows, rows.dropFirst()) {
            #expect(earlier.to == later.from, "\(context)")
        }
        for row in rows {
            counts = counts + row.counts
            batches += row.batches
            let isOrdinary = ["decided", "filtered"].contains(row.kind)
            if !isOrdinary { exceptions.append(row) }
            let version = row.pin.map { "\($0.version) \($0.hash)" } ?? row.kind
            if versions.last?[0] == version {
                versions[versions.count - 1][1] = "\(row.to)"
            } else {
                versions.append([version, "\(row.to)"])
            }
        }
    }
}

@Suite struct CoalescingTests {
    private let directory = TemporaryDirectory()
    private let clock = TestClock()
    private let lane = LaneID(contract: "flights-skyways", lane: 0)
    private static let minute: Int64 = 60_000
    private static let hour: Int64 = 3_600_000
    private static let day: Int64 = 86_400_000
    private static let keeping = Keeping(detail: 7 * day)

    private func open() throws -> Ledger {
        let clock = clock
        return try Ledger.open(
            directory: directory.path, access: .service, clock: { clock.milliseconds })
    }

    /// A partition with a batch a second from midnight on; every third one without a transaction.
    private func fill(
        _ store: LaneStore, batches: Int64, from: Int64 = 0, pin version: ContractPin = pin
    ) throws {
        let p = partition(0)
        for number in from..<(from + batches) {
            clock.milliseconds += 1000
            let sum = counts(delivered: number % 3 == 0 ? 0 : number % 5, filtered: 10 - number % 5)
            var step = progress(p, number * 10, number * 10 + 10, sum)
            step.counts.read = step.counts.delivered + step.counts.filtered
            if number % 3 == 0 {
                try store.write([.filtered([step], pin: version)])
            } else {
                var batch = intent(number + 1, [step], next: version)
                batch.pin = version
                try store.write([
                    .intent(batch, quarantined: []),
                    .mark(batchSeq: number + 1, checkpointOffset: number, acknowledged: []),
                ])
            }
        }
    }

    private func started(_ ledger: Ledger) throws -> LaneStore {
        let store = LaneStore(ledger: ledger, lane: lane)
        try store.write([.start([partition(0): 0], pin: pin, clusters: clusters, layout: layout)])
        return store
    }

    private func maintain(_ ledger: Ledger, _ keeping: Keeping = keeping) throws {
        let maintenance = Maintenance(ledger: ledger, keeping: keeping)
        while try maintenance.step() {}
    }

    @Test func `batches become rows of an hour, then of a day, and add up to the same`() throws {
        let ledger = try open()
        let store = try started(ledger)
        try fill(store, batches: 4000)
        let books = try store.books()
        let rows = { try ledger.ranges(lane.contract, partition(0)) }
        let before = Account(try rows(), "before")

        try maintain(ledger)
        let packed = try rows()
        #expect(Account(packed, "packed") == before)
        #expect(packed.allSatisfy { $0.isDetailed })
        #expect(packed.count { $0.batches == 1 } == 601, "ten minutes stand as they were written")
        #expect(packed.count < 606)

        clock.milliseconds += 8 * Self.day
        try maintain(ledger)
        let hours = try rows()
        #expect(Account(hours, "hours") == before)
        #expect(hours.map(\.batches) == [3599, 401])
        #expect(hours.allSatisfy { !$0.isDetailed && $0.kind == "decided" })

        clock.milliseconds += 31 * Self.day
        try maintain(ledger)
        #expect(Account(try rows(), "days") == before)
        #expect(try rows().map(\.batches) == [4000])
        #expect(try store.books() == books)
        try maintain(ledger)
        #expect(try rows().count == 1)
    }

    @Test func `what accounts for an exception stays, and versions do not mix`() throws {
        let ledger = try open()
        let store = try started(ledger)
        let p = partition(0)
        try fill(store, batches: 30)
        try store.write([.gap(p, to: 350, why: "retention")])
        try fill(store, batches: 30, from: 35)
        try store.write([.reposition(p, to: 700, why: "operator")])
        try fill(store, batches: 30, from: 70, pin: ContractPin(version: "1.1.0", hash: "bb"))
        try fill(store, batches: 30, from: 100)
        let before = Account(try ledger.ranges(lane.contract, p), "before")
        clock.milliseconds += 100 * Self.day
        try maintain(ledger)
        let rows = try ledger.ranges(lane.contract, p)
        #expect(Account(rows, "after") == before)
        #expect(rows.map(\.kind) == ["decided", "gap", "decided", "skipped", "decided", "decided"])
        #expect(rows.compactMap(\.pin?.version) == ["1.0.0", "1.0.0", "1.1.0", "1.0.0"])
    }

    @Test(arguments: Array<UInt64>(1...6))
    func `books, cover and sums survive it at any moment, step by step`(seed: UInt64) throws {
        let ledger = try open()
        let store = LaneStore(ledger: ledger, lane: lane)
        var model = RandomBooks(seed: seed)
        var random = Seeded(seed ^ 0xFEED)
        let maintenance = Maintenance(ledger: ledger, keeping: Self.keeping)
        for turn in 0..<200 {
            try store.write(model.nextChanges())
            let jumps = [Int64(0), 0, 500, Self.minute, 20 * Self.minute, Self.day, 3 * Self.day]
            clock.milliseconds += jumps.randomElement(using: &random) ?? 0
            if turn % 17 == 0 { clock.milliseconds -= 90_000 }
            guard turn % 3 == 0 else { continue }
            let partitions = model.books.partitions.keys.sorted()
            let accounts = {
                try partitions.map {
                    Account(
                        try ledger.ranges(lane.contract, $0), "seed \(seed), turn \(turn), \($0)")
                }
            }
            let before = try accounts()
            var goesOn = true
            while goesOn {
                goesOn = try maintenance.step()
                #expect(try accounts() == before, "seed \(seed), turn \(turn)")
            }
            #expect(try store.books() == model.books, "seed \(seed), turn \(turn)")
        }
    }

    @Test func `a marker within a coalesced row cuts it between the same batches as before`()
        throws
    {
        let ledger = try open()
        let store = try started(ledger)
        let p = partition(0)
        try fill(store, batches: 2500)
        let before = try ledger.ranges(lane.contract, p)
        clock.milliseconds += Self.hour
        try maintain(ledger)
        let packed = try ledger.ranges(lane.contract, p)
        #expect(packed.count < 5 && packed.allSatisfy(\.isDetailed))
        let kept = before.prefix { $0.to <= 12_340 }
        let counts = kept.reduce(Counts()) { $0 + $1.counts }
        let point = MarkerPoint(
            nextOffset: 12_340, batchSeq: 1234, nonce: Nonce(high: 8, low: 9), checkpointOffset: 3)
        let marker = AdoptedMarker(
            partition: p, point: point, counts: counts, fingerprints: [], chain: "c12340")
        try store.write([
            .adopt(
                [marker], pin: pin, clusters: clusters, layout: layout, acknowledged: [],
                lastBatchSeq: 2, why: "test")
        ])
        let after = try ledger.ranges(lane.contract, p)
        #expect(after.last?.to == 12_340)
        #expect(after.count { $0.kind == "unaccounted" } == 0)
        // The row across it is taken apart: every batch of it is as it was written.
        let apart = after.drop { $0.batches > 1 }
        #expect(apart.count > 100 && Array(apart) == Array(kept.suffix(apart.count)))
        #expect(after.reduce(Counts()) { $0 + $1.counts } == counts)
    }

    @Test func `refused records go when they were kept long enough, and the history says so`()
        throws
    {
        let ledger = try open()
        let store = try started(ledger)
        let p = partition(0)
        let old = intent(1, [progress(p, 0, 150, counts(quarantined: 150))])
        try store.write([.intent(old, quarantined: (0..<150).map { refused(p, $0) })])
        try store.write([.mark(batchSeq: 1, checkpointOffset: 0, acknowledged: [])])
        clock.milliseconds += 20 * Self.day
        let young = intent(2, [progress(p, 150, 151, counts(quarantined: 1))])
        try store.write([.intent(young, quarantined: [refused(p, 150)])])
        try store.write([.mark(batchSeq: 2, checkpointOffset: 0, acknowledged: [])])
        clock.milliseconds += 11 * Self.day
        try maintain(ledger)
        #expect(try ledger.quarantine(lane.contract).count == 151, "kept for ever by default")
        try maintain(ledger, Keeping(detail: Self.day, quarantined: 30 * Self.day))
        let left = try ledger.quarantine(lane.contract)
        #expect(left.map(\.offset) == [150])
        #expect(try ledger.quarantineSize() == left.reduce(0) { $0 + $1.size })
        #expect(try store.books().partitions[p]?.counts.quarantined == 151)
    }
}
