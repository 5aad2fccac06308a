import Contracts
import Ledger
import Replication
import Testing

/// A contract's window and quota, in the production lane on a clock that the test moves.
@Suite struct TermsTests {
    private let midnight: Int64 = 1_767_225_600_000

    private func isWell(_ stage: Stage, _ name: String) -> Bool {
        guard let complaint = stage.complaint(name) else { return true }
        Issue.record(Comment(rawValue: complaint))
        return false
    }

    @Test(arguments: [Contracts.Stream.Start.earliest, .latest])
    func `before its window a lane waits unread, then resolves start`(
        start: Contracts.Stream.Start
    ) {
        let stage = Stage(seed: 3, partitions: 1)
        stage.start = start
        stage.effective = Effective(from: midnight + 60_000)
        stage.append([TestRecord.delivered, TestRecord.delivered], to: 0)
        stage.pendingAppends = 2
        var commitsBefore = 0
        stage.nature.onEffect = { [unowned stage] nature in
            if nature.now < .seconds(60) { commitsBefore = stage.auditor.commits }
            // Before the window opens, and after.
            for (left, time) in [(2, 30), (1, 90)]
            where stage.pendingAppends == left && nature.now > .seconds(time) {
                stage.append(TestRecord.delivered, to: 0)
                stage.pendingAppends -= 1
            }
            nature.pass(.milliseconds(20))
        }
        if start == .latest { stage.starts = [stage.partitions[0]: 3] }
        stage.run()
        stage.verify()
        guard isWell(stage, "\(start)") else { return }
        #expect(commitsBefore == 0)
        let visible = stage.auditor.visible[stage.partitions[0]]
        #expect(visible == (start == .latest ? [3] : [0, 1, 2, 3]))
    }

    @Test func `at the end of its window, whenever it comes, nothing is decided any more`() {
        var sent: Set<Int> = []
        for effect in CrashTests.undisturbed() {
            let name = "until \(effect.number) \(effect.operation)"
            let stage = CrashTests.small(Peace())
            stage.effective = Effective(until: midnight + 3_600_000)
            var visible = 0
            var bound: [SourcePartition: Int64] = [:]
            stage.nature.onEffect = { [unowned stage] nature in
                guard nature.effects == effect.number + 1 else { return }
                visible = stage.auditor.visible.values.reduce(0) { $0 + $1.count }
                let books = nature.disks[0].books
                for known in books.partitions.values { bound[known.partition] = known.decided }
                for step in books.intent?.progress ?? [] { bound[step.partition] = step.to }
                nature.pass(.seconds(3600))
            }
            stage.run()
            guard isWell(stage, name) else { return }
            let after = stage.auditor.visible.values.reduce(0) { $0 + $1.count }
            // What was under way already when the clock moved counts as before it.
            if effect.operation != .commit { #expect(after == visible, "\(name)") }
            if effect.operation != .commit && effect.operation != .write {
                for known in stage.nature.disks[0].books.partitions.values {
                    #expect(known.decided <= bound[known.partition] ?? 0, "\(name)")
                }
            }
            sent.insert(after)
            // A later end resumes, and has skipped nothing.
            stage.effective = Effective(until: midnight + 360_000_000)
            stage.nature.onEffect = { _ in }
            stage.run()
            stage.verify()
            guard isWell(stage, "\(name), resumed") else { return }
            #expect(stage.auditor.visible.values.reduce(0) { $0 + $1.count } == 3)
        }
        #expect(sent.count > 2, "the end met the run at different places: \(sent)")
    }

    @Test func `a quota is kept, between batches and never in one`() {
        let stage = Stage(seed: 4, partitions: 2)
        stage.maxRecords = 50
        stage.quota = QuotaBucket(Quota(recordsPerSecond: 5))
        for partition in 0..<2 {
            for _ in 0..<20 {
                stage.append([TestRecord.delivered, TestRecord.filtered], to: partition)
            }
        }
        var oldest = Duration.zero
        var perSecond: [Int] = []
        var took = Duration.zero
        stage.nature.onEffect = { [unowned stage] nature in
            let id = stage.transactionalID
            if let open = nature.partner.coordinators[id]?.transaction,
                nature.partner.transactions[open].status == .open
            {
                oldest = max(oldest, nature.now - nature.partner.transactions[open].began)
            }
            let second = Int(nature.now / .seconds(1))
            while perSecond.count <= second { perSecond.append(0) }
            perSecond[second] = stage.auditor.visible.values.reduce(0) { $0 + $1.count }
            if perSecond[second] < 40 { took = nature.now }
        }
        stage.run()
        stage.verify()
        guard isWell(stage, "quota") else { return }
        #expect(stage.auditor.visible.values.reduce(0) { $0 + $1.count } == 40)
        #expect(oldest <= .milliseconds(100))
        #expect((.seconds(8) ... .seconds(10)).contains(took), "\(took)")
        for (second, sent) in perSecond.enumerated() { #expect(sent <= (second + 2) * 5) }
    }

    @Test func `a crash at any effect keeps a throttled lane exactly once`() {
        var number = 0
        while true {
            let stage = CrashTests.small(Script([number: .crashAfter]))
            stage.quota = QuotaBucket(Quota(recordsPerSecond: 1))
            stage.run()
            stage.verify()
            guard isWell(stage, "throttled, crash at \(number)") else { return }
            if stage.lives == 1 { break }
            number += 1
        }
        #expect(number > 40)
    }
}
