import Contracts
import Testing

/// What a decider offers for `onScopeExit: tombstone`: the key of a filtered record, and a tombstone
/// under it.
@Suite struct ScopeExitTests {
    private func decider(
        _ key: Contracts.Stream.KeyRule, forwards: Bool = false,
        partition: Contracts.Stream.PartitionRule = .keep
    ) throws -> StreamDecider {
        try StreamDecider(
            contractID: "c", sourceCluster: "s",
            stream: Stream(
                from: "orders", to: "partner.orders", format: .json,
                filter: Expression(text: "value.a"),
                fields: [
                    Field(
                        source: .path(Path(steps: [.init(member: "n")])),
                        output: Path(steps: [.init(member: "n")]))
                ], key: key, headers: ["trace"], forwardsTombstones: forwards,
                partition: partition, onScopeExit: .tombstone),
            keys: ["k": Array("0123456789abcdef".utf8)], partnerPartitions: 7)
    }

    /// The key of a record that is filtered, and what a retraction sends.
    private func retracted(
        _ decider: StreamDecider, value: String?, key: String?
    ) -> (key: String?, outcome: Outcome?, why: String) {
        let box = HeaderBox([("secret", "s"), ("trace", "t")])
        return withBytes(value) { value in
            withBytes(key) { key in
                withExtendedLifetime(box) {
                    let record = SourceRecord(
                        key: key, value: value, headers: box.reader, offset: 3, timestamp: 5,
                        partition: 2, slot: 0)
                    #expect(decider.decide(record) == .filtered)
                    guard let found = decider.keyOfFiltered(record) else { return (nil, nil, "") }
                    let name = text(found)
                    let decision = decider.retract(record)
                    return (
                        name, decider.outcome(decision), decider.explanation(of: decision)
                    )
                }
            }
        }
    }

    @Test func `a record that left is retracted under the key it would have, with allowed headers`()
        throws
    {
        let found = retracted(try decider(.keep), value: #"{"a":false,"n":1}"#, key: "k1")
        #expect(found.key == "k1")
        #expect(found.outcome?.decision == .delivered)
        #expect(found.outcome?.value == nil && found.outcome?.key == "k1")
        #expect(found.outcome?.partition == 2)
        #expect(found.outcome?.headers.count == 1)
        #expect(found.outcome?.headers.allSatisfy { $0.hasPrefix("trace") } == true)
        #expect(found.why == "retracted: the partner holds this key, and value.a is false")
    }

    @Test func `the key is the one that left, whatever it is made of`() throws {
        let path = Contracts.Stream.KeyRule.path(Path(steps: [.init(member: "id")]), nil)
        for rule in [path, .pseudonym(Pseudonym(key: "k"))] {
            let one = try decider(rule, partition: .key)
            let sent = one.outcome(EngineRecord(value: #"{"a":true,"id":"x"}"#, key: "k1"))
            let left = retracted(one, value: #"{"a":false,"id":"x"}"#, key: "k1")
            #expect(sent.key != nil && left.outcome?.key == sent.key)
            #expect(left.outcome?.partition == sent.partition)
        }
    }

    @Test func `what has no key is not retracted`() throws {
        let path = Contracts.Stream.KeyRule.path(Path(steps: [.init(member: "id")]), nil)
        let one = try decider(path)
        // Slots of the record before must not lend a tombstone their key.
        _ = one.outcome(EngineRecord(value: #"{"a":true,"id":"x"}"#, key: "k1"))
        #expect(retracted(one, value: nil, key: "k1").key == nil)
        for id in ["null", "[]", "{}"] {
            #expect(retracted(one, value: #"{"a":false,"id":\#(id)}"#, key: "k1").key == nil)
        }
        #expect(retracted(one, value: #"{"a":false}"#, key: "k1").key == nil)
        #expect(retracted(try decider(.keep), value: #"{"a":false}"#, key: nil).key == nil)
    }

    @Test func `a tombstone of the source retracts`() throws {
        let found = retracted(try decider(.keep), value: nil, key: "k1")
        #expect(found.key == "k1" && found.outcome?.value == nil)
        #expect(
            found.why == "retracted: the partner holds this key, and the record is a tombstone")
        let forwarding = try decider(.keep, forwards: true)
        #expect(forwarding.outcome(EngineRecord(value: nil, key: "k1")).decision == .delivered)
    }
}
