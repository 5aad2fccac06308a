import Ledger
import Testing

/// Clusters that are not what they were: the lane halts, says why, and delivers nothing wrong.
@Suite struct DamageTests {
    /// Damage done between two lives, after everything so far was delivered.
    private func whileDown(
        _ reason: String?, more: Bool = true, _ damage: @escaping (Stage) -> Void
    ) -> Stage {
        let stage = Self.stage()
        stage.run()
        stage.verify()
        #expect(stage.complaint("before") == nil)
        if more { stage.append([TestRecord.delivered, TestRecord.delivered], to: 0) }
        damage(stage)
        stage.run()
        #expect(stage.halts[0]?.reason == reason)
        #expect(stage.nature.disks[0].books.halt?.reason == reason)
        #expect(stage.nature.violations.isEmpty, "\(stage.nature.violations)")
        return stage
    }

    private static func stage() -> Stage {
        let stage = Stage(seed: 11)
        stage.append(
            [
                TestRecord.delivered, TestRecord.filtered, TestRecord.delivered,
                TestRecord.delivered,
            ],
            to: 0)
        stage.append([TestRecord.delivered, TestRecord.filtered], to: 1)
        return stage
    }

    private func edit(
        _ stage: Stage, _ partition: Int = 0, _ body: (inout InternalCluster.Log) -> Void
    ) {
        guard var log = stage.nature.internalCluster[stage.partitions[partition]] else { return }
        body(&log)
        stage.nature.internalCluster[stage.partitions[partition]] = log
    }

    @Test func recordsThatExpiredUnreadHaltUntilTheGapIsAccepted() {
        let stage = whileDown("retention-gap") { stage in
            self.edit(stage) { $0.truncate(before: 5) }
        }
        #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3])
        stage.auditor.mayGap = true
        stage.choose("accept-gap", for: "retention-gap")
        stage.run()
        stage.verify()
        #expect(stage.complaint("gap accepted") == nil)
        #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3, 5])
        #expect(stage.nature.disks[0].books.partitions[stage.partitions[0]]?.counts.gaps == 1)
    }

    @Test func aSourceCutBelowTheDecidedOffsetHalts() {
        _ = whileDown("source-truncated", more: false) { stage in
            self.edit(stage) { $0.entries.removeLast(2) }
        }
    }

    @Test func aSourceRecreatedWithOtherRecordsHalts() {
        let stage = whileDown("source-truncated") { stage in
            self.edit(stage) { log in
                log.entries = (0..<9).map { number in
                    let record = TestRecord(kind: TestRecord.delivered, number: 777_000 + number)
                    return .record(
                        SourceEntry(key: record.key, value: record.value, timestamp: 5))
                }
            }
        }
        #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3])
    }

    @Test func aSourceWhoseOldRecordsAreCompactedAwayGoesOn() {
        let stage = whileDown(nil) { stage in
            self.edit(stage) { log in
                for index in 0..<4 { log.entries[index] = .gone }
            }
        }
        #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3, 4, 5])
    }

    @Test func aPartnerTopicRecreatedHalts() {
        _ = whileDown("partner-truncated") { stage in
            stage.nature.partner.recreate(stage.target, partitions: 2)
        }
    }

    @Test func aPartnerTopicRecreatedWhileRunningIsNoticedBeforeTheCommit() {
        let stage = Self.stage()
        stage.maxRecords = 1
        stage.pendingAppends = 1
        stage.nature.onEffect = { [unowned stage] nature in
            guard stage.pendingAppends > 0, stage.auditor.commits == 4 else { return }
            nature.partner.recreate(stage.target, partitions: 2)
            stage.append([TestRecord.delivered, TestRecord.delivered], to: 0)
            stage.pendingAppends = 0
        }
        stage.run()
        #expect(stage.halts[0]?.reason == "partner-truncated")
        let seen = stage.nature.partner.committed(.init(topic: stage.target, partition: 0))
        #expect(seen.isEmpty)
    }

    @Test func aPartnerTopicRecreatedRightAfterARecoveryHaltsUntilAChoice() {
        let stage = Self.stage()
        stage.run()
        stage.verify()
        #expect(stage.complaint("before") == nil)
        stage.append(TestRecord.delivered, to: 0)
        var isRecreated = false
        stage.nature.onEffect = { [unowned stage] nature in
            let last = nature.trace.last { $0.note.isEmpty }
            guard !isRecreated, last?.effect.operation == .assign else { return }
            isRecreated = true
            nature.partner.recreate(stage.target, partitions: 2)
        }
        stage.run()
        #expect(stage.halts[0]?.reason == "partner-truncated")
        // Grown past what was acknowledged, it looks whole.
        let filler = PartnerCluster.Entry(transaction: 0, isControl: true)
        for partition in 0..<2 {
            stage.nature.partner.topics[stage.target]?[partition].entries +=
                Array(repeating: filler, count: 30)
        }
        stage.run()
        #expect(stage.halts[0]?.reason == "partner-truncated")
        stage.choose("trust-ledger", for: "partner-truncated")
        stage.run()
        #expect(stage.halts[0] == nil)
        #expect(stage.nature.disks[0].books.halt == nil)
        let seen = stage.nature.partner.committed(.init(topic: stage.target, partition: 0))
        #expect(seen.count == 1)
    }

    @Test func anEmptyCheckpointTopicHalts() {
        _ = whileDown("checkpoint-lost") { stage in
            stage.nature.partner.recreate(stage.nature.partner.checkpointTopic, partitions: 1)
        }
    }

    @Test func aMissingCheckpointTopicHalts() {
        _ = whileDown("checkpoint-lost") { stage in
            stage.nature.partner.topics[stage.nature.partner.checkpointTopic] = nil
        }
    }

    @Test func ledgerAndCheckpointsBothLostHaltWhereTheGroupRemembers() {
        _ = whileDown("checkpoint-lost") { stage in
            stage.nature.partner.recreate(stage.nature.partner.checkpointTopic, partitions: 1)
            stage.nature.disks[0] = LedgerDisk(instance: "instance-new")
        }
    }

    @Test func aPartnerRestoredFromAnOlderCopyHalts() {
        let stage = Self.stage()
        stage.run()
        let copy = stage.nature.partner
        stage.append([TestRecord.delivered, TestRecord.filtered], to: 0)
        stage.run()
        stage.verify()
        #expect(stage.complaint("before") == nil)
        // A backup brings topics back; producer ids and epochs are the coordinator's own.
        stage.nature.partner.topics = copy.topics
        stage.run()
        #expect(stage.halts[0]?.reason == "partner-restored")
    }

    @Test func anotherClusterBehindTheSameNameHalts() {
        _ = whileDown("cluster-changed") { $0.nature.partner.clusterID = "another" }
        _ = whileDown("cluster-changed") { $0.nature.internalCluster.clusterID = "another" }
    }

    @Test func aPartnerTopicWithMorePartitionsHalts() {
        _ = whileDown("layout-changed") { stage in
            stage.nature.partner.topics[stage.target]?.append(.init())
        }
    }

    @Test func aMarkerThatDoesNotOpenHalts() {
        _ = whileDown("marker-unreadable") { stage in
            let topic = stage.nature.partner.checkpointTopic
            let entries = stage.nature.partner.topics[topic]?[0].entries ?? []
            for (index, entry) in entries.enumerated() where !entry.isControl {
                guard entry.value.map({ $0.count > 200 }) == true else { continue }
                stage.nature.partner.topics[topic]?[0].entries[index].value?[60] ^= 1
            }
        }
    }

    @Test func whatOthersWriteOnTheCheckpointTopicIsIgnored() {
        let stage = whileDown(nil) { $0.nature.openNeighbour(partition: 0, hangs: .zero) }
        #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2, 3, 4, 5])
    }

    @Test func aSourceThatDisappearsIsWaitedFor() {
        let stage = Self.stage()
        stage.pendingAppends = 1
        var kept: [InternalCluster.Log]?
        stage.nature.onEffect = { [unowned stage] nature in
            if nature.effects == 40 {
                kept = nature.internalCluster.topics[stage.topic]
                nature.internalCluster.topics[stage.topic] = nil
            }
            if nature.effects == 80, let kept {
                nature.internalCluster.topics[stage.topic] = kept
                stage.append(TestRecord.delivered, to: 1)
                stage.pendingAppends = 0
            }
        }
        stage.run()
        stage.verify()
        #expect(stage.complaint("source away") == nil)
    }

    /// A consumer that waits goes on in a recreated topic without an error.
    @Test func aSourceRecreatedWhileIdleIsNoticedBeforeItsRecordsLeave() {
        let stage = Self.stage()
        stage.pendingAppends = 1
        var quietSince: Duration?
        stage.nature.onEffect = { [unowned stage] nature in
            let books = nature.disks[0].books
            guard stage.pendingAppends > 0, books.intent == nil,
                books.partitions[stage.partitions[0]]?.decided == 4
            else { return }
            let since = quietSince ?? nature.now
            quietSince = since
            guard nature.now - since > .seconds(2) else { return }
            self.edit(stage) { log in
                log.entries = (0..<9).map { number in
                    let record = TestRecord(kind: TestRecord.delivered, number: 777_000 + number)
                    return .record(
                        SourceEntry(key: record.key, value: record.value, timestamp: 5))
                }
            }
            stage.pendingAppends = 0
        }
        stage.run()
        #expect(stage.halts[0]?.reason == "source-truncated")
        #expect(stage.nature.violations.isEmpty, "\(stage.nature.violations)")
    }

    /// Filled beyond the position between two fetches: no wait and no error, and soon the last records that
    /// were read are all the new topic's.
    @Test func aSourceSwappedUnderABusyReaderHalts() {
        let stage = Self.stage()
        stage.maxRecords = 1
        stage.append(Array(repeating: TestRecord.delivered, count: 6), to: 0)
        var isSwapped = false
        stage.nature.onEffect = { [unowned stage] nature in
            let decided = nature.disks[0].books.partitions[stage.partitions[0]]?.decided
            guard !isSwapped, decided == 6 else { return }
            isSwapped = true
            self.edit(stage) { log in
                log.entries = (0..<60).map { number in
                    let record = TestRecord(kind: TestRecord.delivered, number: 777_000 + number)
                    return .record(
                        SourceEntry(key: record.key, value: record.value, timestamp: 5))
                }
            }
        }
        stage.run()
        stage.run()
        #expect(isSwapped)
        #expect(stage.halts[0]?.reason == "source-truncated")
    }
}
