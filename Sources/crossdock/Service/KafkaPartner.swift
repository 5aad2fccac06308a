internal import Contracts
internal import Kafka
internal import Ledger
internal import Replication
internal import Synchronization

/// The partner's cluster for one lane: a transactional producer, and a handle for everything else.
final class KafkaPartner: LanePartner {
    private let cluster: ClusterClient
    private let configuration: ClientConfiguration
    private let log: ClientLogSink
    private let plan: LanePlan
    let checkpointTopic: String
    private let checkpoints: CheckpointTopicMaker
    private let stop: StopSignal
    private let generation: LaneGeneration
    /// Called now and then while the lane waits for acknowledgements.
    var whileWaiting: () -> Void = {}
    private var producer: TransactionalProducer?
    private var askedMaximum: AskedMaximum?
    private static let patience = Duration.seconds(10)

    init(
        _ configuration: ClientConfiguration, plan: LanePlan, checkpointTopic: String,
        checkpoints: CheckpointTopicMaker, stop: StopSignal, generation: LaneGeneration,
        log: @escaping ClientLogSink
    ) {
        self.configuration = configuration
        self.stop = stop
        self.generation = generation
        self.plan = plan
        self.checkpointTopic = checkpointTopic
        self.checkpoints = checkpoints
        self.log = log
        cluster = ClusterClient(configuration, log: log)
    }

    func closeAll() {
        close()
        cluster.close()
    }

    var isDirty: Bool { producer?.isDirty ?? true }
    var isAway: Bool { producer?.isAway ?? false }
    var transactionTimeout: Duration { configuration.transactionTimeout }

    // MARK: Who is there

    func facts(topics: [String]) throws(PortFailure) -> PartnerFacts {
        let id = try generation.ask("metadata", within: Self.patience) { () throws(KafkaFailure) in
            try cluster.clusterID(timeout: Self.patience)
        }
        let counts = try generation.ask("metadata", within: Self.patience, needs: "Write") {
            () throws(KafkaFailure) in
            try cluster.partitionCounts(topics, timeout: Self.patience)
        }
        return PartnerFacts(
            clusterID: id, partitions: counts,
            checkpointPartitions: try checkpointPartitions(on: id))
    }

    /// Made where there has never been one.
    private func checkpointPartitions(on id: String) throws(PortFailure) -> Int? {
        if let count = try checkpointPartitions() {
            checkpoints.found(on: id)
            return count
        }
        let isMade = try generation.ask(
            "create_topics", within: Self.patience * 2, needs: "Create"
        ) { () throws(KafkaFailure) in
            try checkpoints.make(on: id, with: cluster)
        }
        return isMade ? try checkpointPartitions() : nil
    }

    private func checkpointPartitions() throws(PortFailure) -> Int? {
        try generation.ask("metadata", within: Self.patience, needs: "Read and Write") {
            () throws(KafkaFailure) in
            try cluster.partitionCounts([checkpointTopic], timeout: Self.patience)[checkpointTopic]
        }
    }

    func highWatermarks(_ positions: [PartnerPosition]) throws(PortFailure) -> [Int64] {
        try ends(of: positions, .readUncommitted)
    }

    func stableOffsets(_ positions: [PartnerPosition]) throws(PortFailure) -> [Int64] {
        try ends(of: positions, .readCommitted)
    }

    private func ends(of positions: [PartnerPosition], _ isolation: Isolation) throws(PortFailure)
        -> [Int64]
    {
        try generation.ask("list_offsets", within: Self.patience, needs: "Write") {
            () throws(KafkaFailure) in
            try cluster.ends(
                positions.map { TopicPartition(topic: $0.topic, partition: $0.partition) },
                isolation: isolation, timeout: Self.patience
            ).map { $0 ?? -1 }
        }
    }

    func scanCheckpoints(
        partition: Int32, from offset: Int64?, uncommitted: Bool, timeout: Duration,
        visit: (CheckpointRecord) -> Bool
    ) throws(PortFailure) -> CheckpointScan {
        let result = try generation.ask("scan", within: timeout, needs: "Read") {
            () throws(KafkaFailure) in
            try cluster.scan(
                TopicPartition(topic: checkpointTopic, partition: partition), from: offset,
                isolation: uncommitted ? .readUncommitted : .readCommitted, timeout: timeout
            ) { record in
                visit(
                    CheckpointRecord(
                        partition: partition, offset: record.offset,
                        key: record.key.map(Array.init) ?? [],
                        value: record.value.map(Array.init)))
            }
        }
        switch result {
        case .found: return .found
        case .end: return .end
        case .timedOut: return .timedOut
        }
    }

    // MARK: The transaction

    func initialise(careful: Bool) throws(PortFailure) {
        close()
        producer = try generation.ask("init_transactions", within: .seconds(40), needs: "Write") {
            () throws(KafkaFailure) in
            let made = TransactionalProducer(
                configuration, transactionalID: plan.transactionalID, topics: plan.partnerTopics,
                checkpointTopic: checkpointTopic, maxMessageBytes: smallestMaximum(), log: log)
            try made.initialise(careful: careful, timeout: .seconds(20))
            return made
        }
    }

    /// The smallest max.message.bytes of the partner topics; nil where the partner does not tell (no
    /// right to describe settings): one record may then be refused at the broker, which the lane
    /// resolves by itself. Asked once a run: a partner that does not tell costs the whole wait.
    private func smallestMaximum() -> Int? {
        if let askedMaximum { return askedMaximum.bytes }
        var smallest: Int?
        for topic in plan.partnerTopics + [checkpointTopic] {
            guard let settings = try? cluster.topicConfig(topic, timeout: .seconds(2)) else {
                smallest = nil
                break
            }
            guard let bytes = settings["max.message.bytes"].flatMap({ Int($0) }) else { continue }
            smallest = min(bytes, smallest ?? bytes)
        }
        askedMaximum = AskedMaximum(bytes: smallest)
        return smallest
    }

    private struct AskedMaximum { var bytes: Int? }

    func begin() throws(PortFailure) {
        let producer = try opened()
        try generation.ask("begin_transaction", within: Self.patience) { () throws(KafkaFailure) in
            try producer.begin()
        }
    }

    func produce(_ output: borrowing OutputRecord, topic: Int) throws(PortFailure) -> Produced {
        guard let producer else { throw notOpen }
        if let message = output.unchangedHeaders {
            producer.moveHeaders(from: message)
        } else {
            for header in output.headers { producer.addHeader(header.name, header.value) }
        }
        do throws(KafkaFailure) {
            switch try producer.produce(
                topic: topic, partition: output.partition, key: output.key, value: output.value,
                timestamp: output.timestamp)
            {
            case .accepted: return .accepted
            case .queueFull: return .queueFull
            case .tooLarge: return .tooLarge
            }
        } catch {
            throw PortFailure(error, needs: "Write")
        }
    }

    func produceCheckpoint(partition: Int32, key: [UInt8], value: [UInt8]) throws(PortFailure) {
        let producer = try opened()
        try generation.ask("producev", within: Self.patience, needs: "Write") {
            () throws(KafkaFailure) in
            try producer.produceCheckpoint(partition: partition, key: key, value: value)
        }
    }

    func serve() { producer?.serve() }

    /// In slices, so that SIGTERM is heeded: what is not acknowledged soon after it is aborted.
    func flush(timeout: Duration) throws(PortFailure) -> Acknowledged {
        let producer = try opened()
        let start = ContinuousClock.now
        let report = try generation.ask("flush", within: timeout, needs: "Write") {
            () throws(KafkaFailure) in
            while true {
                let left = stop.patience(timeout - (.now - start))
                do throws(KafkaFailure) {
                    return try producer.flush(timeout: min(left, .milliseconds(200)))
                } catch {
                    guard error.kind == .unavailable, left > .zero else { throw error }
                    whileWaiting()
                }
            }
        }
        let topics = plan.partnerTopics
        return Acknowledged(
            count: report.acknowledged, failed: report.failed, refusal: report.refusal,
            failure: report.failure, rising: report.rising,
            checkpointsRising: report.checkpointsRising,
            positions: report.positions.map {
                PartnerPosition(topic: topics[$0.topic], partition: $0.partition, offset: $0.offset)
            }, checkpointOffset: report.checkpointOffset)
    }

    func commit(timeout: Duration) -> CommitOutcome {
        guard let producer else { return .unknown("the producer is closed") }
        do throws(PortFailure) {
            let result = try generation.ask("commit_transaction", within: timeout) {
                producer.commit(timeout: timeout)
            }
            switch result {
            case .committed: return .committed
            case .notSent(let why): return .notSent(why)
            case .unknown(let why): return .unknown(why)
            case .fenced(let why): return .fenced(why)
            }
        } catch {
            return .unknown(error.detail)
        }
    }

    func abort(timeout: Duration) -> AbortOutcome {
        guard let producer else { return .unknown("the producer is closed") }
        do throws(PortFailure) {
            let result = try generation.ask("abort_transaction", within: timeout) {
                producer.abort(timeout: timeout)
            }
            switch result {
            case .aborted: return .aborted
            case .unknown(let why): return .unknown(why)
            case .fenced(let why): return .fenced(why)
            }
        } catch {
            return .unknown(error.detail)
        }
    }

    /// A replaced thread closes what it made, too; nobody waits for it.
    func close() {
        guard let old = producer else { return }
        producer = nil
        if generation.isOver { return old.close() }
        try? generation.ask("destroy", within: Self.patience) { old.close() }
    }

    private var notOpen: PortFailure {
        PortFailure(.fatal, "produce", "there is no producer; a recovery makes one")
    }

    private func opened() throws(PortFailure) -> TransactionalProducer {
        guard let producer else { throw notOpen }
        return producer
    }
}

/// Makes the checkpoint topic at the first start, and never again after that: a topic that is gone
/// later is a loss, which the lane halts on.
final class CheckpointTopicMaker: Sendable {
    private let ledger: Ledger
    private let topic: String
    private let log: Log
    private let isNoted = Mutex(false)

    init(ledger: Ledger, topic: String, log: Log) {
        self.ledger = ledger
        self.topic = topic
        self.log = log
    }

    /// Enough for the lanes of a few contracts; how many there are is fixed from then on.
    static let partitions = 8
    static let settings = [
        "cleanup.policy": "compact",
        // Rolled and cleaned often: what a restart reads stays short.
        "segment.ms": "3600000", "min.cleanable.dirty.ratio": "0.1",
    ]

    /// True where the topic is there now. `cluster`: the partner's cluster id.
    func make(on cluster: String, with client: ClusterClient) throws(KafkaFailure) -> Bool {
        let isLost = (try? ledger.checkpointTopicSeen(cluster: cluster, topic: topic)) ?? true
        guard !isLost else { return false }
        let outcome = try client.createTopic(
            topic, partitions: Self.partitions, config: Self.settings, timeout: .seconds(15))
        if outcome == .created {
            log(
                .info, "checkpoint topic created",
                [("topic", topic), ("cluster", cluster), ("partitions", "\(Self.partitions)")])
        }
        found(on: cluster)
        return true
    }

    /// The topic is there: from now on its absence is a loss.
    func found(on cluster: String) {
        isNoted.withLock { isNoted in
            guard !isNoted else { return }
            // Where the ledger cannot take it, the next look tries again.
            isNoted = (try? ledger.noteCheckpointTopic(cluster: cluster, topic: topic)) != nil
        }
    }
}
