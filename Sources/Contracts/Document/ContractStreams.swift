/// The `streams` of a contract.
extension ContractDocument {
    mutating func readStreams(_ members: Members, feedsItself: Bool) -> [Stream] {
        guard
            let node = members.required("streams", "a list, one stream a source topic", &findings),
            let items = findings.list(node, "streams")
        else { return [] }
        if items.isEmpty {
            findings.error(node.mark, "'streams' is empty; a contract has at least one")
        }
        var sources: [String: Int] = [:]
        var targets: [String: Int] = [:]
        return items.compactMap { item in
            guard let parts = readStream(item) else { return nil }
            if let from = parts.from, let mark = parts.fromMark {
                if let line = sources[from] {
                    findings.error(
                        mark,
                        "duplicate 'from': the stream on line \(line) reads '\(from)' already")
                } else {
                    sources[from] = mark.line
                }
            }
            if let to = parts.to, let mark = parts.toMark {
                if let line = targets[to] {
                    findings.warning(
                        mark,
                        "'\(to)' is also the target of the stream on line \(line); the order"
                            + " between the two is not kept")
                } else {
                    targets[to] = mark.line
                }
                if feedsItself, parts.to == parts.from {
                    findings.error(
                        mark, "'\(to)' is read and written on one cluster: the stream feeds itself")
                }
            }
            return parts.stream
        }
    }

    private struct StreamParts {
        var from: String?
        var fromMark: Mark?
        var to: String?
        var toMark: Mark?
        /// Nil where something required is missing or wrong.
        var stream: Stream?
    }

    private mutating func readStream(_ node: YAMLNode) -> StreamParts? {
        guard
            let members = Members(
                node, "a stream",
                known: [
                    "from", "to", "format", "start", "filter", "fields", "key", "headers",
                    "tombstones", "partition", "onViolation", "onScopeExit",
                ], later: ["schema"], &findings)
        else { return nil }
        let fromNode = members.required("from", "the source topic", &findings)
        let toNode = members.required("to", "the partner's topic", &findings)
        let from = findings.topic(fromNode, "from")
        let to = findings.topic(toNode, "to")
        let format = findings.word(
            members.required("format", "json | bytes", &findings), "format",
            as: Stream.Format.self, later: ["avro", "protobuf"])
        let start = members["start"].flatMap { readStart($0) }
        let filter = members["filter"].flatMap { readFilter($0, format ?? .json) }
        let fields = readFields(members, format)
        let forwards = forwardsTombstones(members)
        let key = readKey(members, format: format, forwardsTombstones: forwards)
        let headers = members["headers"].flatMap { readHeaders($0) }
        let partition = readPartition(members, key)
        let onViolation = members["onViolation"].flatMap {
            findings.word($0, "onViolation", as: Stream.OnViolation.self)
        }
        let onScopeExit = readScopeExit(members, key)
        warnOfBytes(members, format)
        var parts = StreamParts(
            from: from, fromMark: fromNode?.mark, to: to, toMark: toNode?.mark)
        guard let from, let to, let format, let key else { return parts }
        parts.stream = Stream(
            from: from, to: to, format: format, start: start ?? .earliest,
            filter: filter, fields: fields, key: key, headers: headers ?? [],
            forwardsTombstones: forwards, partition: partition,
            onViolation: onViolation ?? .quarantine, onScopeExit: onScopeExit)
        return parts
    }

    private mutating func readStart(_ node: YAMLNode) -> Stream.Start? {
        if case .mapping = node.content {
            guard let members = Members(node, "start", known: ["group"], &findings) else {
                return nil
            }
            let group = members.required(
                "group", "the consumer group whose offsets to start from", &findings)
            return findings.string(group, "group").map { .group($0) }
        }
        guard let text = findings.string(node, "start") else { return nil }
        switch text {
        case "earliest": return .earliest
        case "latest": return .latest
        default: break
        }
        if let time = Timestamp.milliseconds(text) { return .time(time) }
        let hint = Spelling.hint(for: text, among: ["earliest", "latest"])
        findings.error(
            node.mark,
            "'start' is '\(text)'"
                + (hint.isEmpty
                    ? "; it takes earliest, latest, a time such as 2026-01-31T08:00:00Z, or"
                        + " { group: NAME }" : hint))
        return nil
    }

    private mutating func readFilter(_ node: YAMLNode, _ format: Stream.Format) -> Expression? {
        guard !node.isBroken else { return nil }
        guard case .scalar = node.content, !node.isEmpty else {
            findings.error(
                node.mark, "'filter' is a CEL expression; leave it out to let every record pass")
            return nil
        }
        return readExpression(node, "filter", .filter, format)
    }

    /// A CEL expression; its mistakes are pointed at inside the file's text.
    mutating func readExpression(
        _ node: YAMLNode, _ what: String, _ purpose: CEL.Purpose, _ format: Stream.Format
    ) -> Expression? {
        guard !node.isBroken else { return nil }
        guard case .scalar(let text, _) = node.content, !node.isEmpty else {
            findings.error(node.mark, "'\(what)' is a CEL expression")
            return nil
        }
        for mistake in CEL.check(text, purpose, format: format) {
            let utf8 = text.utf8
            let start = utf8.index(
                utf8.startIndex, offsetBy: max(0, mistake.offset), limitedBy: utf8.endIndex)
            let end = start.flatMap {
                utf8.index($0, offsetBy: max(0, mistake.length), limitedBy: utf8.endIndex)
            }
            let from = start ?? utf8.endIndex
            let scalars = text.unicodeScalars
            let mark = yaml.source.mark(
                of: scalars[..<from].count, in: node,
                length: scalars[from..<(end ?? utf8.endIndex)].count)
            switch mistake.severity {
            case .error: findings.error(mark, mistake.message)
            case .warning: findings.warning(mark, mistake.message)
            }
        }
        return Expression(text: text)
    }

    private mutating func readHeaders(_ node: YAMLNode) -> [String] {
        var headers: [String] = []
        for item in findings.list(node, "headers") ?? [] {
            guard let name = findings.string(item, "headers") else { continue }
            if headers.contains(name) {
                findings.error(item.mark, "header '\(name)' is named twice")
            } else {
                headers.append(name)
            }
        }
        return headers
    }

    private mutating func forwardsTombstones(_ members: Members) -> Bool {
        enum Word: String, CaseIterable { case drop, forward }
        guard let node = members["tombstones"] else { return false }
        return findings.word(node, "tombstones", as: Word.self) == .forward
    }

    private mutating func readPartition(
        _ members: Members, _ key: Stream.KeyRule?
    ) -> Stream.PartitionRule {
        guard let node = members["partition"],
            let rule = findings.word(node, "partition", as: Stream.PartitionRule.self)
        else { return .keep }
        if rule == .key, key == .drop {
            findings.error(node.mark, "'partition: key' needs a key, and 'key' is drop")
        }
        return rule
    }

    private mutating func readScopeExit(
        _ members: Members, _ key: Stream.KeyRule?
    ) -> Stream.OnScopeExit {
        guard let node = members["onScopeExit"],
            let word = findings.word(node, "onScopeExit", as: Stream.OnScopeExit.self)
        else { return .ignore }
        guard word == .tombstone else { return word }
        switch key {
        case .drop:
            findings.error(
                node.mark, "'onScopeExit: tombstone' retracts by key, and 'key' is drop")
        case .path(_, .encrypt):
            findings.error(
                node.mark,
                "'onScopeExit: tombstone' retracts by key, and an encrypted key is another one for"
                    + " every record; a pseudonym is not")
        case .path:
            findings.warning(
                node.mark,
                "a tombstone of the source holds no value to take the key from: what it deletes is"
                    + " not retracted")
        default: break
        }
        return word
    }

    private mutating func warnOfBytes(_ members: Members, _ format: Stream.Format?) {
        guard format == .bytes, let node = members["format"] else { return }
        findings.warning(
            node.mark,
            "'bytes' lets out every record's whole value, with whatever is added to it later;"
                + " only 'format: json' can choose")
    }
}
