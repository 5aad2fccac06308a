import Ledger
import Testing

/// The ledger is lost, or an older copy of it comes back, at any moment of a run.
@Suite struct LedgerDisasterTests {
    private func moments() -> [Effect] {
        CrashTests.undisturbed().filter(\.operation.outlivesTheProcess)
    }

    @Test func aLedgerLostAtAnyCrashIsAdoptedFromTheMarkers() {
        for moment in moments() {
            for fault in [Fault.crashBefore, .crashAfter] {
                let stage = CrashTests.small(Script([moment.number: fault]))
                stage.auditor.mayAdopt = true
                stage.betweenLives = { stage, _ in
                    stage.nature.disks[0] = LedgerDisk(instance: "instance-new")
                    stage.auditor.ledgerExchanged(0)
                }
                stage.run()
                stage.verify()
                let name = "ledger lost at \(moment.number) \(moment.operation) \(fault)"
                if let complaint = stage.complaint(name) {
                    Issue.record(Comment(rawValue: complaint))
                    return
                }
            }
        }
    }

    /// Every copy, restored after every later crash.
    @Test func anOlderCopyOfTheLedgerNeverDeliversTwice() {
        var runs = 0
        var adoptions = 0
        let moments = moments()
        for (index, copied) in moments.enumerated() where copied.operation == .write {
            for crash in moments[index...] {
                let stage = CrashTests.small(Script([crash.number: .crashAfter]))
                var copy = stage.nature.disks[0]
                stage.auditor.mayAdopt = true
                stage.nature.onEffect = { nature in
                    if nature.effects == copied.number + 1 { copy = nature.disks[0] }
                }
                stage.betweenLives = { stage, _ in
                    stage.nature.disks[0] = copy
                    stage.auditor.ledgerExchanged(0)
                }
                stage.run()
                stage.verify()
                runs += 1
                adoptions += stage.auditor.adoptions
                let name = "copy of \(copied.number) restored after \(crash.number)"
                if let complaint = stage.complaint(name) {
                    Issue.record(Comment(rawValue: complaint))
                    return
                }
            }
        }
        print("restored copies: \(runs) runs, \(adoptions) adoptions")
    }

    @Test func aContractChangedWhileDownDecidesFromItsMarkerOn() {
        for moment in moments() {
            let stage = CrashTests.small(Script([moment.number: .crashAfter]))
            stage.betweenLives = { stage, _ in stage.versions[0] = 2 }
            stage.append(
                [
                    .plain(first: true, second: false), .plain(first: false, second: true),
                    TestRecord.filtered,
                ], to: 0)
            stage.run()
            stage.verify()
            if let complaint = stage.complaint("contract changed at \(moment.number)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
    }

    @Test func aLostLedgerUnderAChangedContractHaltsOnceMarkersExist() {
        for moment in moments() {
            let stage = CrashTests.small(Script([moment.number: .crashAfter]))
            stage.auditor.mayAdopt = true
            var hadMarkers = false
            stage.betweenLives = { stage, _ in
                stage.versions[0] = 2
                stage.nature.disks[0] = LedgerDisk(instance: "instance-new")
                stage.auditor.ledgerExchanged(0)
                hadMarkers = !stage.auditor.newest.isEmpty
            }
            stage.run()
            #expect(stage.nature.violations.isEmpty, "\(moment.number)")
            let reason = stage.halts[0]?.reason
            #expect(reason == (hadMarkers ? "contract-changed" : nil), "\(moment.number)")
        }
    }

    /// Crashes, losses, copies and contract changes out of a seed.
    @Test func everySeedOfDisastersKeepsThePartnersView() {
        var halted = 0
        var adoptions = 0
        for seed in SeedTests.seeds {
            let stage = Self.disaster(seed).run()
            if let halt = stage.halts[0] {
                halted += 1
                // A dead predecessor's claim, hidden by a neighbour at the start, looks like a twin's.
                let isHidden = halt.reason == "another-instance" && stage.nature.neighbours > 0
                if halt.reason != "contract-changed" && !isHidden {
                    stage.nature.violate("halted: \(halt.reason): \(halt.detail)")
                }
            } else {
                stage.verify()
            }
            adoptions += stage.auditor.adoptions
            if let complaint = stage.complaint("CROSSDOCK_SIMULATION_SEED=\(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        print("disasters: \(halted) halted, \(adoptions) adoptions")
    }

    static func disaster(_ seed: UInt64) -> Stage {
        let stage = SeedTests.stage(seed &+ 5_000_000)
        var random = SeededRandom(seed: seed ^ 0xD15A)
        var copy = stage.nature.disks[0]
        var changes = random.below(2)
        stage.auditor.mayAdopt = true
        stage.betweenLives = { stage, instance in
            switch random.below(8) {
            case 0: stage.nature.disks[instance] = LedgerDisk(instance: "i-\(random.next())")
            case 1: stage.nature.disks[instance] = copy
            case 2: copy = stage.nature.disks[instance]
            case 3 where changes > 0:
                changes -= 1
                stage.versions[instance] = 2
                return
            default: return
            }
            stage.auditor.ledgerExchanged(0)
        }
        return stage
    }
}
