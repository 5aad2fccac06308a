import Contracts
import Ledger
import Testing

/// Suspend, resume and revoke at every moment of a run. The auditor knows: no record is committed by a
/// batch whose intent was written after the act was recorded, or after a marker with it was committed.
@Suite struct ActTests {
    /// Records `act` before effect `number`.
    private func act(_ what: ContractAct, at number: Int, _ stage: Stage) {
        stage.nature.onEffect = { [unowned stage] nature in
            if nature.effects == number + 1 { stage.act(what) }
        }
    }

    private func isWell(_ stage: Stage, _ name: String) -> Bool {
        guard let complaint = stage.complaint(name) else { return true }
        Issue.record(Comment(rawValue: complaint))
        return false
    }

    private var moments: [Effect] { CrashTests.undisturbed() }

    @Test(arguments: [ContractAct.suspend, .revoke])
    func `an act at any effect holds from the next batch on`(what: ContractAct) {
        var sent: Set<Int> = []
        for effect in moments {
            let stage = CrashTests.small(Peace())
            act(what, at: effect.number, stage)
            stage.run()
            stage.verify()
            guard isWell(stage, "\(what) at \(effect.number) \(effect.operation)") else { return }
            #expect(stage.nature.disks[0].books.acts.standing != .active)
            sent.insert(stage.auditor.visible.values.reduce(0) { $0 + $1.count })
        }
        #expect(sent.count > 2, "the act met the run at different places: \(sent)")
    }

    @Test func `an act and a crash at any later effect`() {
        var runs = 0
        for effect in moments {
            for crash in effect.number..<effect.number + 60 {
                let stage = CrashTests.small(Script([crash: .crashAfter]))
                act(.revoke, at: effect.number, stage)
                stage.run()
                stage.verify()
                runs += 1
                guard isWell(stage, "revoke at \(effect.number), crash at \(crash)") else { return }
            }
        }
        print("acts and crashes: \(runs) runs")
    }

    @Test func `a revoke that a committed marker carries outlives the ledger`() {
        var marked = 0
        for effect in moments {
            for crash in effect.number..<effect.number + 50 {
                let stage = CrashTests.small(Script([crash: .crashAfter]))
                act(.revoke, at: effect.number, stage)
                stage.auditor.mayAdopt = true
                var isMarked = false
                stage.betweenLives = { stage, _ in
                    isMarked = !stage.auditor.marked.isEmpty
                    stage.nature.disks[0] = LedgerDisk(instance: "instance-new")
                    stage.auditor.ledgerExchanged(0)
                }
                stage.run()
                stage.verify()
                let name = "revoke at \(effect.number), ledger lost at \(crash)"
                guard isWell(stage, name) else { return }
                guard stage.lives > 1 else { continue }
                marked += isMarked ? 1 : 0
                let standing = stage.nature.disks[0].books.acts.standing
                #expect(standing == .revoked || !isMarked, "\(name)")
            }
        }
        #expect(marked > 100)
    }

    @Test func `what was revoked stays so on an old copy of the ledger and on none`() {
        for isLost in [true, false] {
            let stage = CrashTests.small(Peace())
            stage.auditor.mayAdopt = true
            stage.run()
            let copy = stage.nature.disks[0]
            stage.act(.revoke)
            stage.run()
            stage.verify()
            stage.nature.disks[0] = isLost ? LedgerDisk(instance: "new") : copy
            stage.auditor.ledgerExchanged(0)
            let seen = stage.auditor.visible
            stage.append([TestRecord.delivered, TestRecord.delivered], to: 0)
            stage.run()
            stage.verify()
            #expect(stage.complaint("ledger lost: \(isLost)") == nil)
            #expect(stage.nature.disks[0].books.acts.standing == .revoked)
            #expect(stage.auditor.visible == seen)
        }
    }

    @Test func `a suspended lane goes on where it stopped when it is resumed`() {
        for effect in moments {
            let stage = CrashTests.small(Peace())
            var resumesAt = Int.max
            stage.nature.onEffect = { [unowned stage] nature in
                if nature.effects == effect.number + 1 {
                    stage.pendingAppends = 1
                    stage.act(.suspend)
                    resumesAt = nature.effects + 70
                }
                if nature.effects == resumesAt {
                    stage.append([TestRecord.delivered, TestRecord.filtered], to: 0)
                    stage.pendingAppends = 0
                    stage.act(.resume)
                }
            }
            stage.run()
            stage.verify()
            guard isWell(stage, "suspended at \(effect.number)") else { return }
            #expect(stage.auditor.visible[stage.partitions[0]]?.count == 3)
            #expect(stage.lives == 1)
        }
    }

    @Test func `a revoke during an outage holds when the partner comes back`() {
        var revoked = 0
        for start in stride(from: 6, to: 60, by: 3) {
            for later in [1, 10, 30] {
                let stage = CrashTests.small(Outage(from: start, count: 40))
                act(.revoke, at: start + later, stage)
                stage.run()
                stage.verify()
                guard isWell(stage, "outage from \(start), revoke \(later) later") else { return }
                // Else the run was over before.
                revoked += stage.nature.disks[0].books.acts.standing == .revoked ? 1 : 0
            }
        }
        #expect(revoked > 45)
    }

    /// Twins, each with a ledger; the one that is revoked may be the one that is fenced.
    @Test func `a revoke in one of two ledgers holds for both once a marker carries it`() {
        for seed in 0..<60 as Range<UInt64> {
            let stage = TwinTests.stage(seed)
            var random = SeededRandom(seed: seed ^ 0xAC7)
            let at = 20 + random.below(200)
            let instance = random.below(2)
            var isDone = false
            stage.nature.onEffect = { [unowned stage] nature in
                guard nature.effects >= at, !isDone else { return }
                isDone = true
                stage.pendingAppends = 0
                stage.act(.revoke, instance: instance)
            }
            stage.runTwins(switches: 5 + Int(seed % 40))
            guard isWell(stage, "twins, seed \(seed)") else { return }
        }
    }

    @Test func `every seed of acts and disasters ends with every record once`() {
        var suspends = 0
        for seed in SeedTests.seeds {
            let stage = SeedTests.stage(seed &+ 9_000_000)
            var random = SeededRandom(seed: seed ^ 0x5057)
            var left = 1 + random.below(6)
            var next = 5 + random.below(60)
            stage.nature.onEffect = { [unowned stage, grow = stage.nature.onEffect] nature in
                grow(nature)
                guard left > 0, nature.effects >= next else { return }
                left -= 1
                suspends += 1
                // The last one resumes.
                stage.act(left == 0 || random.chance(40) ? .resume : .suspend)
                next = nature.effects + 1 + random.below(80)
            }
            stage.run()
            if left > 0 || stage.nature.disks[0].books.acts.standing != .active {
                left = 0
                stage.act(.resume)
                stage.run()
            }
            stage.verify()
            guard isWell(stage, "CROSSDOCK_SIMULATION_SEED=\(seed)") else { return }
        }
        #expect(suspends > SeedTests.seeds.count)
    }
}
