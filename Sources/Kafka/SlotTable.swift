internal import CRdKafka

/// The assigned partitions in the order of `assign`, found by topic handle and partition.
///
/// Invariant (the Guard): offsets handed out for a slot strictly rise, from the assigned one on.
struct SlotTable {
    private struct Slot {
        var topic: String
        var partition: Int32
        /// Known from the slot's first message on; librdkafka keeps one handle per topic.
        var handle: OpaquePointer?
        var next: Int64
    }

    private var slots: [Slot]
    private var last = 0

    init(_ positions: [TopicOffset]) {
        slots = positions.map {
            Slot(topic: $0.topic, partition: $0.partition, handle: nil, next: $0.offset)
        }
    }

    /// The slot of a record, whose offset is used up.
    mutating func advance(_ message: UnsafeMutablePointer<rd_kafka_message_t>)
        throws(KafkaFailure) -> Int32
    {
        let slot = try find(message)
        let offset = message.pointee.offset
        guard offset >= slots[slot].next else {
            throw KafkaFailure(
                kind: .fatal, operation: "poll", code: "_BAD_MSG",
                detail: "\(slots[slot].topic)[\(slots[slot].partition)]: offset \(offset) came "
                    + "after offset \(slots[slot].next - 1)")
        }
        slots[slot].next = offset + 1
        return Int32(slot)
    }

    /// What a message with an error means: an end, nothing, or a failure.
    mutating func event(_ message: UnsafeMutablePointer<rd_kafka_message_t>)
        throws(KafkaFailure) -> SlotEnd?
    {
        let error = message.pointee.err
        switch error {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            let slot = try find(message)
            // An end tells that everything below is decided: no record below may come later.
            slots[slot].next = max(slots[slot].next, message.pointee.offset)
            return SlotEnd(slot: slot, offset: message.pointee.offset)
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR__WAIT_COORD:
            // The group is advice only (see `commit`); reading goes on without it.
            return nil
        default:
            let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
            let place =
                message.pointee.rkt.flatMap { rd_kafka_topic_name($0) }
                .map { "\(String(cString: $0))[\(message.pointee.partition)]: " } ?? ""
            throw KafkaFailure("poll", error, place + text)
        }
    }

    private mutating func find(_ message: UnsafeMutablePointer<rd_kafka_message_t>)
        throws(KafkaFailure) -> Int
    {
        let handle = message.pointee.rkt
        let partition = message.pointee.partition
        if slots[last].handle == handle && slots[last].partition == partition { return last }
        for index in slots.indices
        where slots[index].partition == partition && slots[index].handle == handle {
            last = index
            return index
        }
        let name = handle.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? ""
        for index in slots.indices
        where slots[index].partition == partition && slots[index].topic == name {
            slots[index].handle = handle
            last = index
            return index
        }
        throw KafkaFailure(
            kind: .fatal, operation: "poll", code: "_BAD_MSG",
            detail: "\(name)[\(partition)] was never assigned")
    }
}
