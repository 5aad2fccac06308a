import Ledger
import Testing

/// SIGTERM, outages, refusals, growth: what a service lives through on ordinary days.
@Suite struct DrainTests {
    @Test func askedToStopAtAnyEffectTheLaneLeavesNothingOpen() {
        var drained = 0
        for effect in CrashTests.undisturbed() {
            let stage = CrashTests.small(Peace())
            stage.nature.onEffect = { [unowned stage] nature in
                if nature.effects == effect.number + 1 { stage.process?.askToStop() }
            }
            stage.run()
            stage.verify()
            drained += stage.drained
            if let complaint = stage.complaint("stop at \(effect.number) \(effect.operation)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
        #expect(drained > 40)
    }

    @Test(arguments: [0, 9, 17, 25, 33, 38, 41, 44]) func aPartnerThatIsAwayIsWaitedFor(
        _ from: Int
    ) {
        let stage = CrashTests.small(Outage(from: from, count: 40))
        stage.run()
        stage.verify()
        #expect(stage.complaint("outage from effect \(from)") == nil)
        #expect(stage.lives == 1)
    }

    @Test func aRecordThatTheBrokerRefusesIsQuarantinedAndItsNeighboursPass() {
        for limit in [1, 3, 10] {
            let stage = Stage(seed: 5)
            stage.maxRecords = limit
            stage.append(
                [TestRecord.delivered, TestRecord.delivered, .refused, TestRecord.delivered],
                to: 0)
            stage.append([.refused, TestRecord.filtered, TestRecord.delivered, .large], to: 1)
            stage.run()
            stage.verify()
            #expect(stage.complaint("refused, \(limit) a batch") == nil)
            #expect(stage.nature.disks[0].realQuarantine.count == 3)
        }
    }

    @Test func aRefusedRecordSurvivesACrashAtAnyEffect() {
        var number = 0
        while true {
            let stage = Stage(seed: 6, partitions: 1, adversary: Script([number: .crashBefore]))
            stage.append([TestRecord.delivered, .refused, TestRecord.delivered], to: 0)
            stage.run()
            stage.verify()
            if let complaint = stage.complaint("refused, crash at \(number)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
            if stage.lives == 1 { break }
            number += 1
        }
        #expect(number > 50)
    }

    @Test func aPartitionThatAppearsIsReadFromItsBeginning() {
        for moment in stride(from: 2, to: 60, by: 3) {
            let stage = Stage(seed: 7, partnerPartitions: 3)
            stage.append([TestRecord.delivered, TestRecord.filtered], to: 0)
            stage.append([TestRecord.delivered], to: 1)
            stage.pendingAppends = 1
            stage.nature.onEffect = { [unowned stage] nature in
                guard nature.effects == moment else { return }
                stage.addPartition()
                stage.append([TestRecord.delivered, .notJSON, TestRecord.delivered], to: 2)
                stage.pendingAppends = 0
            }
            stage.run()
            stage.verify()
            #expect(stage.complaint("a partition appears at effect \(moment)") == nil)
            #expect(stage.auditor.visible[stage.partitions[2]] == [0, 2])
        }
    }

    @Test func aPartitionThatIsGoneHaltsWhileRunningAndAfterARestart() {
        for restarts in [false, true] {
            let stage = Stage(seed: 8, partitions: 3)
            stage.append([TestRecord.delivered], to: 0)
            stage.append([TestRecord.delivered], to: 2)
            if restarts { stage.run() } else { stage.pendingAppends = 1 }
            stage.nature.onEffect = { [unowned stage] nature in
                guard restarts || nature.effects == 60 else { return }
                nature.internalCluster.topics[stage.topic]?.removeSubrange(2...)
            }
            stage.run()
            #expect(stage.halts[0]?.reason == "source-truncated", "restarts: \(restarts)")
            #expect(stage.halts[0]?.detail.contains("orders[2], decided up to 1,") == true)
        }
    }

    /// Everything that stood in the source at the start is decided and committed.
    @Test func untilCaughtUpItEndsByItselfAndNotTooEarly() {
        for step in 0..<110 {
            let stage = CrashTests.small(Script([step: .crashAfter]))
            stage.untilCaughtUp = true
            stage.run()
            // Twice where the crash fell into the leaving.
            #expect((1...2).contains(stage.caughtUp))
            #expect(stage.nature.disks[0].books.intent == nil)
            for partition in stage.partitions {
                let books = stage.nature.disks[0].books.partitions[partition]
                #expect(books?.decided == stage.nature.internalCluster[partition]?.high)
            }
            if let complaint = stage.complaint("until caught up, crash at \(step)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        }
    }

    @Test func checkpointPartitionsMayBeMany() {
        for count in [2, 3, 7] {
            for seed in 0..<10 as Range<UInt64> {
                let chaos = Chaos(seed: seed, budget: 6, rate: 30)
                let stage = Stage(
                    seed: seed, checkpointPartitions: count, adversary: chaos)
                stage.append([TestRecord.delivered, .notJSON, TestRecord.delivered], to: 0)
                stage.append([TestRecord.filtered, TestRecord.delivered], to: 1)
                stage.run()
                stage.verify()
                #expect(stage.complaint("\(count) checkpoint partitions, seed \(seed)") == nil)
            }
        }
    }
}

/// The partner does not answer for a while.
final class Outage: Adversary {
    private let from: Int
    private var left: Int
    init(from: Int, count: Int) {
        self.from = from
        left = count
    }

    func fault(at effect: Effect) -> Fault? {
        guard effect.number >= from, left > 0 else { return nil }
        switch effect.operation {
        case .partnerFacts, .highWatermarks, .scan, .initialise, .flush: left -= 1
        case .commit, .abort:
            left -= 1
            return .lostRequest
        default: return nil
        }
        return .fail(.unavailable)
    }
}
