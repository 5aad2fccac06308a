import Ledger
import Replication
import Testing

/// A contract that changes while the process runs: its lane leaves, and one with the new content follows.
@Suite struct ReloadTests {
    private func isWell(_ stage: Stage, _ name: String) -> Bool {
        guard let complaint = stage.complaint(name) else { return true }
        Issue.record(Comment(rawValue: complaint))
        return false
    }

    /// `small`, whose contract changes before effect `number`.
    private func changed(at number: Int, _ adversary: any Adversary = Peace()) -> Stage {
        let stage = CrashTests.small(adversary)
        stage.isFollowed = true
        stage.nature.onEffect = { [unowned stage] nature in
            guard nature.effects == number + 1 else { return }
            stage.versions[0] = 2
            stage.process?.askToStop()
        }
        return stage
    }

    @Test func `changed at any effect, each record is decided once, under one version`() {
        var versions: Set<Set<Int>> = []
        for effect in CrashTests.undisturbed() {
            let stage = changed(at: effect.number)
            stage.run()
            stage.verify()
            let name = "changed at \(effect.number) \(effect.operation)"
            guard isWell(stage, name) else { return }
            #expect(stage.lives == 2 && stage.drained == 1, "\(name)")
            #expect(stage.nature.disks[0].books.pin == stage.pin(2), "\(name)")
            versions.insert(Set(stage.auditor.decided.values.flatMap(\.values)))
        }
        #expect(versions.isSuperset(of: [[1], [2]]), "before and after every record: \(versions)")
    }

    @Test func `a change and a crash at any later effect`() {
        var runs = 0
        for effect in CrashTests.undisturbed() {
            for crash in stride(from: effect.number + 1, to: effect.number + 60, by: 7) {
                let stage = changed(at: effect.number, Script([crash: .crashAfter]))
                stage.run()
                stage.verify()
                runs += 1
                let name = "changed at \(effect.number), crash at \(crash)"
                guard isWell(stage, name) else { return }
            }
        }
        print("changes and crashes: \(runs) runs")
    }

    @Test(arguments: [true, false]) func `it halts where another instance has claimed meanwhile`(
        isFollowed: Bool
    ) {
        let stage = Stage(seed: 9, instances: 2)
        stage.auditor.mayAdopt = true
        stage.isFollowed = isFollowed
        stage.append([TestRecord.delivered, TestRecord.delivered], to: 0)
        var isChanged = false
        stage.nature.onEffect = { [unowned stage] nature in
            guard !isChanged, stage.auditor.visible[stage.partitions[0]]?.count == 2 else { return }
            isChanged = true
            stage.process?.askToStop()
        }
        stage.betweenLives = { stage, instance in
            guard instance == 0 else { return }
            stage.live(1)
        }
        stage.live(0)
        guard isWell(stage, "followed: \(isFollowed)") else { return }
        #expect(isChanged)
        // A start may take over; to follow is no start.
        #expect(stage.halts[0]?.reason == (isFollowed ? "another-instance" : nil))
    }
}
