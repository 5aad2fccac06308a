internal import Cryptography

/// Contract tests as a file has them, and every mistake in them.
package struct ContractTestReading: Sendable {
    package var tests: [ContractTest]
    package var diagnostics: [Diagnostic]
    /// For showing the lines that diagnostics speak of.
    package var source: SourceText

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// Reads contract tests: the `tests:` section of a contract, or of a file beside it.
package enum ContractTestReader {
    /// The file beside a contract that may hold tests of it: `first.tests.yaml` for `first.yaml`.
    package static func fileBeside(_ contract: String) -> String {
        for suffix in [".yaml", ".yml"] where contract.hasSuffix(suffix) {
            return contract.dropLast(suffix.count) + ".tests" + suffix
        }
        return contract + ".tests.yaml"
    }

    /// Whether a file of that name is one that stands beside a contract, and no contract.
    package static func isFileBeside(_ path: String) -> Bool {
        path.hasSuffix(".tests.yaml") || path.hasSuffix(".tests.yml")
    }

    /// Reads a file beside `contract`.
    package static func read(
        bytes: [UInt8], file: String, of contract: Contract
    ) -> ContractTestReading {
        let yaml = YAMLFile(bytes: bytes, file: file)
        var document = ContractTestDocument(findings: yaml.findings, streams: contract.streams)
        if let root = yaml.root {
            let members = Members(root, "a file of tests", known: ["tests"], &document.findings)
            if let node = members?.required("tests", "a list of tests", &document.findings) {
                document.read(node)
            }
        } else if !yaml.findings.hasErrors {
            document.findings.error(Mark(line: 1, column: 1), "the file is empty")
        }
        return ContractTestReading(
            tests: document.findings.hasErrors ? [] : document.tests,
            diagnostics: document.findings.sorted, source: yaml.source)
    }
}

struct ContractTestDocument {
    var findings: Findings
    /// Nil where the contract is not known: then only the tests' form is checked.
    let streams: [Stream]?
    private(set) var tests: [ContractTest] = []
    private var names: [String: Mark] = [:]

    init(findings: Findings, streams: [Stream]?) {
        self.findings = findings
        self.streams = streams
    }

    mutating func read(_ node: YAMLNode) {
        for item in findings.list(node, "tests") ?? [] {
            if let test = readTest(item) { tests.append(test) }
        }
    }

    private mutating func readTest(_ node: YAMLNode) -> ContractTest? {
        guard
            let members = Members(
                node, "a test", known: ["name", "stream", "record", "expect"], &findings)
        else { return nil }
        let name = readName(members)
        let stream = readStream(members)
        let record = members.required("record", "the record that comes in", &findings)
            .flatMap { readRecord($0) }
        let expectation = members.required("expect", "what becomes of the record", &findings)
            .flatMap { readExpectation($0, stream) }
        guard let name, let stream, var record, let expectation else { return nil }
        record.topic = stream.from
        return ContractTest(
            name: name, file: findings.file, mark: node.mark, stream: stream, record: record,
            expectation: expectation)
    }

    private mutating func readName(_ members: Members) -> String? {
        guard let node = members.required("name", "what the test shows", &findings),
            let name = findings.string(node, "name")
        else { return nil }
        if let other = names[name] {
            findings.error(node.mark, "line \(other.line) has a test of that name already")
        }
        names[name] = node.mark
        return name
    }

    private mutating func readStream(_ members: Members) -> Stream? {
        let named = members["stream"].flatMap { node in
            findings.string(node, "stream").map { (topic: $0, mark: node.mark) }
        }
        guard let streams else { return nil }
        let topics = streams.map(\.from)
        if let named {
            if let stream = streams.first(where: { $0.from == named.topic }) { return stream }
            let hint = Spelling.hint(for: named.topic, among: topics)
            findings.error(
                named.mark,
                "no stream reads '\(named.topic)'"
                    + (hint.isEmpty ? "; streams read \(topics.joined(separator: ", "))" : hint))
            return nil
        }
        if streams.count == 1 || members["stream"] != nil { return streams.first }
        findings.missing(
            "stream", members.mark,
            "missing 'stream' in a test: the topic it comes from, \(topics.joined(separator: " | "))"
        )
        return nil
    }

    // MARK: the record that comes in

    private mutating func readRecord(_ node: YAMLNode) -> OwnedRecord? {
        guard
            let members = Members(
                node, "a record",
                known: ["key", "value", "headers", "timestamp", "partition", "offset"], &findings),
            let place = members.required(
                "value", "a mapping, JSON text, or null for a tombstone", &findings),
            case .some(let value) = readValue(place)
        else { return nil }
        var record = OwnedRecord(topic: "", value: value)
        record.key = members["key"].flatMap { readBytes($0, "key") }
        record.headers = members["headers"].map { readHeaders($0) } ?? []
        if let node = members["timestamp"] { record.timestamp = readTime(node) }
        if let node = members["partition"] {
            let range = 0...Int(Int32.max)
            record.partition = Int32(findings.integer(node, "partition", in: range) ?? 0)
        }
        if let node = members["offset"] {
            record.offset = Int64(findings.integer(node, "offset", in: 0...Int.max) ?? 0)
        }
        return record
    }

    private mutating func readTime(_ node: YAMLNode) -> Int64 {
        guard let text = findings.string(node, "timestamp") else { return -1 }
        if let time = Timestamp.milliseconds(text) { return time }
        findings.error(
            node.mark, "'timestamp' is an RFC 3339 time such as 2026-01-31T08:00:00Z")
        return -1
    }

    /// A mapping as JSON, a text as it stands, null as a tombstone (`.some(nil)`).
    private mutating func readValue(_ node: YAMLNode) -> [UInt8]?? {
        switch (node.content, node.scalar) {
        case (.broken, _): return nil
        case (.mapping, _):
            do throws(YAMLJSON.Mistake) {
                return .some(Array(try YAMLJSON.text(node).utf8))
            } catch {
                findings.error(error.mark, error.message)
                return nil
            }
        case (_, .null): return .some(nil)
        case (_, .string(let text)): return .some(Array(text.utf8))
        default:
            findings.error(
                node.mark,
                "'value' is a mapping, JSON text in quotes, or null for a tombstone; not"
                    + " \(node.kind)")
            return nil
        }
    }

    /// A text, or `{ base64: … }` where the bytes are none; nil is null.
    private mutating func readBytes(_ node: YAMLNode, _ what: String) -> [UInt8]? {
        switch (node.content, node.scalar) {
        case (.broken, _), (_, .null): return nil
        case (_, .string(let text)): return Array(text.utf8)
        case (.mapping, _):
            guard let members = Members(node, what, known: ["base64"], &findings),
                let inner = members.required("base64", "the bytes", &findings),
                let text = findings.string(inner, "base64")
            else { return nil }
            if let bytes = Base64.decode(text) { return bytes }
            findings.error(inner.mark, "this is not base64")
            return nil
        default:
            findings.error(
                node.mark, "'\(what)' is a text in quotes, { base64: … } or null; not \(node.kind)")
            return nil
        }
    }

    /// A mapping of names to values, or a list of such where a name repeats.
    private mutating func readHeaders(_ node: YAMLNode) -> [OwnedRecord.Header] {
        let mappings: [YAMLNode]
        if case .sequence(let items) = node.content { mappings = items } else { mappings = [node] }
        var headers: [OwnedRecord.Header] = []
        for mapping in mappings where !mapping.isBroken {
            guard case .mapping(let members) = mapping.content else {
                findings.error(
                    mapping.mark, "'headers' is a mapping of names to texts; not \(mapping.kind)")
                continue
            }
            for member in members {
                if member.key.utf8.contains(0) {
                    findings.error(member.keyMark, "a header's name holds a NUL character")
                }
                headers.append((member.key, readBytes(member.value, member.key)))
            }
        }
        return headers
    }

    // MARK: what becomes of it

    private mutating func readExpectation(
        _ node: YAMLNode, _ stream: Stream?
    ) -> ContractTest.Expectation? {
        guard !node.isBroken else { return nil }
        if case .scalar(let text, _) = node.content {
            return readDecision(text, node.mark).map { ContractTest.Expectation(decision: $0) }
        }
        let words = Decision.allCases.map(\.word)
        guard let members = Members(node, "'expect'", known: words, &findings) else { return nil }
        let named = Decision.allCases.filter { members[$0.word] != nil }
        guard named.count == 1, let decision = named.first, let inner = members[decision.word]
        else {
            if case .mapping(let found) = node.content, found.isEmpty || named.count > 1 {
                findings.error(node.mark, "'expect' names one of \(words.joined(separator: " | "))")
            }
            return nil
        }
        switch decision {
        case .delivered: return readDelivered(inner, stream)
        case .filtered: return readRefused(inner, decision, known: ["reason"])
        case .dropped, .quarantined, .stopped:
            return readRefused(inner, decision, known: ["rule", "path", "reason"])
        }
    }

    private mutating func readDecision(_ text: String, _ mark: Mark) -> Decision? {
        if let decision = Decision.allCases.first(where: { $0.word == text }) { return decision }
        let words = Decision.allCases.map(\.word)
        let hint = Spelling.hint(for: text, among: words)
        findings.error(
            mark,
            "'expect' is \(text.isEmpty ? "empty" : "'\(text)'")"
                + (hint.isEmpty ? "; it takes \(words.joined(separator: " | "))" : hint))
        return nil
    }

    private mutating func readDelivered(
        _ node: YAMLNode, _ stream: Stream?
    ) -> ContractTest.Expectation? {
        guard
            let members = Members(
                node, "what is delivered", known: ["topic", "key", "value", "headers"], &findings),
            let place = members.required(
                "value", "what leaves: a mapping, JSON text, or null for a tombstone", &findings),
            case .some(let value) = readValue(place)
        else { return nil }
        if let value, stream?.format == .json, let fault = JSONOutline.fault(value) {
            findings.error(place.mark, "nothing like this can leave: \(fault)")
        }
        return ContractTest.Expectation(
            decision: .delivered,
            output: ContractTest.Output(
                topic: members["topic"].flatMap { findings.string($0, "topic") },
                key: members["key"].flatMap { readBytes($0, "key") }, value: value,
                headers: members["headers"].map { readHeaders($0) } ?? []))
    }

    /// What a record is refused for by the partner's cluster cannot be tried without one.
    private enum Rule: String, CaseIterable {
        case invalidJSON = "invalid-json"
        case filterError = "filter-error"
        case filterNotBool = "filter-not-bool"
        case required, type, check, transform, computed, key
    }

    private mutating func readRefused(
        _ node: YAMLNode, _ decision: Decision, known: [String]
    ) -> ContractTest.Expectation? {
        guard let members = Members(node, "'\(decision.word)'", known: known, &findings) else {
            return nil
        }
        let rule = members["rule"].flatMap { findings.word($0, "rule", as: Rule.self) }
        return ContractTest.Expectation(
            decision: decision, rule: rule.flatMap { Violation.Rule(rawValue: $0.rawValue) },
            path: members["path"].flatMap { findings.string($0, "path") },
            reason: members["reason"].flatMap { findings.string($0, "reason") })
    }
}
