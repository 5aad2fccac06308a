internal import Contracts
internal import Kafka
internal import Operations
internal import Replication

/// The partner's cluster, tried for one contract: topics, their settings, and transactions, under a
/// transactional id of its own. What is written is aborted.
struct PartnerTrial {
    private let contract: Contract
    private let configuration: ClientConfiguration
    private let checkpointTopic: String
    private let lanes: [LanePlan]
    private let source: SourceTrial
    private let isCheckpointTopicKnown: (String) -> Bool
    private let client: ClusterClient
    private(set) var trial: Trial
    private var partitions: [String: Int] = [:]
    /// As far as can be seen the checkpoint topic is not there: the first start is to make it.
    private(set) var createsCheckpoints = false

    /// - Parameter isCheckpointTopicKnown: whether the ledger has seen the checkpoint topic on the
    ///   cluster of that id.
    init(
        _ contract: Contract, _ configuration: ClientConfiguration, checkpointTopic: String,
        lanes: [LanePlan], source: SourceTrial, isCheckpointTopicKnown: @escaping (String) -> Bool
    ) {
        self.contract = contract
        self.configuration = configuration
        self.checkpointTopic = checkpointTopic
        self.lanes = lanes
        self.source = source
        self.isCheckpointTopicKnown = isCheckpointTopicKnown
        trial = Trial(cluster: contract.target)
        client = ClusterClient(configuration) { _ in }
    }

    static func transactionalID(_ contract: Contract) -> String { "crossdock.\(contract.id).check" }

    var transactionalIDs: [String] {
        lanes.map(\.transactionalID) + [Self.transactionalID(contract)]
    }

    private var topics: [String] { lanes.first?.partnerTopics ?? [] }

    mutating func run() {
        defer { client.close() }
        guard let cluster = trial.reach(client) else { return }
        for topic in topics { lookAt(topic) }
        lookAtCheckpoints(cluster)
        judgeSettings()
        if partitions[checkpointTopic] != nil { tryReadingCheckpoints() }
        if tryTransactionalID() {
            tryLanes()
            for (index, topic) in (topics + [checkpointTopic]).enumerated() {
                tryWriting(topic, index)
            }
        } else {
            trial.note(.untried, "writing", "it takes the transactional id")
        }
    }

    // MARK: Topics

    private mutating func lookAt(_ topic: String) {
        let subject = "topic \(topic)"
        let answer = trial.attempt(subject, needs: AccessRight("Write", .topic, topic)) {
            () throws(KafkaFailure) in
            try client.partitionCounts([topic], timeout: Trial.patience)
        }
        guard let answer else { return }
        guard let there = answer[topic] else {
            trial.note(
                .failed, subject, "it does not exist",
                next: "ask the partner to create it, or name another under 'to' in "
                    + contract.file)
            return
        }
        partitions[topic] = there
        var needed = 0
        for stream in contract.streams where stream.to == topic && stream.partition == .keep {
            needed = max(needed, source.partitions[stream.from] ?? 0)
        }
        let count = SourceTrial.count(there, "partition")
        if there < needed {
            trial.note(
                .failed, subject,
                "it has \(count) and the source \(needed): 'partition: keep' needs at least as many",
                next: "ask the partner to add partitions, or write 'partition: key' in "
                    + contract.file)
        } else {
            trial.note(.ok, subject, count + (needed > 0 ? ", of which \(needed) are needed" : ""))
        }
    }

    private mutating func lookAtCheckpoints(_ cluster: String) {
        let subject = "checkpoint topic \(checkpointTopic)"
        let answer = trial.attempt(subject, needs: AccessRight("Read", .topic, checkpointTopic)) {
            () throws(KafkaFailure) in
            try client.partitionCounts([checkpointTopic], timeout: Trial.patience)
        }
        let isKnown = isCheckpointTopicKnown(cluster)
        guard let answer else {
            // It cannot be seen: where no start has seen it either, it is still to be made.
            createsCheckpoints = !isKnown
            return
        }
        if let count = answer[checkpointTopic] {
            partitions[checkpointTopic] = count
            trial.note(.ok, subject, SourceTrial.count(count, "partition"))
            return
        }
        guard !isKnown else {
            trial.note(
                .failed, subject, "it is not there any more: the ledger has seen it",
                next: "start halts on it; see \(HaltGuide.page(of: "checkpoint-lost"))")
            return
        }
        createsCheckpoints = true
        tryCreating(subject)
    }

    private mutating func tryCreating(_ subject: String) {
        let created = trial.attempt(
            "create \(subject)", needs: AccessRight("Create", .topic, checkpointTopic)
        ) { () throws(KafkaFailure) in
            try client.createTopic(
                checkpointTopic, partitions: CheckpointTopicMaker.partitions,
                config: CheckpointTopicMaker.settings, validateOnly: true,
                timeout: Trial.patience)
        }
        if created != nil {
            trial.note(.ok, "create \(subject)", "it is not there, and the first start may make it")
        } else {
            let settings = CheckpointTopicMaker.settings.sorted { $0.key < $1.key }
                .map { "--config \($0.key)=\($0.value)" }.joined(separator: " ")
            trial.note(
                .untried, subject, "it is not there",
                next: "or the partner makes it: kafka-topics --create --topic \(checkpointTopic) "
                    + "--partitions \(CheckpointTopicMaker.partitions) \(settings)")
        }
        trial.note(
            .untried, "read and write \(subject)", "it is not there",
            next: "check again once it is")
    }

    // MARK: Settings

    private mutating func judgeSettings() {
        var told: [String: TopicSettings] = [:]
        for topic in topics + [checkpointTopic] where partitions[topic] != nil {
            let settings = trial.attempt(
                "settings of topic \(topic)", needs: AccessRight("DescribeConfigs", .topic, topic)
            ) { () throws(KafkaFailure) in
                try client.topicConfig(topic, timeout: Trial.patience)
            }
            told[topic] = settings.map { TopicSettings(topic, $0) }
        }
        let checkpoints = told[checkpointTopic]
        for topic in topics {
            guard let settings = told[topic] else { continue }
            let streams = contract.streams.filter { $0.to == topic }
            let largest = streams.compactMap { source.maxMessageBytes[$0.from] }.max()
            note(
                settings.asData(
                    checkpoints: checkpoints?.maxMessageBytes, source: largest,
                    own: configuration.messageMaxBytes,
                    dropsKeys: streams.contains { $0.key == .drop }), topic, settings)
        }
        if let checkpoints { note(checkpoints.asCheckpoints, checkpointTopic, checkpoints) }
    }

    private mutating func note(
        _ remarks: [TopicSettings.Remark], _ topic: String, _ settings: TopicSettings
    ) {
        let subject = "settings of topic \(topic)"
        for remark in remarks {
            trial.note(
                remark.isWrong ? .failed : .warning, subject, remark.text, next: remark.next)
        }
        guard remarks.isEmpty else { return }
        let limit = settings.maxMessageBytes.map { "records of up to \($0) bytes" } ?? "fit"
        trial.note(.ok, subject, limit)
    }

    private mutating func tryReadingCheckpoints() {
        let count = partitions[checkpointTopic] ?? 0
        let subject = "read checkpoint topic \(checkpointTopic)"
        let read: Void? = trial.attempt(
            subject, needs: AccessRight("Read", .topic, checkpointTopic)
        ) { () throws(KafkaFailure) in
            try client.tryFetch(
                topic: checkpointTopic, partitions: count, timeout: Trial.patience)
        }
        if read != nil {
            trial.note(.ok, subject, "all of its \(SourceTrial.count(count, "partition"))")
        }
    }

    // MARK: Transactions

    private mutating func tryTransactionalID() -> Bool {
        let id = Self.transactionalID(contract)
        let subject = "transactional id \(id)"
        let producer = producer()
        defer { producer.close() }
        do throws(KafkaFailure) {
            try producer.initialise(careful: false, timeout: Trial.patience)
        } catch {
            if error.code == "INVALID_TRANSACTION_TIMEOUT" {
                trial.note(
                    .failed, subject,
                    "transaction.timeout.ms of \(configuration.transactionTimeout) is more than its "
                        + "brokers allow (transaction.max.timeout.ms)",
                    next: "set a smaller transaction.timeout.ms for '\(contract.target)' in "
                        + "crossdock.yaml")
            } else {
                trial.fail(subject, error, AccessRight("Write", .transactionalID, id))
            }
            return false
        }
        trial.note(.ok, subject, "a producer was initialised")
        return true
    }

    /// The lanes' own ids, without touching them: they may be in use.
    private mutating func tryLanes() {
        let own = Self.transactionalID(contract)
        let configuration = configuration
        let safe = trial.attempt("transactional id \(own)") { () throws(KafkaFailure) in
            try TransactionalProducer.tryRight(
                configuration, transactionalID: own, timeout: Trial.patience)
        }
        guard let safe else { return }
        for lane in lanes {
            let id = lane.transactionalID
            let subject = "transactional id \(id)"
            guard safe == .granted else {
                trial.note(
                    .untried, subject,
                    "these brokers allow transactions of any length, so that "
                        + "trying it would fence the lane")
                continue
            }
            let answer = trial.attempt(subject, needs: AccessRight("Write", .transactionalID, id)) {
                () throws(KafkaFailure) in
                try TransactionalProducer.tryRight(
                    configuration, transactionalID: id, timeout: Trial.patience)
            }
            if answer != nil { trial.note(.ok, subject, "may be used, and was not touched") }
        }
    }

    private mutating func tryWriting(_ topic: String, _ index: Int) {
        guard let count = partitions[topic] else { return }
        let isCheckpoints = topic == checkpointTopic
        let subject = "write \(isCheckpoints ? "checkpoint topic" : "topic") \(topic)"
        let partition = isCheckpoints ? lanes.first?.checkpointPartition(of: count) ?? 0 : 0
        let producer = producer()
        defer { producer.close() }
        let written: Void? = trial.attempt(subject, needs: AccessRight("Write", .topic, topic)) {
            () throws(KafkaFailure) in
            try producer.initialise(careful: false, timeout: Trial.patience)
            try producer.tryWrite(topic: index, partition: partition, timeout: Trial.patience)
        }
        if written != nil {
            trial.note(
                .ok, subject, "one record to partition \(partition), in a transaction, aborted")
        }
    }

    private func producer() -> TransactionalProducer {
        TransactionalProducer(
            configuration, transactionalID: Self.transactionalID(contract), topics: topics,
            checkpointTopic: checkpointTopic, log: { _ in })
    }
}
