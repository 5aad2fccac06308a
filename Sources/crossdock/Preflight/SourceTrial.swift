internal import Contracts
internal import Kafka
internal import Operations

/// The internal cluster, tried for one contract: read, and commit offsets of its group.
struct SourceTrial {
    private let contract: Contract
    private let client: ClusterClient
    private(set) var trial: Trial
    /// Partitions by source topic, where known.
    private(set) var partitions: [String: Int] = [:]
    /// max.message.bytes by source topic, where the brokers tell.
    private(set) var maxMessageBytes: [String: Int] = [:]

    init(_ contract: Contract, _ configuration: ClientConfiguration) {
        self.contract = contract
        trial = Trial(cluster: contract.source)
        client = ClusterClient(configuration, group: NeededRights.group(of: contract)) { _ in }
    }

    mutating func run() {
        defer { client.close() }
        guard trial.reach(client) != nil else { return }
        for stream in contract.streams { tryTopic(stream.from) }
        tryGroup()
        for stream in contract.streams {
            if case .group(let group) = stream.start { tryStart(group, stream.from) }
        }
    }

    private mutating func tryTopic(_ topic: String) {
        let right = AccessRight("Read", .topic, topic)
        let subject = "topic \(topic)"
        let answer = trial.attempt(subject, needs: right) { () throws(KafkaFailure) in
            try client.partitionCounts([topic], timeout: Trial.patience)
        }
        guard let answer else { return }
        guard let count = answer[topic] else {
            trial.note(
                .failed, subject, "it does not exist",
                next: "create it, or name another under 'from' in \(contract.file)")
            return
        }
        partitions[topic] = count
        let read: Void? = trial.attempt("read \(subject)", needs: right) {
            () throws(KafkaFailure) in
            try client.tryFetch(topic: topic, partitions: count, timeout: Trial.patience)
        }
        if read != nil {
            trial.note(.ok, "read \(subject)", "all of its \(Self.count(count, "partition"))")
        }
        // Good to know and not needed: not told is no fault.
        let settings = try? client.topicConfig(topic, timeout: Trial.patience)
        maxMessageBytes[topic] = settings?["max.message.bytes"].flatMap { Int($0) }
    }

    private mutating func tryGroup() {
        let group = NeededRights.group(of: contract)
        let right = AccessRight("Read", .group, group)
        let subject = "group \(group)"
        guard let (topic, _) = partitions.min(by: { $0.key < $1.key }) else {
            trial.note(.untried, subject, "no source topic can be seen")
            return
        }
        let tried: Void? = trial.attempt(subject, needs: right) { () throws(KafkaFailure) in
            _ = try client.groupOffsets(
                [TopicPartition(topic: topic, partition: 0)], group: group,
                timeout: Trial.patience)
            try client.tryCommit(topic: topic, timeout: Trial.patience)
        }
        if tried != nil { trial.note(.ok, subject, "offsets can be read and committed") }
    }

    /// The group of another replicator, whose offsets the first start goes on from.
    private mutating func tryStart(_ group: String, _ topic: String) {
        guard partitions[topic] != nil, group != NeededRights.group(of: contract) else { return }
        let subject = "group \(group)"
        let offsets = trial.attempt(subject, needs: AccessRight("Describe", .group, group)) {
            () throws(KafkaFailure) in
            try client.groupOffsets(
                (0..<Int32(partitions[topic] ?? 0)).map {
                    TopicPartition(topic: topic, partition: $0)
                }, group: group, timeout: Trial.patience)
        }
        guard let offsets else { return }
        let known = offsets.count { $0 != nil }
        trial.note(
            known == 0 ? .warning : .ok, subject,
            "it holds offsets of \(known) of \(Self.count(offsets.count, "partition")) of \(topic)",
            next: known == 0 ? "the others begin at earliest: is the group's name right?" : nil)
    }

    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
