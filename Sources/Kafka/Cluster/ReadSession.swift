internal import CRdKafka

/// A stretch of reading on a handle, over librdkafka's plain consumer, which needs no group and
/// therefore no rights on one.
final class ReadSession {
    enum Step {
        case nothing
        case end
        /// The receiver destroys the message.
        case record(UnsafeMutablePointer<rd_kafka_message_t>, slot: Int)
    }

    private struct Place {
        var topic: OpaquePointer
        var partition: Int32
        var isOpen: Bool
    }

    private let queue: OpaquePointer
    private var places: [Place] = []

    init(_ handle: ClientHandle, _ positions: [TopicOffset]) throws(KafkaFailure) {
        guard let queue = rd_kafka_queue_new(handle.raw) else {
            throw KafkaFailure("queue_new", RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
        }
        self.queue = queue
        for position in positions {
            guard let topic = rd_kafka_topic_new(handle.raw, position.topic, nil) else {
                close()
                throw KafkaFailure("topic_new", rd_kafka_last_error(), position.topic)
            }
            let failed = rd_kafka_consume_start_queue(
                topic, position.partition, position.offset, queue)
            guard failed == 0 else {
                let error = rd_kafka_last_error()
                rd_kafka_topic_destroy(topic)
                close()
                throw KafkaFailure("consume_start", error, position.topic)
            }
            places.append(Place(topic: topic, partition: position.partition, isOpen: true))
        }
    }

    func next(timeout: Duration) throws(KafkaFailure) -> Step {
        guard let message = rd_kafka_consume_queue(queue, timeout.milliseconds) else {
            return .nothing
        }
        let slot = places.firstIndex {
            $0.isOpen && $0.partition == message.pointee.partition
                && rd_kafka_topic_name($0.topic).flatMap { String(cString: $0) }
                    == message.pointee.rkt.flatMap { rd_kafka_topic_name($0) }
                    .flatMap { String(cString: $0) }
        }
        guard let slot else {
            rd_kafka_message_destroy(message)
            return .nothing
        }
        switch message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return .record(message, slot: slot)
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            rd_kafka_message_destroy(message)
            finish(slot)
            return .end
        default:
            let error = message.pointee.err
            let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
            let name = rd_kafka_topic_name(places[slot].topic).map { String(cString: $0) } ?? ""
            let partition = message.pointee.partition
            rd_kafka_message_destroy(message)
            throw KafkaFailure("consume", error, "\(name)[\(partition)]: \(text)")
        }
    }

    func finish(_ slot: Int) {
        guard places[slot].isOpen else { return }
        places[slot].isOpen = false
        rd_kafka_consume_stop(places[slot].topic, places[slot].partition)
    }

    func close() {
        for slot in places.indices { finish(slot) }
        for place in places { rd_kafka_topic_destroy(place.topic) }
        places = []
        rd_kafka_queue_destroy(queue)
    }
}
