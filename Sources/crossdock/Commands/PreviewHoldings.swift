internal import Contracts
internal import Ledger
internal import Replication

/// What the partner would hold of the records previewed, by topic and partition, where a stream retracts:
/// no ledger is read.
final class PreviewHoldings {
    private let key = PresenceKey(contract: "", secret: [])
    private var partitions: [SourcePartition: KeyPresence] = [:]

    func decide(_ record: OwnedRecord, _ decider: StreamDecider) -> OwnedDecision {
        guard decider.retracts else { return decider.decide(record) }
        let partition = SourcePartition(topic: record.topic, partition: record.partition)
        let presence = partitions[partition] ?? KeyPresence(key: key, unknown: .absent)
        partitions[partition] = presence
        let made = decider.decide(record) { presence.judge($0, $1, decider) }
        if made.decision == .delivered { presence.confirm() }
        return made
    }
}
