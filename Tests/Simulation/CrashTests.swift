import Testing

/// A process that dies between any two of its effects, and starts again on what it left behind.
@Suite struct CrashTests {
    static func small(_ adversary: any Adversary, seed: UInt64 = 1) -> Stage {
        let stage = Stage(seed: seed, adversary: adversary)
        stage.append([TestRecord.delivered, TestRecord.filtered, TestRecord.delivered], to: 0)
        stage.append(
            [TestRecord.filtered, .notJSON, TestRecord.delivered, TestRecord.filtered], to: 1)
        stage.appendUnseen(2, to: 0)
        return stage
    }

    /// The effects of a run in which nothing goes wrong.
    static func undisturbed() -> [Effect] {
        small(Peace()).run().nature.trace.filter(\.note.isEmpty).map(\.effect)
    }

    @Test func anUndisturbedRunDeliversEverythingOnce() {
        let stage = Self.small(Peace()).run()
        stage.verify()
        #expect(stage.complaint("undisturbed") == nil)
        #expect(stage.lives == 1)
        #expect(stage.auditor.visible[stage.partitions[0]] == [0, 2])
        #expect(stage.auditor.visible[stage.partitions[1]] == [2])
        #expect(stage.nature.disks[0].realQuarantine.count == 1)
    }

    @Test func aCrashBeforeOrAfterAnyEffectLosesAndRepeatsNothing() {
        var runs = 0
        for effect in Self.undisturbed() {
            for fault in [Fault.crashBefore, .crashAfter] {
                let stage = Self.small(Script([effect.number: fault])).run()
                stage.verify()
                runs += 1
                let name = "crash \(fault) at \(effect.number) \(effect.operation)"
                if let complaint = stage.complaint(name) {
                    Issue.record(Comment(rawValue: complaint))
                    return
                }
                #expect(stage.lives == 2, "\(name)")
            }
        }
        print("single crashes: \(runs) runs")
    }

    /// The second crash may fall into the recovery from the first.
    @Test func twoCrashesBetweenAnyTwoEffectsLoseAndRepeatNothing() {
        var runs = 0
        for first in Self.undisturbed() where first.operation.outlivesTheProcess {
            var second = first.number + 1
            while true {
                let script = Script([first.number: .crashAfter, second: .crashBefore])
                let stage = Self.small(script).run()
                stage.verify()
                runs += 1
                if let complaint = stage.complaint("crashes at \(first.number), \(second)") {
                    Issue.record(Comment(rawValue: complaint))
                    return
                }
                if stage.lives < 3 { break }
                second = Self.nextLasting(stage, after: second)
            }
        }
        print("pairs of crashes: \(runs) runs")
    }

    /// A crash before anything that leaves no trace is the same as a crash before what follows it.
    static func nextLasting(_ stage: Stage, after number: Int) -> Int {
        number + 1
    }
}
