import Contracts
import Ledger
import Replication

/// The partner's cluster as one lane's producer and readers see it.
final class FakePartner: LanePartner {
    private struct Producer {
        /// `misled`: an unknown outcome, after which an abort answers "done" and has done nothing.
        enum State { case ready, open, broken, spent, misled }
        var epoch: Int
        var careful: Bool
        var state = State.ready
        var accepted = 0
        var acknowledged = 0
        var failed = 0
        var fenced = false
        var refusal: String?
        var failure: String?
        var checkpointOffset: Int64 = -1
        var carriesRecords = false
        var positions: [PartnerCluster.Place: Int64] = [:]
        /// Accepted, not sent yet: everything up to the next flush is one produce batch.
        var batch: [Waiting] = []
        var sent = false
    }

    private struct Waiting {
        var place: PartnerCluster.Place
        var key: [UInt8]?
        var value: [UInt8]?
        var timestamp: Int64
        var isReleased = false
    }

    private let process: Process
    private let topics: [String]
    private var producer: Producer?
    private var lastAcknowledged: [PartnerCluster.Place: Int64] = [:]
    private var rises = true
    private(set) var isDirty = false

    init(process: Process, topics: [String]) {
        self.process = process
        self.topics = topics
    }

    var isAway: Bool { false }
    private var nature: Nature { process.nature }
    private var id: String { process.transactionalID }
    var transactionTimeout: Duration { nature.partner.transactionTimeout }

    // MARK: Reading

    func facts(topics: [String]) throws(PortFailure) -> PartnerFacts {
        try process.perform(.partnerFacts) { () throws(PortFailure) in
            var partitions: [String: Int] = [:]
            let cluster = self.nature.partner
            for topic in topics { partitions[topic] = cluster.topics[topic]?.count }
            return PartnerFacts(
                clusterID: cluster.clusterID, partitions: partitions,
                checkpointPartitions: cluster.topics[cluster.checkpointTopic]?.count)
        }
    }

    func highWatermarks(_ positions: [PartnerPosition]) throws(PortFailure) -> [Int64] {
        try process.perform(.highWatermarks) { () throws(PortFailure) in
            positions.map {
                let place = PartnerCluster.Place(topic: $0.topic, partition: $0.partition)
                if self.nature.isHidden() { return -1 }
                return self.nature.partner.log(place)?.high ?? -1
            }
        }
    }

    var checkpointTopic: String { nature.partner.checkpointTopic }

    func stableOffsets(_ positions: [PartnerPosition]) throws(PortFailure) -> [Int64] {
        try process.perform(.stableOffsets) { () throws(PortFailure) in
            positions.map {
                self.nature.partner.stable(
                    PartnerCluster.Place(topic: $0.topic, partition: $0.partition))
            }
        }
    }

    func scanCheckpoints(
        partition: Int32, from offset: Int64?, uncommitted: Bool, timeout: Duration,
        visit: (CheckpointRecord) -> Bool
    ) throws(PortFailure) -> CheckpointScan {
        try process.perform(.scan) { () throws(PortFailure) in
            let place = PartnerCluster.Place(
                topic: self.nature.partner.checkpointTopic, partition: partition)
            guard self.nature.partner.exists(place) else {
                throw PortFailure(.unavailable, "consume", "unknown checkpoint partition")
            }
            // Beyond the end reads from the low watermark, as the client's reader does.
            let high = self.nature.partner.log(place)?.high ?? 0
            let offset = (offset ?? 0) > high ? 0 : offset
            for (offset, entry) in self.nature.partner.committed(
                place, from: offset ?? 0,
                uncommitted: uncommitted || self.nature.defect == .readsUncommitted)
            {
                let record = CheckpointRecord(
                    partition: partition, offset: offset, key: entry.key ?? [],
                    value: entry.value)
                if visit(record) { return .found }
            }
            self.process.sleep(.milliseconds(10))
            return .end
        }
    }

    // MARK: Transactions

    func initialise(careful: Bool) throws(PortFailure) {
        producer = nil
        isDirty = false
        try process.perform(.initialise) { () throws(PortFailure) in
            let epoch = self.nature.partner.initialise(
                self.id, owner: self.process.instance, now: self.nature.now)
            self.producer = Producer(epoch: epoch, careful: careful)
        }
    }

    func begin() throws(PortFailure) {
        try process.perform(.begin) { () throws(PortFailure) in
            guard var producer = self.producer else {
                throw PortFailure(.fatal, "begin_transaction", "no producer")
            }
            if self.isDirty { self.nature.violate("a transaction begins on a dirty producer") }
            guard producer.state == .ready else {
                throw PortFailure(.fatal, "begin_transaction", "not ready")
            }
            if self.isFenced {
                producer.state = .spent
                self.producer = producer
                throw self.fence("begin_transaction")
            }
            self.producer = Producer(epoch: producer.epoch, careful: producer.careful)
            self.producer?.state = .open
        }
    }

    private var currentEpoch: Int { nature.partner.coordinators[id]?.epoch ?? 0 }
    private var isFenced: Bool { currentEpoch != epoch(of: producer) }

    private func epoch(of producer: Producer?) -> Int {
        nature.defect == .nobodyIsFenced ? currentEpoch : producer?.epoch ?? -1
    }

    private func fence(_ operation: String) -> PortFailure {
        let masked = nature.masksFences && nature.random.chance(50)
        return PortFailure(masked ? .fatal : .fenced, operation, "epoch is not current")
    }

    func produce(
        _ output: borrowing OutputRecord, topic: Int
    ) throws(PortFailure) -> Produced {
        let waiting = Waiting(
            place: .init(topic: topics[topic], partition: output.partition),
            key: output.key.map { Array($0) }, value: output.value.map { Array($0) },
            timestamp: output.timestamp,
            isReleased: output.headers.contains { String(cString: $0.name) == "crossdock-released" }
        )
        let fault = process.enter(.produce, carriesRecords: true)
        if fault == .queueFull { return .queueFull }
        if (waiting.value?.count ?? 0) > nature.partner.maxMessageBytes { return .tooLarge }
        try accept(waiting, fault, .produce)
        return .accepted
    }

    func produceCheckpoint(partition: Int32, key: [UInt8], value: [UInt8]) throws(PortFailure) {
        // The broker may have answered before the batch was complete.
        if nature.effects % 2 == 0, producer?.batch.isEmpty == false {
            sendBatch()
            if let refusal = producer?.refusal {
                producer?.state = .broken
                throw PortFailure(.refused, "producev", refusal)
            }
        }
        let waiting = Waiting(
            place: .init(topic: nature.partner.checkpointTopic, partition: partition), key: key,
            value: value, timestamp: nature.wallClock)
        try accept(waiting, process.enter(.produceCheckpoint), .produceCheckpoint)
    }

    private func accept(
        _ waiting: Waiting, _ fault: Fault?, _ operation: Operation
    ) throws(PortFailure) {
        if fault == .crashBefore { throw Process.stopped(operation) }
        guard producer?.state == .open else {
            let kind: PortFailure.Kind = producer?.state == .broken ? .abortable : .fatal
            throw PortFailure(kind, operation.rawValue, "not in a transaction")
        }
        if case .fail(let word) = fault {
            producer?.state = word == .abortable ? .broken : .spent
            throw Process.failure(word, operation)
        }
        producer?.accepted += 1
        if fault == .swallowed { return }
        if waiting.place.topic != nature.partner.checkpointTopic { producer?.carriesRecords = true }
        let joinsBatch =
            waiting.place.topic != nature.partner.checkpointTopic
            && producer?.batch.isEmpty == false
        if isPoison(waiting) || joinsBatch {
            producer?.batch.append(waiting)
        } else {
            send(waiting)
        }
        if fault == .crashAfter {
            process.die()
            throw Process.stopped(operation)
        }
    }

    /// The partner's broker refuses this one, and whatever shares its produce batch.
    private func isPoison(_ waiting: Waiting) -> Bool {
        guard waiting.place.topic != nature.partner.checkpointTopic else { return false }
        return TestRecord.isRefused(size: waiting.value?.count ?? 0)
    }

    private func send(_ waiting: Waiting) {
        guard var producer, producer.failure == nil else {
            self.producer?.failed += 1
            return
        }
        defer { self.producer = producer }
        guard nature.partner.exists(waiting.place) else {
            producer.failed += 1
            producer.failure = "UNKNOWN_TOPIC_OR_PART"
            return
        }
        let isRecord = waiting.place.topic != nature.partner.checkpointTopic
        if isRecord, nature.defect == .losesARecord {
            producer.acknowledged += 1
            return
        }
        if isRecord, nature.defect == .doublesARecord {
            _ = nature.partner.append(
                id, epoch: epoch(of: producer), at: waiting.place, key: waiting.key,
                value: waiting.value, timestamp: waiting.timestamp, now: nature.now)
        }
        guard
            let offset = nature.partner.append(
                id, epoch: epoch(of: producer), at: waiting.place, key: waiting.key,
                value: waiting.value, timestamp: waiting.timestamp,
                isReleased: waiting.isReleased, now: nature.now)
        else {
            producer.failed += 1
            producer.fenced = true
            return
        }
        producer.sent = true
        producer.acknowledged += 1
        if waiting.place.topic == nature.partner.checkpointTopic {
            if producer.checkpointOffset < 0 { producer.checkpointOffset = offset }
        } else {
            if let last = lastAcknowledged[waiting.place], offset <= last { rises = false }
            lastAcknowledged[waiting.place] = offset
            producer.positions[waiting.place] = offset
        }
    }

    func serve() {}

    func flush(timeout: Duration) throws(PortFailure) -> Acknowledged {
        let fault = process.enter(.flush)
        if fault == .crashBefore { throw Process.stopped(.flush) }
        guard let open = producer, open.state == .open || open.state == .broken else {
            throw PortFailure(.fatal, "flush", "no open transaction")
        }
        sendBatch()
        if case .fail(let word) = fault {
            producer?.state = word == .fatal ? .spent : .broken
            throw Process.failure(word, .flush)
        }
        if fault == .deliveryFails {
            producer?.failed += 1
            producer?.acknowledged -= 1
            producer?.failure = "MSG_TIMED_OUT"
        }
        if fault == .crashAfter {
            process.die()
            throw Process.stopped(.flush)
        }
        if producer?.fenced == true {
            producer?.state = .spent
            throw fence("flush")
        }
        return acknowledged()
    }

    private func sendBatch() {
        guard let batch = producer?.batch, !batch.isEmpty else { return }
        producer?.batch = []
        for waiting in batch {
            if producer?.careful == true ? !isPoison(waiting) : false {
                send(waiting)
            } else {
                producer?.failed += 1
                producer?.refusal = "INVALID_RECORD"
            }
        }
    }

    private func acknowledged() -> Acknowledged {
        guard let producer else { return Acknowledged() }
        if producer.refusal != nil || producer.failure != nil { self.producer?.state = .broken }
        var positions = producer.positions.map { place, offset in
            PartnerPosition(topic: place.topic, partition: place.partition, offset: offset)
        }
        positions.sort { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
        return Acknowledged(
            count: producer.acknowledged, failed: producer.failed, refusal: producer.refusal,
            failure: producer.failure, rising: rises, positions: positions,
            checkpointOffset: producer.checkpointOffset)
    }

    func commit(timeout: Duration) -> CommitOutcome {
        let fault = process.enter(.commit, carriesRecords: producer?.carriesRecords ?? false)
        if fault == .crashBefore { return .unknown("the process has died") }
        guard let open = producer, open.state == .open else {
            return .notSent("not in a committable transaction")
        }
        if case .notSent = fault { return .notSent("injected") }
        if nature.defect == .commitThatIsNone {
            _ = nature.end(id, epoch: open.epoch, commit: false, settles: nature.now)
            producer?.state = .ready
            return .committed
        }
        if nature.defect == .commitDenied, open.carriesRecords {
            _ = nature.end(id, epoch: open.epoch, commit: true, settles: nature.now)
            producer?.state = .ready
            return .notSent("a lie")
        }
        guard open.sent else {
            producer?.state = .ready
            return .committed
        }
        guard !isFenced else {
            producer?.state = .spent
            if nature.masksFences, nature.random.chance(50) { return .unknown("fatal") }
            return .fenced("INVALID_PRODUCER_EPOCH")
        }
        return endCommit(epoch: epoch(of: open), fault)
    }

    private func endCommit(epoch: Int, _ fault: Fault?) -> CommitOutcome {
        var settles = nature.now
        if case .slowVisibility(let milliseconds) = fault {
            settles += .milliseconds(milliseconds)
        }
        switch fault {
        case .lostRequest:
            producer?.state = .misled
            return .unknown("timed out")
        case .late(let effects):
            wander(epoch, commit: true, effects)
            producer?.state = .misled
            return .unknown("timed out")
        default: break
        }
        guard nature.end(id, epoch: epoch, commit: true, settles: settles) == .done else {
            producer?.state = .spent
            return .unknown("INVALID_TXN_STATE")
        }
        if settles == nature.now { nature.pass(.zero) }
        producer?.state = .ready
        switch fault {
        case .crashAfter:
            process.die()
            return .unknown("the process has died")
        case .lostReply, .fail, .failAfter:
            producer?.state = .misled
            return .unknown("reply lost")
        case .doubled(let effects):
            wander(epoch, commit: true, effects)
            isDirty = nature.defect != .hidesDirt
            return .committed
        default: return .committed
        }
    }

    private func wander(_ epoch: Int, commit: Bool, _ effects: Int) {
        nature.wandering.append(
            Nature.Wandering(
                arrivesAt: nature.effects + effects, arrivesBy: nature.now + .seconds(20), id: id,
                epoch: epoch, commit: commit))
    }

    func abort(timeout: Duration) -> AbortOutcome {
        let fault = process.enter(.abort)
        if fault == .crashBefore { return .unknown("the process has died") }
        guard let open = producer, open.state != .spent else {
            return .unknown("the producer is fatal")
        }
        // INVALID_PRODUCER_ID_MAPPING: the client library bumps its epoch and calls that an abort.
        if open.state == .misled { return .aborted }
        guard open.state != .ready, open.sent else {
            producer?.state = .ready
            return .aborted
        }
        guard !isFenced else {
            producer?.state = .spent
            return .fenced("INVALID_PRODUCER_EPOCH")
        }
        return endAbort(epoch: epoch(of: open), fault)
    }

    private func endAbort(epoch: Int, _ fault: Fault?) -> AbortOutcome {
        switch fault {
        case .lostRequest:
            producer?.state = .spent
            return .unknown("timed out")
        case .late(let effects):
            wander(epoch, commit: false, effects)
            producer?.state = .spent
            return .unknown("timed out")
        default: break
        }
        var settles = nature.now
        if nature.slowAborts > .zero {
            settles += .milliseconds(nature.random.below(Int(nature.slowAborts / .milliseconds(1))))
        }
        guard nature.end(id, epoch: epoch, commit: false, settles: settles) == .done else {
            producer?.state = .spent
            return .unknown("INVALID_TXN_STATE")
        }
        nature.pass(.zero)
        producer?.state = .ready
        switch fault {
        case .crashAfter:
            process.die()
            return .unknown("the process has died")
        case .lostReply, .fail, .failAfter:
            producer?.state = .spent
            return .unknown("reply lost")
        case .doubled(let effects):
            wander(epoch, commit: false, effects)
            isDirty = true
            return .aborted
        default: return .aborted
        }
    }

    func close() {
        producer = nil
        isDirty = false
    }
}
