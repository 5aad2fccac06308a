internal import Ledger

extension LagReport {
    /// One line, members in the order of operations.md; unknown is null.
    package var json: String {
        JSONText.object([
            ("generatedAt", JSONText.quoted(Wording.preciseTime(generatedAt))),
            ("contracts", JSONText.array(contracts.map(json))),
        ])
    }

    private func json(_ contract: ContractLag) -> String {
        JSONText.object([
            ("id", JSONText.quoted(contract.id)), ("version", JSONText.quoted(contract.version)),
            ("status", JSONText.quoted(contract.status.rawValue)),
            ("lag", JSONText.number(contract.lag)),
            ("timeLagSeconds", JSONText.seconds(contract.timeLagSeconds)),
            ("partitions", JSONText.array(contract.partitions.map(json))),
        ])
    }

    private func json(_ row: PartitionLag) -> String {
        JSONText.object([
            ("stream", JSONText.quoted(row.stream)), ("topic", JSONText.quoted(row.stream)),
            ("partition", "\(row.partition)"),
            ("currentOffset", JSONText.number(row.currentOffset)),
            ("logStartOffset", JSONText.number(row.logStartOffset)),
            ("logEndOffset", JSONText.number(row.logEndOffset)),
            ("lag", JSONText.number(row.lag)),
            ("timeLagSeconds", JSONText.seconds(row.timeLagSeconds)),
            ("read", "\(row.counts.read)"), ("delivered", "\(row.counts.delivered)"),
            ("filtered", "\(row.counts.filtered)"), ("dropped", "\(row.counts.dropped)"),
            ("quarantined", "\(row.counts.quarantined)"), ("gaps", "\(row.counts.gaps)"),
            ("status", JSONText.quoted(row.status.rawValue)),
            ("reason", row.reason.map(JSONText.quoted) ?? "null"),
        ])
    }
}
