import Contracts
import Foundation
import Testing

/// Random runs out of seeds. `CROSSDOCK_SIMULATION_SEEDS=n` runs n of them,
/// `CROSSDOCK_SIMULATION_SEED=s` runs that one again.
@Suite struct SeedTests {
    static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    static var seeds: [UInt64] {
        if let one = number("CROSSDOCK_SIMULATION_SEED") { return [one] }
        return Array(0..<(number("CROSSDOCK_SIMULATION_SEEDS") ?? 300))
    }

    /// One instance against everything but a lost ledger.
    static func stage(_ seed: UInt64, keys: Int? = nil) -> Stage {
        var random = SeededRandom(seed: seed)
        let chaos = Chaos(seed: seed, budget: 2 + random.below(14), rate: 5 + random.below(40))
        let stage = Stage(seed: seed, partitions: 1 + random.below(3), adversary: chaos)
        stage.maxRecords = 1 + random.below(5)
        stage.keys = keys
        if keys != nil { stage.onScopeExit = .tombstone }
        stage.nature.masksFences = random.chance(30)
        stage.nature.pollsAtRandom = random.chance(50)
        stage.appendAtRandom(random.below(25), random: &random)
        stage.grow(random.below(25), random: random)
        return stage
    }

    /// A partner whose coordinator forgets to write the end of some aborted transactions (KAFKA-20734).
    @Test func whatACoordinatorForgetsToEndIsNeverCommitted() {
        var forgotten = 0
        var commits = 0
        let seeds = Self.seeds
        for seed in seeds {
            let stage = Self.stage(seed)
            stage.nature.partner.forgetfulness = 50
            stage.run()
            stage.verify()
            forgotten += stage.nature.partner.forgotten
            commits += stage.auditor.commits
            if let complaint = stage.complaint("CROSSDOCK_SIMULATION_SEED=\(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        #expect(forgotten > seeds.count / 4)
        print("forgotten ends: \(seeds.count) runs, \(forgotten) forgotten, \(commits) commits")
    }

    @Test func everySeedEndsWithEveryRecordOnceAndInOrder() {
        var faults = 0
        var lives = 0
        var commits = 0
        let seeds = Self.seeds
        for seed in seeds {
            let stage = Self.stage(seed).run()
            stage.verify()
            faults += stage.nature.injected
            lives += stage.lives
            commits += stage.auditor.commits
            if let complaint = stage.complaint("CROSSDOCK_SIMULATION_SEED=\(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        print("seeds: \(seeds.count) runs, \(faults) faults, \(lives) lives, \(commits) commits")
    }
}
