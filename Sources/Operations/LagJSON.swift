internal import Contracts
internal import Ledger

extension LagReport {
    /// One line, members in the order of operations.md; unknown is null.
    package var json: String {
        object([
            ("generatedAt", quoted(Wording.preciseTime(generatedAt))),
            ("contracts", array(contracts.map(json))),
        ])
    }

    private func json(_ contract: ContractLag) -> String {
        object([
            ("id", quoted(contract.id)), ("version", quoted(contract.version)),
            ("status", quoted(contract.status.rawValue)), ("lag", number(contract.lag)),
            ("timeLagSeconds", seconds(contract.timeLagSeconds)),
            ("partitions", array(contract.partitions.map(json))),
        ])
    }

    private func json(_ row: PartitionLag) -> String {
        object([
            ("stream", quoted(row.stream)), ("topic", quoted(row.stream)),
            ("partition", "\(row.partition)"), ("currentOffset", number(row.currentOffset)),
            ("logStartOffset", number(row.logStartOffset)),
            ("logEndOffset", number(row.logEndOffset)), ("lag", number(row.lag)),
            ("timeLagSeconds", seconds(row.timeLagSeconds)), ("read", "\(row.counts.read)"),
            ("delivered", "\(row.counts.delivered)"), ("filtered", "\(row.counts.filtered)"),
            ("dropped", "\(row.counts.dropped)"), ("quarantined", "\(row.counts.quarantined)"),
            ("gaps", "\(row.counts.gaps)"), ("status", quoted(row.status.rawValue)),
            ("reason", row.reason.map(quoted) ?? "null"),
        ])
    }

    private func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private func array(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
    private func quoted(_ text: String) -> String { JSONLiteral.quoted(text) }
    private func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }

    /// To the millisecond, as a decimal.
    private func seconds(_ value: Double?) -> String {
        guard let value else { return "null" }
        let milliseconds = Int64((min(value, 1e15) * 1000).rounded())
        if milliseconds % 1000 == 0 { return "\(milliseconds / 1000)" }
        let digits = "\(milliseconds % 1000)"
        var fraction = String(repeating: "0", count: 3 - digits.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        return "\(milliseconds / 1000).\(fraction)"
    }
}
