import Kafka
import Lab
import Testing

/// Plain paths and error plumbing over librdkafka's mock, which has no isolation, no fencing and no
/// transaction timeout: nothing here says anything about exactly-once.
@Suite(.serialized)
struct MockTests {
    private func producer(_ cluster: EmbeddedCluster, _ settings: [(String, String)] = [])
        -> TransactionalProducer
    {
        TransactionalProducer(
            ClientConfiguration([("bootstrap.servers", cluster.bootstrap)] + settings),
            transactionalID: "t", topics: ["data"], checkpointTopic: "checkpoints", log: quiet)
    }

    @Test("what goes in comes out: null and empty, headers in order, timestamps")
    func roundTrip() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 2, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        #expect(try producer.send(key: nil, value: "plain") == .accepted)
        #expect(try producer.send(key: "", value: nil) == .accepted)
        "a".withCString { producer.addHeader($0, nil) }
        "b".withCString { name in
            Array("two".utf8).withUnsafeBytes { producer.addHeader(name, $0) }
            producer.addHeader(name, UnsafeRawBufferPointer(start: nil, count: 0))
        }
        #expect(try producer.send(0, 1, key: "k", value: "", timestamp: 42) == .accepted)
        try producer.produceCheckpoint(partition: 0, key: [1], value: [2])
        let report = try producer.flush(timeout: .seconds(10))
        #expect(report.acknowledged == 4)
        #expect(report.failed == 0)
        #expect(report.rising)
        #expect(report.checkpointOffset == 0)
        #expect(
            report.positions.map { [Int64($0.topic), Int64($0.partition), $0.offset] }
                == [[0, 0, 1], [0, 1, 0]])
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
        #expect(producer.endTxnSent == 1)
        #expect(!producer.isDirty)

        let consumer = LaneConsumer(
            cluster.configuration, group: "g", capacity: 100, log: quiet)
        defer { consumer.close() }
        try consumer.assign([
            TopicOffset(topic: "data", partition: 1, offset: 0),
            TopicOffset(topic: "data", partition: 0, offset: 0),
        ])
        let (records, ends) = try consumer.drain(slots: 2)
        #expect((1...2).contains(ends[0] ?? -1))
        #expect((2...3).contains(ends[1] ?? -1))
        #expect(consumer.heldCount == 3)
        let one = records.filter { $0.slot == 1 }
        #expect(one.map(\.key) == [nil, ""])
        #expect(one.map(\.value) == ["plain", nil])
        #expect(one.map(\.timestamp) == [1000, 1000])
        let other = records.filter { $0.slot == 0 }
        #expect(other.map(\.value) == [""])
        #expect(other.first?.partition == 1)
        #expect(other.first?.timestamp == 42)
        #expect(other.first?.headers == ["a=null", "b=two", "b="])
        consumer.release(2)
        #expect(consumer.heldCount == 1)
    }

    @Test("assigning again starts over at the new positions and drops what was held")
    func assignAgain() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        for index in 0..<50 { _ = try producer.send(value: "\(index)") }
        _ = try producer.flush(timeout: .seconds(10))
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
        let consumer = LaneConsumer(
            cluster.configuration, group: "g", capacity: 1000, log: quiet)
        defer { consumer.close() }
        try consumer.assign([TopicOffset(topic: "data", partition: 0, offset: 0)])
        #expect(try consumer.drain(slots: 1).records.count == 50)
        try consumer.assign([TopicOffset(topic: "data", partition: 0, offset: 30)])
        #expect(consumer.heldCount == 0)
        #expect(try consumer.drain(slots: 1).records.map(\.offset) == Array(30..<50))
    }

    @Test("never more records are held than there is room for")
    func capacity() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        for index in 0..<20 { _ = try producer.send(value: "\(index)") }
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
        let consumer = LaneConsumer(cluster.configuration, group: "g", capacity: 8, log: quiet)
        defer { consumer.close() }
        try consumer.assign([TopicOffset(topic: "data", partition: 0, offset: 0)])
        var values: [String] = []
        let deadline = ContinuousClock.now + .seconds(20)
        while values.count < 20 && ContinuousClock.now < deadline {
            _ = try consumer.poll(limit: 5, timeout: .milliseconds(50)) {
                values.append(Taken($0).value ?? "")
            }
            #expect(consumer.heldCount <= 8)
            if consumer.heldCount > 5 { consumer.release(3) }
        }
        #expect(values == (0..<20).map { "\($0)" })
    }

    @Test("a cluster that went away is unavailable, and read on when it is back")
    func outage() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let consumer = LaneConsumer(
            ClientConfiguration([
                ("bootstrap.servers", cluster.bootstrap), ("reconnect.backoff.max.ms", "100"),
            ]), group: "g", capacity: 10, log: quiet)
        defer { consumer.close() }
        try consumer.assign([TopicOffset(topic: "data", partition: 0, offset: 0)])
        _ = try consumer.drain(slots: 1)
        cluster.setBroker(up: false)
        var failure: KafkaFailure?
        let deadline = ContinuousClock.now + .seconds(20)
        while failure == nil && ContinuousClock.now < deadline {
            do { _ = try consumer.poll(limit: 1, timeout: .milliseconds(20)) { _ in } } catch {
                failure = error
            }
        }
        #expect(failure?.kind == .unavailable)
        cluster.setBroker(up: true)
        var answered = false
        while !answered && ContinuousClock.now < deadline {
            answered =
                (try? consumer.poll(limit: 1, timeout: .milliseconds(20)) { _ in }) != nil
        }
        #expect(answered)
    }

    @Test("a record above message.max.bytes is refused alone and the transaction goes on")
    func tooLarge() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster, [("message.max.bytes", "2000")])
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        #expect(try producer.send(value: String(repeating: "x", count: 3000)) == .tooLarge)
        #expect(try producer.send() == .accepted)
        #expect(try producer.flush(timeout: .seconds(10)).acknowledged == 1)
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
    }

    @Test("a full queue is told apart and empties")
    func queueFull() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster, [("queue.buffering.max.messages", "5")])
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        var full = false
        for _ in 0..<6 where try producer.send() == .queueFull { full = true }
        #expect(full)
        _ = try producer.flush(timeout: .seconds(10))
        #expect(try producer.send() == .accepted)
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
    }

    @Test("contents that the broker refuses are named, and the transaction aborts clean")
    func refused() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: true, timeout: .seconds(10))
        try producer.begin()
        cluster.fail(apiKey: 0, with: [87])  // INVALID_RECORD
        _ = try producer.send()
        let report = try producer.flush(timeout: .seconds(10))
        #expect(report.refusal == "INVALID_RECORD")
        #expect(report.failed == 1)
        guard case .notSent = producer.commit(timeout: .seconds(10)) else {
            Issue.record("a transaction with a refused record was not held back")
            return
        }
    }

    @Test("an EndTxn that a coordinator refuses once is sent again and leaves the producer dirty")
    func endTxnTwice() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        _ = try producer.send()
        cluster.fail(apiKey: 26, with: [14])  // COORDINATOR_LOAD_IN_PROGRESS
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
        #expect(producer.endTxnSent == 2)
        #expect(producer.isDirty)
        #expect(throws: KafkaFailure.self) { try producer.begin() }
    }

    @Test("a commit whose answer never comes is unknown")
    func unknownCommit() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        _ = try producer.send()
        _ = try producer.flush(timeout: .seconds(10))
        cluster.delay(5000)
        guard case .unknown = producer.commit(timeout: .milliseconds(300)) else {
            Issue.record("a commit without an answer was called certain")
            return
        }
        #expect(producer.isDirty)
        cluster.delay(0)
    }

    @Test("an empty transaction commits and aborts without a request, and stays clean")
    func empty() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 1, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
        try producer.begin()
        #expect(producer.abort(timeout: .seconds(10)) == .aborted)
        #expect(producer.endTxnSent == 0)
        #expect(!producer.isDirty)
    }

    @Test("partition counts, watermarks and short reads; what does not exist is absent")
    func questions() throws {
        let cluster = try EmbeddedCluster(topics: ["data": 3, "checkpoints": 1])
        defer { cluster.close() }
        let producer = producer(cluster)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        for index in 0..<30 { _ = try producer.send(0, Int32(index % 3), value: "\(index)") }
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
        let client = ClusterClient(cluster.configuration, log: quiet)
        defer { client.close() }
        #expect(try !client.clusterID(timeout: .seconds(10)).isEmpty)
        #expect(
            try client.partitionCounts(["data", "checkpoints"], timeout: .seconds(10))
                == ["data": 3, "checkpoints": 1])
        let data = (0..<3).map { TopicPartition(topic: "data", partition: $0) }
        // Newer mocks write the transaction's control record behind the 10 records.
        let ranges = try client.watermarks(
            data, isolation: .readUncommitted, timeout: .seconds(10))
        #expect(ranges.map { $0?.low } == [0, 0, 0])
        #expect(ranges.allSatisfy { (10...11).contains($0?.high ?? -1) })
        var seen: [Int32: Int] = [:]
        try client.read(
            topic: "data", from: .latest(ranges[0]?.high == 11 ? 3 : 2), limit: 100,
            timeout: .seconds(10)
        ) { seen[$0.partition, default: 0] += 1 }
        #expect(seen == [0: 2, 1: 2, 2: 2])
        var count = 0
        let result = try client.scan(data[1], from: 4, timeout: .seconds(10)) { record in
            count += 1
            return record.offset == 7
        }
        #expect(result == .found)
        #expect(count == 4)
        #expect(
            try client.scan(data[1], from: nil, timeout: .seconds(10)) { _ in false } == .end)
        var probed: [Int: String] = [:]
        try client.probe(
            [
                TopicOffset(topic: "data", partition: 2, offset: 9),
                TopicOffset(topic: "data", partition: 0, offset: 20),
                TopicOffset(topic: "data", partition: 0, offset: 0),
            ], timeout: .seconds(10)
        ) { probed[$0] = $1.map { Taken($0).value ?? "" } ?? "none" }
        #expect(probed == [0: "29", 1: "none", 2: "0"])
    }

    @Test("secrets do not reach the log")
    func redaction() throws {
        let lines = Lines()
        let client = ClusterClient(
            ClientConfiguration([
                ("bootstrap.servers", "127.0.0.1:1"), ("client.id", "canary-77"),
                ("ssl.key.password", "canary-77"),
            ]), log: lines.sink)
        #expect(throws: KafkaFailure.self) { try client.clusterID(timeout: .milliseconds(500)) }
        client.close()
        #expect(!lines.all.isEmpty)
        #expect(!lines.all.contains { $0.text.contains("canary") })
    }
}
