import Contracts
import Ledger
import Replication
import Testing

/// What a coordinator forgets to end (KAFKA-20734), where something else goes wrong, too.
@Suite struct RemainsTests {
    /// A third of the runs that others make: each of these is about one more fault.
    private static var seeds: [UInt64] {
        SeedTests.seeds.count == 1 ? SeedTests.seeds : SeedTests.seeds.filter { $0 % 3 == 0 }
    }

    private func run(
        _ name: String, _ make: (UInt64) -> Stage,
        _ verify: (Stage) -> Void = { $0.run().verify() }
    ) {
        var forgotten = 0
        var warned = 0
        let seeds = Self.seeds
        for seed in seeds {
            let stage = make(seed)
            stage.nature.partner.forgetfulness = 50
            if seed % 2 == 0 { stage.nature.partner.forgetsInPart = true }
            verify(stage)
            forgotten += stage.nature.partner.forgotten
            warned += stage.nature.trace.count { $0.note.contains("KAFKA-20734") }
            if let complaint = stage.complaint("\(name), CROSSDOCK_SIMULATION_SEED=\(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        print("\(name): \(seeds.count) runs, \(forgotten) forgotten, \(warned) warnings")
    }

    /// Partitions of one transaction have different leaders.
    @Test func someOfATransactionsPartitionsAreForgotten() {
        run("in part") { seed in
            let stage = SeedTests.stage(seed &+ 9_000_000)
            stage.nature.partner.forgetsInPart = true
            return stage
        }
    }

    /// A broker that has just come back may not know its partitions yet.
    @Test func partitionsThatSeemNotToExist() {
        run("hidden partitions") { seed in
            let stage = SeedTests.stage(seed &+ 17_000_000)
            stage.nature.hidings = 12
            return stage
        }
    }

    @Test func markersOfAbortsComeLate() {
        run("slow aborts") { seed in
            let stage = SeedTests.stage(seed &+ 10_000_000)
            stage.nature.slowAborts = .milliseconds(3000)
            return stage
        }
    }

    /// Tombstones for keys that left the filter: presence.
    @Test func keysThatLeave() {
        run("scopes") { SeedTests.stage($0 &+ 11_000_000, keys: 3) }
    }

    private func withNeighbours(_ stage: Stage, longest: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed ^ 0xBEEF)
        let grows = stage.nature.onEffect
        stage.nature.onEffect = { [unowned stage] nature in
            grows(nature)
            guard random.below(1000) < 25, nature.neighbours < 12 else { return }
            nature.openNeighbour(
                at: .init(
                    topic: stage.target, partition: Int32(random.below(stage.partitions.count))),
                hangs: .milliseconds(10 + random.below(longest)), commits: false)
        }
    }

    /// A second supplier holds data partitions open, for no longer than this lane's transactions take.
    @Test func anotherSupplierHoldsDataPartitionsOpen() {
        run("data neighbours") { seed in
            let stage = SeedTests.stage(seed &+ 12_000_000)
            withNeighbours(stage, longest: 30_000, seed: seed)
            return stage
        }
    }

    @Test func twins() {
        run(
            "twins",
            { seed in
                let stage = TwinTests.stage(seed &+ 14_000_000)
                stage.nature.slowAborts = seed % 3 == 0 ? .milliseconds(2000) : .zero
                return stage
            }
        ) { stage in
            stage.runTwins(switches: 5 + stage.nature.random.below(40))
            TwinTests().verify(stage)
        }
    }

    @Test func copiesOfAStateDirectory() {
        run(
            "copies",
            { TwinTests.stage($0 &+ 15_000_000) }
        ) { stage in
            if stage.nature.random.chance(50) {
                stage.maxLives = 100
                stage.run()
            }
            stage.nature.disks[1] = stage.nature.disks[0]
            stage.append([TestRecord.delivered, TestRecord.delivered], to: 0)
            stage.runTwins(switches: 5 + stage.nature.random.below(40))
            // A copy's claim has the same key: compaction may take the earlier one of the two.
            TwinTests().verify(stage, reasons: ["another-instance", "checkpoint-unreadable"])
        }
    }

    @Test func manyCheckpointPartitions() {
        run("many checkpoint partitions") { seed in
            let chaos = Chaos(seed: seed, budget: 10, rate: 40)
            let stage = Stage(seed: seed, checkpointPartitions: 3, adversary: chaos)
            stage.nature.partner.forgetsInPart = true
            stage.append([TestRecord.delivered, .notJSON, TestRecord.delivered], to: 0)
            stage.append([TestRecord.filtered, TestRecord.delivered], to: 1)
            return stage
        }
    }

    @Test func disasters() {
        run(
            "disasters",
            { seed in
                let stage = LedgerDisasterTests.disaster(seed &+ 16_000_000)
                return stage
            }
        ) { stage in
            stage.run()
            guard let halt = stage.halts[0] else { return stage.verify() }
            let isHidden = halt.reason == "another-instance" && stage.nature.neighbours > 0
            if halt.reason != "contract-changed" && !isHidden {
                stage.nature.violate("halted: \(halt.reason): \(halt.detail)")
            }
        }
    }

    /// The marker proves the batch, and the end of its records was forgotten: the next commit makes it good.
    @Test func aCommitForgottenOnTheDataPartitionsAloneIsNotAborted() {
        let stage = Stage(
            seed: 32, partitions: 1, adversary: Trap(.commit, 0, .lostReply, recordsOnly: true))
        stage.maxRecords = 2
        stage.append(Array(repeating: TestRecord.delivered, count: 5), to: 0)
        stage.nature.partner.forgetsCommitOn = stage.target
        stage.run()
        stage.verify()
        #expect(stage.nature.partner.forgetsCommitOn == nil)
        let complaint = stage.complaint("forgotten commit")
        #expect(complaint == nil, "\(complaint ?? "")")
    }

    /// Cut inside the last transaction: what is left of it is open, and what is missing must not be hidden
    /// by what the lane writes to end it.
    @Test(arguments: [1, 2, 3]) func aPartnerPartitionCutInsideATransactionHalts(_ lost: Int) {
        let stage = Stage(seed: 31, partitions: 1)
        stage.maxRecords = 4
        stage.append(Array(repeating: TestRecord.delivered, count: 4), to: 0)
        stage.run()
        stage.verify()
        #expect(stage.complaint("before") == nil)
        // The end of the transaction, and records.
        stage.nature.partner.topics[stage.target]?[0].entries.removeLast(1 + lost)
        for index in 0..<(4 - lost) {
            stage.nature.partner.topics[stage.target]?[0].entries[index].isLeftOpen = true
        }
        stage.append(TestRecord.delivered, to: 0)
        stage.run()
        #expect(stage.halts[0]?.reason == "partner-truncated", "\(stage.halts)")
    }
}
