import Contracts
import Ledger
import Testing

/// `onScopeExit: tombstone`: a key that was delivered and leaves the filter is retracted, once, whatever
/// happens in between; and where it is not known what the partner holds, an operator says how to go on.
@Suite struct ScopeTests {
    /// Two keys a partition: each is delivered, leaves, comes back; one is unreadable in between.
    private static func small(_ adversary: any Adversary) -> Stage {
        let stage = Stage(seed: 41, adversary: adversary)
        stage.onScopeExit = .tombstone
        stage.keys = 2
        stage.append(
            [
                TestRecord.delivered, TestRecord.filtered, .notJSON, TestRecord.filtered,
                TestRecord.filtered, TestRecord.delivered,
            ], to: 0)
        stage.append([TestRecord.delivered, TestRecord.delivered, .tombstone], to: 1)
        return stage
    }

    private static func moments() -> [Effect] {
        small(Peace()).run().nature.trace.filter(\.note.isEmpty).map(\.effect)
    }

    @Test func aKeyThatLeavesTheFilterIsRetractedOnce() {
        let stage = Self.small(Peace()).run()
        stage.verify()
        #expect(stage.complaint("undisturbed") == nil)
        let (first, second) = (stage.partitions[0], stage.partitions[1])
        // @1 and @3 are of a key that was never delivered, @2 is refused and clears nothing, @4 retracts.
        #expect(stage.auditor.visible[first] == [0, 4, 5])
        #expect(stage.auditor.expectation(first, below: 6).retracted == [4])
        #expect(stage.auditor.expectation(second, below: 3).retracted == [2])
        let counts = stage.nature.disks[0].books.partitions[first]?.counts
        #expect(counts?.delivered == 3 && counts?.filtered == 2 && counts?.quarantined == 1)
        #expect(stage.nature.disks[0].presence[first]?.count == 1)
        #expect(stage.nature.disks[0].presence[second]?.values.allSatisfy { $0 } == true)
    }

    @Test func aCrashAtAnyEffectRetractsNeitherTwiceNorNever() {
        for effect in Self.moments() {
            for fault in [Fault.crashBefore, .crashAfter] {
                let stage = Self.small(Script([effect.number: fault])).run()
                stage.verify()
                if let complaint = stage.complaint("crash \(fault) at \(effect.number)") {
                    Issue.record(Comment(rawValue: complaint))
                    return
                }
            }
        }
    }

    @Test func twoCrashesBetweenAnyTwoEffectsRetractNeitherTwiceNorNever() {
        for first in Self.moments() where first.operation.outlivesTheProcess {
            var second = first.number + 1
            while true {
                let script = Script([first.number: .crashAfter, second: .crashBefore])
                let stage = Self.small(script).run()
                stage.verify()
                if let complaint = stage.complaint("crashes at \(first.number), \(second)") {
                    Issue.record(Comment(rawValue: complaint))
                    return
                }
                if stage.lives < 3 { break }
                second += 1
            }
        }
    }

    /// Aborts, late replies, refusals, crashes out of seeds; the contract's version may change meanwhile:
    /// the index is about what was delivered, under whichever filter.
    @Test func everySeedRetractsWhatLeaves() {
        var retracted = 0
        for seed in SeedTests.seeds {
            let stage = SeedTests.stage(seed &+ 7_000_000, keys: 3)
            if seed % 3 == 0 {
                stage.betweenLives = { stage, _ in stage.versions[0] = 2 }
            }
            stage.run()
            stage.verify()
            for partition in stage.partitions {
                let end = stage.nature.disks[0].books.partitions[partition]?.decided ?? 0
                retracted += stage.auditor.expectation(partition, below: end).retracted.count
            }
            if let complaint = stage.complaint("CROSSDOCK_SIMULATION_SEED=\(seed)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        #expect(retracted > SeedTests.seeds.count / 4)
        print("scope: \(retracted) keys retracted")
    }

    // MARK: What the partner holds is not known

    /// Lost, or an older copy restored, at every moment; then the choice, and more records.
    private func disaster(_ choice: String, copied: Effect?, crash: Effect) -> Stage {
        let stage = Self.small(Script([crash.number: .crashAfter]))
        var copy = LedgerDisk(instance: "instance-new")
        stage.auditor.mayAdopt = true
        stage.nature.onEffect = { nature in
            if let copied, nature.effects == copied.number + 1 { copy = nature.disks[0] }
        }
        stage.betweenLives = { stage, _ in
            stage.nature.disks[0] = copy
            stage.auditor.ledgerExchanged(0)
        }
        stage.run()
        if stage.halts[0]?.reason == "presence-lost" {
            stage.choose(choice, for: "presence-lost")
            stage.append([TestRecord.filtered, TestRecord.filtered, TestRecord.filtered], to: 0)
            stage.append([TestRecord.filtered, TestRecord.delivered], to: 1)
            stage.run()
        }
        stage.verify()
        return stage
    }

    @Test(arguments: ["retract-unknown", "presume-absent"])
    func aLostLedgerHaltsAndTheChoiceDecides(_ choice: String) {
        var halted = 0
        for crash in Self.moments().filter(\.operation.outlivesTheProcess) {
            let stage = disaster(choice, copied: nil, crash: crash)
            if let complaint = stage.complaint("\(choice), lost at \(crash.number)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
            guard stage.auditor.adoptions > 0 else { continue }
            halted += 1
            let present = stage.nature.disks[0].books.partitions.values.allSatisfy {
                $0.presence?.unknown == (choice == "retract-unknown" ? .present : .absent)
            }
            #expect(present, "lost at \(crash.number)")
        }
        #expect(halted > 5)
    }

    @Test func anOlderCopyIsNeverTrustedWithWhatThePartnerHolds() {
        let moments = Self.moments().filter(\.operation.outlivesTheProcess)
        var adopted = 0
        for (index, copied) in moments.enumerated() where copied.operation == .write {
            for crash in moments[index...] {
                let stage = disaster("retract-unknown", copied: copied, crash: crash)
                adopted += stage.auditor.adoptions
                if let complaint = stage.complaint("copy of \(copied.number) at \(crash.number)") {
                    Issue.record(Comment(rawValue: complaint))
                    return
                }
            }
        }
        #expect(adopted > 10)
    }

    private func reason(after change: (Stage) -> Void) -> String? {
        let stage = Self.small(Peace()).run()
        stage.verify()
        change(stage)
        stage.run()
        #expect(stage.nature.violations.isEmpty)
        return stage.halts[0]?.reason
    }

    @Test func anotherRuleOfTheKeyHaltsUntilItIsPutBack() {
        let pseudonym = Contracts.Stream.KeyRule.pseudonym(Pseudonym(key: "k"))
        #expect(reason { $0.key = pseudonym } == "presence-lost")
        let putBack = reason { stage in
            stage.key = pseudonym
            stage.run()
            #expect(stage.halts[0]?.detail.contains("is another one than") == true)
            stage.key = .keep
        }
        #expect(putBack == nil)
        #expect(reason { $0.versions[0] = 2 } == nil)
    }

    /// The partner's partitions say nothing about keys under `partition: keep`; the source's do.
    @Test func aPartitionThatAppearsLaterMayHoldKeysOfAnother() {
        let stage = Self.small(Peace()).run()
        stage.verify()
        stage.auditor.mayGap = true
        stage.nature.partner.topics[stage.target]?.append(.init())
        stage.run()
        #expect(stage.halts[0]?.reason == "layout-changed")
        stage.choose("accept-layout", for: "layout-changed")
        stage.run()
        stage.verify()
        #expect(stage.complaint("accepted") == nil)
        stage.addPartition()
        stage.append([TestRecord.filtered, TestRecord.delivered], to: 2)
        stage.run()
        #expect(stage.halts[0]?.reason == "presence-lost")
        stage.choose("retract-unknown", for: "presence-lost")
        stage.run()
        stage.verify()
        #expect(stage.complaint("chosen") == nil)
        let partitions = stage.nature.disks[0].books.partitions
        #expect(partitions[stage.partitions[2]]?.presence?.unknown == .present)
        #expect(partitions[stage.partitions[0]]?.presence?.unknown == .absent)
    }

    @Test func checkpointsThatAreLostTakeTheIndexWithThem() {
        let lost = reason { stage in
            stage.auditor.mayGap = true
            stage.nature.partner.recreate(stage.nature.partner.checkpointTopic, partitions: 1)
            stage.run()
            stage.choose("trust-ledger", for: "checkpoint-lost")
        }
        #expect(lost == "presence-lost")
    }

    @Test func aContractThatRetractsOnlyNowHaltsAndSoDoesATakeOver() {
        let stage = Stage(seed: 42)
        stage.keys = 2
        stage.append([TestRecord.delivered, TestRecord.filtered], to: 0)
        stage.run()
        #expect(stage.halts[0] == nil)
        stage.onScopeExit = .tombstone
        stage.run()
        #expect(stage.halts[0]?.reason == "presence-lost")

        let other = Stage(seed: 43)
        other.onScopeExit = .tombstone
        other.start = .group("mm2")
        other.run()
        #expect(other.halts[0]?.reason == "presence-lost")
    }

    /// What is delivered while the contract does not retract is not noted.
    @Test func switchedOffAndOnAgainTheIndexIsNotTrusted() {
        let again = reason { stage in
            stage.onScopeExit = .ignore
            stage.run()
            #expect(stage.halts[0] == nil)
            #expect(stage.nature.disks[0].presence.isEmpty)
            stage.onScopeExit = .tombstone
        }
        #expect(again == "presence-lost")
    }
}
