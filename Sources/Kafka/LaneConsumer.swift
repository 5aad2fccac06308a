internal import CRdKafka

/// Reads assigned partitions of one cluster, read_committed. One owner, one thread.
///
/// Every `assign` makes a new client: librdkafka 2.0.2 may hand out records of an earlier assignment
/// after a seek or assign when they are polled in batches.
package final class LaneConsumer {
    private let configuration: ClientConfiguration
    private let group: String
    private let sink: ClientLogSink
    private let limit: Int

    private var client: ClientHandle?
    private var queue: OpaquePointer?
    private var groupCommit: GroupCommit?
    private var slots = SlotTable([])

    private var tookSinceWake = 0
    /// Nothing has come since `assign`.
    private var isCold = true
    private var lastWake = ContinuousClock.now

    // Messages not released yet: `messages[head..<tail]`. Bounded by `capacity`.
    private let messages: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private var head = 0
    private var tail = 0

    /// - Parameters:
    ///   - group: the source group that `commit` writes to.
    ///   - capacity: how many records may be held at once.
    package init(
        _ configuration: ClientConfiguration, group: String, capacity: Int,
        log: @escaping ClientLogSink
    ) {
        self.configuration = configuration
        self.group = group
        sink = log
        limit = max(1, capacity)
        messages = .allocate(capacity: limit)
        messages.initialize(repeating: nil, count: limit)
    }

    deinit { messages.deallocate() }

    /// Records that were polled and not released.
    package var heldCount: Int { tail - head }

    /// Reads from these positions on; slot = index in the list. Drops what is held. Blocks until the
    /// client before is gone. An empty list only closes.
    package func assign(_ positions: [TopicOffset]) throws(KafkaFailure) {
        close()
        guard !positions.isEmpty else { return }
        let client = try ClientHandle(.consumer, configuration, [("group.id", group)], sink: sink)
        do throws(KafkaFailure) {
            try start(client, positions)
        } catch {
            client.close()
            throw error
        }
    }

    private func start(_ client: ClientHandle, _ positions: [TopicOffset]) throws(KafkaFailure) {
        // Error events come through the queue that is polled, else nobody would serve them.
        rd_kafka_poll_set_consumer(client.raw)
        try withPartitionList(positions) { list throws(KafkaFailure) in
            let error = rd_kafka_assign(client.raw, list)
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure("assign", error) }
        }
        guard let queue = rd_kafka_queue_get_consumer(client.raw) else {
            throw KafkaFailure("assign", RD_KAFKA_RESP_ERR__UNKNOWN_GROUP)
        }
        self.client = client
        self.queue = queue
        groupCommit = GroupCommit(client)
        isCold = true
        slots = SlotTable(positions)
    }

    /// Waits at most `timeout` for records and shows at most `limit` of them to `take`, oldest first;
    /// they stay valid until released. Ends reached stand behind all records polled so far.
    ///
    /// - Throws: `.fatal` where offsets do not rise, `.outOfRange` where a position is gone,
    ///   `.unavailable` or `.denied` where the cluster is. Records shown before the error stay held.
    package func poll(limit wanted: Int, timeout: Duration, take: (ConsumedRecord) -> Void)
        throws(KafkaFailure) -> [SlotEnd]
    {
        guard let client, let queue else {
            throw KafkaFailure("poll", RD_KAFKA_RESP_ERR__STATE, "nothing is assigned")
        }
        groupCommit?.serve()
        makeRoom()
        let room = min(wanted, limit - tail)
        guard room > 0 else { return [] }
        wakeFetcher(queue)
        let batch = messages + tail
        let count = rd_kafka_consume_batch_queue(queue, timeout.milliseconds, batch, room)
        guard count >= 0 else { throw KafkaFailure("consume_batch_queue", rd_kafka_last_error()) }
        tookSinceWake += count
        if count > 0 { isCold = false }
        if count == 0, let outage = client.outage { throw outage }
        return try sort(batch, count, take)
    }

    /// Shows the records of a batch, keeps them, and turns the rest into ends and errors.
    private func sort(
        _ batch: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>, _ count: Int,
        _ take: (ConsumedRecord) -> Void
    ) throws(KafkaFailure) -> [SlotEnd] {
        var ends: [SlotEnd] = []
        var failure: KafkaFailure?
        for index in 0..<count {
            guard let message = batch[index] else { continue }
            if failure == nil && message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                do throws(KafkaFailure) {
                    let slot = try slots.advance(message)
                    messages[tail] = message
                    tail += 1
                    take(ConsumedRecord(message, slot: slot))
                    continue
                } catch {
                    failure = error
                }
            } else if failure == nil {
                do throws(KafkaFailure) {
                    if let end = try slots.event(message) { ends.append(end) }
                } catch {
                    failure = error
                }
            }
            rd_kafka_message_destroy(message)
        }
        if let failure { throw failure }
        return ends
    }

    /// The first `count` records held are not needed any more: their memory goes.
    package func release(_ count: Int) {
        for index in head..<min(head + max(0, count), tail) {
            if let message = messages[index] { rd_kafka_message_destroy(message) }
            messages[index] = nil
        }
        head = min(head + max(0, count), tail)
        if head == tail {
            head = 0
            tail = 0
        }
    }

    /// When there is room again, and when a partition has just been assigned.
    private func wakeFetcher(_ queue: OpaquePointer) {
        guard let client, tookSinceWake > 0 || isCold else { return }
        let now = ContinuousClock.now
        guard now - lastWake > .milliseconds(5) || rd_kafka_queue_length(queue) == 0 else { return }
        tookSinceWake = 0
        lastWake = now
        client.wakeFetcher(configuration)
    }

    private func makeRoom() {
        guard head > 0, tail == limit else { return }
        for index in head..<tail { messages[index - head] = messages[index] }
        tail -= head
        head = 0
    }

    /// Advisory and asynchronous: offsets of the group, for lag exporters. Failures are ignored.
    package func commit(_ positions: [TopicOffset]) {
        groupCommit?.want(positions)
    }

    /// Lets a `commit` go on that waits for the one before it; `poll` does so, too.
    package func serve() { groupCommit?.serve() }

    /// Drops what is held and ends the client. Blocks for its threads, and a second at most for the
    /// group's offsets.
    package func close() {
        release(heldCount)
        groupCommit?.finish()
        groupCommit = nil
        if let queue { rd_kafka_queue_destroy(queue) }
        queue = nil
        client?.close()
        client = nil
    }
}
