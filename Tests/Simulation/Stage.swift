import Contracts
import Ledger
import Replication

/// One run: a source, a partner, one or more instances, an adversary; and what came of it.
final class Stage {
    struct Origin {
        var partition: SourcePartition
        var offset: Int64
        var version: Int
        var key: [UInt8]
        var timestamp: Int64
    }

    let topic = "orders"
    let target = "partner.orders"
    let contractID = "sim"
    var transactionalID: String { "crossdock.\(contractID).0" }
    var checkpointPartition: Int32 {
        LaneHash.checkpointPartition(
            contract: contractID, lane: 0,
            count: nature.partner.topics[nature.partner.checkpointTopic]?.count ?? 1)
    }
    let nature: Nature
    private(set) var partitions: [SourcePartition]
    private(set) var records: [SourcePartition: [Int64: TestRecord]] = [:]
    private(set) var origins: [[UInt8]: Origin] = [:]
    /// Of the tombstone that each record would be retracted by, by timestamp.
    private(set) var retractions: [Int64: Origin] = [:]
    private var numbers: [Int]
    private(set) lazy var auditor = Auditor(
        nature: nature, stage: self, openMarker: Self.openMarker)
    private var actsRecorded = 0
    /// The contract version that each instance's file holds.
    var versions: [Int]
    var maxRecords = 2
    /// The lane is to end by itself.
    var untilCaughtUp = false
    private(set) var caughtUp = 0
    var onViolation = Contracts.Stream.OnViolation.quarantine
    var onScopeExit = Contracts.Stream.OnScopeExit.ignore
    var key = Contracts.Stream.KeyRule.keep
    /// How many keys a partition's records share; nil: each has its own.
    var keys: Int?
    var starts: [SourcePartition: Int64] = [:]
    var start = Contracts.Stream.Start.earliest
    /// The contract's window, and how much it may deliver.
    var effective = Effective()
    var quota: QuotaBucket?
    /// A lane that was asked to leave is followed by another in the same process, as after a reload.
    var isFollowed = false
    private var predecessors: [Int: Predecessor] = [:]
    /// Appends that are still to come; rest begins after them.
    var pendingAppends = 0
    private(set) var lives = 0
    private(set) var halts: [Halt?]
    var maxLives = 40
    var betweenLives: (Stage, Int) -> Void = { _, _ in }
    /// The process that runs now, where there is one instance.
    private(set) weak var process: Process?
    /// Processes that were asked to stop and left in order.
    private(set) var drained = 0

    init(
        seed: UInt64, partitions: Int = 2, instances: Int = 1, checkpointPartitions: Int = 1,
        partnerPartitions: Int? = nil, adversary: any Adversary = Peace()
    ) {
        nature = Nature(seed: seed, adversary: adversary)
        let topic = topic
        self.partitions = (0..<Int32(partitions)).map {
            SourcePartition(topic: topic, partition: $0)
        }
        numbers = Array(repeating: 0, count: partitions)
        versions = Array(repeating: 1, count: instances)
        halts = Array(repeating: nil, count: instances)
        nature.internalCluster.topics[topic] = Array(repeating: .init(), count: partitions)
        nature.partner.recreate(target, partitions: partnerPartitions ?? partitions)
        nature.partner.recreate(
            nature.partner.checkpointTopic, partitions: checkpointPartitions)
        nature.disks = (0..<instances).map { LedgerDisk(instance: "instance-\($0)") }
        nature.onCommit = { [unowned self] in auditor.committed($0) }
        nature.onWrite = { [unowned self] in auditor.wrote($0, $1, $2, $3) }
    }
}

// MARK: The source

extension Stage {
    static let checkpointKey = Array("0123456789abcdef0123456789abcdef".utf8)

    private static func openMarker(_ entry: PartnerCluster.Entry) -> AuditedMarker? {
        let record = CheckpointRecord(
            partition: 0, offset: 0, key: entry.key ?? [], value: entry.value)
        guard case .marker(let marker) = codec.open(record) else { return nil }
        return AuditedMarker(
            partition: marker.source, nextOffset: marker.nextOffset, batchSeq: marker.batchSeq,
            nonce: Nonce(text: marker.nonce) ?? Nonce(high: 0, low: 0), counts: marker.counts,
            acts: marker.acts)
    }

    static let codec = CheckpointCodec(contract: "sim", key: checkpointKey)

    func append(_ kind: TestRecord.Kind, to partition: Int) {
        let place = partitions[partition]
        guard var log = nature.internalCluster[place] else { return }
        numbers[partition] += 1
        let first = partition * 100_000
        let record = TestRecord(
            kind: kind, number: first + numbers[partition],
            keyNumber: keys.map { first + numbers[partition] % $0 })
        let timestamp = Int64(1_700_000_000_000 + record.number)
        let offset = log.high
        log.entries.append(
            .record(SourceEntry(key: record.key, value: record.value, timestamp: timestamp)))
        nature.internalCluster[place] = log
        records[place, default: [:]][offset] = record
        retractions[timestamp] = Origin(
            partition: place, offset: offset, version: 0, key: record.key, timestamp: timestamp)
        for version in 1...2 {
            origins[record.output(under: version)] = Origin(
                partition: place, offset: offset, version: version, key: record.key,
                timestamp: timestamp)
        }
    }

    /// The source topic grows by a partition.
    func addPartition() {
        partitions.append(SourcePartition(topic: topic, partition: Int32(partitions.count)))
        numbers.append(0)
        nature.internalCluster.topics[topic]?.append(.init())
    }

    /// Control records, aborted and compacted ones.
    func appendUnseen(_ count: Int, to partition: Int, gone: Bool = false) {
        guard var log = nature.internalCluster[partitions[partition]] else { return }
        for _ in 0..<count { log.entries.append(gone ? .gone : .unseen) }
        nature.internalCluster[partitions[partition]] = log
    }

    func append(_ kinds: [TestRecord.Kind], to partition: Int) {
        for kind in kinds { append(kind, to: partition) }
    }

    /// A mix of everything, out of the run's seed.
    func appendAtRandom(_ count: Int, random: inout SeededRandom) {
        for _ in 0..<count {
            let partition = random.below(partitions.count)
            switch random.below(20) {
            case 0: append(.notJSON, to: partition)
            case 1: append(.tombstone, to: partition)
            case 2: appendUnseen(1 + random.below(3), to: partition)
            case 3: appendUnseen(1, to: partition, gone: true)
            case 4: append(.large, to: partition)
            case 5 where random.chance(40): append(.refused, to: partition)
            default:
                append(
                    .plain(first: random.chance(60), second: random.chance(60)), to: partition)
            }
        }
    }

    /// The operator's choice, as `recover` records it.
    func choose(_ choice: String, for reason: String, argument: String = "", instance: Int = 0) {
        var argument = argument
        let books = nature.disks[instance].books
        if choice == "quarantine-record", let partition = books.halt?.partition,
            let known = books.partitions[partition]
        {
            argument = "\(known.decided)"
        }
        record(choice, reason: reason, argument: argument, instance: instance)
    }

    /// An operator's act about the contract, as `suspend`, `resume` and `revoke` record it.
    func act(_ what: ContractAct, instance: Int = 0) {
        let act = record(what.rawValue, instance: instance)
        nature.note("an operator: \(act.choice)")
        auditor.acted(instance)
    }

    @discardableResult
    func record(
        _ choice: String, reason: String = "", argument: String = "", instance: Int,
        isChoice: Bool? = nil
    ) -> Act {
        actsRecorded += 1
        let act = Act(
            id: "act-\(actsRecorded)", choice: choice, reason: reason, argument: argument,
            at: nature.wallClock + Int64(actsRecorded))
        nature.disks[instance].record(act, isChoice: isChoice ?? (act.aboutContract == nil))
        return act
    }

    func startOffset(of partition: SourcePartition) -> Int64 { starts[partition] ?? 0 }
}

// MARK: The contract

extension Stage {
    func version(of pin: ContractPin) -> Int? {
        (1...2).first { self.pin($0) == pin }
    }

    func pin(_ version: Int) -> ContractPin {
        ContractPin(version: "1.\(version).0", hash: String(repeating: "\(version)", count: 64))
    }

    func contract(_ version: Int) -> Contract {
        func path(_ name: String) -> Path { Path(steps: [.init(member: name)]) }
        let pin = pin(version)
        return Contract(
            id: contractID, version: pin.version, hash: pin.hash, file: "sim.yaml",
            status: .active, source: "internal", target: "partner",
            streams: [
                Stream(
                    from: topic, to: target, format: .json, start: start,
                    filter: Expression(text: version == 1 ? "value.a" : "value.b"),
                    fields: [
                        Field(source: .path(path("n")), output: path("n")),
                        Field(source: .constant("\(version)"), output: path("v")),
                        Field(source: .path(path("pad")), output: path("pad")),
                    ],
                    key: key, onViolation: onViolation, onScopeExit: onScopeExit)
            ],
            delivery: Delivery(
                maxRecords: maxRecords, maxBytes: 1 << 20, maxInterval: .milliseconds(100)),
            effective: effective)
    }

    private func plan(of instance: Int) -> LanePlan {
        var pace = Pace()
        pace.markerRecords = 3
        pace.markerInterval = .seconds(3)
        pace.chunk = 16
        return LanePlan(
            contract: contract(versions[instance]), lane: 0, lanes: 1, keys: [:],
            checkpointKey: Self.checkpointKey, untilCaughtUp: untilCaughtUp,
            predecessor: isFollowed ? predecessors[instance] : nil, quota: quota,
            pace: pace)
    }
}

// MARK: Running

extension Stage {
    /// One instance, restarted after each crash until it is at rest or halted.
    @discardableResult
    func run() -> Stage {
        live(0)
        return self
    }

    /// All instances at once, interleaved by the seed.
    func runTwins(switches: Int) {
        let scheduler = Scheduler(
            nature: nature, instances: versions.count, seed: nature.random.next(),
            switches: switches)
        nature.scheduler = scheduler
        scheduler.run { self.live($0) }
        nature.scheduler = nil
    }

    func live(_ instance: Int) {
        for life in 0..<maxLives {
            if life > 0 { betweenLives(self, instance) }
            let process = Process(
                nature: nature, instance: instance, transactionalID: transactionalID,
                checkpointPartition: checkpointPartition)
            let world = FakeWorld(process: process) { [unowned self] in
                !untilCaughtUp && isAtRest(instance)
            }
            let ledger = FakeLedger(process: process)
            let lane = Lane(
                plan: plan(of: instance),
                source: FakeSource(process: process, group: "crossdock.\(contractID)"),
                partner: FakePartner(process: process, topics: [target]), ledger: ledger,
                world: world)
            lives += 1
            self.process = process
            nature.note("i\(instance) starts")
            let ending = lane.run()
            predecessors[instance] = process.isDead ? nil : lane.predecessor
            if ending == .caughtUp { caughtUp += 1 }
            nature.note("i\(instance) ends: \(ending)")
            halts[instance] = world.halt
            if nature.isExhausted { return }
            if process.isDead { continue }
            if process.wasAsked {
                drained += 1
                checkDrained(instance)
                continue
            }
            return finish(instance, world)
        }
        nature.violate("more lives than allowed")
    }

    /// SIGTERM: the open transaction is finished or aborted, and the ledger knows which.
    private func checkDrained(_ instance: Int) {
        if let open = nature.partner.coordinators[transactionalID]?.transaction,
            nature.partner.transactions[open].status == .open
        {
            nature.violate("drained, and a transaction is open")
        }
        if nature.disks[instance].books.intent != nil {
            nature.violate("drained, and an intent is open")
        }
    }

    private func finish(_ instance: Int, _ world: FakeWorld) {
        // A producer that was hit last cannot abort any more: the coordinator will.
        if nature.injected == 0, versions.count == 1,
            let open = nature.partner.coordinators[transactionalID]?.transaction,
            nature.partner.transactions[open].status == .open
        {
            nature.violate("the lane is over, and its transaction is open")
        }
        if world.halt == nil, !isAtRest(instance), !untilCaughtUp {
            nature.violate("the lane ends before its work is done")
        }
    }

    /// Nothing is left to do and everything is on record.
    func isAtRest(_ instance: Int) -> Bool {
        guard pendingAppends == 0, nature.wandering.isEmpty else { return false }
        let books = nature.disks[instance].books
        guard nature.disks[instance].requests.isEmpty || books.acts.standing != .active else {
            return false
        }
        guard books.intent == nil, books.pin == pin(versions[instance]) else { return false }
        return partitions.allSatisfy { partition in
            guard let known = books.partitions[partition],
                let log = nature.internalCluster[partition]
            else { return false }
            if effective.isOver(at: nature.wallClock) { return true }
            guard known.marker?.nextOffset == known.decided,
                auditor.newest[partition]?.acts == books.acts
            else { return false }
            return known.decided == log.stable || books.acts.standing != .active
        }
    }

    /// The end of a run by the rules: at rest, and everything right.
    func verify(instance: Int = 0) {
        // Transaction markers that are still to be written.
        nature.pass(.seconds(120))
        if let halt = halts[instance] {
            nature.violate("halted: \(halt.reason): \(halt.detail)")
        } else if nature.violations.isEmpty {
            auditor.settled(instance)
        }
    }

    static let tailLength = Int(SeedTests.number("CROSSDOCK_SIMULATION_TAIL") ?? 80)

    /// What went wrong, with the run's tail; nil when nothing did.
    func complaint(_ name: String) -> String? {
        guard !nature.violations.isEmpty else { return nil }
        let tail = nature.trace.suffix(Self.tailLength).map { item -> String in
            guard item.note.isEmpty else { return "        \(item.note.prefix(240))" }
            let fault = item.fault.map { "  <-- \($0)" } ?? ""
            return "  \(item.effect.number) i\(item.effect.instance)"
                + " \(item.effect.operation.rawValue)\(fault)"
        }
        return (["\(name):"] + nature.violations + tail).joined(separator: "\n")
    }
}

// MARK: What happens meanwhile

extension Stage {
    /// Records arrive while the lane runs, at moments out of the seed; the checkpoint topic is
    /// compacted now and then.
    func grow(_ count: Int, random: SeededRandom) {
        var random = random
        pendingAppends = count
        var next = nature.effects + 1 + random.below(40)
        nature.onEffect = { [unowned self] nature in
            guard pendingAppends > 0, nature.effects >= next else { return }
            let some = min(pendingAppends, 1 + random.below(4))
            appendAtRandom(some, random: &random)
            pendingAppends -= some
            next = nature.effects + 1 + random.below(40)
            if random.chance(20) { nature.partner.compactCheckpoints() }
        }
    }
}
