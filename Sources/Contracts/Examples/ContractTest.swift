/// One example of what a contract does: a record, and what becomes of it.
package struct ContractTest: Sendable {
    package var name: String
    /// The file it stands in, and where.
    package var file: String
    package var mark: Mark
    /// The stream that decides it.
    package var stream: Stream
    package var record: OwnedRecord
    package var expectation: Expectation

    /// What the example says of the decision; nil says nothing.
    package struct Expectation: Sendable {
        package var decision: Decision
        /// Of `.delivered`: the record that leaves, all of it.
        package var output: Output?
        /// Of a violation.
        package var rule: Violation.Rule?
        package var path: String?
        /// A part of the reason.
        package var reason: String?
    }

    /// A key or headers that do not stand here must not leave. `topic`: nil says nothing.
    package struct Output: Sendable {
        package var topic: String?
        package var key: [UInt8]?
        package var value: [UInt8]?
        package var headers: [OwnedRecord.Header]
    }
}

/// One way in which a decision is not as a contract test says.
package struct ContractTestDifference: Hashable, Sendable {
    /// `decision`, `rule`, `key`, `value.fare`, `headers`, ...
    package var what: String
    package var expected: String
    package var got: String
}

/// Runs the tests of one contract. Pseudonyms and encryption use test keys, made from the keys' names: a test
/// needs no secret, and comes out the same on every machine.
package struct ContractTestRunner {
    private let contract: Contract
    private var deciders: [String: StreamDecider] = [:]

    /// Stands for the source cluster's id, which encryption binds values to.
    private static let cluster = "test"

    package init(_ contract: Contract) { self.contract = contract }

    /// What is not as the test says; empty: it passes.
    package mutating func run(
        _ test: ContractTest
    ) throws(EngineError) -> [ContractTestDifference] {
        let made = try decider(test.stream).decide(test.record)
        return ContractTestComparison(test, made).differences
    }

    private mutating func decider(_ stream: Stream) throws(EngineError) -> StreamDecider {
        if let decider = deciders[stream.from] { return decider }
        // The partner's partition is not compared: any count does.
        let decider = try StreamDecider(
            contractID: contract.id, sourceCluster: Self.cluster, stream: stream,
            keys: stream.testKeys,
            partnerPartitions: 1)
        deciders[stream.from] = decider
        return decider
    }
}
