import Ledger
import Testing

/// Every sequence of six choices at six decision points in a row: a small source, two partitions, some
/// records delivered and some not.
@Suite struct ExhaustiveTests {
    /// Where more seeds are asked for, more choices are walked too.
    private static let isLong = (SeedTests.number("CROSSDOCK_SIMULATION_SEEDS") ?? 0) >= 1000

    /// What can become of each step that leaves something behind, or of a flush.
    private static func everything(_ effect: Effect) -> [Fault] {
        let usual: [Fault] =
            switch effect.operation {
            case .commit:
                [.crashBefore, .crashAfter, .lostReply, .late(9), .doubled(5), .notSent]
            case .abort: [.late(9), .doubled(5)]
            case .initialise: [.crashAfter]
            case .write: [.crashBefore, .crashAfter]
            case .flush: [.deliveryFails]
            default: []
            }
        return usual + (isLong ? more(effect) : [])
    }

    private static func more(_ effect: Effect) -> [Fault] {
        switch effect.operation {
        case .commit: [.lostRequest, .transactionTimeout]
        case .abort: [.lostRequest]
        case .initialise: [.failAfter(.unavailable)]
        case .write: [.fail(.unavailable)]
        default: []
        }
    }

    /// What can become of six transactions in a row, and of their aborts.
    private static func outcomes(_ effect: Effect) -> [Fault] {
        switch effect.operation {
        case .commit: isLong ? [.crashAfter, .late(9), .lostReply] : [.crashAfter, .late(9)]
        case .abort: [.late(9)]
        default: []
        }
    }

    private static func stage(_ adversary: any Adversary) -> Stage {
        let stage = Stage(seed: 3, adversary: adversary)
        stage.maxRecords = 1
        stage.append([TestRecord.delivered, TestRecord.filtered, TestRecord.delivered], to: 0)
        stage.append([TestRecord.filtered, TestRecord.delivered, .notJSON], to: 1)
        return stage
    }

    private func walk(_ name: String, _ odometer: Odometer) {
        var runs = 0
        var states: Set<Int> = []
        repeat {
            let stage = Self.stage(odometer)
            stage.nature.onEffect = { [unowned stage] _ in
                if odometer.isChoosing { states.insert(stage.persisted) }
            }
            stage.run()
            stage.verify()
            runs += 1
            if let complaint = stage.complaint("\(name), choices \(odometer.choices)") {
                Issue.record(Comment(rawValue: complaint))
                return
            }
        } while odometer.advance()
        print("\(name): \(runs) sequences, \(states.count) persisted states")
    }

    /// The first decision points are the start; later windows begin with the first records.
    @Test(arguments: [0, 7, 12]) func everySequenceOfSixChoicesKeepsThePromise(_ skip: Int) {
        let depth = Int(SeedTests.number("CROSSDOCK_SIMULATION_DEPTH") ?? 6)
        walk(
            "everything, \(skip) points passed",
            Odometer(depth: depth, skip: skip, menu: Self.everything))
    }

    @Test func everySequenceOfSixTransactionOutcomesKeepsThePromise() {
        walk("outcomes", Odometer(depth: 6, skip: 0, menu: Self.outcomes))
    }
}

extension Stage {
    /// What would be found by a process that starts now, nonces aside.
    var persisted: Int {
        var hasher = Hasher()
        let books = nature.disks[0].books
        hasher.combine(books.lastBatchSeq)
        hasher.combine(books.intent?.progress.map { [$0.from, $0.to] })
        hasher.combine(books.claims.count)
        for partition in partitions {
            let known = books.partitions[partition]
            hasher.combine(known?.decided)
            hasher.combine(known?.marker?.batchSeq)
            hasher.combine(auditor.visible[partition])
            hasher.combine(auditor.newest[partition]?.batchSeq)
            hasher.combine(nature.internalCluster.groups["crossdock.\(contractID)"]?[partition])
        }
        if let coordinator = nature.partner.coordinators[transactionalID] {
            hasher.combine(coordinator.epoch)
            if let open = coordinator.transaction {
                hasher.combine(nature.partner.transactions[open].status)
                hasher.combine(nature.partner.entries(of: open).count)
            }
        }
        hasher.combine(nature.wandering.map(\.commit))
        return hasher.finalize()
    }
}
