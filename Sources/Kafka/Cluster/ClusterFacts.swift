internal import CRdKafka

extension ClusterClient {
    /// The cluster's id, which the brokers made when the cluster was formed. A refused login is told
    /// at once.
    package func clusterID(timeout: Duration) throws(KafkaFailure) -> String {
        let handle = try handle(.readUncommitted)
        let deadline = Deadline(timeout)
        while true {
            if let id = knownID(handle) { return id }
            // `rd_kafka_clusterid` asks nobody: it waits for an answer to somebody else's question, which
            // a new client has only after up to 1 s. The brokers alone are asked for, no topic.
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let slice = min(deadline.remaining, .seconds(1))
            let error = rd_kafka_metadata(
                handle.raw, 0, nil, &metadata, max(1, slice.milliseconds))
            if let metadata { rd_kafka_metadata_destroy(metadata) }
            if let id = knownID(handle) { return id }
            let failure =
                error == RD_KAFKA_RESP_ERR_NO_ERROR
                ? failure(
                    handle, "clusterid", RD_KAFKA_RESP_ERR__TIMED_OUT,
                    "the cluster did not tell its id") : failure(handle, "metadata", error)
            if error != RD_KAFKA_RESP_ERR__TIMED_OUT && error != RD_KAFKA_RESP_ERR__TRANSPORT
                || failure.kind == .denied || deadline.isOver
            {
                throw failure
            }
        }
    }

    private func knownID(_ handle: ClientHandle) -> String? {
        guard let id = rd_kafka_clusterid(handle.raw, 0) else { return nil }
        defer { rd_kafka_mem_free(handle.raw, id) }
        return String(cString: id)
    }

    /// Partition count by topic; a topic that does not exist is absent.
    package func partitionCounts(_ topics: [String], timeout: Duration)
        throws(KafkaFailure) -> [String: Int]
    {
        try partitionCounts(handle(.readUncommitted), topics, Deadline(timeout))
    }

    private func partitionCounts(
        _ handle: ClientHandle, _ topics: [String], _ deadline: Deadline
    ) throws(KafkaFailure) -> [String: Int] {
        var counts: [String: Int] = [:]
        for topic in Set(topics).sorted() {
            counts[topic] = try partitionCount(handle, topic, deadline)
        }
        return counts
    }

    private func partitionCount(_ handle: ClientHandle, _ topic: String, _ deadline: Deadline)
        throws(KafkaFailure) -> Int?
    {
        guard let reference = rd_kafka_topic_new(handle.raw, topic, nil) else {
            throw KafkaFailure("topic_new", rd_kafka_last_error(), topic)
        }
        defer { rd_kafka_topic_destroy(reference) }
        while true {
            var metadata: UnsafePointer<rd_kafka_metadata>?
            rd_kafka_poll(handle.raw, 0)
            // Every broker is known to be lost: time for one more attempt to connect.
            let patience = handle.outage == nil ? deadline.remaining : .seconds(2)
            let error = rd_kafka_metadata(
                handle.raw, 0, reference, &metadata,
                max(1, min(patience, deadline.remaining).milliseconds))
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
                throw failure(handle, "metadata", error)
            }
            defer { rd_kafka_metadata_destroy(metadata) }
            guard metadata.pointee.topic_cnt > 0, let found = metadata.pointee.topics?.pointee
            else { return nil }
            switch found.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: return Int(found.partition_cnt)
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
                return nil
            case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE where !deadline.isOver:
                // The topic is being made.
                rd_kafka_poll(handle.raw, 20)
            default:
                throw failure(
                    handle, "metadata", found.err, "\(topic): \(KafkaFailure.text(of: found.err))")
            }
        }
    }

    /// Log start, and the end: of everything (high watermark), or of what is decided (LSO).
    ///
    /// - Returns: in the order asked; nil where the partition does not exist.
    package func watermarks(
        _ partitions: [TopicPartition], isolation: Isolation, timeout: Duration
    ) throws(KafkaFailure) -> [OffsetRange?] {
        let handle = try handle(isolation)
        let deadline = Deadline(timeout)
        // The low one first: the log start only rises, so low <= high whatever happens in between.
        let lows = try listOffsets(handle, partitions, at: -2, deadline)
        let highs = try listOffsets(handle, partitions, at: -1, deadline)
        return zip(lows, highs).map { low, high in
            guard let low, let high else { return nil }
            return OffsetRange(low: low, high: high)
        }
    }

    /// The first offset at or after the time; the high watermark, asked for first, where there is none.
    ///
    /// - Parameter milliseconds: since the epoch.
    package func offsets(
        _ partitions: [TopicPartition], at milliseconds: Int64, timeout: Duration
    ) throws(KafkaFailure) -> [Int64?] {
        let handle = try handle(.readUncommitted)
        let deadline = Deadline(timeout)
        let highs = try listOffsets(handle, partitions, at: -1, deadline)
        let found = try listOffsets(handle, partitions, at: max(0, milliseconds), deadline)
        return zip(highs, found).map { high, offset in
            guard let high, let offset else { return nil }
            return offset < 0 ? high : offset
        }
    }

    /// The end: of everything (high watermark), or of what is decided (LSO).
    ///
    /// - Returns: in the order asked; nil where the partition does not exist.
    package func ends(
        _ partitions: [TopicPartition], isolation: Isolation, timeout: Duration
    ) throws(KafkaFailure) -> [Int64?] {
        try listOffsets(handle(isolation), partitions, at: -1, Deadline(timeout))
    }

    /// ListOffsets over all partitions at once; -2 asks for the start, -1 for the end. Asked again for a
    /// little while where a partition is about to have another leader, and once where its leader does not
    /// answer.
    func listOffsets(
        _ handle: ClientHandle, _ partitions: [TopicPartition], at time: Int64,
        _ deadline: Deadline
    ) throws(KafkaFailure) -> [Int64?] {
        let patience = Deadline(min(.seconds(3), deadline.remaining))
        var isLast = false
        while true {
            let slice = isLast ? deadline.remaining : min(.seconds(3), deadline.remaining)
            do throws(KafkaFailure) {
                return try listOffsetsOnce(handle, partitions, at: time, Deadline(slice))
            } catch {
                if error.isAboutLeader && !patience.isOver {
                    // Serves the handle meanwhile.
                    rd_kafka_poll(handle.raw, 100)
                } else if error.isWithoutAnswer && !isLast && !deadline.isOver {
                    isLast = true
                } else {
                    throw error
                }
                // A handle that reads nothing learns of another leader only where it asks for one.
                _ = try partitionCounts(handle, partitions.map(\.topic), deadline)
            }
        }
    }

    private func listOffsetsOnce(
        _ handle: ClientHandle, _ partitions: [TopicPartition], at time: Int64,
        _ deadline: Deadline
    ) throws(KafkaFailure) -> [Int64?] {
        guard !partitions.isEmpty else { return [] }
        let asked = partitions.map {
            TopicOffset(topic: $0.topic, partition: $0.partition, offset: time)
        }
        return try withPartitionList(asked) { list throws(KafkaFailure) in
            let error = rd_kafka_offsets_for_times(
                handle.raw, list, max(1, deadline.remaining.milliseconds))
            switch error {
            case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
                break
            default: throw failure(handle, "offsets_for_times", error)
            }
            return try found(partitions, list, handle, error)
        }
    }

    private func found(
        _ partitions: [TopicPartition],
        _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, _ handle: ClientHandle,
        _ overall: rd_kafka_resp_err_t
    ) throws(KafkaFailure) -> [Int64?] {
        var offsets: [Int64?] = []
        for partition in partitions {
            guard
                let entry = rd_kafka_topic_partition_list_find(
                    list, partition.topic, partition.partition)
            else {
                offsets.append(nil)
                continue
            }
            let error =
                entry.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR ? overall : entry.pointee.err
            switch error {
            case RD_KAFKA_RESP_ERR_NO_ERROR: offsets.append(entry.pointee.offset)
            case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
                offsets.append(nil)
            default:
                throw failure(
                    handle, "offsets_for_times", error,
                    "\(partition.topic)[\(partition.partition)]: \(KafkaFailure.text(of: error))")
            }
        }
        return offsets
    }
}
