import Kafka
import Lab
import Testing

/// Headers that are handed on as they are.
@Suite struct HeaderTests {
    private let headers = ["a=null", "b=two", "b="]

    /// Lends a cluster with one record, of a value of `length` bytes, and that record, which is held.
    private func withRecord(
        _ length: Int = 1, _ body: (EmbeddedCluster, LaneConsumer, ConsumedRecord) throws -> Void
    ) throws {
        let cluster = try cluster(length)
        defer { cluster.close() }
        let source = try consumer(cluster, "from")
        defer { source.close() }
        try body(cluster, source, take(source))
    }

    private func cluster(_ length: Int) throws -> EmbeddedCluster {
        let cluster = try EmbeddedCluster(
            topics: ["from": 1, "to": 1, "checkpoints": 1])
        let producer = producer(cluster, "first")
        defer { producer.close() }
        try producer.initialise(careful: false, timeout: .seconds(10))
        try producer.begin()
        "a".withCString { producer.addHeader($0, nil) }
        "b".withCString { name in
            Array("two".utf8).withUnsafeBytes { producer.addHeader(name, $0) }
            producer.addHeader(name, UnsafeRawBufferPointer(start: nil, count: 0))
        }
        _ = try producer.send(value: String(repeating: "v", count: length))
        #expect(producer.commit(timeout: .seconds(10)) == .committed)
        return cluster
    }

    private func producer(
        _ cluster: EmbeddedCluster, _ id: String, _ settings: [(String, String)] = []
    ) -> TransactionalProducer {
        TransactionalProducer(
            ClientConfiguration([("bootstrap.servers", cluster.bootstrap)] + settings),
            transactionalID: id, topics: ["from", "to"], checkpointTopic: "checkpoints",
            log: quiet)
    }

    private func consumer(_ cluster: EmbeddedCluster, _ topic: String) throws -> LaneConsumer {
        let consumer = LaneConsumer(
            cluster.configuration, group: "g", capacity: 100, log: quiet)
        try consumer.assign([TopicOffset(topic: topic, partition: 0, offset: 0)])
        return consumer
    }

    /// The record stays held.
    private func take(_ consumer: LaneConsumer) throws -> ConsumedRecord {
        let deadline = ContinuousClock.now + .seconds(20)
        var found: ConsumedRecord?
        while found == nil && ContinuousClock.now < deadline {
            _ = try consumer.poll(limit: 1, timeout: .milliseconds(50)) { found = $0 }
        }
        return try #require(found)
    }

    @Test("all headers of a record move, and it can still be read")
    func moved() throws {
        try withRecord { cluster, source, record in
            let producer = producer(cluster, "t")
            defer { producer.close() }
            try producer.initialise(careful: false, timeout: .seconds(10))
            try producer.begin()
            producer.moveHeaders(from: record.message)
            #expect(try producer.send(1) == .accepted)
            #expect(try producer.send(1, value: "without") == .accepted)
            #expect(Taken(record).headers == headers)
            producer.moveHeaders(from: record.message)
            #expect(try producer.send(1, value: "again") == .accepted)
            source.release(1)
            #expect(producer.commit(timeout: .seconds(10)) == .committed)
            let target = try consumer(cluster, "to")
            defer { target.close() }
            let arrived = try target.drain(slots: 1).records
            #expect(arrived.map(\.headers) == [headers, [], headers])
        }
    }

    @Test("they go back to a record that is not accepted, and with it when it is")
    func refused() throws {
        try withRecord(2000) { cluster, _, record in
            let producer = producer(
                cluster, "t",
                [("message.max.bytes", "1000"), ("queue.buffering.max.messages", "1")])
            defer { producer.close() }
            try producer.initialise(careful: false, timeout: .seconds(10))
            try producer.begin()
            producer.moveHeaders(from: record.message)
            #expect(try producer.send(1, value: Taken(record).value) == .tooLarge)
            #expect(Taken(record).headers == headers)
            #expect(try producer.send(1, value: "without") == .accepted)
            // One message is all that the queue holds.
            producer.moveHeaders(from: record.message)
            var result = try producer.send(1)
            var tries = 0
            let deadline = ContinuousClock.now + .seconds(20)
            while result == .queueFull, ContinuousClock.now < deadline {
                #expect(Taken(record).headers == headers)
                producer.serve()
                producer.moveHeaders(from: record.message)
                result = try producer.send(1)
                tries += 1
            }
            #expect(result == .accepted)
            #expect(tries > 0)
            #expect(producer.commit(timeout: .seconds(10)) == .committed)
            let target = try consumer(cluster, "to")
            defer { target.close() }
            #expect(try target.drain(slots: 1).records.map(\.headers) == [[], headers])
        }
    }

    @Test("a record without headers moves none, and a closed producer gives them back")
    func none() throws {
        try withRecord { cluster, source, record in
            let producer = producer(cluster, "t")
            producer.moveHeaders(from: record.message)
            #expect(throws: KafkaFailure.self) { try producer.send(1) }
            #expect(Taken(record).headers == headers)
            producer.moveHeaders(from: record.message)
            producer.close()
            #expect(Taken(record).headers == headers)
        }
    }
}
