import Ledger
import Testing

/// An operator lets quarantined records go: each leaves once, whatever crashes, or whichever ledger comes
/// back in between.
@Suite struct ReleaseTests {
    /// Version 1 has refused records; version 2 takes over, and the release of all of them is asked for.
    /// `isAnnounced`: version 2 has taken over before, as it must where a ledger may come to be exchanged.
    /// `prepare` sees the stage just before the release is asked for.
    private static func stage(
        records: [TestRecord.Kind] = [], isAnnounced: Bool = false,
        _ prepare: (Stage) -> Void = { _ in }
    ) -> Stage {
        let stage = Stage(seed: 1)
        stage.append(
            [TestRecord.delivered, .late(second: true), TestRecord.delivered] + records, to: 0)
        stage.append(
            [.late(second: false), .notJSON, .late(second: true), TestRecord.filtered], to: 1)
        stage.run()
        stage.verify()
        stage.versions[0] = 2
        if isAnnounced { stage.run() }
        prepare(stage)
        stage.append([TestRecord.delivered], to: 0)
        stage.release()
        return stage
    }

    /// From here on, `script` counts effects.
    private static func disturb(_ stage: Stage, _ script: [Int: Fault]) {
        let base = stage.nature.effects
        stage.nature.adversary = Script(
            Dictionary(uniqueKeysWithValues: script.map { (base + $0.key, $0.value) }))
    }

    /// The effects of a release in which nothing goes wrong, from 0.
    private static func undisturbed(isAnnounced: Bool = false) -> [Effect] {
        let stage = stage(isAnnounced: isAnnounced)
        let base = stage.nature.effects
        stage.run()
        return stage.nature.trace.filter { $0.note.isEmpty && $0.effect.number >= base }.map {
            var effect = $0.effect
            effect.number -= base
            return effect
        }
    }

    private func isWell(_ stage: Stage, _ name: String) -> Bool {
        stage.verify()
        guard let complaint = stage.complaint(name) else { return true }
        Issue.record(Comment(rawValue: complaint))
        return false
    }

    private func released(_ stage: Stage) -> [Int] {
        stage.partitions.map { stage.auditor.released[$0]?.count ?? 0 }
    }

    @Test func `what conforms today is delivered, what is filtered ends so, the rest stays`() {
        let stage = Self.stage().run()
        guard isWell(stage, "undisturbed") else { return }
        #expect(released(stage) == [1, 2])
        #expect(stage.nature.disks[0].realQuarantine.count == 1, "it is no JSON for any version")
        let counts = stage.partitions.map { stage.nature.disks[0].books.partitions[$0]?.counts }
        #expect(counts.map { $0?.delivered } == [4, 1])
        #expect(counts.map { $0?.filtered } == [0, 2])
        #expect(counts.map { $0?.quarantined } == [0, 1])
        stage.release()
        stage.run()
        guard isWell(stage, "asked for again") else { return }
        #expect(released(stage) == [1, 2])
    }

    @Test func `a crash before or after any effect releases each record once`() {
        var runs = 0
        for effect in Self.undisturbed() {
            for fault in [Fault.crashBefore, .crashAfter] {
                let stage = Self.stage()
                Self.disturb(stage, [effect.number: fault])
                stage.run()
                runs += 1
                let name = "\(fault) at \(effect.number) \(effect.operation)"
                guard isWell(stage, name) else { return }
                #expect(released(stage) == [1, 2], "\(name)")
            }
        }
        print("releases and crashes: \(runs) runs")
    }

    @Test func `two crashes, of which the second may fall into the recovery`() {
        let effects = Self.undisturbed()
        var runs = 0
        for first in effects where first.operation.outlivesTheProcess {
            for later in stride(from: 1, through: 60, by: 3) {
                let stage = Self.stage()
                Self.disturb(
                    stage, [first.number: .crashAfter, first.number + later: .crashBefore])
                stage.run()
                runs += 1
                guard isWell(stage, "crashes at \(first.number), \(later) later") else { return }
                #expect(released(stage) == [1, 2])
            }
        }
        print("releases and pairs of crashes: \(runs) runs")
    }

    @Test(arguments: [
        Fault.lostReply, .late(9), .doubled(5), .notSent, .lostRequest, .transactionTimeout,
        .deliveryFails, .fail(.unavailable), .fail(.abortable), .fail(.fatal),
    ])
    func `whatever becomes of a step, each record leaves once`(fault: Fault) {
        let fits: Set<Operation> =
            switch fault {
            case .deliveryFails: [.flush]
            case .fail: [.write, .books, .newestAct, .begin, .produce, .flush, .initialise]
            default: [.commit]
            }
        for effect in Self.undisturbed() where fits.contains(effect.operation) {
            let stage = Self.stage()
            Self.disturb(stage, [effect.number: fault])
            stage.run()
            let name = "\(fault) at \(effect.number) \(effect.operation)"
            guard isWell(stage, name) else { return }
            #expect(released(stage) == [1, 2], "\(name)")
        }
    }

    /// The danger: a ledger of before the release holds the records and believes them to be refused.
    @Test func `an old copy of the ledger that is asked again releases nothing twice`() {
        let moments = Self.undisturbed(isAnnounced: true).filter(\.operation.outlivesTheProcess)
        var runs = 0
        var learnt = 0
        for (index, copied) in moments.enumerated() where copied.operation == .write || index == 0 {
            for crash in moments[index...] {
                let stage = Self.stage(isAnnounced: true)
                let base = stage.nature.effects
                Self.disturb(stage, [crash.number: .crashAfter])
                stage.auditor.mayAdopt = true
                var copy = stage.nature.disks[0]
                stage.nature.onEffect = { nature in
                    if nature.effects == base + copied.number { copy = nature.disks[0] }
                }
                stage.betweenLives = { stage, _ in
                    stage.nature.disks[0] = copy
                    stage.auditor.ledgerExchanged(0)
                    stage.release()
                }
                stage.run()
                runs += 1
                learnt += stage.auditor.learnt
                guard isWell(stage, "copy of \(copied.number) after \(crash.number)") else {
                    return
                }
                #expect(released(stage) == [1, 2])
            }
        }
        #expect(learnt > 10)
        print("releases and old copies: \(runs) runs, \(learnt) releases learnt")
    }

    @Test func `a copy of long before learns of every release since, whatever was compacted`() {
        for restores in 1...3 {
            var copy = LedgerDisk(instance: "")
            let stage = Self.stage(isAnnounced: true) { copy = $0.nature.disks[0] }
            stage.auditor.mayAdopt = true
            stage.run()
            for _ in 0..<restores {
                stage.append([.late(second: true), TestRecord.delivered], to: 1)
                stage.release()
                stage.run()
                stage.nature.partner.compactCheckpoints()
                stage.nature.disks[0] = copy
                stage.auditor.ledgerExchanged(0)
                stage.release()
                stage.run()
            }
            guard isWell(stage, "restored \(restores) times") else { return }
            #expect(released(stage) == [1, 2])
        }
    }

    @Test func `a ledger that does not learn of releases is caught`() {
        var copy = LedgerDisk(instance: "")
        let stage = Self.stage(isAnnounced: true) { copy = $0.nature.disks[0] }
        stage.auditor.mayAdopt = true
        stage.run()
        stage.nature.defect = .ledgerForgetsReleases
        stage.nature.disks[0] = copy
        stage.auditor.ledgerExchanged(0)
        stage.release()
        stage.run()
        #expect(stage.complaint("")?.contains("released twice") == true)
    }

    @Test func `without a ledger nothing is released, and figures are the markers'`() {
        let stage = Self.stage()
        stage.auditor.mayAdopt = true
        stage.run()
        stage.nature.disks[0] = LedgerDisk(instance: "new")
        stage.auditor.ledgerExchanged(0)
        stage.release()
        stage.append([TestRecord.delivered], to: 0)
        stage.run()
        guard isWell(stage, "ledger lost") else { return }
        #expect(released(stage) == [1, 2])
    }

    @Test(arguments: [ContractAct.suspend, .revoke])
    func `nothing is released while the contract stands still`(what: ContractAct) {
        for effect in Self.undisturbed() {
            let stage = Self.stage()
            let at = stage.nature.effects + effect.number + 1
            stage.nature.onEffect = { [unowned stage] nature in
                if nature.effects == at { stage.act(what) }
            }
            stage.run()
            guard isWell(stage, "\(what) at \(effect.number)") else { return }
            guard what == .suspend, stage.nature.disks[0].books.acts.standing == .suspended else {
                continue
            }
            stage.nature.onEffect = { _ in }
            stage.act(.resume)
            stage.run()
            guard isWell(stage, "resumed from \(effect.number)") else { return }
            #expect(released(stage) == [1, 2])
        }
    }

    @Test func `one that the broker refuses stays, and innocents of its batch leave`() {
        let stage = Self.stage(records: [.late(second: true, pad: 600), .late(second: true)])
        stage.maxRecords = 10
        stage.run()
        guard isWell(stage, "refused by the broker") else { return }
        #expect(released(stage) == [2, 2])
        let rules = stage.nature.disks[0].quarantine.values.filter { $0.standing == .real }
            .map(\.rule).sorted()
        #expect(rules == ["invalid-json", "refused-by-partner"])
    }

    @Test func `one that is too large stays, alone and among others`() {
        for limit in [1, 10] {
            let stage = Self.stage(records: [.late(second: true, pad: 1200)])
            stage.maxRecords = limit
            stage.run()
            guard isWell(stage, "too large, \(limit) a batch") else { return }
            #expect(released(stage) == [1, 2])
            #expect(stage.nature.disks[0].realQuarantine.count == 2)
        }
    }

    @Test func `a run that is to end by itself releases before it ends`() {
        let stage = Self.stage()
        stage.untilCaughtUp = true
        stage.run()
        guard isWell(stage, "until caught up") else { return }
        #expect(released(stage) == [1, 2])
    }

    @Test func `every seed of faults and requests releases each record once`() {
        var count = 0
        for seed in SeedTests.seeds {
            var random = SeededRandom(seed: seed ^ 0x4E1E)
            let kinds: [TestRecord.Kind] = (0..<random.below(12)).map { _ in
                .late(second: random.chance(60), pad: random.chance(15) ? 600 : 0)
            }
            let stage = Self.stage(records: kinds)
            stage.maxRecords = 1 + random.below(5)
            stage.nature.masksFences = random.chance(30)
            stage.nature.adversary = Chaos(
                seed: seed, budget: 2 + random.below(14), rate: 5 + random.below(40))
            var left = random.below(4)
            var next = stage.nature.effects + random.below(60)
            stage.nature.onEffect = { [unowned stage] nature in
                guard left > 0, nature.effects >= next else { return }
                left -= 1
                next = nature.effects + random.below(80)
                stage.append([TestRecord.delivered], to: 1)
                stage.release()
            }
            stage.run()
            guard isWell(stage, "CROSSDOCK_SIMULATION_SEED=\(seed)") else { return }
            count += released(stage).reduce(0, +)
        }
        #expect(count > 3 * SeedTests.seeds.count / 2)
    }
}
