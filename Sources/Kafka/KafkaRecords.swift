internal import CRdKafka

/// A place in a topic.
package struct TopicOffset: Hashable, Sendable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64

    package init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

package struct TopicPartition: Hashable, Sendable {
    package var topic: String
    package var partition: Int32

    package init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
}

/// A partition's end: everything below `offset` has been seen or does not exist (control records,
/// aborted transactions, compaction).
package struct SlotEnd: Hashable, Sendable {
    /// Index in the list given to `assign`.
    package var slot: Int
    package var offset: Int64

    package init(slot: Int, offset: Int64) {
        self.slot = slot
        self.offset = offset
    }
}

/// One record as it lies in librdkafka's memory. Borrowed: who hands it out says for how long.
package struct ConsumedRecord {
    /// Nil is a null key, which Kafka tells from an empty one.
    package var key: UnsafeRawBufferPointer?
    /// Nil is a tombstone.
    package var value: UnsafeRawBufferPointer?
    package var offset: Int64
    /// Milliseconds since the epoch, -1 where the record has none.
    package var timestamp: Int64
    package var partition: Int32
    /// Index of the record's partition in the list that was asked for.
    package var slot: Int32
    /// What `readHeader` takes as its handle.
    package var message: UnsafeMutableRawPointer

    init(_ pointer: UnsafeMutablePointer<rd_kafka_message_t>, slot: Int32) {
        let raw = pointer.pointee
        key = raw.key.map { UnsafeRawBufferPointer(start: $0, count: raw.key_len) }
        value = raw.payload.map { UnsafeRawBufferPointer(start: $0, count: raw.len) }
        offset = raw.offset
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = rd_kafka_message_timestamp(pointer, &type)
        timestamp = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : time
        partition = raw.partition
        self.slot = slot
        message = UnsafeMutableRawPointer(pointer)
    }

    /// Reads header `index` of the record behind `message`: writes the name (NUL-terminated), the
    /// value (nil = null) and its length, and returns true; false past the last header. The headers
    /// are parsed at the first call, not before: the parsing costs more than a decision.
    package static let readHeader:
        @convention(c) (
            UnsafeMutableRawPointer?, Int, UnsafeMutablePointer<UnsafePointer<CChar>?>,
            UnsafeMutablePointer<UnsafeRawPointer?>, UnsafeMutablePointer<Int>
        ) -> Bool = { message, index, name, value, length in
            guard let message else { return false }
            var headers: OpaquePointer?
            let record = message.assumingMemoryBound(to: rd_kafka_message_t.self)
            guard
                rd_kafka_message_headers(record, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let headers
            else { return false }
            return rd_kafka_header_get_all(headers, index, name, value, length)
                == RD_KAFKA_RESP_ERR_NO_ERROR
        }
}
