internal import CRdKafka

/// Offsets of the source group, for lag exporters: advisory, the lane itself never reads them. One request
/// is under way at a time: librdkafka sends one that failed again behind a newer one, and the group would
/// fall back. One owner, one thread.
final class GroupCommit {
    private let client: ClientHandle
    private let queue: OpaquePointer
    /// Not asked for yet.
    private var wanted: [TopicPartition: Int64] = [:]
    /// Under way; empty where none is.
    private var asked: [TopicPartition: Int64] = [:]

    init?(_ client: ClientHandle) {
        guard let queue = rd_kafka_queue_new(client.raw) else { return nil }
        self.client = client
        self.queue = queue
    }

    deinit { rd_kafka_queue_destroy(queue) }

    func want(_ positions: [TopicOffset]) {
        for position in positions {
            let place = TopicPartition(topic: position.topic, partition: position.partition)
            wanted[place] = position.offset
        }
        serve()
        ask()
    }

    /// Takes an answer, without waiting for one. What failed is asked for with what is wanted next, not
    /// before: a group that may not be written to is not asked for over and over.
    func serve() {
        if !asked.isEmpty, take(within: .zero) { ask() }
    }

    /// Waits a little for what is under way and what is still wanted.
    func finish() {
        let deadline = Deadline(.seconds(1))
        ask()
        while !asked.isEmpty, !deadline.isOver {
            if take(within: deadline.remaining) { ask() }
        }
    }

    private func ask() {
        guard asked.isEmpty, !wanted.isEmpty else { return }
        let positions = wanted.map {
            TopicOffset(topic: $0.topic, partition: $0.partition, offset: $1)
        }
        let error = try? withPartitionList(positions) { list in
            rd_kafka_commit_queue(client.raw, list, queue, nil, nil)
        }
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        asked = wanted
        wanted = [:]
    }

    /// True where an answer came, and it was yes.
    private func take(within timeout: Duration) -> Bool {
        guard let event = rd_kafka_queue_poll(queue, timeout.milliseconds) else { return false }
        defer { rd_kafka_event_destroy(event) }
        guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT else { return false }
        let isDone = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR
        if !isDone { wanted.merge(asked) { newer, _ in newer } }
        asked = [:]
        return isDone
    }
}
