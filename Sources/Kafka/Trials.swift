internal import CRdKafka

/// What only shows by trying, each tried so that nothing is changed and nobody is disturbed.
extension ClusterClient {
    /// Fetches, read_committed, at the end of every partition: that takes Read, which an empty topic
    /// asks for too.
    package func tryFetch(topic: String, partitions: Int, timeout: Duration) throws(KafkaFailure) {
        let deadline = Deadline(timeout)
        let places = (0..<Int32(partitions)).map { TopicPartition(topic: topic, partition: $0) }
        let ranges = try watermarks(
            places, isolation: .readCommitted, timeout: deadline.remaining)
        let ends = zip(places, ranges).map { place, range in
            TopicOffset(topic: topic, partition: place.partition, offset: range?.high ?? 0)
        }
        let handle = try handle(.readCommitted)
        let done = try read(handle, ends, deadline) { _ in .nextPartition }
        guard done else {
            throw failure(
                handle, "consume", RD_KAFKA_RESP_ERR__TIMED_OUT,
                "\(topic): not every partition answered in time")
        }
    }

    /// Commits an offset of a partition that cannot be: the brokers ask for Read on group and topic,
    /// then refuse the partition, before the group is looked at. The client must have been made with
    /// that group.
    package func tryCommit(topic: String, timeout: Duration) throws(KafkaFailure) {
        let operation = "AlterConsumerGroupOffsets"
        guard let group else {
            throw KafkaFailure(operation, RD_KAFKA_RESP_ERR__UNKNOWN_GROUP)
        }
        let handle = try handle(.readUncommitted)
        let nowhere = TopicOffset(topic: topic, partition: .max, offset: 0)
        let answer = try withPartitionList([nowhere]) {
            list throws(KafkaFailure) -> rd_kafka_resp_err_t in
            guard let request = rd_kafka_AlterConsumerGroupOffsets_new(group, list) else {
                throw KafkaFailure(operation, RD_KAFKA_RESP_ERR__INVALID_ARG)
            }
            defer { rd_kafka_AlterConsumerGroupOffsets_destroy(request) }
            var requests: [OpaquePointer?] = [request]
            let event = try ask(
                handle, operation, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, timeout
            ) { options, queue in
                rd_kafka_AlterConsumerGroupOffsets(handle.raw, &requests, 1, options, queue)
            }
            defer { rd_kafka_event_destroy(event) }
            return commitAnswer(event, nowhere)
        }
        switch answer {
        case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return
        default:
            throw failure(handle, operation, answer, "\(group): \(KafkaFailure.text(of: answer))")
        }
    }

    private func commitAnswer(_ event: OpaquePointer, _ place: TopicOffset) -> rd_kafka_resp_err_t {
        var count = 0
        guard let answer = rd_kafka_event_AlterConsumerGroupOffsets_result(event),
            let groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(answer, &count),
            count == 1, let result = groups[0]
        else { return RD_KAFKA_RESP_ERR__BAD_MSG }
        if let error = rd_kafka_group_result_error(result) { return rd_kafka_error_code(error) }
        guard let list = rd_kafka_group_result_partitions(result),
            let entry = rd_kafka_topic_partition_list_find(list, place.topic, place.partition)
        else { return RD_KAFKA_RESP_ERR__BAD_MSG }
        return entry.pointee.err
    }
}

extension TransactionalProducer {
    package enum RightAnswer: Hashable, Sendable {
        case granted
        /// The brokers allow transactions of any length, so the id was initialised for good.
        case initialised
    }

    /// Whether a transactional.id may be used, without touching it, whoever uses it now: InitProducerId
    /// with a timeout that transaction.max.timeout.ms forbids. Brokers look at the right to Write on the
    /// id first, at the timeout next, and at the id's state only then.
    package static func tryRight(
        _ configuration: ClientConfiguration, transactionalID: String, timeout: Duration
    ) throws(KafkaFailure) -> RightAnswer {
        let client = try ClientHandle(
            .producer, configuration,
            [
                ("transactional.id", transactionalID),
                ("transaction.timeout.ms", "\(Int32.max)"),
            ], sink: { _ in })
        defer { client.close() }
        do throws(KafkaFailure) {
            try client.initTransactions(Deadline(timeout))
        } catch {
            if error.code == "INVALID_TRANSACTION_TIMEOUT" { return .granted }
            throw error
        }
        return .initialised
    }

    /// Writes one record to a topic in a transaction, and aborts it. After a failure the producer is of
    /// no use any more.
    ///
    /// - Parameter topic: index into the producer's topics; their count is the checkpoint topic.
    package func tryWrite(topic: Int, partition: Int32, timeout: Duration) throws(KafkaFailure) {
        try begin()
        let key = Array("crossdock.check".utf8)
        // Compacted topics refuse a record without a key.
        var produced: Result<ProduceResult, KafkaFailure> = .success(.queueFull)
        key.withUnsafeBytes { key in
            produced = Result { () throws(KafkaFailure) in
                try produce(
                    topic: topic, partition: partition, key: key,
                    value: UnsafeRawBufferPointer(start: nil, count: 0), timestamp: -1)
            }
        }
        _ = try produced.get()
        let report = try flush(timeout: timeout)
        let ended = abort(timeout: timeout)
        guard report.acknowledged == 1 else {
            throw KafkaFailure(
                kind: .abortable, operation: "produce",
                code: report.refusal ?? report.failure ?? "_TIMED_OUT",
                detail: "the record was not acknowledged")
        }
        switch ended {
        case .aborted: return
        case .unknown(let why), .fenced(let why):
            throw KafkaFailure(
                kind: .abortable, operation: "abort_transaction", code: "_STATE", detail: why)
        }
    }
}

extension ClientHandle {
    /// Loops over retriable answers until the deadline.
    fileprivate func initTransactions(_ deadline: Deadline) throws(KafkaFailure) {
        while true {
            let time = max(1, deadline.remaining.milliseconds)
            let result = rd_kafka_init_transactions(raw, time)
            rd_kafka_poll(raw, 0)
            guard let error = TransactionError(consuming: result) else { return }
            if let outage, error.isRetriable, deadline.isOver { throw outage }
            guard error.isRetriable, !deadline.isOver else {
                throw error.failure("init_transactions")
            }
        }
    }
}
