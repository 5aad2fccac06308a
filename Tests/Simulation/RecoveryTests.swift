import Ledger
import Replication
import Testing

/// What the model of the protocol found; Tests/Model keeps each as a mutation.
@Suite struct RecoveryTests {
    private func seen(_ offset: Int64, ours: Bool) -> Recovery.Event {
        .looked(.init(instance: ours ? "a" : "b", isOurs: ours, offset: offset))
    }

    /// A twin's claim comes into sight between our look and our init. Ours commits after it, on a producer
    /// that has to go, and is not in sight at the next look: the twin, fenced by us, ends at ours. Both
    /// would end if this one ended at the twin's.
    @Test func aClaimThatCommittedInVainIsStillNewerThanThoseBeforeIt() {
        var recovery = Recovery(instance: "a", cause: .start, previousInits: 0)
        #expect(recovery.begin() == .survey)
        #expect(recovery.handle(.surveyed) == .look)
        #expect(recovery.handle(.looked(nil)) == .initialise)
        #expect(recovery.handle(.initialised) == .claim)
        let failure = PortFailure(.fatal, "claim", "EndTxn was sent more than once")
        #expect(
            recovery.handle(.claimedInVain(failure, at: 7)) == .wait(.retry(failure)))
        #expect(recovery.handle(.waited) == .survey)
        #expect(recovery.handle(.surveyed) == .look)
        #expect(recovery.handle(seen(5, ours: false)) == .initialise)
    }

    /// The group stands beyond a ledger that is an old copy. The markers are adopted once: every later
    /// recovery would adopt them again, and take the rows of an aborted batch for unproven ones.
    @Test func markersAreAdoptedOnceForAGroupThatIsBeyondTheLedger() {
        let stage = CrashTests.small(Script([:]))
        stage.auditor.mayAdopt = true
        stage.run()
        let generation = stage.nature.disks[0].books.generation
        let group = "crossdock.\(stage.contractID)"
        for partition in stage.partitions {
            let decided = stage.nature.disks[0].books.partitions[partition]?.decided ?? 0
            stage.nature.internalCluster.groups[group, default: [:]][partition] = decided + 1
        }
        for _ in 0..<2 { stage.run() }
        #expect(stage.nature.disks[0].books.generation == generation + 1)
        #expect(stage.nature.violations.isEmpty, "\(stage.nature.violations)")
    }
}
