internal import CRdKafka

package enum ScanResult: Hashable, Sendable {
    /// The visitor said that it has seen what it was looking for.
    case found
    /// The end was reached without it.
    case end
    /// The time was over.
    case timedOut
}

/// Where `read` begins in every partition of a topic.
package enum ReadStart: Hashable, Sendable {
    case earliest
    /// This many offsets before the end.
    case latest(Int64)
    /// This offset, or the nearest that exists.
    case offset(Int64)
}

extension ClusterClient {
    /// Reads one partition from `offset` until `visit` returns true, the end (of what is decided, the LSO,
    /// under read_committed), or the time is over. Begins at the log start where `offset` is nil or outside
    /// the log.
    ///
    /// - Parameter visit: the record is valid during the call.
    package func scan(
        _ partition: TopicPartition, from offset: Int64?,
        isolation: Isolation = .readCommitted, timeout: Duration,
        visit: (ConsumedRecord) -> Bool
    ) throws(KafkaFailure) -> ScanResult {
        let handle = try handle(isolation)
        let deadline = Deadline(timeout)
        guard
            let range = try watermarks(
                [partition], isolation: .readUncommitted, timeout: timeout
            ).first ?? nil
        else {
            throw KafkaFailure(
                "scan", RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
                "\(partition.topic)[\(partition.partition)] does not exist")
        }
        let wanted = offset ?? range.low
        let start = (range.low...range.high).contains(wanted) ? wanted : range.low
        var found = false
        let done = try read(
            handle,
            [
                TopicOffset(
                    topic: partition.topic, partition: partition.partition, offset: start)
            ],
            deadline
        ) { record in
            found = visit(record)
            return found ? .stop : .more
        }
        return found ? .found : done ? .end : .timedOut
    }

    /// Shows the record that stands at exactly each position, read_committed; nil where none stands
    /// there (compacted, aborted, control, beyond the log). Order of the calls is not the list's.
    package func probe(
        _ positions: [TopicOffset], timeout: Duration, visit: (Int, ConsumedRecord?) -> Void
    ) throws(KafkaFailure) {
        try first(positions, timeout: timeout) { slot, record in
            visit(slot, record?.offset == positions[slot].offset ? record : nil)
        }
    }

    /// Timestamp (ms since the epoch, -1 = none) of the first record at or after each position,
    /// read_committed; nil where there is none yet.
    package func firstTimestamps(_ positions: [TopicOffset], timeout: Duration)
        throws(KafkaFailure) -> [Int64?]
    {
        var times = [Int64?](repeating: nil, count: positions.count)
        try first(positions, timeout: timeout) { slot, record in times[slot] = record?.timestamp }
        return times
    }

    /// Reads up to `limit` records of a topic, read_committed, partition by partition as they come.
    ///
    /// - Parameter visit: the record is valid during the call.
    /// - Returns: false where the time was over before the limit or every partition's end.
    @discardableResult
    package func read(
        topic: String, from start: ReadStart, limit: Int, timeout: Duration,
        visit: (ConsumedRecord) -> Void
    ) throws(KafkaFailure) -> Bool {
        let deadline = Deadline(timeout)
        guard let count = try partitionCounts([topic], timeout: timeout)[topic] else {
            throw KafkaFailure(
                "read", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "topic '\(topic)' does not exist")
        }
        let partitions = (0..<count).map { TopicPartition(topic: topic, partition: Int32($0)) }
        let ranges = try watermarks(
            partitions, isolation: .readCommitted, timeout: deadline.remaining)
        var positions: [TopicOffset] = []
        for (partition, range) in zip(partitions, ranges) {
            guard let range, range.low < range.high else { continue }
            let wanted =
                switch start {
                case .earliest: range.low
                case .latest(let count): range.high - count
                case .offset(let offset): offset
                }
            positions.append(
                TopicOffset(
                    topic: topic, partition: partition.partition,
                    offset: min(max(wanted, range.low), range.high)))
        }
        var left = limit
        guard left > 0, !positions.isEmpty else { return true }
        return try read(handle(.readCommitted), positions, deadline) { record in
            visit(record)
            left -= 1
            return left > 0 ? .more : .stop
        }
    }

    /// The first record at or after each position, nil where there is none before the end.
    private func first(
        _ positions: [TopicOffset], timeout: Duration, visit: (Int, ConsumedRecord?) -> Void
    ) throws(KafkaFailure) {
        guard !positions.isEmpty else { return }
        let handle = try handle(.readCommitted)
        let deadline = Deadline(timeout)
        let ranges = try watermarks(
            positions.map { TopicPartition(topic: $0.topic, partition: $0.partition) },
            isolation: .readCommitted, timeout: timeout)
        var places: [Int] = []
        for (slot, range) in ranges.enumerated() {
            if let range, (range.low..<max(range.low, range.high)).contains(positions[slot].offset)
            {
                places.append(slot)
            } else {
                visit(slot, nil)
            }
        }
        var seen = [Bool](repeating: false, count: places.count)
        let done = try read(handle, places.map { positions[$0] }, deadline) { record in
            seen[Int(record.slot)] = true
            visit(places[Int(record.slot)], record)
            return .nextPartition
        }
        guard done else { throw failure(handle, "consume", RD_KAFKA_RESP_ERR__TIMED_OUT) }
        for (index, slot) in places.enumerated() where !seen[index] { visit(slot, nil) }
    }

    enum ReadStep {
        case more, nextPartition, stop
    }

    /// Reads several partitions one message at a time: single polls, unlike batches, never hand out
    /// what was fetched for an earlier position.
    ///
    /// - Returns: true where `take` stopped or every partition came to its end, false after the time.
    func read(
        _ handle: ClientHandle, _ positions: [TopicOffset], _ deadline: Deadline,
        take: (ConsumedRecord) -> ReadStep
    ) throws(KafkaFailure) -> Bool {
        guard !positions.isEmpty else { return true }
        let session = try ReadSession(handle, positions)
        defer { session.close() }
        var open = positions.count
        while open > 0 {
            guard !deadline.isOver else { return false }
            switch try session.next(timeout: min(deadline.remaining, .milliseconds(20))) {
            case .nothing:
                handle.wakeFetcher(configuration)
                rd_kafka_poll(handle.raw, 0)
                if let outage = handle.outage, outage.kind == .denied { throw outage }
            case .end: open -= 1
            case .record(let message, let slot):
                defer { rd_kafka_message_destroy(message) }
                switch take(ConsumedRecord(message, slot: Int32(slot))) {
                case .more: break
                case .stop: return true
                case .nextPartition:
                    session.finish(slot)
                    open -= 1
                }
            }
        }
        return true
    }
}
