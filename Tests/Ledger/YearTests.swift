import Foundation
import Ledger
import Testing

/// A ledger over a year of ten batches a second, by a clock that the test moves. Batches go through
/// `LaneStore` one write each, as a lane writes them (the mark rides with the next intent), and
/// `Maintenance` runs every five minutes of that clock, as in the service.
///
/// 315 million batches cannot be written one by one here. The year begins with days of few batches:
/// what is left of a day or an hour is one row a partition, however many batches it stands for. Then
/// come days at the full rate. CROSSDOCK_LEDGER_DAYS says how many; from 8 on they hold more than the
/// whole seven days of detail, and the bound is read from the file. Without it an hour and a half is
/// written, and the bytes that each batch of detail adds are multiplied.
@Suite struct YearTests {
    private static let bound: Int64 = 200_000_000
    private static let minute: Int64 = 60_000
    private static let day: Int64 = 86_400_000
    private static let detail = 7 * day
    private static let days = ProcessInfo.processInfo.environment["CROSSDOCK_LEDGER_DAYS"]
        .flatMap(Int64.init)

    @Test func `a year of ten batches a second stays under 200 MB and adds up`() throws {
        let year = try SimulatedYear(start: 20_000 * Self.day)
        let full = Self.days.map { $0 * Self.day } ?? 90 * Self.minute
        let thinDays = 365 - (Self.days ?? 0)
        for day in 0..<thinDays {
            // A row a day is left of the old days, a row an hour of the last ones.
            let interval = day < thinDays - 45 ? 120 * Self.minute : 10 * Self.minute
            try year.run(for: Self.day, every: interval)
            try year.maintain()
        }
        try year.settle()
        let thin = year.size
        let before = year.batches
        var early: (size: Int64, batches: Int64) = (thin, year.batches)
        for pass in 1...(full / (5 * Self.minute)) {
            try year.run(for: 5 * Self.minute, every: 100)
            try year.maintain()
            if pass == 6 {
                try year.settle()
                early = (year.size, year.batches)
            }
            if year.elapsed % Self.day == 0 {
                try year.settle()
                print("day \(year.elapsed / Self.day): \(year.size) bytes, \(year.batches) batches")
            }
        }
        try year.settle()
        let perBatch =
            Double(year.size - early.size) / Double(year.batches - early.batches)
        print(
            """
            \(year.batches) batches, \(year.batches - before) of them at ten a second: the file grew \
            from \(thin) to \(year.size) bytes, largest with its log \(year.largest); detail takes \
            \(perBatch) bytes a batch; longest step of maintenance \(year.longestStep)
            """)
        if Self.days == nil {
            let wholeDetail = Double(early.size) + perBatch * Double(Self.detail / 100)
            #expect(wholeDetail < Double(Self.bound), "\(perBatch) bytes a batch of detail")
        }
        #expect(year.largest < Self.bound)
        try year.expectWhole()

        // Without traffic everything becomes rows of a day, and the file gives its pages back.
        try year.pause(Self.detail + 32 * Self.day)
        try year.expectWhole()
        #expect(try year.rows() <= SimulatedYear.partitions.count * 366)
        #expect(year.size < 16_000_000)
    }
}

/// Two lanes of three partitions each; every batch moves one of them.
private final class SimulatedYear {
    static let partitions = (0..<6).map { partition(Int32($0)) }

    private let directory = TemporaryDirectory()
    private let clock = TestClock()
    private let start: Int64
    private var ledger: Ledger
    private var stores: [LaneStore] = []
    private var maintenance: Maintenance
    private var random = Seeded(7)
    private var positions = [Int64](repeating: 0, count: partitions.count)
    private var sums = [Counts](repeating: Counts(), count: partitions.count)
    private var open: [Int64?] = [nil, nil]
    private(set) var batches: Int64 = 0
    private(set) var largest: Int64 = 0
    private(set) var longestStep = Duration.zero

    init(start: Int64) throws {
        self.start = start
        clock.milliseconds = start
        ledger = try Self.opened(directory, clock)
        maintenance = Maintenance(ledger: ledger, keeping: Self.keeping)
        makeStores()
        for (lane, store) in stores.enumerated() {
            let own = Self.partitions.enumerated().filter { $0.offset % 2 == lane }
            try store.write([
                .start(
                    Dictionary(uniqueKeysWithValues: own.map { ($0.element, 0) }), pin: pin,
                    clusters: clusters, layout: layout)
            ])
        }
    }

    private static let keeping = Keeping(detail: 7 * 86_400_000)

    private static func opened(
        _ directory: TemporaryDirectory, _ clock: TestClock
    ) throws -> Ledger {
        try Ledger.open(
            directory: directory.path, access: .service, clock: { clock.milliseconds })
    }

    private func makeStores() {
        stores = (0..<2).map {
            LaneStore(ledger: ledger, lane: LaneID(contract: "flights-skyways", lane: $0))
        }
    }

    /// The log goes into the file, as when a service ends: `size` is all there is then.
    func settle() throws {
        ledger.close()
        ledger = try Self.opened(directory, clock)
        maintenance = Maintenance(ledger: ledger, keeping: Self.keeping)
        makeStores()
    }

    var elapsed: Int64 { clock.milliseconds - start }

    /// Of the ledger alone.
    var size: Int64 { fileSize("ledger.db") }

    private func fileSize(_ name: String) -> Int64 {
        let path = "\(directory.path)/\(name)"
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    func run(for milliseconds: Int64, every interval: Int64) throws {
        for _ in 0..<(milliseconds / interval) {
            clock.milliseconds += interval
            try batch()
        }
    }

    private func batch() throws {
        batches += 1
        let lane = Int(batches % 2)
        let index = 2 * Int.random(in: 0..<3, using: &random) + lane
        var sum = Counts()
        sum.read = Int64.random(in: 1...300, using: &random)
        sum.delivered = sum.read * Int64.random(in: 0...100, using: &random) / 100
        sum.filtered = sum.read - sum.delivered
        sum.bytes = sum.delivered * Int64.random(in: 80...400, using: &random)
        let from = positions[index]
        let step = progress(Self.partitions[index], from, from + sum.read, sum)
        var changes: [LedgerChange] = []
        if let seq = open[lane] {
            changes.append(.mark(batchSeq: seq, checkpointOffset: seq, acknowledged: []))
        }
        open[lane] = batches
        changes.append(.intent(intent(batches, [step], nonce: UInt64(batches)), quarantined: []))
        try stores[lane].write(changes)
        positions[index] += sum.read
        sums[index] = sums[index] + sum
    }

    func maintain() throws {
        largest = max(largest, size + fileSize("ledger.db-wal"))
        let stopwatch = ContinuousClock()
        var goesOn = true
        while goesOn {
            let took = try stopwatch.measure { goesOn = try maintenance.step() }
            longestStep = max(longestStep, took)
        }
        largest = max(largest, size + fileSize("ledger.db-wal"))
    }

    /// Marks what is open, and lets time go by.
    func pause(_ milliseconds: Int64) throws {
        for (lane, store) in stores.enumerated() {
            guard let seq = open[lane] else { continue }
            try store.write([.mark(batchSeq: seq, checkpointOffset: seq, acknowledged: [])])
            open[lane] = nil
        }
        clock.milliseconds += milliseconds
        try maintain()
        try settle()
    }

    func rows() throws -> Int {
        try Self.partitions.reduce(0) { try $0 + ledger.ranges("flights-skyways", $1).count }
    }

    /// Every offset in exactly one row, sums equal to the books and to what was written; the file sound.
    func expectWhole() throws {
        for lane in 0..<2 {
            let books = try stores[lane].books()
            for (partition, known) in books.partitions {
                var position: Int64 = 0
                var sum = Counts()
                for row in try ledger.ranges("flights-skyways", partition) {
                    #expect(row.from == position)
                    position = row.to
                    sum = sum + row.counts
                }
                #expect(position == known.decided)
                #expect(sum == known.counts && sum.balances)
                let pending = books.intent?.progress.first { $0.partition == partition }
                let index = Int(partition.partition)
                #expect(known.counts + (pending?.counts ?? Counts()) == sums[index])
            }
        }
        #expect(try ledger.quickCheck().isEmpty)
    }
}
