internal import CRdKafka

/// What the partner acknowledged of the open transaction.
package struct DeliveryReport: Hashable, Sendable {
    package struct Position: Hashable, Sendable {
        /// Index in the producer's list of topics.
        package var topic: Int
        package var partition: Int32
        package var offset: Int64
    }

    /// Messages acknowledged, checkpoints included.
    package var acknowledged = 0
    /// Messages that failed.
    package var failed = 0
    /// Set where the broker refused contents (INVALID_RECORD, INVALID_TIMESTAMP,
    /// MSG_SIZE_TOO_LARGE): the error's name.
    package var refusal: String?
    /// First other failure, the error's name.
    package var failure: String?
    /// False where an acknowledged offset did not rise on some partition of a data topic, over the
    /// producer's life.
    package var rising = true
    /// The same of the checkpoint topic.
    package var checkpointsRising = true
    /// Last acknowledged offset of this transaction by partition of the data topics.
    package var positions: [Position] = []
    /// Lowest acknowledged offset on the checkpoint topic, -1 = none.
    package var checkpointOffset: Int64 = -1
}

/// Counts delivery reports. They come inside the owner's own calls (poll, flush, commit, abort), so
/// there is no lock; and one by one, so nothing is allocated but a partition's first place.
struct DeliveryTally {
    private struct Place {
        /// Of the producer's life.
        var highest: Int64 = -1
        /// Of this transaction, -1 = none.
        var last: Int64 = -1
    }

    private(set) var acknowledged = 0
    private(set) var failed = 0
    private var refusal = RD_KAFKA_RESP_ERR_NO_ERROR
    private(set) var failure = RD_KAFKA_RESP_ERR_NO_ERROR
    /// Tags of the topics that messages failed for, in the order of their first failures.
    private(set) var failedTopics: [Int] = []
    private var rising = true
    private var checkpointsRising = true
    private var checkpointOffset: Int64 = -1
    /// By topic tag (the last one: checkpoints) and partition.
    private var places: [[Place]]

    init(topics: Int) { places = Array(repeating: [], count: topics + 1) }

    mutating func begin() {
        acknowledged = 0
        failed = 0
        refusal = RD_KAFKA_RESP_ERR_NO_ERROR
        failure = RD_KAFKA_RESP_ERR_NO_ERROR
        failedTopics = []
        checkpointOffset = -1
        for topic in places.indices {
            for partition in places[topic].indices { places[topic][partition].last = -1 }
        }
    }

    mutating func take(_ message: UnsafePointer<rd_kafka_message_t>) {
        switch message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            acknowledged += 1
            note(message.pointee)
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD,
            RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
            failed += 1
            refusal = message.pointee.err
        default:
            failed += 1
            if failure == RD_KAFKA_RESP_ERR_NO_ERROR { failure = message.pointee.err }
            let topic = Int(bitPattern: message.pointee._private)
            if !failedTopics.contains(topic) { failedTopics.append(topic) }
        }
    }

    /// A resent batch that the broker had already is acknowledged without offsets.
    private mutating func note(_ message: rd_kafka_message_t) {
        let topic = Int(bitPattern: message._private)
        let partition = Int(message.partition)
        guard message.offset >= 0, places.indices.contains(topic), partition >= 0 else { return }
        while places[topic].count <= partition { places[topic].append(Place()) }
        let isCheckpoint = topic == places.count - 1
        if message.offset <= places[topic][partition].highest {
            if isCheckpoint { checkpointsRising = false } else { rising = false }
        }
        places[topic][partition].highest = message.offset
        places[topic][partition].last = message.offset
        if isCheckpoint && (checkpointOffset < 0 || message.offset < checkpointOffset) {
            checkpointOffset = message.offset
        }
    }

    var report: DeliveryReport {
        var report = DeliveryReport()
        report.acknowledged = acknowledged
        report.failed = failed
        report.refusal =
            refusal == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaFailure.name(of: refusal)
        report.failure =
            failure == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaFailure.name(of: failure)
        report.rising = rising
        report.checkpointsRising = checkpointsRising
        report.checkpointOffset = checkpointOffset
        for topic in places.indices.dropLast() {
            for (partition, place) in places[topic].enumerated() where place.last >= 0 {
                report.positions.append(
                    .init(topic: topic, partition: Int32(partition), offset: place.last))
            }
        }
        return report
    }
}

let takeDeliveryReport:
    @convention(c) (
        OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?
    ) -> Void = { _, message, opaque in
        guard let message, let opaque else { return }
        ClientContext.of(opaque).tally?.pointee.take(message)
    }
