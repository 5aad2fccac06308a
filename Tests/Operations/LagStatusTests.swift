import Ledger
import Operations
import Testing

@Suite struct LagStatusTests {
    private func status(
        _ lane: LaneRow, running: Bool = true, end: Int64 = 11_872,
        oldest: PartitionEnds.Oldest = .unknown,
        standing: ContractFile.Standing = .active, edit: (inout LagBuilder) -> Void = { _ in }
    ) -> PartitionLag? {
        var file = Fixture.stock
        file.standing = standing
        let key = LagBuilder.Key("retail-stock", Fixture.partition("stock", 0))
        var builder = Fixture.builder(
            [Fixture.retail(lane)], running: running, files: [file],
            ends: [key: PartitionEnds(start: 0, end: end, oldest: oldest)])
        edit(&builder)
        let report = builder.report()
        #expect(report.contracts.first?.status == report.contracts.first?.partitions.first?.status)
        return report.contracts.first?.partitions.first
    }

    @Test("a running lane with input is OK, without it IDLE")
    func runs() {
        #expect(status(Fixture.lane(.running))?.status == .ok)
        #expect(status(Fixture.lane(.running), end: 9_120)?.status == .idle)
        #expect(status(Fixture.lane(.idle), end: 9_120)?.timeLagSeconds == 0)
    }

    @Test("input that waits without a commit is STALL, unless it has only just arrived or moves")
    func stalls() {
        let quiet = Fixture.lane(.running, commitSecondsAgo: 120)
        let old = PartitionEnds.Oldest.at(Fixture.now - 100_000)
        #expect(status(quiet, oldest: old)?.status == .stall)
        #expect(status(quiet, oldest: old)?.reason == "no commit since 2026-11-22T10:28:40Z")
        #expect(status(quiet, oldest: .at(Fixture.now - 900))?.status == .ok)
        #expect(status(quiet, end: 9_120)?.status == .idle)
        let moved = status(quiet, oldest: old) { builder in
            builder.earlier = builder.ledger
            builder.earlier?.contracts[0].partitions[0].decided -= 1
        }
        #expect(moved?.status == .ok)
        #expect(
            status(quiet, oldest: old) { $0.earlier = $0.ledger }?.status == .stall)
    }

    @Test("lag that a quota makes is OK, with the quota, however long nothing is committed")
    func throttled() {
        let lane = Fixture.lane(.throttled, "quota: 1 records/s", commitSecondsAgo: 300)
        let row = status(lane, oldest: .at(Fixture.now - 300_000))
        #expect(row?.status == .ok && row?.reason == "quota: 1 records/s")
        #expect(status(lane, end: 9_120)?.status == .idle)
    }

    @Test("before its window a contract is WAITING, after it EXPIRED, as the clock has it")
    func windows() {
        func row(from: Int64? = nil, until: Int64? = nil) -> PartitionLag? {
            status(Fixture.lane(.running)) { builder in
                builder.files[0].from = from
                builder.files[0].until = until
            }
        }
        #expect(row(from: Fixture.now + 1)?.status == .waiting)
        #expect(row(from: Fixture.now + 20)?.reason == "its window opens at 2026-11-22T10:30:40Z")
        #expect(row(from: Fixture.now, until: Fixture.now + 1)?.status == .ok)
        #expect(row(until: Fixture.now)?.status == .expired)
        #expect(row(until: Fixture.now)?.reason == "since 2026-11-22T10:30:40Z")
    }

    @Test("lag that never fell and rose is WARN")
    func grows() {
        let key = LagBuilder.Key("retail-stock", Fixture.partition("stock", 0))
        func samples(_ lags: [Int64], seconds: Int64) -> [LagSample] {
            lags.enumerated().map { index, lag in
                let share = Int64(index) * seconds * 1000 / Int64(lags.count)
                return LagSample(at: Fixture.now - seconds * 1000 + share, lag: lag)
            }
        }
        func status(_ samples: [LagSample]) -> LagStatus? {
            self.status(Fixture.lane(.running)) { $0.samples[key] = samples }?.status
        }
        #expect(status(samples([1_000, 1_500, 2_000], seconds: 60)) == .warn)
        #expect(status(samples([1_000, 900, 2_000], seconds: 60)) == .ok)
        #expect(status(samples([2_752, 2_752, 2_752], seconds: 60)) == .ok)
        #expect(status(samples([1_000, 1_500, 2_000], seconds: 5)) == .ok)
    }

    @Test("a lane that waits says since when and for what")
    func waits() {
        let row = status(Fixture.lane(.waiting, "all brokers down", secondsAgo: 300))
        #expect(row?.status == .waiting)
        #expect(row?.reason == "since 2026-11-22T10:25:40Z: all brokers down")
        #expect(status(Fixture.lane(.recovering, secondsAgo: 2))?.status == .waiting)
    }

    @Test("without a service a lane is at STOP, a halted one stays HALTED")
    func stops() {
        #expect(status(Fixture.lane(.running), running: false)?.status == .stop)
        let halted = Fixture.lane(.halted, halt: Fixture.lost)
        #expect(status(halted, running: false)?.status == .halted)
        #expect(status(halted, running: false)?.reason == "checkpoint-lost")
        #expect(status(Fixture.lane(.recovering, halt: Fixture.lost))?.status == .halted)
    }

    @Test(
        "the contract's own standing comes before its lanes'",
        arguments: [
            (.suspended, .suspended, nil), (.draft, .suspended, "draft"), (.revoked, .revoked, nil),
            (.expired, .expired, nil), (.retired, .expired, "retired"),
            (.early(1_795_346_000_000), .waiting, "its window opens at 2026-11-22T11:13:20Z"),
            (.missing, .stop, "no-contract-file"),
        ] as [(ContractFile.Standing, LagStatus, String?)])
    func standing(_ standing: ContractFile.Standing, _ expected: LagStatus, _ reason: String?) {
        let row = status(Fixture.lane(.running), standing: standing)
        #expect(row?.status == expected)
        #expect(row?.reason == reason)
    }

    @Test("lag counts from the log start where that has passed the position")
    func clamped() {
        let key = LagBuilder.Key("retail-stock", Fixture.partition("stock", 0))
        let row = status(Fixture.lane(.running)) {
            $0.ends[key] = PartitionEnds(start: 11_000, end: 11_872)
        }
        #expect(row?.lag == 872)
        #expect(row?.timeLagSeconds == nil)
    }

    @Test("where only control records are left there is lag and no time lag")
    func controlRecords() {
        let row = status(Fixture.lane(.running), end: 9_122, oldest: PartitionEnds.Oldest.none)
        #expect(row?.lag == 2)
        #expect(row?.timeLagSeconds == 0)
    }

    @Test("a contract that never started shows the source's partitions and guesses nothing")
    func neverStarted() {
        let report = Fixture.builder([], running: false, files: [Fixture.flights]).report()
        let contract = report.contracts.first
        #expect(contract?.partitions.map(\.partition) == [0, 1])
        #expect(contract?.partitions.allSatisfy { $0.lag == nil && $0.status == .stop } == true)
        #expect(contract?.version == "1.3.0")
    }

    @Test("a halt before the first start is the contract's")
    func haltedFirstStart() {
        let row = ContractRow(
            id: "retail-stock", pin: nil, lanes: [Fixture.lane(.halted, halt: Fixture.lost)],
            partitions: [])
        let report = Fixture.builder([row], files: [Fixture.stock], ends: [:]).report()
        #expect(report.contracts.first?.status == .halted)
        #expect(report.isBad)
    }

    @Test("a contract that only the ledger knows is shown")
    func orphan() {
        let report = Fixture.builder([Fixture.retail(Fixture.lane(.idle))], files: []).report()
        #expect(report.contracts.map(\.id) == ["retail-stock"])
        #expect(report.contracts.first?.version == "2.0.1")
    }

    @Test("the answer is bad with WARN, STALL, HALTED, and STOP with lag")
    func exitCode() {
        func isBad(_ lane: LaneRow, running: Bool = true, end: Int64 = 11_872) -> Bool {
            let key = LagBuilder.Key("retail-stock", Fixture.partition("stock", 0))
            return Fixture.builder(
                [Fixture.retail(lane)], running: running, files: [Fixture.stock],
                ends: [key: PartitionEnds(start: 0, end: end)]
            ).report().isBad
        }
        #expect(!isBad(Fixture.lane(.running)))
        #expect(!isBad(Fixture.lane(.waiting, "down")))
        #expect(!isBad(Fixture.lane(.stopped), running: false, end: 9_120))
        #expect(isBad(Fixture.lane(.stopped), running: false))
        #expect(isBad(Fixture.lane(.halted, halt: Fixture.lost), end: 9_120))
        #expect(isBad(Fixture.lane(.running, commitSecondsAgo: 500)))
    }
}
