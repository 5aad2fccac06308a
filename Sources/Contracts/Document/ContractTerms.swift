/// When a contract is in force, by the service's clock, and how much it may deliver.

/// From `from` on and before `until`; nil: no bound. Milliseconds since the epoch.
package struct Effective: Sendable, Hashable {
    package var from: Int64?
    package var until: Int64?

    package init(from: Int64? = nil, until: Int64? = nil) {
        self.from = from
        self.until = until
    }

    package func isEarly(at now: Int64) -> Bool { from.map { now < $0 } ?? false }
    package func isOver(at now: Int64) -> Bool { until.map { now >= $0 } ?? false }
}

/// Bounds on what all lanes of a contract deliver together; nil: none.
package struct Quota: Sendable, Hashable {
    /// Of keys and values.
    package var bytesPerSecond: Int?
    package var recordsPerSecond: Int?

    package init(bytesPerSecond: Int? = nil, recordsPerSecond: Int? = nil) {
        self.bytesPerSecond = bytesPerSecond
        self.recordsPerSecond = recordsPerSecond
    }

    /// As reports word the bounds.
    package var recordsWords: String { "quota: \(recordsPerSecond ?? 0) records/s" }
    package var bytesWords: String { "quota: \(ByteCount.text(bytesPerSecond ?? 0))/s" }
}

extension ContractDocument {
    mutating func readEffective(_ node: YAMLNode) -> Effective {
        var effective = Effective()
        guard let members = Members(node, "effective", known: ["from", "until"], &findings) else {
            return effective
        }
        effective.from = members["from"].flatMap { readTime($0, "from") }
        effective.until = members["until"].flatMap { readTime($0, "until") }
        if members["from"] == nil && members["until"] == nil {
            findings.error(node.mark, "'effective' names neither 'from' nor 'until'")
        }
        if let from = effective.from, let until = effective.until, from >= until {
            findings.error(
                members.mark(of: "until"), "'until' is not after 'from': no record could ever pass")
        }
        return effective
    }

    private mutating func readTime(_ node: YAMLNode, _ what: String) -> Int64? {
        guard let text = findings.string(node, what) else { return nil }
        if let time = Timestamp.milliseconds(text) { return time }
        findings.error(
            node.mark, "'\(what)' is a time such as 2026-01-31T08:00:00Z; not '\(text)'")
        return nil
    }

    mutating func readQuota(_ node: YAMLNode) -> Quota {
        var quota = Quota()
        guard
            let members = Members(
                node, "quota", known: ["bytesPerSecond", "recordsPerSecond"], &findings)
        else { return quota }
        if let value = members["bytesPerSecond"] {
            quota.bytesPerSecond = findings.byteCount(value, "bytesPerSecond", in: 1024...1 << 40)
        }
        if let value = members["recordsPerSecond"] {
            quota.recordsPerSecond = findings.integer(
                value, "recordsPerSecond", in: 1...1_000_000_000)
        }
        if members["bytesPerSecond"] == nil && members["recordsPerSecond"] == nil {
            findings.error(
                node.mark, "'quota' names neither 'bytesPerSecond' nor 'recordsPerSecond'")
        }
        return quota
    }
}
