internal import CRdKafka

package enum TopicCreation: Hashable, Sendable {
    case created
    case existed
}

extension ClusterClient {
    /// Makes a topic with the brokers' default replication factor (brokers from 2.4 on).
    ///
    /// - Parameter validateOnly: the brokers say whether they would, and make nothing.
    package func createTopic(
        _ name: String, partitions: Int, config: [String: String], validateOnly: Bool = false,
        timeout: Duration
    ) throws(KafkaFailure) -> TopicCreation {
        let handle = try handle(.readUncommitted)
        var message = [CChar](repeating: 0, count: 512)
        guard
            let topic = rd_kafka_NewTopic_new(
                name, Int32(partitions), -1, &message, message.count)
        else { throw KafkaFailure("CreateTopics", RD_KAFKA_RESP_ERR__INVALID_ARG, name) }
        defer { rd_kafka_NewTopic_destroy(topic) }
        for (key, value) in config.sorted(by: { $0.key < $1.key }) {
            _ = rd_kafka_NewTopic_set_config(topic, key, value)
        }
        var topics: [OpaquePointer?] = [topic]
        let event = try ask(handle, "CreateTopics", RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout) {
            options, queue in
            var message = [CChar](repeating: 0, count: 512)
            _ = rd_kafka_AdminOptions_set_validate_only(
                options, validateOnly ? 1 : 0, &message, message.count)
            rd_kafka_CreateTopics(handle.raw, &topics, 1, options, queue)
        }
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        guard let answer = rd_kafka_event_CreateTopics_result(event),
            let results = rd_kafka_CreateTopics_result_topics(answer, &count), count == 1,
            let result = results[0]
        else { throw KafkaFailure("CreateTopics", RD_KAFKA_RESP_ERR__BAD_MSG, name) }
        let error = rd_kafka_topic_result_error(result)
        switch error {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return .created
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return .existed
        default:
            let text = rd_kafka_topic_result_error_string(result).map { String(cString: $0) }
            throw failure(
                handle, "CreateTopics", error, "\(name): \(text ?? KafkaFailure.text(of: error))")
        }
    }

    /// A topic's settings (cleanup.policy, max.message.bytes, …); sensitive ones are absent.
    ///
    /// - Throws: `.denied` where the brokers do not tell us.
    package func topicConfig(_ name: String, timeout: Duration)
        throws(KafkaFailure) -> [String: String]
    {
        let handle = try handle(.readUncommitted)
        guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name) else {
            throw KafkaFailure("DescribeConfigs", RD_KAFKA_RESP_ERR__INVALID_ARG, name)
        }
        defer { rd_kafka_ConfigResource_destroy(resource) }
        var resources: [OpaquePointer?] = [resource]
        let event = try ask(
            handle, "DescribeConfigs", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout
        ) { options, queue in
            rd_kafka_DescribeConfigs(handle.raw, &resources, 1, options, queue)
        }
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        guard let answer = rd_kafka_event_DescribeConfigs_result(event),
            let results = rd_kafka_DescribeConfigs_result_resources(answer, &count), count == 1,
            let result = results[0]
        else { throw KafkaFailure("DescribeConfigs", RD_KAFKA_RESP_ERR__BAD_MSG, name) }
        let error = rd_kafka_ConfigResource_error(result)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw failure(
                handle, "DescribeConfigs", error, "\(name): \(KafkaFailure.text(of: error))")
        }
        return entries(of: result)
    }

    private func entries(of resource: OpaquePointer) -> [String: String] {
        var settings: [String: String] = [:]
        var count = 0
        guard let entries = rd_kafka_ConfigResource_configs(resource, &count) else { return [:] }
        for index in 0..<count {
            guard let entry = entries[index], let name = rd_kafka_ConfigEntry_name(entry),
                let value = rd_kafka_ConfigEntry_value(entry)
            else { continue }
            settings[String(cString: name)] = String(cString: value)
        }
        return settings
    }

    /// Committed offsets of a group; nil = none.
    ///
    /// A consumer of the group is asked, which joins nothing. The admin request of the same purpose ends the
    /// process where the coordinator goes away at the wrong moment (librdkafka issue 3663).
    package func groupOffsets(
        _ partitions: [TopicPartition], group asked: String, timeout: Duration
    ) throws(KafkaFailure) -> [Int64?] {
        guard !partitions.isEmpty else { return [] }
        if asked == group {
            return try committed(partitions, asked, handle(.readUncommitted), timeout)
        }
        let member = try openMember(of: asked)
        defer { member.close() }
        return try committed(partitions, asked, member, timeout)
    }

    private func committed(
        _ partitions: [TopicPartition], _ group: String, _ handle: ClientHandle,
        _ timeout: Duration
    ) throws(KafkaFailure) -> [Int64?] {
        let asked = partitions.map {
            TopicOffset(topic: $0.topic, partition: $0.partition, offset: -1001)
        }
        return try withPartitionList(asked) { list throws(KafkaFailure) in
            let error = rd_kafka_committed(handle.raw, list, max(1, timeout.milliseconds))
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
                let cause = refusal(handle) ?? error
                throw failure(
                    handle, "committed", cause, "\(group): \(KafkaFailure.text(of: cause))")
            }
            refusedGroup = nil
            var offsets: [Int64?] = []
            for partition in partitions {
                let entry = rd_kafka_topic_partition_list_find(
                    list, partition.topic, partition.partition)
                if let error = entry?.pointee.err, error != RD_KAFKA_RESP_ERR_NO_ERROR {
                    throw failure(
                        handle, "committed", error,
                        "\(partition.topic)[\(partition.partition)]: "
                            + KafkaFailure.text(of: error))
                }
                let offset = entry?.pointee.offset ?? -1
                offsets.append(offset < 0 ? nil : offset)
            }
            return offsets
        }
    }

    /// Why the brokers do not name the group's coordinator. The library tells it once, as a message of the
    /// consumer, and lets the question itself run out of time; so it is remembered until one is answered.
    private func refusal(_ handle: ClientHandle) -> rd_kafka_resp_err_t? {
        while let message = rd_kafka_consumer_poll(handle.raw, 0) {
            if message.pointee.err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED {
                refusedGroup = message.pointee.err
            }
            rd_kafka_message_destroy(message)
        }
        return refusedGroup
    }

    /// Sends one admin request and waits for its event, which the caller destroys.
    func ask(
        _ handle: ClientHandle, _ operation: String, _ kind: rd_kafka_admin_op_t,
        _ timeout: Duration, _ send: (OpaquePointer, OpaquePointer) -> Void
    ) throws(KafkaFailure) -> OpaquePointer {
        guard let options = rd_kafka_AdminOptions_new(handle.raw, kind),
            let queue = rd_kafka_queue_new(handle.raw)
        else { throw KafkaFailure(operation, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE) }
        defer {
            rd_kafka_queue_destroy(queue)
            rd_kafka_AdminOptions_destroy(options)
        }
        var message = [CChar](repeating: 0, count: 512)
        _ = rd_kafka_AdminOptions_set_request_timeout(
            options, max(1, timeout.milliseconds), &message, message.count)
        send(options, queue)
        guard
            let event = rd_kafka_queue_poll(
                queue, (timeout + .seconds(1)).milliseconds)
        else { throw failure(handle, operation, RD_KAFKA_RESP_ERR__TIMED_OUT) }
        let error = rd_kafka_event_error(event)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let text = rd_kafka_event_error_string(event).map { String(cString: $0) }
            rd_kafka_event_destroy(event)
            throw failure(handle, operation, error, text)
        }
        return event
    }
}
