import Ledger
import Testing

/// Two instances with a ledger each run the same lane by mistake, interleaved at every port call.
@Suite struct TwinTests {
    static func stage(_ seed: UInt64) -> Stage {
        var random = SeededRandom(seed: seed &+ 77)
        let chaos = Chaos(
            seed: seed, budget: random.below(6), rate: 5 + random.below(20),
            crashes: random.chance(50))
        let stage = Stage(
            seed: seed, partitions: 1 + random.below(2), instances: 2, adversary: chaos)
        stage.maxRecords = 1 + random.below(4)
        stage.nature.masksFences = random.chance(40)
        stage.nature.pollsAtRandom = random.chance(50)
        stage.auditor.mayAdopt = true
        stage.appendAtRandom(4 + random.below(16), random: &random)
        stage.grow(random.below(60), random: random)
        return stage
    }

    /// Properties (a), (b), (c), (f).
    @Test func oneGoesOnAndThePartnerSeesEverythingOnce() {
        var halted = 0
        var inits = 0
        var adoptions = 0
        for seed in SeedTests.seeds.map({ $0 &+ 1_000_000 }) {
            let stage = Self.stage(seed)
            stage.runTwins(switches: 5 + Int(seed % 40))
            verify(stage)
            halted += stage.halts.compactMap { $0 }.count
            inits += stage.nature.partner.coordinators[stage.transactionalID]?.inits ?? 0
            adoptions += stage.auditor.adoptions
            if let complaint = stage.complaint("twins, seed \(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        print("twins: \(halted) halted, \(inits) inits, \(adoptions) adoptions")
    }

    /// The schedule in which each inits before the other has claimed.
    @Test func inLockstepTheyDoNotFenceEachOtherForEver() {
        for seed in 0..<40 as Range<UInt64> {
            let stage = Stage(seed: seed, instances: 2)
            stage.nature.masksFences = seed % 2 == 1
            stage.auditor.mayAdopt = true
            for _ in 0..<seed % 7 { _ = stage.nature.random.next() }
            stage.append([TestRecord.delivered, TestRecord.filtered], to: 0)
            stage.append([TestRecord.delivered, .notJSON, TestRecord.delivered], to: 1)
            stage.runTwins(switches: seed < 30 ? 100 : 80)
            verify(stage)
            if let complaint = stage.complaint("lockstep, seed \(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
    }

    /// A state directory copied to a second host: both have one instance id, and the nonces until then.
    @Test func aCopyOfTheStateDirectoryIsAnotherInstance() {
        var halted = 0
        for seed in 0..<80 as Range<UInt64> {
            let stage = Self.stage(seed &+ 3_000_000)
            if seed % 2 == 0 {
                stage.maxLives = 100
                stage.run()
            }
            stage.nature.disks[1] = stage.nature.disks[0]
            stage.append([TestRecord.delivered, TestRecord.delivered], to: 0)
            stage.runTwins(switches: 5 + Int(seed % 40))
            verify(stage)
            halted += stage.halts.compactMap { $0 }.count
            if let complaint = stage.complaint("copies, seed \(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        #expect(halted > 20)
        print("copies: \(halted) of 80 halted")
    }

    /// `reasons`: for which one of the two may have halted.
    func verify(_ stage: Stage, reasons: Set<String> = ["another-instance"]) {
        let nature = stage.nature
        nature.pass(.seconds(120))
        for halt in stage.halts.compactMap({ $0 }) where !reasons.contains(halt.reason) {
            nature.violate("halted: \(halt.reason): \(halt.detail)")
        }
        let standing = stage.halts.indices.filter { stage.halts[$0] == nil }
        if standing.isEmpty { nature.violate("both have halted") }
        let coordinator = nature.partner.coordinators[stage.transactionalID]
        // Each record that the broker refuses costs a new producer to find it, and one to go on.
        let refused = stage.records.values.reduce(0) { sum, records in
            sum + records.values.count { $0.kind == .refused }
        }
        if (coordinator?.inits ?? 0) > 6 + 2 * nature.injected + 4 * refused {
            nature.violate("\(coordinator?.inits ?? 0) inits: they fence each other")
        }
        // Whoever is the last owner and has not halted stands for what is true.
        if nature.violations.isEmpty, let owner = coordinator?.owner, standing.contains(owner) {
            stage.auditor.settled(owner)
        }
    }
}

/// One instance after the other, each with a ledger of its own.
@Suite struct TurnTests {
    /// Lives until it is at rest, halts, or crashes for good.
    private func turn(_ stage: Stage, _ instance: Int, _ adversary: any Adversary = Peace()) {
        stage.nature.adversary = adversary
        stage.maxLives = 1
        stage.live(instance)
        stage.nature.violations.removeAll { $0.contains("more lives than allowed") }
    }

    /// Aborted attempts must not make a ledger believe that it is ahead of a twin's batches.
    @Test func attemptsThatCameToNothingDoNotHideATwinsBatches() {
        let stage = Stage(seed: 21, instances: 2)
        stage.auditor.mayAdopt = true
        stage.append([TestRecord.delivered, TestRecord.filtered, TestRecord.delivered], to: 0)
        stage.append([TestRecord.delivered], to: 1)
        turn(
            stage, 0,
            Trap(
                (1...6).map {
                    .init(operation: .commit, call: $0, fault: $0 < 6 ? .notSent : .crashBefore)
                }))
        #expect(stage.nature.disks[0].books.intent != nil)
        // Group offsets are advice, and may be lost.
        turn(stage, 1, Trap((0..<9).map { .init(operation: .groupCommit, call: $0, fault: .lost) }))
        // The claim is on record, the verdict is not.
        turn(stage, 0, Trap(.commit, 0, .crashAfter))
        turn(stage, 0)
        stage.verify(instance: 0)
        #expect(stage.complaint("two turns") == nil)
    }

    /// A claim of ours that was never followed by a verdict does not cover a twin's before it.
    @Test func aCrashBetweenClaimAndVerdictDoesNotForgetTheTwin() {
        let stage = Stage(seed: 22, partitions: 1, instances: 2)
        stage.auditor.mayAdopt = true
        stage.append([TestRecord.delivered], to: 0)
        turn(stage, 0)
        turn(stage, 1)
        stage.append(
            Array(repeating: .plain(first: false, second: true), count: 2), to: 0)
        stage.maxRecords = 1
        // The twin filters in its own ledger, and no marker is written.
        turn(stage, 1, Trap(.write, 1, .crashAfter))
        turn(stage, 0, Trap(.commit, 0, .crashAfter))
        stage.versions[0] = 2
        turn(stage, 0)
        #expect(stage.nature.violations.isEmpty, "\(stage.nature.violations)")
        #expect(stage.halts[0]?.reason == "contract-changed")
    }
}
