internal import CRdKafka

/// What became of one record given to `produce`.
package enum ProduceResult: Hashable, Sendable {
    case accepted
    /// The local queue is full: `serve` or `flush`, then again.
    case queueFull
    /// The record alone is larger than message.max.bytes.
    case tooLarge
}

/// One transactional.id. One owner, one thread: delivery reports are served inside its calls.
///
/// `open`, then `initialise`, then any number of `begin`, `produce`…, `flush`, `commit` or `abort`; a
/// producer that turned dirty or failed is closed and replaced, never repaired.
package final class TransactionalProducer {
    /// Largest time that a transaction left open by this producer stays open.
    package let transactionTimeout: Duration

    private let configuration: ClientConfiguration
    private let transactionalID: String
    private let topics: [String]
    private let checkpointTopic: String
    private let maxMessageBytes: Int?
    private let sink: ClientLogSink
    private let tally: UnsafeMutablePointer<DeliveryTally>
    private(set) var client: ClientHandle?
    private var handles: [OpaquePointer] = []
    /// Of the next record.
    private var headers: OpaquePointer?
    /// The consumed message that they were taken from.
    private var headersOwner: UnsafeMutablePointer<rd_kafka_message_t>?
    /// Records taken into the open transaction.
    private(set) var accepted = 0
    /// How the last transaction ended is not known, or an EndTxn may be under way.
    var isSpoilt = false

    /// - Parameters:
    ///   - topics: data topics; `produce` names them by index.
    ///   - checkpointTopic: where `produceCheckpoint` writes.
    ///   - maxMessageBytes: smallest max.message.bytes of the topics, where known: no record and no
    ///     produce batch gets larger.
    package init(
        _ configuration: ClientConfiguration, transactionalID: String, topics: [String],
        checkpointTopic: String, maxMessageBytes: Int? = nil, log: @escaping ClientLogSink
    ) {
        self.configuration = configuration
        self.transactionalID = transactionalID
        self.topics = topics
        self.checkpointTopic = checkpointTopic
        self.maxMessageBytes = maxMessageBytes
        sink = log
        transactionTimeout = configuration.transactionTimeout
        tally = .allocate(capacity: 1)
        tally.initialize(to: DeliveryTally(topics: topics.count))
    }

    // A client that is still open reaches the tally: `close` comes before, on the owner's thread.
    deinit {
        if client == nil {
            tally.deinitialize(count: 1)
            tally.deallocate()
        }
    }

    /// After a commit or an abort: an EndTxn may still be under way, or more than one was sent. No
    /// new transaction may begin on this producer: brokers without KIP-890 would let a late EndTxn
    /// end the next transaction.
    package var isDirty: Bool {
        guard let client else { return true }
        return isSpoilt || crossdock_wire_interrupted(client.context.wire) != 0
    }

    /// The library has lost every broker, and none has answered since: as of the last `serve`.
    package var isAway: Bool { client?.outage != nil }

    /// EndTxn requests sent since `begin`: exactly 1 after a transaction that went well.
    package var endTxnSent: Int {
        client.map { Int(crossdock_wire_end_txn_sent($0.context.wire)) } ?? 0
    }

    /// Closes the client, if there is one, makes a new one, and init_transactions: aborts our own
    /// open transaction, fences a twin.
    ///
    /// - Parameter careful: one record a produce request, so that a refused one is refused alone.
    package func initialise(careful: Bool, timeout: Duration) throws(KafkaFailure) {
        let deadline = Deadline(timeout)
        var tries = 0
        repeat {
            tries += 1
            try open(careful: careful)
        } while try !initTransactions(deadline, isImpatient: tries < Self.mostTries)
    }

    private func open(careful: Bool) throws(KafkaFailure) {
        close()
        let client = try ClientHandle(
            .producer, configuration, extra(careful: careful), sink: sink, tally: tally)
        self.client = client
        tally.pointee = DeliveryTally(topics: topics.count)
        isSpoilt = false
        for topic in topics + [checkpointTopic] {
            guard let handle = rd_kafka_topic_new(client.raw, topic, nil) else {
                let failure = KafkaFailure("topic_new", rd_kafka_last_error(), topic)
                close()
                throw failure
            }
            handles.append(handle)
        }
    }

    /// Bytes around a lone record's key, value and headers: batch header (61) and the record's own
    /// lengths and deltas, at most.
    private static let batchOverhead = 100

    private func extra(careful: Bool) -> [(String, String)] {
        var extra = [("transactional.id", transactionalID)]
        if let maxMessageBytes {
            // The brokers count the batch around the record too, librdkafka does not.
            let taken = maxMessageBytes - Self.batchOverhead
            let largest = min(taken, configuration.number("message.max.bytes") ?? taken)
            let batch = min(largest, configuration.number("batch.size") ?? 1_000_000)
            extra.append(("message.max.bytes", "\(max(1000, largest))"))
            extra.append(("batch.size", "\(max(1, batch))"))
        }
        if careful { extra.append(("batch.num.messages", "1")) }
        return extra
    }

    /// Clients made for one `initialise`: more where the coordinator is busy aborting our own open
    /// transaction (CONCURRENT_TRANSACTIONS). librdkafka asks again after 500 ms, a new client at once.
    private static let mostTries = 8

    /// False where the coordinator has answered, but not with a producer id, and nothing is on its way
    /// any more: a request that still is would fence the next client. Throws: the client is closed.
    private func initTransactions(_ deadline: Deadline, isImpatient: Bool) throws(KafkaFailure)
        -> Bool
    {
        let client = try opened("init_transactions")
        var wasAnswered = false
        while true {
            let time = isImpatient ? min(deadline.remaining, .milliseconds(20)) : deadline.remaining
            let result = rd_kafka_init_transactions(client.raw, max(1, time.milliseconds))
            rd_kafka_poll(client.raw, 0)
            guard let error = TransactionError(consuming: result) else { return true }
            guard error.isRetriable, !deadline.isOver else {
                let outage = error.isRetriable ? client.outage : nil
                close()
                throw outage ?? named(error.failure("init_transactions"))
            }
            guard isImpatient, crossdock_wire_init_answered(client.context.wire) != 0 else {
                continue
            }
            if wasAnswered { return false }
            wasAnswered = true
        }
    }

    package func begin() throws(KafkaFailure) {
        let client = try opened("begin_transaction")
        guard !isDirty else {
            throw KafkaFailure(
                kind: .fatal, operation: "begin_transaction", code: "_STATE",
                detail: "this producer's last transaction may not have ended: a new one is needed")
        }
        accepted = 0
        dropHeaders()
        tally.pointee.begin()
        crossdock_wire_begin(client.context.wire)
        if let error = TransactionError(consuming: rd_kafka_begin_transaction(client.raw)) {
            throw error.failure("begin_transaction")
        }
    }

    /// Adds a header to the record that the next `produce` sends. Copied.
    package func addHeader(_ name: UnsafePointer<CChar>, _ value: UnsafeRawBufferPointer?) {
        if headers == nil { headers = rd_kafka_headers_new(8) }
        guard let headers else { return }
        _ = rd_kafka_header_add(
            headers, name, -1, value.map { $0.baseAddress ?? emptyBytes }, value?.count ?? 0)
    }

    /// Gives the record that the next `produce` sends all headers of a consumed one. They go back to it
    /// where the record is not accepted; else they live in the queue, until its report is served.
    ///
    /// - Parameter message: a `ConsumedRecord.message`.
    package func moveHeaders(from message: UnsafeMutableRawPointer) {
        dropHeaders()
        let owner = message.assumingMemoryBound(to: rd_kafka_message_t.self)
        if rd_kafka_message_detach_headers(owner, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR {
            headersOwner = owner
        } else {
            headers = nil
        }
    }

    private func dropHeaders() {
        if let headers {
            if let headersOwner {
                rd_kafka_message_set_headers(headersOwner, headers)
            } else {
                rd_kafka_headers_destroy(headers)
            }
        }
        headers = nil
        headersOwner = nil
    }

    /// Copies one record into the open transaction, with the headers added since the last call.
    ///
    /// - Parameters:
    ///   - timestamp: milliseconds since the epoch, -1 = none. librdkafka takes 0 for "now", so the
    ///     first millisecond of 1970 travels as the second.
    /// - Throws: `.abortable`, `.refused` and worse; a record that was not accepted does not poison the
    ///   transaction, so a commit would succeed without it: the caller must abort.
    package func produce(
        topic: Int, partition: Int32, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        timestamp: Int64
    ) throws(KafkaFailure) -> ProduceResult {
        guard let client else {
            dropHeaders()
            throw notOpen("producev")
        }
        let error = crossdock_produce(
            client.raw, handles[topic], partition, key.map { $0.baseAddress ?? emptyBytes },
            key?.count ?? 0, value.map { $0.baseAddress ?? emptyBytes }, value?.count ?? 0,
            timestamp == 0 ? 1 : timestamp, headers, UnsafeMutableRawPointer(bitPattern: topic))
        switch error {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            // The headers belong to the message now.
            headers = nil
            headersOwner = nil
            accepted += 1
            return .accepted
        case RD_KAFKA_RESP_ERR__QUEUE_FULL:
            dropHeaders()
            return .queueFull
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
            dropHeaders()
            return .tooLarge
        default:
            dropHeaders()
            throw produceFailure(error, client, topic, partition)
        }
    }

    /// Copies one checkpoint into the open transaction; waits a little where the queue is full.
    package func produceCheckpoint(partition: Int32, key: [UInt8], value: [UInt8])
        throws(KafkaFailure)
    {
        dropHeaders()
        let deadline = Deadline(.seconds(10))
        while true {
            var outcome: Result<ProduceResult, KafkaFailure> = .success(.queueFull)
            key.withUnsafeBytes { key in
                value.withUnsafeBytes { value in
                    outcome = Result { () throws(KafkaFailure) in
                        try produce(
                            topic: topics.count, partition: partition, key: key, value: value,
                            timestamp: -1)
                    }
                }
            }
            switch try outcome.get() {
            case .accepted: return
            case .queueFull where !deadline.isOver:
                if let client { rd_kafka_poll(client.raw, 10) }
            case .queueFull, .tooLarge:
                throw KafkaFailure(
                    kind: .abortable, operation: "producev", code: "MSG_SIZE_TOO_LARGE",
                    detail: "\(checkpointTopic)[\(partition)] does not take a checkpoint of "
                        + "\(value.count) bytes")
            }
        }
    }

    private func produceFailure(
        _ error: rd_kafka_resp_err_t, _ client: ClientHandle, _ topic: Int, _ partition: Int32
    ) -> KafkaFailure {
        var buffer = [CChar](repeating: 0, count: 512)
        let fatal = rd_kafka_fatal_error(client.raw, &buffer, buffer.count)
        let cause = fatal == RD_KAFKA_RESP_ERR_NO_ERROR ? error : fatal
        let name = topic < topics.count ? topics[topic] : checkpointTopic
        var failure = KafkaFailure(
            "producev", cause, "\(name)[\(partition)]: \(KafkaFailure.text(of: cause))")
        // An earlier record's answer may have ended the transaction; its report is being queued.
        if fatal == RD_KAFKA_RESP_ERR_NO_ERROR && error == RD_KAFKA_RESP_ERR__STATE {
            rd_kafka_poll(client.raw, 100)
            if let refusal = tally.pointee.report.refusal {
                return KafkaFailure(
                    kind: .refused, operation: "producev", code: refusal,
                    detail: "a record of the transaction was refused")
            }
        }
        if failure.kind != .fenced && failure.kind != .denied {
            failure.kind = fatal == RD_KAFKA_RESP_ERR_NO_ERROR ? .abortable : .fatal
        }
        return failure
    }

    /// Serves delivery reports without waiting.
    package func serve() {
        if let client { rd_kafka_poll(client.raw, 0) }
    }

    /// Waits until everything produced in this transaction is acknowledged or failed.
    ///
    /// - Throws: `.unavailable` where that took longer than `timeout`, `.denied` where messages failed
    ///   for a missing right.
    package func flush(timeout: Duration) throws(KafkaFailure) -> DeliveryReport {
        let client = try opened("flush")
        let error = rd_kafka_flush(client.raw, timeout.milliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw client.outage ?? KafkaFailure("flush", error)
        }
        let report = tally.pointee.report
        if report.failed > 0, let denial = denial(client) { throw denial }
        return report
    }

    /// The missing right, or the newer producer, for which messages of the open transaction failed.
    private func denial(_ client: ClientHandle) -> KafkaFailure? {
        let first = tally.pointee.failure
        if KafkaFailure.kind(of: first) == .denied { return named(KafkaFailure("produce", first)) }
        // While a transaction is open none begins; the answer is why it can only be aborted.
        guard let error = TransactionError(consuming: rd_kafka_begin_transaction(client.raw)),
            error.requiresAbort || error.isFatal
        else { return nil }
        let failure = error.failure("AddPartitionsToTxn")
        return failure.kind == .denied || failure.kind == .fenced ? named(failure) : nil
    }

    /// With what it was denied on, which neither the brokers nor librdkafka say.
    private func named(_ failure: KafkaFailure) -> KafkaFailure {
        var failure = failure
        switch failure.code {
        case "TRANSACTIONAL_ID_AUTHORIZATION_FAILED":
            failure.detail = "\(transactionalID): \(failure.detail)"
        case "TOPIC_AUTHORIZATION_FAILED":
            let names = tally.pointee.failedTopics.map {
                $0 < topics.count ? topics[$0] : checkpointTopic
            }
            failure.detail = "\(names.joined(separator: " or ")): \(failure.detail)"
        default: break
        }
        return failure
    }

    private func opened(_ operation: String) throws(KafkaFailure) -> ClientHandle {
        guard let client else { throw notOpen(operation) }
        return client
    }

    private func notOpen(_ operation: String) -> KafkaFailure {
        KafkaFailure(
            kind: .fatal, operation: operation, code: "_STATE", detail: "the producer is closed")
    }

    /// Ends the client; an open transaction stays open until the next `initialise` or its timeout.
    /// Blocks for the library's threads, not for the cluster: what is queued is purged.
    package func close() {
        dropHeaders()
        guard let client else { return }
        rd_kafka_purge(
            client.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        rd_kafka_poll(client.raw, 0)
        for handle in handles { rd_kafka_topic_destroy(handle) }
        handles = []
        client.close()
        self.client = nil
    }
}

/// What an empty, not null, key or value points to.
nonisolated(unsafe) private let emptyBytes = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))
