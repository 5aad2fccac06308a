/// What reading a contract's file gave.
package struct ContractReading: Sendable {
    package var file: String
    /// Nil where there is any error.
    package var contract: Contract?
    /// Errors and warnings, by place.
    package var diagnostics: [Diagnostic]
    /// For showing the lines that diagnostics speak of.
    package var source: SourceText
    /// Where the id stands, if it is one: contracts read together must differ in it.
    package var id: (text: String, mark: Mark)?
    /// Where delivery.maxInterval stands, if it does: it must fit the target's transaction.timeout.ms.
    package var maxInterval: Mark?
    /// Of its `tests:` section; empty where there is any error.
    package var tests: [ContractTest]

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    /// A mistake that shows only beside other files.
    package mutating func add(_ diagnostic: Diagnostic) {
        let place = (diagnostic.line, diagnostic.column)
        let index = diagnostics.firstIndex { ($0.line, $0.column) > place }
        diagnostics.insert(diagnostic, at: index ?? diagnostics.endIndex)
        if diagnostic.severity == .error { contract = nil }
    }
}

/// Reads contracts: YAML in, a `Contract` or every mistake at its place out. Pure.
package enum ContractReader {
    /// Reads and checks a contract, its tests included. `configuration`, where given, is what cluster and key
    /// names are looked up in; without it they are taken as they stand.
    package static func read(
        bytes: [UInt8], file: String, configuration: Configuration? = nil
    ) -> ContractReading {
        let whole = YAMLFile(bytes: bytes, file: file)
        let tests = TestsSection(of: whole)
        let text = ContractText(bytes, testsLine: tests?.mark.line)
        // What decides records is read from the bytes that the hash is of, and from no others.
        let isWhole = whole.root == nil || tests?.isMisplaced == true
        let yaml = isWhole ? whole : YAMLFile(bytes: text.bytes, file: file)
        var document = ContractDocument(yaml: yaml, configuration: configuration)
        let contract = document.read(hash: text.hash)
        var below = Findings(file: file)
        if !isWhole { below.add(whole.findings, below: text.lines) }
        var examples = ContractTestDocument(findings: below, streams: contract?.streams)
        if let tests { tests.read(&examples) }
        document.findings.add(examples.findings, below: 0)
        let hasErrors = document.findings.hasErrors
        return ContractReading(
            file: file, contract: hasErrors ? nil : contract,
            diagnostics: document.findings.sorted, source: whole.source, id: document.id,
            maxInterval: document.maxInterval, tests: hasErrors ? [] : examples.tests)
    }
}

/// `tests:` at a contract's top level. It stands last and at the start of a line, so that what is above it
/// is the contract.
private struct TestsSection {
    let mark: Mark
    let isMisplaced: Bool
    private let node: YAMLNode

    init?(of file: YAMLFile) {
        guard case .mapping(let members)? = file.root?.content,
            let place = members.firstIndex(where: { $0.key == "tests" })
        else { return nil }
        mark = members[place].keyMark
        node = members[place].value
        isMisplaced =
            place != members.count - 1
            || file.source.line(mark.line)?.hasPrefix("tests:") != true
    }

    func read(_ document: inout ContractTestDocument) {
        if isMisplaced {
            document.findings.error(
                mark, "'tests' stands last in a contract, and at the start of its line")
        }
        document.read(node)
    }
}

/// The contract's top level. The parts are read in extensions of this type, one file each.
struct ContractDocument {
    let yaml: YAMLFile
    let configuration: Configuration?
    var findings: Findings
    private(set) var id: (text: String, mark: Mark)?
    private(set) var maxInterval: Mark?

    init(yaml: YAMLFile, configuration: Configuration?) {
        self.yaml = yaml
        self.configuration = configuration
        findings = yaml.findings
    }

    mutating func read(hash: String) -> Contract? {
        guard let root = yaml.root else {
            if !findings.hasErrors {
                findings.error(Mark(line: 1, column: 1), "the file is empty; see: crossdock init")
            }
            return nil
        }
        guard
            let members = Members(
                root, "a contract",
                known: [
                    "apiVersion", "kind", "id", "version", "status", "description", "partner",
                    "effective", "source", "target", "streams", "delivery", "quota",
                    "tests",
                ], later: ["slaProperties", "price", "schema"], &findings)
        else { return nil }
        literal(members, "apiVersion", "crossdock/v1")
        literal(members, "kind", "ReplicationContract")
        let id = contractID(members)
        let version = readVersion(members)
        let status = findings.word(
            members.required("status", "draft | active | suspended | retired", &findings),
            "status", as: Contract.Status.self)
        let description = members["description"].flatMap { findings.string($0, "description") }
        let partner = members["partner"].flatMap { readPartner($0) }
        let source = readCluster(members, "source")
        let target = readCluster(members, "target")
        let streams = readStreams(members, feedsItself: source != nil && source == target)
        let delivery = members["delivery"].map { readDelivery($0) }
        let effective = members["effective"].map { readEffective($0) }
        let quota = members["quota"].map { readQuota($0) }
        guard let id, let version, let status, let source, let target else { return nil }
        return Contract(
            id: id, version: version, hash: hash, file: findings.file, status: status,
            description: description ?? "", partner: partner, source: source,
            target: target, streams: streams, delivery: delivery ?? Delivery(),
            effective: effective ?? Effective(), quota: quota)
    }

    private mutating func literal(_ members: Members, _ key: String, _ wanted: String) {
        guard let node = members.required(key, wanted, &findings),
            let text = findings.string(node, key), text != wanted
        else { return }
        findings.error(node.mark, "'\(key)' is '\(wanted)'; not '\(text)'")
    }

    private mutating func contractID(_ members: Members) -> String? {
        guard let node = members.required("id", "a name for good, of [a-z0-9.-]", &findings),
            let text = findings.string(node, "id")
        else { return nil }
        guard Names.isContractID(text) else {
            findings.error(
                node.mark, "'id' is 1 to 100 of the characters a-z, 0-9, '.' and '-'; not '\(text)'"
            )
            return nil
        }
        id = (text, node.mark)
        return text
    }

    private mutating func readVersion(_ members: Members) -> String? {
        guard
            let node = members.required(
                "version", "such as 1.0.0; it rises with every change", &findings),
            !node.isBroken
        else { return nil }
        // 1.3 alone is a number to YAML: say what is meant, not that it is no string.
        if case .scalar(let text, _) = node.content, !text.isEmpty {
            if Names.isSemanticVersion(text) { return text }
            findings.error(
                node.mark, "'version' is a semantic version, major.minor.patch; not '\(text)'")
            return nil
        }
        return findings.string(node, "version")
    }

    private mutating func readPartner(_ node: YAMLNode) -> Contract.Partner? {
        guard let members = Members(node, "partner", known: ["name", "contact"], &findings),
            let name = findings.string(
                members.required("name", "who receives the records", &findings), "name")
        else { return nil }
        let contact = members["contact"].flatMap { findings.string($0, "contact") }
        return Contract.Partner(name: name, contact: contact)
    }

    private mutating func readCluster(_ members: Members, _ key: String) -> String? {
        guard
            let node = members.required(
                key, "{ cluster: NAME }, a name from crossdock.yaml", &findings),
            let inner = Members(node, key, known: ["cluster"], &findings),
            let name = inner.required("cluster", "a name from crossdock.yaml", &findings)
        else { return nil }
        return known(name, "cluster", among: configuration.map { Array($0.clusters.keys) })
    }

    /// A name that crossdock.yaml gives a meaning.
    mutating func known(_ node: YAMLNode, _ what: String, among names: [String]?) -> String? {
        guard let name = findings.string(node, what) else { return nil }
        guard let names else {
            if Names.isName(name) { return name }
            findings.error(
                node.mark, "'\(what)' is a name of letters, digits, '.', '_' and '-'")
            return nil
        }
        if names.contains(name) { return name }
        let hint = Spelling.hint(for: name, among: names.sorted())
        let list = names.sorted().joined(separator: ", ")
        findings.error(
            node.mark,
            "unknown \(what) '\(name)'"
                + (!hint.isEmpty
                    ? hint
                    : names.isEmpty
                        ? "; crossdock.yaml names none" : "; crossdock.yaml has \(list)"))
        return nil
    }

    private mutating func readDelivery(_ node: YAMLNode) -> Delivery {
        var delivery = Delivery()
        guard
            let members = Members(
                node, "delivery", known: ["maxRecords", "maxBytes", "maxInterval"], &findings)
        else { return delivery }
        if let value = members["maxRecords"] {
            delivery.maxRecords =
                findings.integer(value, "maxRecords", in: 1...1_000_000) ?? delivery.maxRecords
        }
        if let value = members["maxBytes"] {
            delivery.maxBytes =
                findings.byteCount(value, "maxBytes", in: 1 << 10...256 << 20) ?? delivery.maxBytes
        }
        if let value = members["maxInterval"] {
            maxInterval = value.mark
            delivery.maxInterval =
                findings.duration(value, "maxInterval", in: 1...10_000) ?? delivery.maxInterval
        }
        return delivery
    }
}
