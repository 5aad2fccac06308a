import Glibc
import Kafka
import Lab
import Testing

/// What only a real broker can show. One cluster for the suite; every test has topics of its own.
@Suite(.serialized, .enabled(if: RealBroker.isThere, RealBroker.skipReason))
final class BrokerTests {
    private let broker: KafkaBroker
    private let client: ClusterClient

    init() throws {
        broker = try RealBroker.shared()
        client = ClusterClient(
            broker.configuration, group: "crossdock.tests", log: quiet)
    }

    deinit { client.close() }

    private func topics(_ name: String, partitions: Int = 1) throws -> (String, String) {
        _ = try client.createTopic(
            name, partitions: partitions, config: [:], timeout: .seconds(20))
        _ = try client.createTopic(
            "\(name).marks", partitions: 1, config: ["cleanup.policy": "compact"],
            timeout: .seconds(20))
        return (name, "\(name).marks")
    }

    private func producer(
        _ name: String, id: String? = nil, settings: [(String, String)] = []
    ) -> TransactionalProducer {
        TransactionalProducer(
            ClientConfiguration([("bootstrap.servers", broker.bootstrap)] + settings),
            transactionalID: id ?? "id-\(name)", topics: [name], checkpointTopic: "\(name).marks",
            log: quiet)
    }

    /// A commit is answered before its control records stand in the partitions: waits for them.
    private func settle(_ topic: String) throws {
        let wait = Duration.seconds(20)
        let count = try client.partitionCounts([topic], timeout: wait)[topic] ?? 0
        let all = (0..<count).map { TopicPartition(topic: topic, partition: Int32($0)) }
        let deadline = ContinuousClock.now + wait
        while ContinuousClock.now < deadline {
            let stable = try client.watermarks(all, isolation: .readCommitted, timeout: wait)
            let whole = try client.watermarks(all, isolation: .readUncommitted, timeout: wait)
            if stable == whole { return }
            usleep(10_000)
        }
        Issue.record("\(topic): a transaction stays open")
    }

    private func values(_ topic: String) throws -> [String] {
        try settle(topic)
        var values: [String] = []
        try client.read(
            topic: topic, from: .earliest, limit: .max, timeout: .seconds(20)
        ) { values.append(Taken($0).value ?? "null") }
        return values
    }

    @Test("what is committed is seen, what is aborted is not, and each sends one EndTxn")
    func commitAndAbort() throws {
        let (data, marks) = try topics("commit")
        let producer = producer(data)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        for round in 0..<4 {
            try producer.begin()
            for index in 0..<5 {
                #expect(try producer.send(value: "\(round).\(index)") == .accepted)
            }
            try producer.produceCheckpoint(partition: 0, key: [7], value: [UInt8(round)])
            let report = try producer.flush(timeout: .seconds(20))
            #expect(report.acknowledged == 6)
            #expect(report.rising)
            if round % 2 == 0 {
                #expect(producer.commit(timeout: .seconds(20)) == .committed)
            } else {
                #expect(producer.abort(timeout: .seconds(20)) == .aborted)
            }
            #expect(producer.endTxnSent == 1)
            #expect(!producer.isDirty)
        }
        #expect(try values(data) == [0, 2].flatMap { round in (0..<5).map { "\(round).\($0)" } })
        try settle(marks)
        var marked: [UInt8] = []
        let scan = try client.scan(
            TopicPartition(topic: marks, partition: 0), from: nil, timeout: .seconds(20)
        ) { record in
            marked += record.value.map { Array($0) } ?? []
            return false
        }
        #expect(scan == .end)
        #expect(marked == [0, 2])
    }

    @Test("the end that a consumer is told lies behind aborted records and control records")
    func endBehindAborted() throws {
        let (data, _) = try topics("aborted", partitions: 2)
        let producer = producer(data)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        try producer.begin()
        for index in 0..<5 { _ = try producer.send(value: "\(index)") }
        #expect(producer.commit(timeout: .seconds(20)) == .committed)
        try producer.begin()
        for _ in 0..<300 { _ = try producer.send(value: "aborted") }
        _ = try producer.flush(timeout: .seconds(20))
        #expect(producer.abort(timeout: .seconds(20)) == .aborted)
        try settle(data)
        let consumer = LaneConsumer(broker.configuration, group: "g", capacity: 1000, log: quiet)
        defer { consumer.close() }
        let partition = TopicPartition(topic: data, partition: 0)
        try consumer.assign([
            TopicOffset(topic: data, partition: 0, offset: 0),
            TopicOffset(topic: data, partition: 1, offset: 0),
        ])
        let (records, ends) = try consumer.drain(slots: 2)
        #expect(records.map(\.value) == (0..<5).map { "\($0)" })
        // 5 records, a commit marker, 300 records, an abort marker.
        #expect(ends == [0: 307, 1: 0])
        #expect(
            try client.watermarks([partition], isolation: .readCommitted, timeout: .seconds(20))
                == [OffsetRange(low: 0, high: 307)])
    }

    @Test("an open transaction holds back the committed end, not the uncommitted one")
    func lastStableOffset() throws {
        let (data, _) = try topics("open")
        let producer = producer(data)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        try producer.begin()
        for _ in 0..<3 { _ = try producer.send() }
        _ = try producer.flush(timeout: .seconds(20))
        let partition = TopicPartition(topic: data, partition: 0)
        #expect(
            try client.watermarks([partition], isolation: .readCommitted, timeout: .seconds(20))
                == [OffsetRange(low: 0, high: 0)])
        #expect(
            try client.watermarks([partition], isolation: .readUncommitted, timeout: .seconds(20))
                == [OffsetRange(low: 0, high: 3)])
        let consumer = LaneConsumer(broker.configuration, group: "g", capacity: 10, log: quiet)
        defer { consumer.close() }
        try consumer.assign([TopicOffset(topic: data, partition: 0, offset: 0)])
        var shown = 0
        var ends: [Int64] = []
        for _ in 0..<10 {
            ends += try consumer.poll(limit: 10, timeout: .milliseconds(50)) { _ in shown += 1 }
                .map(\.offset)
        }
        #expect(shown == 0)
        #expect(Set(ends).isSubset(of: [0]))
        #expect(producer.commit(timeout: .seconds(20)) == .committed)
        try settle(data)
        #expect(try consumer.drain(slots: 1).records.count == 3)
    }

    @Test("a newer producer of the same id fences the older one")
    func fenced() throws {
        let (data, _) = try topics("fenced")
        let old = producer(data)
        defer { old.close() }
        let new = producer(data)
        defer { new.close() }
        try old.initialise(careful: false, timeout: .seconds(30))
        try old.begin()
        _ = try old.send(value: "old")
        _ = try old.flush(timeout: .seconds(20))
        try new.initialise(careful: false, timeout: .seconds(30))
        guard case .fenced = old.commit(timeout: .seconds(20)) else {
            Issue.record("a fenced producer's commit was not told apart")
            return
        }
        #expect(old.isDirty)
        try new.begin()
        _ = try new.send(value: "new")
        #expect(new.commit(timeout: .seconds(20)) == .committed)
        #expect(try values(data) == ["new"])
    }

    @Test("a new producer aborts what a dead one left open")
    func leftOpen() throws {
        let (data, _) = try topics("left")
        let dead = producer(data)
        try dead.initialise(careful: false, timeout: .seconds(30))
        try dead.begin()
        _ = try dead.send(value: "never")
        _ = try dead.flush(timeout: .seconds(20))
        dead.close()
        let next = producer(data)
        defer { next.close() }
        try next.initialise(careful: false, timeout: .seconds(30))
        try next.begin()
        _ = try next.send(value: "next")
        #expect(next.commit(timeout: .seconds(20)) == .committed)
        #expect(try values(data) == ["next"])
    }

    @Test("a record that the broker refuses is named, alone where the producer is careful")
    func refusedByBroker() throws {
        _ = try client.createTopic(
            "refused", partitions: 1, config: ["cleanup.policy": "compact"],
            timeout: .seconds(20))
        _ = try topics("refused")
        let producer = producer("refused")
        defer { producer.close() }
        try producer.initialise(careful: true, timeout: .seconds(30))
        try producer.begin()
        _ = try producer.send(key: "good", value: "1")
        #expect(try producer.flush(timeout: .seconds(20)).acknowledged == 1)
        // A compacted topic takes no record without a key.
        _ = try producer.send(key: nil, value: "2")
        let report = try producer.flush(timeout: .seconds(20))
        #expect(report.refusal == "INVALID_RECORD")
        #expect(report.acknowledged == 1)
        #expect(report.failed == 1)
    }

    @Test("a record that the topic is too small for is told here, never first by the broker")
    func limits() throws {
        _ = try client.createTopic(
            "limits", partitions: 1, config: ["max.message.bytes": "5000"], timeout: .seconds(20))
        _ = try topics("limits")
        let producer = TransactionalProducer(
            ClientConfiguration([
                ("bootstrap.servers", broker.bootstrap), ("compression.type", "none"),
            ]), transactionalID: "id-limits", topics: ["limits"],
            checkpointTopic: "limits.marks", maxMessageBytes: 5000, log: quiet)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        try producer.begin()
        var accepted = 0
        for size in 4800...5000 {
            "h".withCString { producer.addHeader($0, nil) }
            if try producer.send(value: String(repeating: "x", count: size)) == .accepted {
                accepted += 1
            }
        }
        let report = try producer.flush(timeout: .seconds(20))
        #expect(report.acknowledged == accepted)
        #expect(report.refusal == nil)
        #expect((50..<150).contains(accepted))
        #expect(producer.commit(timeout: .seconds(20)) == .committed)
    }

    @Test("null and empty keys and values, headers and times survive")
    func fidelity() throws {
        let (data, _) = try topics("fidelity")
        let producer = producer(data)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        try producer.begin()
        _ = try producer.send(key: nil, value: "", timestamp: -1)
        _ = try producer.send(key: "", value: nil, timestamp: 1_700_000_000_123)
        "h".withCString { producer.addHeader($0, nil) }
        _ = try producer.send(timestamp: 5)
        #expect(producer.commit(timeout: .seconds(20)) == .committed)
        // The commit is answered before its records are visible.
        var records: [Taken] = []
        let deadline = ContinuousClock.now + .seconds(20)
        while records.isEmpty && ContinuousClock.now < deadline {
            try client.read(
                topic: data, from: .earliest, limit: .max, timeout: .seconds(20)
            ) { records.append(Taken($0)) }
        }
        #expect(records.map(\.key) == [nil, "", "k"])
        #expect(records.map(\.value) == ["", nil, "v"])
        #expect(records.map(\.timestamp) == [-1, 1_700_000_000_123, 5])
        #expect(records.map(\.headers) == [[], [], ["h=null"]])
    }

    @Test("offsets by time, first times, group offsets and probes tell what stands where")
    func questions() throws {
        let (data, _) = try topics("questions", partitions: 2)
        let producer = producer(data)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        try producer.begin()
        for index in 0..<10 {
            _ = try producer.send(value: "\(index)", timestamp: 1000 + Int64(index) * 10)
        }
        #expect(producer.commit(timeout: .seconds(20)) == .committed)
        try settle(data)
        let partitions = (0..<2).map { TopicPartition(topic: data, partition: $0) }
        let wait = Duration.seconds(20)
        #expect(try client.offsets(partitions, at: 1045, timeout: wait) == [5, 0])
        // The commit's control record at 10 bears the broker's time; behind it there is nothing.
        #expect(try client.offsets(partitions, at: 9999, timeout: wait) == [10, 0])
        #expect(try client.offsets(partitions, at: 9_999_999_999_999, timeout: wait) == [11, 0])
        let positions = [
            TopicOffset(topic: data, partition: 0, offset: 3),
            TopicOffset(topic: data, partition: 0, offset: 10),
            TopicOffset(topic: data, partition: 1, offset: 0),
        ]
        #expect(
            try client.firstTimestamps(Array(positions.prefix(1)), timeout: wait) == [1030])
        #expect(
            try client.firstTimestamps(Array(positions.suffix(2)), timeout: wait) == [nil, nil])
        var probed: [Int: String] = [:]
        try client.probe([positions[0], positions[2]], timeout: wait) {
            probed[$0] = $1.map { Taken($0).value ?? "" } ?? "none"
        }
        #expect(probed == [0: "3", 1: "none"])
        #expect(
            try client.groupOffsets(partitions, group: "nobody", timeout: wait) == [nil, nil])
        let consumer = LaneConsumer(broker.configuration, group: "asked", capacity: 9, log: quiet)
        defer { consumer.close() }
        try consumer.assign([TopicOffset(topic: data, partition: 0, offset: 11)])
        _ = try consumer.drain(slots: 1)
        var offsets: [Int64?] = []
        let deadline = ContinuousClock.now + .seconds(20)
        while offsets != [7, nil] && ContinuousClock.now < deadline {
            consumer.commit([TopicOffset(topic: data, partition: 0, offset: 7)])
            usleep(50_000)
            offsets = try client.groupOffsets(partitions, group: "asked", timeout: wait)
        }
        #expect(offsets == [7, nil])
    }

    @Test("what does not exist is absent, and asking for it makes nothing")
    func absent() throws {
        let wait = Duration.seconds(5)
        #expect(try client.partitionCounts(["nowhere"], timeout: wait) == [:])
        #expect(
            try client.watermarks(
                [TopicPartition(topic: "nowhere", partition: 0)], isolation: .readCommitted,
                timeout: wait) == [nil])
        let (data, _) = try topics("absent")
        #expect(
            try client.watermarks(
                [
                    TopicPartition(topic: data, partition: 0),
                    TopicPartition(topic: data, partition: 9),
                ], isolation: .readUncommitted, timeout: wait)
                == [OffsetRange(low: 0, high: 0), nil])
        #expect(try client.partitionCounts(["nowhere", data], timeout: wait) == [data: 1])
    }

    @Test("a position beyond the log is out of range")
    func outOfRange() throws {
        let (data, _) = try topics("range")
        let consumer = LaneConsumer(broker.configuration, group: "g", capacity: 9, log: quiet)
        defer { consumer.close() }
        try consumer.assign([TopicOffset(topic: data, partition: 0, offset: 100)])
        var failure: KafkaFailure?
        let deadline = ContinuousClock.now + .seconds(20)
        while failure == nil && ContinuousClock.now < deadline {
            do { _ = try consumer.poll(limit: 1, timeout: .milliseconds(50)) { _ in } } catch {
                failure = error
            }
        }
        #expect(failure?.kind == .outOfRange)
    }

    @Test("topics are made once, with their settings")
    func admin() throws {
        let wait = Duration.seconds(20)
        let config = ["cleanup.policy": "compact", "max.message.bytes": "123456"]
        #expect(
            try client.createTopic("made", partitions: 3, config: config, timeout: wait) == .created
        )
        #expect(
            try client.createTopic("made", partitions: 3, config: config, timeout: wait) == .existed
        )
        let told = try client.topicConfig("made", timeout: wait)
        #expect(told["cleanup.policy"] == "compact")
        #expect(told["max.message.bytes"] == "123456")
        #expect(try client.partitionCounts(["made"], timeout: wait) == ["made": 3])
    }

    @Test("a scan stops at the record that it looks for, and begins at the log's start otherwise")
    func scanUntilFound() throws {
        let (data, marks) = try topics("scan")
        let producer = producer(data)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        for nonce in 0..<10 {
            try producer.begin()
            try producer.produceCheckpoint(partition: 0, key: [1], value: [UInt8(nonce)])
            #expect(producer.commit(timeout: .seconds(20)) == .committed)
        }
        try settle(marks)
        let partition = TopicPartition(topic: marks, partition: 0)
        for start: Int64? in [nil, 0, 6, 9999] {
            var seen: [UInt8] = []
            let result = try client.scan(partition, from: start, timeout: .seconds(20)) {
                seen += $0.value.map { Array($0) } ?? []
                return seen.last == 7
            }
            #expect(result == .found)
            #expect(seen == (start == 6 ? Array(3...7) : Array(0...7)))
        }
    }

    @Test("a broker that hangs makes calls end in time, unavailable or unknown")
    func hanging() throws {
        let (data, _) = try topics("hanging")
        let producer = producer(data)
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(30))
        try producer.begin()
        _ = try producer.send()
        _ = try producer.flush(timeout: .seconds(20))
        broker.pause()
        let before = ContinuousClock.now
        let outcome = producer.commit(timeout: .seconds(1))
        #expect(throws: KafkaFailure.self) {
            try client.watermarks(
                [TopicPartition(topic: data, partition: 0)], isolation: .readCommitted,
                timeout: .seconds(1))
        }
        #expect(ContinuousClock.now - before < .seconds(5))
        broker.resume()
        guard case .unknown = outcome else {
            Issue.record("a commit without an answer was called \(outcome)")
            return
        }
        #expect(producer.isDirty)
        try producer.initialise(careful: false, timeout: .seconds(30))
        #expect(!producer.isDirty)
    }
}
