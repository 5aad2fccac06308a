internal import Contracts
internal import Kafka
internal import Ledger
internal import Replication

/// The internal cluster for one lane: a consumer for the records, a probe for everything else.
final class KafkaSource: LaneSource {
    private let consumer: LaneConsumer
    private let cluster: ClusterClient
    private let group: String
    private let generation: LaneGeneration
    /// How long one question to the cluster may take.
    private static let patience = Duration.seconds(10)
    private let capacity: Int

    /// `records[first..<last]` are held, in step with the consumer's messages.
    private let records: UnsafeMutablePointer<SourceRecord>
    private var first = 0
    private var last = 0

    init(
        _ configuration: ClientConfiguration, plan: LanePlan, generation: LaneGeneration,
        log: @escaping ClientLogSink
    ) {
        self.generation = generation
        group = "crossdock.\(plan.contract.id)"
        capacity = plan.pace.chunk
        consumer = LaneConsumer(configuration, group: group, capacity: capacity, log: log)
        cluster = ClusterClient(configuration, group: group, log: log)
        records = .allocate(capacity: capacity)
    }

    deinit { records.deallocate() }

    func close() {
        consumer.close()
        cluster.close()
    }

    var held: UnsafeBufferPointer<SourceRecord> {
        UnsafeBufferPointer(start: records + first, count: last - first)
    }

    func assign(_ positions: [SourcePosition]) throws(PortFailure) {
        first = 0
        last = 0
        try generation.ask("assign", within: Self.patience, needs: "Read") {
            () throws(KafkaFailure) in
            try consumer.assign(positions.map(\.offsets))
        }
    }

    func poll(limit: Int, timeout: Duration) throws(PortFailure) -> [PartitionEnd] {
        makeRoom()
        let room = min(limit, capacity - last)
        let ends = try generation.ask("poll", within: timeout, needs: "Read") {
            () throws(KafkaFailure) in
            try consumer.poll(limit: room, timeout: timeout) { record in
                (records + last).initialize(
                    to: SourceRecord(
                        key: record.key, value: record.value,
                        headers: HeaderReader(
                            handle: record.message, isMovable: true,
                            read: ConsumedRecord.readHeader),
                        offset: record.offset, timestamp: record.timestamp,
                        partition: record.partition, slot: record.slot))
                last += 1
            }
        }
        return ends.map { PartitionEnd(slot: $0.slot, offset: $0.offset) }
    }

    private func makeRoom() {
        guard first > 0, last == capacity else { return }
        records.moveUpdate(from: records + first, count: last - first)
        last -= first
        first = 0
    }

    func release(_ count: Int) {
        consumer.release(count)
        first += count
        if first >= last {
            first = 0
            last = 0
        }
    }

    func commit(_ positions: [SourcePosition]) {
        if !generation.isOver { consumer.commit(positions.map(\.offsets)) }
    }

    /// Sends offsets of the group that waited for the ones before them.
    func serve() {
        if !generation.isOver { consumer.serve() }
    }

    // MARK: The second handle

    func facts(topics: [String]) throws(PortFailure) -> SourceFacts {
        try generation.ask("metadata", within: Self.patience * 2, needs: "Read") {
            () throws(KafkaFailure) in
            SourceFacts(
                clusterID: try cluster.clusterID(timeout: Self.patience),
                partitions: try cluster.partitionCounts(topics, timeout: Self.patience))
        }
    }

    func watermarks(_ partitions: [SourcePartition]) throws(PortFailure) -> [Watermarks] {
        let found = try generation.ask("list_offsets", within: Self.patience, needs: "Read") {
            () throws(KafkaFailure) in
            try cluster.watermarks(
                partitions.map(\.kafka), isolation: .readUncommitted, timeout: Self.patience)
        }
        return try there(partitions, found).map { Watermarks(low: $0.low, high: $0.high) }
    }

    func groupOffsets(
        _ partitions: [SourcePartition], group other: String?
    ) throws(PortFailure) -> [Int64?] {
        try generation.ask("committed", within: Self.patience, needs: "Read") {
            () throws(KafkaFailure) in
            try cluster.groupOffsets(
                partitions.map(\.kafka), group: other ?? group, timeout: Self.patience)
        }
    }

    func offsets(
        _ partitions: [SourcePartition], at milliseconds: Int64
    ) throws(PortFailure) -> [Int64] {
        let found = try generation.ask("offsets_for_times", within: Self.patience, needs: "Read") {
            () throws(KafkaFailure) in
            try cluster.offsets(
                partitions.map(\.kafka), at: milliseconds, timeout: Self.patience)
        }
        return try there(partitions, found)
    }

    /// Every partition asked for has an answer.
    private func there<Answer>(
        _ partitions: [SourcePartition], _ answers: [Answer?]
    ) throws(PortFailure) -> [Answer] {
        var found: [Answer] = []
        for (partition, answer) in zip(partitions, answers) {
            guard let answer else {
                throw PortFailure(
                    .unavailable, "list offsets",
                    "\(partition.topic)[\(partition.partition)] is not there on the source cluster")
            }
            found.append(answer)
        }
        return found
    }

    func probe(
        _ positions: [SourcePosition], visit: (Int, SourceRecord?) -> Void
    ) throws(PortFailure) {
        try generation.ask("probe", within: Self.patience * 2, needs: "Read") {
            () throws(KafkaFailure) in
            try cluster.probe(positions.map(\.offsets), timeout: Self.patience) { index, record in
                visit(
                    index,
                    record.map {
                        SourceRecord(
                            key: $0.key, value: $0.value,
                            headers: HeaderReader(
                                handle: $0.message, read: ConsumedRecord.readHeader),
                            offset: $0.offset, timestamp: $0.timestamp, partition: $0.partition,
                            slot: Int32(index))
                    })
            }
        }
    }
}

/// Kafka's failures in the lane's words.
extension PortFailure {
    /// - Parameter right: what the brokers asked for: named where they denied it.
    init(_ failure: KafkaFailure, needs right: String? = nil) {
        var failure = failure
        if let right, failure.isMissingRight {
            failure.detail = "\(right) is not granted: \(failure.detail)"
        }
        let kind: PortFailure.Kind =
            switch failure.kind {
            case .unavailable: .unavailable
            case .denied: .denied
            case .fenced: .fenced
            case .abortable: .abortable
            case .refused: .refused
            case .fatal: .fatal
            case .outOfRange: .outOfRange
            }
        self.init(kind, failure.operation, "\(failure.detail) (\(failure.code))")
    }
}

extension SourcePosition {
    var offsets: TopicOffset {
        TopicOffset(topic: partition.topic, partition: partition.partition, offset: offset)
    }
}

extension SourcePartition {
    var kafka: TopicPartition { TopicPartition(topic: topic, partition: partition) }
}
