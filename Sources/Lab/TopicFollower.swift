internal import CRdKafka

/// A record as a partner's consumer gets it.
package struct SeenRecord: Hashable, Sendable {
    package var key: [UInt8]?
    package var value: [UInt8]?
    package var headers: [SeenHeader]
    /// Milliseconds since the epoch.
    package var timestamp: Int64

    package init(key: [UInt8]?, value: [UInt8]?, headers: [SeenHeader], timestamp: Int64) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }
}

package struct SeenHeader: Hashable, Sendable {
    package var name: String
    package var value: [UInt8]?
    package init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}

/// Reads a whole topic read_committed through a client of its own, as a partner would, and keeps what it
/// reads by partition. One owner, one thread.
package final class TopicFollower {
    package private(set) var records: [[SeenRecord]]
    private let topic: String
    private let handle: OpaquePointer
    /// By partition: everything below has been read or is no record (control, aborted).
    private var reached: [Int64]
    private var isClosed = false

    package init(bootstrap: String, topic: String, partitions: Int) throws(LabFailure) {
        self.topic = topic
        records = Array(repeating: [], count: partitions)
        reached = Array(repeating: 0, count: partitions)
        handle = try makeClient(
            RD_KAFKA_CONSUMER,
            try makeConfiguration([
                "bootstrap.servers": bootstrap, "group.id": "crossdock-demo-reader",
                "isolation.level": "read_committed", "auto.offset.reset": "earliest",
                "enable.auto.commit": "false", "enable.partition.eof": "true",
                "fetch.wait.max.ms": "20", "log_level": "0",
            ]))
        rd_kafka_poll_set_consumer(handle)
        let list = rd_kafka_topic_partition_list_new(Int32(partitions))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in 0..<Int32(partitions) {
            rd_kafka_topic_partition_list_add(list, topic, partition).pointee.offset = 0
        }
        let error = rd_kafka_assign(handle, list)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            rd_kafka_destroy(handle)
            throw LabFailure("\(topic): \(text(of: error))")
        }
    }

    package var count: Int { records.reduce(0) { $0 + $1.count } }

    /// Takes what has come, waiting at most `milliseconds` for the first record.
    package func poll(milliseconds: Int32) throws(LabFailure) {
        var timeout = milliseconds
        while let message = rd_kafka_consumer_poll(handle, timeout) {
            defer { rd_kafka_message_destroy(message) }
            try take(message.pointee, message)
            timeout = 0
        }
    }

    /// Reads on until the last stable offsets that the partitions have now.
    package func readToEnd(timeout: Duration) throws(LabFailure) {
        let deadline = ContinuousClock.now + timeout
        for partition in records.indices {
            let end = try stableEnd(Int32(partition))
            while reached[partition] < end {
                guard ContinuousClock.now < deadline else {
                    throw LabFailure("\(topic)[\(partition)]: still before \(end) after \(timeout)")
                }
                try poll(milliseconds: 50)
            }
        }
    }

    /// On a read_committed handle the high watermark is the last stable offset.
    private func stableEnd(_ partition: Int32) throws(LabFailure) -> Int64 {
        var low: Int64 = 0
        var high: Int64 = 0
        let error = rd_kafka_query_watermark_offsets(
            handle, topic, partition, &low, &high, 10_000)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw LabFailure("\(topic)[\(partition)]: \(text(of: error))")
        }
        return high
    }

    /// Call it before the object goes: destroying a client blocks, which no deinit may.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        rd_kafka_consumer_close(handle)
        rd_kafka_destroy(handle)
    }

    private func take(
        _ message: rd_kafka_message_t, _ pointer: UnsafeMutablePointer<rd_kafka_message_t>
    ) throws(LabFailure) {
        let partition = Int(message.partition)
        switch message.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            records[partition].append(
                SeenRecord(
                    key: bytes(message.key, message.key_len),
                    value: bytes(message.payload, message.len), headers: headers(of: pointer),
                    timestamp: rd_kafka_message_timestamp(pointer, nil)))
            reached[partition] = message.offset + 1
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            reached[partition] = max(reached[partition], message.offset)
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
            break
        default:
            throw LabFailure("\(topic): \(text(of: message.err))")
        }
    }

    private func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> [SeenHeader] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else {
            return []
        }
        var found: [SeenHeader] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var length = 0
        while rd_kafka_header_get_all(list, found.count, &name, &value, &length)
            == RD_KAFKA_RESP_ERR_NO_ERROR, let name
        {
            found.append(SeenHeader(name: String(cString: name), value: bytes(value, length)))
        }
        return found
    }

    private func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
        start.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: count)) }
    }
}
