import Contracts
import Ledger
import Testing

/// An operator's choices, with a crash at every effect of their carrying out.
@Suite struct ChoiceTests {
    /// Runs `prepare` to a halt, records the choice, then crashes at every effect that follows.
    private func atEveryCrash(
        _ reason: String, _ choice: String, argument: String = "",
        _ prepare: (Stage) -> Void, _ verify: (Stage) -> Void
    ) {
        var step = 0
        while true {
            let stage = Stage(seed: 31)
            prepare(stage)
            stage.run()
            #expect(stage.halts[0]?.reason == reason)
            stage.auditor.mayGap = true
            stage.choose(choice, for: reason, argument: argument)
            stage.nature.adversary = Script([stage.nature.effects + step: .crashAfter])
            let before = stage.lives
            stage.run()
            stage.verify()
            verify(stage)
            if let complaint = stage.complaint("\(choice), crash \(step) effects later") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
            if stage.lives == before + 1 || step == 60 { break }
            step += 1
        }
        #expect(step > 20)
    }

    private func deliverSome(_ stage: Stage) {
        stage.append([TestRecord.delivered, TestRecord.filtered, TestRecord.delivered], to: 0)
        stage.append([TestRecord.delivered], to: 1)
        stage.run()
        stage.verify()
        #expect(stage.complaint("before") == nil)
        stage.append([TestRecord.delivered, TestRecord.delivered], to: 0)
        stage.append([TestRecord.filtered], to: 1)
    }

    @Test func aTrustedLedgerGoesOnWithoutTheLostCheckpoints() {
        atEveryCrash("checkpoint-lost", "trust-ledger") { stage in
            deliverSome(stage)
            stage.nature.partner.recreate(stage.nature.partner.checkpointTopic, partitions: 1)
        } _: { stage in
            #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3, 4])
        }
    }

    @Test func anAcceptedGapIsCountedAndNothingElse() {
        atEveryCrash("retention-gap", "accept-gap") { stage in
            deliverSome(stage)
            var log = stage.nature.internalCluster[stage.partitions[0]]
            log?.truncate(before: 4)
            stage.nature.internalCluster[stage.partitions[0]] = log
        } _: { stage in
            #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 4])
            #expect(stage.nature.disks[0].books.partitions[stage.partitions[0]]?.counts.gaps == 1)
        }
    }

    @Test func anAcceptedLayoutGoesOn() {
        atEveryCrash("layout-changed", "accept-layout") { stage in
            deliverSome(stage)
            stage.nature.partner.topics[stage.target]?.append(.init())
        } _: { stage in
            #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3, 4])
        }
    }

    @Test func anAcceptedClusterGoesOn() {
        atEveryCrash("cluster-changed", "accept-clusters") { stage in
            deliverSome(stage)
            stage.nature.internalCluster.clusterID = "moved"
        } _: { stage in
            #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3, 4])
        }
    }

    @Test func aStoppingRecordIsQuarantinedByChoiceAloneAndOnce() {
        atEveryCrash("violation", "quarantine-record") { stage in
            stage.onViolation = .stop
            stage.append([TestRecord.delivered, .notJSON, TestRecord.delivered], to: 0)
            stage.append([TestRecord.delivered, TestRecord.delivered], to: 1)
        } _: { stage in
            #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2])
            #expect(stage.auditor.visible[stage.partitions[1]] == [0, 1])
            #expect(stage.nature.disks[0].realQuarantine.count == 1)
        }
    }

    @Test func aChoiceAboutARecordIsForNoLaterOne() {
        let stage = Stage(seed: 33)
        stage.onViolation = .stop
        stage.append([TestRecord.delivered, .notJSON, TestRecord.delivered, .notJSON], to: 0)
        stage.run()
        #expect(stage.halts[0]?.reason == "violation")
        stage.choose("quarantine-record", for: "violation")
        // The record that halted the lane is compacted away meanwhile.
        stage.nature.internalCluster.topics[stage.topic]?[0].entries[1] = .gone
        stage.run()
        #expect(stage.halts[0]?.reason == "violation")
        #expect(stage.halts[0]?.detail.contains("@3") == true)
        #expect(stage.nature.disks[0].realQuarantine.isEmpty)
        #expect(stage.nature.disks[0].books.pending.isEmpty)
    }

    @Test func aChoiceForAnotherHaltIsNotCarriedOut() {
        let stage = Stage(seed: 32)
        deliverSome(stage)
        stage.nature.partner.recreate(stage.nature.partner.checkpointTopic, partitions: 1)
        stage.run()
        stage.choose("accept-gap", for: "retention-gap")
        stage.run()
        #expect(stage.halts[0]?.reason == "checkpoint-lost")
        #expect(stage.nature.violations.isEmpty)
    }
}
