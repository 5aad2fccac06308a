internal import Contracts

/// What one trial of `crossdock check` found.
package struct CheckFinding: Hashable, Sendable {
    package enum Outcome: String, Hashable, Sendable {
        case ok, warning, failed
        /// Something before it failed, or it cannot be tried yet.
        case untried
    }

    package var outcome: Outcome
    package var cluster: String
    /// What was tried on what: "read topic flights".
    package var subject: String
    /// What was found, or why it failed.
    package var detail: String
    /// The right that is not granted, where that is why.
    package var missing: AccessRight?
    /// What to do, nil where there is nothing to do.
    package var next: String?

    package init(
        _ outcome: Outcome, _ cluster: String, _ subject: String, _ detail: String,
        missing: AccessRight? = nil, next: String? = nil
    ) {
        self.outcome = outcome
        self.cluster = cluster
        self.subject = subject
        self.detail = detail
        self.missing = missing
        self.next = next
    }
}

/// One contract, tried on both clusters.
package struct ContractCheck: Sendable {
    package var id: String
    package var version: String
    package var source: String
    package var target: String
    package var findings: [CheckFinding]

    package init(
        id: String, version: String, source: String, target: String, findings: [CheckFinding]
    ) {
        self.id = id
        self.version = version
        self.source = source
        self.target = target
        self.findings = findings
    }
}

/// `crossdock check`: every trial with its outcome, and the rights to ask for.
package struct CheckReport: Sendable {
    package var contracts: [ContractCheck]
    /// By cluster, in the order in which they are to be shown.
    package var requests: [AccessRequest]
    /// Clusters that the contracts deliver to: their administrators are other people.
    package var partners: Set<String>
    package var generatedAt: Int64

    /// - Parameter generatedAt: milliseconds since the epoch.
    package init(
        contracts: [ContractCheck], requests: [AccessRequest], partners: Set<String>,
        generatedAt: Int64
    ) {
        self.contracts = contracts
        self.requests = requests
        self.partners = partners
        self.generatedAt = generatedAt
    }

    private var findings: [CheckFinding] { contracts.flatMap(\.findings) }
    package var isBad: Bool { findings.contains { $0.outcome == .failed } }

    // MARK: Text

    /// - Parameter paint: colours an outcome's word; gives back what it is given where colour is not
    ///   wanted.
    package func lines(
        width: Int, paint: (String, CheckFinding.Outcome) -> String = { text, _ in text }
    ) -> [String] {
        var lines: [String] = []
        for contract in contracts {
            lines += Wording.wrapped(
                "\(contract.id) \(contract.version), \(contract.source) to \(contract.target)",
                width: width)
            for cluster in [contract.source, contract.target].uniqued() {
                lines += Wording.wrapped(heading(cluster), width: width, indent: 2, hanging: 4)
                for finding in contract.findings where finding.cluster == cluster {
                    lines += text(finding, width, paint)
                }
            }
            lines.append("")
        }
        for request in requests { lines += text(request, width) + [""] }
        return lines + [summary]
    }

    private func heading(_ cluster: String) -> String {
        guard let request = requests.first(where: { $0.cluster == cluster }) else { return cluster }
        return "\(cluster), \(request.bootstrap), as \(request.principal)"
    }

    private func text(
        _ finding: CheckFinding, _ width: Int, _ paint: (String, CheckFinding.Outcome) -> String
    ) -> [String] {
        let word = finding.outcome == .failed ? "FAILED" : finding.outcome.rawValue
        let gap = String(repeating: " ", count: 9 - word.count)
        let body = Wording.wrapped(
            "\(finding.subject): \(finding.detail)", width: width, indent: 13, hanging: 13)
        let first = "    \(paint(word, finding.outcome))\(gap)\(body[0].dropFirst(13))"
        let next = finding.next.map {
            Wording.wrapped("-> \($0)", width: width, indent: 13, hanging: 16)
        }
        return [first] + body.dropFirst() + (next ?? [])
    }

    private func text(_ request: AccessRequest, _ width: Int) -> [String] {
        let title =
            partners.contains(request.cluster)
            ? "What the administrator of \(request.cluster) grants, and nothing more:"
            : "What your own \(request.cluster) grants, and nothing more:"
        let remark = request.remark.map {
            Wording.wrapped("(\(request.principal): \($0).)", width: width, indent: 2, hanging: 2)
        }
        return [title] + (remark ?? []) + [""] + request.lines(width: width)
    }

    private var summary: String {
        let counts: [(CheckFinding.Outcome, String)] = [
            (.ok, "ok"), (.warning, "warned"), (.failed, "failed"), (.untried, "not tried"),
        ]
        return counts.map { outcome, word in
            (findings.count { $0.outcome == outcome }, word)
        }.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }

    // MARK: JSON

    /// One line; unknown is null.
    package var json: String {
        JSONText.object([
            ("generatedAt", JSONText.quoted(Wording.preciseTime(generatedAt))),
            ("ok", "\(!isBad)"),
            (
                "contracts",
                JSONText.array(
                    contracts.map { contract in
                        JSONText.object([
                            ("id", JSONText.quoted(contract.id)),
                            ("version", JSONText.quoted(contract.version)),
                            ("source", JSONText.quoted(contract.source)),
                            ("target", JSONText.quoted(contract.target)),
                            ("checks", JSONText.array(contract.findings.map(Self.json))),
                        ])
                    })
            ),
            ("grants", JSONText.array(requests.map(Self.json))),
        ])
    }

    private static func json(_ finding: CheckFinding) -> String {
        JSONText.object([
            ("cluster", JSONText.quoted(finding.cluster)),
            ("subject", JSONText.quoted(finding.subject)),
            ("outcome", JSONText.quoted(finding.outcome.rawValue)),
            ("detail", JSONText.quoted(finding.detail)),
            ("missing", finding.missing.map(json) ?? "null"),
            ("next", finding.next.map(JSONText.quoted) ?? "null"),
        ])
    }

    private static func json(_ right: AccessRight) -> String {
        JSONText.object([
            ("operation", JSONText.quoted(right.operation)),
            ("resourceType", JSONText.quoted(right.resource.rawValue)),
            ("resourceName", JSONText.quoted(right.name)),
        ])
    }

    private static func json(_ request: AccessRequest) -> String {
        JSONText.object([
            ("cluster", JSONText.quoted(request.cluster)),
            ("principal", JSONText.quoted(request.principal)),
            ("rights", JSONText.array(request.rights.map(json))),
            (
                "commands",
                JSONText.array(request.commands.map { JSONText.quoted($0.joined(separator: " ")) })
            ),
        ])
    }
}

extension Array where Element: Hashable {
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
