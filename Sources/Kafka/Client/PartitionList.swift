internal import CRdKafka

/// Builds the C list, lends it, and frees it.
func withPartitionList<Result>(
    _ positions: [TopicOffset],
    _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws(KafkaFailure) -> Result
) throws(KafkaFailure) -> Result {
    guard let list = rd_kafka_topic_partition_list_new(Int32(positions.count)) else {
        throw KafkaFailure("partition list", RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
    }
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for position in positions {
        rd_kafka_topic_partition_list_add(list, position.topic, position.partition)?
            .pointee.offset = position.offset
    }
    return try body(list)
}
