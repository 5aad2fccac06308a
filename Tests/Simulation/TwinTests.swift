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
        stage.grow(random.below(16), random: random)
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

    private func verify(_ stage: Stage) {
        let nature = stage.nature
        nature.pass(.seconds(120))
        for halt in stage.halts.compactMap({ $0 }) where halt.reason != "another-instance" {
            nature.violate("halted: \(halt.reason): \(halt.detail)")
        }
        let standing = stage.halts.indices.filter { stage.halts[$0] == nil }
        if standing.isEmpty { nature.violate("both have halted") }
        let coordinator = nature.partner.coordinators[stage.transactionalID]
        if (coordinator?.inits ?? 0) > 12 + 3 * nature.injected {
            nature.violate("\(coordinator?.inits ?? 0) inits: they fence each other")
        }
        // Whoever is the last owner and has not halted stands for what is true.
        if nature.violations.isEmpty, let owner = coordinator?.owner, standing.contains(owner) {
            stage.auditor.settled(owner)
        }
    }
}
