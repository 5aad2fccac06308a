package final class StreamDecider {
    package init(
        contractID: String, stream: Stream, keys: [String: [UInt8]], partnerPartitions: Int32
    ) throws {}
    package func decide(_ record: borrowing SourceRecord) -> Decision { .filtered }
    package var output: OutputRecord {
        OutputRecord(
            key: nil, value: nil, headers: UnsafeBufferPointer(start: nil, count: 0), timestamp: 0,
            partition: 0)
    }
    package var violation: Violation { Violation(rule: .check, detail: "") }
    package func refuse(_ violation: Violation) -> Decision { .dropped }
}
