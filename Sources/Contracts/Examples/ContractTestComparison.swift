internal import Cryptography

/// What became of a record beside what its test says.
struct ContractTestComparison {
    private(set) var differences: [ContractTestDifference] = []

    private static let nothing = "nothing"

    init(_ test: ContractTest, _ made: OwnedDecision) {
        let wanted = test.expectation
        guard wanted.decision == made.decision else {
            add(
                "decision", wanted.decision.word,
                made.decision.word + (made.reason.isEmpty ? "" : " (\(made.reason))"))
            return
        }
        if let rule = wanted.rule, let found = made.violation?.rule, rule != found {
            add("rule", rule.rawValue, found.rawValue)
        }
        if let path = wanted.path, let found = made.violation?.path, path != found {
            add("path", path, found)
        }
        if let reason = wanted.reason, !made.reason.contains(reason) {
            add("reason", "… \(reason) …", made.reason)
        }
        if let output = wanted.output, let found = made.output {
            compare(output, found, test.stream)
        }
    }

    private mutating func compare(
        _ wanted: ContractTest.Output, _ found: OwnedDecision.Output, _ stream: Stream
    ) {
        if let topic = wanted.topic, topic != stream.to { add("topic", topic, stream.to) }
        compare("key", wanted.key, found.key)
        compareValues(wanted.value, found.value, stream.format)
        compareHeaders(wanted.headers, found.headers)
    }

    private mutating func compare(
        _ what: String, _ wanted: [UInt8]?, _ found: [UInt8]?, absent: String = nothing
    ) {
        if wanted != found { add(what, Self.shown(wanted, absent), Self.shown(found, absent)) }
    }

    private static func byPath(_ outline: JSONOutline) -> [[UInt8]: JSONOutline.Leaf] {
        Dictionary(outline.leaves.map { (Array($0.path.utf8), $0) }) { first, _ in first }
    }

    /// JSON is compared leaf by leaf: members, their order and the text of numbers; not white space, nor how a
    /// string's characters are escaped.
    private mutating func compareValues(
        _ wanted: [UInt8]?, _ found: [UInt8]?, _ format: Stream.Format
    ) {
        guard format == .json, let left = wanted.flatMap({ JSONOutline($0, name: "value") }),
            let right = found.flatMap({ JSONOutline($0, name: "value") })
        else { return compare("value", wanted, found, absent: "null (a tombstone)") }
        guard left.leaves != right.leaves else { return }
        let before = differences.count
        let got = Self.byPath(right)
        for leaf in left.leaves where got[Array(leaf.path.utf8)] != leaf {
            add(leaf.path, leaf.text, got[Array(leaf.path.utf8)]?.text ?? Self.nothing)
        }
        let known = Self.byPath(left)
        for leaf in right.leaves where known[Array(leaf.path.utf8)] == nil {
            add(leaf.path, Self.nothing, leaf.text)
        }
        if differences.count == before {
            let from = zip(left.leaves, right.leaves).prefix { $0.0 == $0.1 }.count
            let names = { (leaves: [JSONOutline.Leaf]) in
                leaves[from...].map { String($0.path.dropFirst("value.".count)) }
                    .joined(separator: ", ")
            }
            add("order of members", names(left.leaves), names(right.leaves))
        }
    }

    private mutating func compareHeaders(
        _ wanted: [OwnedRecord.Header], _ found: [OwnedRecord.Header]
    ) {
        let texts = { (headers: [OwnedRecord.Header]) in
            headers.isEmpty
                ? Self.nothing
                : headers.map { "\($0.name): \(Self.shown($0.value, "null"))" }
                    .joined(separator: ", ")
        }
        let isEqual =
            wanted.count == found.count
            && zip(wanted, found).allSatisfy {
                $0.name.utf8.elementsEqual($1.name.utf8) && $0.value == $1.value
            }
        if !isEqual { add("headers", texts(wanted), texts(found)) }
    }

    private mutating func add(_ what: String, _ expected: String, _ got: String) {
        differences.append(ContractTestDifference(what: what, expected: expected, got: got))
    }

    private static func shown(_ bytes: [UInt8]?, _ absent: String = nothing) -> String {
        guard let bytes else { return absent }
        return String(validating: bytes, as: UTF8.self).map(JSONLiteral.quoted)
            ?? "base64: \(Base64.encode(bytes))"
    }
}

extension Decision {
    /// As reports and contract tests call it.
    package var word: String {
        switch self {
        case .delivered: "delivered"
        case .filtered: "filtered"
        case .dropped: "dropped"
        case .quarantined: "quarantined"
        case .stopped: "stopped"
        }
    }
}
