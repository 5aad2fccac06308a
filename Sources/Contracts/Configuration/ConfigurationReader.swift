/// Reads crossdock.yaml, every mistake in one go. What a value says never stands in a diagnostic
/// where it may be a secret.
package enum ConfigurationReader {
    package static let secretKeys: Set<String> = [
        "sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem",
        "sasl.oauthbearer.client.secret",
    ]

    /// What a client library has against a cluster's settings: the key at fault, and why.
    package typealias ClusterCheck = (Cluster) -> [(key: String, message: String)]

    /// `file` as the user gave it: paths in the file become relative to where it stands. The
    /// configuration is nil where there is any error; what `check` says is one.
    package static func read(
        bytes: [UInt8], file: String, check: ClusterCheck = { _ in [] }
    ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
        let yaml = YAMLFile(bytes: bytes, file: file)
        var findings = yaml.findings
        let configuration = withoutActuallyEscaping(check) { check in
            var reading = Reading(file: file, directory: directory(of: file), check: check)
            return reading.configuration(yaml, &findings)
        }
        return (findings.hasErrors ? nil : configuration, findings.sorted)
    }

    private static func directory(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }
}

private struct Reading {
    let file: String
    let directory: String
    let check: ConfigurationReader.ClusterCheck
    private var places: [SecretReference: Mark] = [:]

    init(file: String, directory: String, check: @escaping ConfigurationReader.ClusterCheck) {
        self.file = file
        self.directory = directory
        self.check = check
    }

    mutating func configuration(
        _ yaml: YAMLFile, _ findings: inout Findings
    ) -> Configuration? {
        guard let root = yaml.root else {
            if !findings.hasErrors {
                findings.error(Mark(line: 1, column: 1), "the file is empty; see: crossdock init")
            }
            return nil
        }
        guard
            let members = Members(
                root, "crossdock.yaml",
                known: [
                    "stateDirectory", "contracts", "clusters", "keys", "checkpoints", "quarantine",
                    "ledger", "lanes",
                ], later: ["http"], &findings)
        else { return nil }
        let clusters = clusters(
            members.required(
                "clusters", "name each Kafka cluster, with its client keys", &findings),
            &findings)
        let checkpoints = checkpoints(
            members.required("checkpoints", "its key, ${file:PATH}, and its topic", &findings),
            &findings)
        let state = members["stateDirectory"].flatMap { findings.string($0, "stateDirectory") }
        let quarantine = quarantine(members["quarantine"], &findings)
        let keepDetail = keepDetail(members["ledger"], &findings)
        let lanes = members["lanes"].flatMap { findings.integer($0, "lanes", in: 1...64) }
        let contracts = contracts(members["contracts"], &findings)
        let keys = keys(members["keys"], &findings)
        return Configuration(
            file: file, directory: directory,
            stateDirectory: path(state ?? "state"),
            contracts: contracts, clusters: clusters,
            keys: keys,
            checkpoints: checkpoints
                ?? Checkpoints(topic: "", key: .environment("")),
            quarantineMaxBytes: quarantine.maxBytes ?? 1 << 30,
            quarantineKeepFor: quarantine.keepFor,
            keepDetail: keepDetail ?? .seconds(7 * 86_400), lanes: lanes ?? 2, places: places)
    }

    private func contracts(_ node: YAMLNode?, _ findings: inout Findings) -> [String] {
        guard let node else { return [path("contracts/*.yaml")] }
        return (findings.list(node, "contracts") ?? []).compactMap {
            findings.string($0, "contracts").map(path)
        }
    }

    private mutating func clusters(_ node: YAMLNode?, _ findings: inout Findings) -> [String:
        Cluster]
    {
        var clusters: [String: Cluster] = [:]
        for member in named(node, "clusters", "a cluster", &findings) {
            guard case .mapping(let found) = member.value.content else {
                if !member.value.isBroken {
                    findings.error(
                        member.value.isEmpty ? member.keyMark : member.value.mark,
                        "cluster '\(member.key)' is a mapping of Kafka client keys")
                }
                continue
            }
            var settings: [Cluster.Setting] = []
            for setting in found {
                guard let value = value(of: setting, &findings) else { continue }
                settings.append(
                    Cluster.Setting(
                        key: setting.key, value: value, keyMark: setting.keyMark,
                        valueMark: setting.value.mark))
            }
            if !found.contains(where: {
                $0.key == "bootstrap.servers" || $0.key == "metadata.broker.list"
            }) {
                findings.missing(
                    "bootstrap.servers", member.keyMark,
                    "cluster '\(member.key)' has no bootstrap.servers")
            }
            let cluster = Cluster(name: member.key, settings: settings)
            for problem in check(cluster) {
                let setting = settings.first { $0.key == problem.key }
                // A key that is not there, bootstrap.servers, has been called missing above.
                if let setting { findings.error(setting.keyMark, problem.message) }
            }
            clusters[member.key] = cluster
        }
        return clusters
    }

    /// One Kafka client value: whatever the scalar says, verbatim.
    private mutating func value(
        of setting: YAMLNode.Member, _ findings: inout Findings
    ) -> SecretText? {
        guard !setting.value.isBroken else { return nil }
        guard case .scalar(let text, _) = setting.value.content else {
            findings.error(
                setting.value.mark, "'\(setting.key)' is one value; not \(setting.value.kind)")
            return nil
        }
        guard !setting.value.isEmpty else {
            findings.error(setting.keyMark, "'\(setting.key)' is empty")
            return nil
        }
        guard !text.unicodeScalars.contains("\0") else {
            findings.error(setting.value.mark, "'\(setting.key)' holds a NUL character")
            return nil
        }
        guard let value = secretText(text, setting.value.mark, &findings) else { return nil }
        if ConfigurationReader.secretKeys.contains(setting.key), value.plain != nil {
            findings.warning(
                setting.keyMark,
                "'\(setting.key)' is written in the clear; write ${env:NAME} or ${file:PATH}")
        }
        return value
    }

    private mutating func keys(
        _ node: YAMLNode?, _ findings: inout Findings
    ) -> [String: SecretReference] {
        var keys: [String: SecretReference] = [:]
        guard let node else { return keys }
        for member in named(node, "keys", "a key", &findings) {
            keys[member.key] = reference(member.value, "key '\(member.key)'", &findings)
        }
        return keys
    }

    private mutating func checkpoints(_ node: YAMLNode?, _ findings: inout Findings) -> Checkpoints?
    {
        guard let node,
            let members = Members(node, "checkpoints", known: ["topic", "key"], &findings)
        else { return nil }
        let topic = members["topic"].flatMap { findings.topic($0, "topic") }
        let key = members.required(
            "key", "${file:PATH} of 32 bytes that seal the markers", &findings)
        guard let key, let found = reference(key, "'key'", &findings) else { return nil }
        return Checkpoints(topic: topic ?? "crossdock.checkpoints", key: found)
    }

    private func quarantine(
        _ node: YAMLNode?, _ findings: inout Findings
    ) -> (maxBytes: Int?, keepFor: Duration?) {
        guard let node,
            let members = Members(node, "quarantine", known: ["maxBytes", "keepFor"], &findings)
        else { return (nil, nil) }
        return (
            findings.byteCount(members["maxBytes"], "maxBytes", in: 1 << 10...1 << 44),
            findings.duration(members["keepFor"], "keepFor", in: Self.keeping)
        )
    }

    private func keepDetail(_ node: YAMLNode?, _ findings: inout Findings) -> Duration? {
        guard let node,
            let members = Members(node, "ledger", known: ["keepDetail"], &findings)
        else { return nil }
        return findings.duration(members["keepDetail"], "keepDetail", in: Self.keeping)
    }

    /// An hour to ten years, in milliseconds.
    private static let keeping = 3_600_000...3650 * 86_400_000

    /// The members of a mapping from names to things; a name is letters, digits, `.`, `_` and `-`.
    private func named(
        _ node: YAMLNode?, _ what: String, _ each: String, _ findings: inout Findings
    ) -> [YAMLNode.Member] {
        guard let node, !node.isBroken else { return [] }
        guard case .mapping(let members) = node.content else {
            findings.error(node.mark, "'\(what)' is a mapping, from a name to \(each) each")
            return []
        }
        return members.filter { member in
            let isName = Names.isName(member.key)
            if !isName {
                findings.error(
                    member.keyMark, "the name of \(each) is letters, digits, '.', '_' and '-'")
            }
            return isName
        }
    }

    /// A path of the file, relative to where the file stands.
    private func path(_ written: String) -> String {
        var path = Substring(written)
        while path.hasPrefix("./") { path = path.dropFirst(2).drop { $0 == "/" } }
        if path.hasPrefix("/") { return String(path) }
        if path.isEmpty { path = "." }
        switch directory {
        case ".": return String(path)
        case "/": return "/\(path)"
        default: return "\(directory)/\(path)"
        }
    }
}

// MARK: - Secrets

extension Reading {
    /// Exactly one reference and nothing else.
    private mutating func reference(
        _ node: YAMLNode, _ what: String, _ findings: inout Findings
    ) -> SecretReference? {
        guard !node.isBroken else { return nil }
        if case .scalar(let text, _) = node.content {
            guard let parts = secretText(text, node.mark, &findings)?.parts else { return nil }
            if parts.count == 1, case .secret(let reference) = parts[0] { return reference }
        }
        findings.error(
            node.mark, "\(what) is named, never written: ${env:NAME} or ${file:PATH}, and no more")
        return nil
    }

    private mutating func secretText(
        _ text: String, _ mark: Mark, _ findings: inout Findings
    ) -> SecretText? {
        var parts: [SecretText.Part] = []
        var rest = Substring(text)
        while let start = rest.firstRange(of: "${") {
            if start.lowerBound > rest.startIndex {
                parts.append(.plain(String(rest[..<start.lowerBound])))
            }
            let body = rest[start.upperBound...]
            guard let end = body.firstIndex(of: "}"), let found = reference(body[..<end]) else {
                findings.error(
                    mark, "'${' begins a reference: ${env:NAME} or ${file:PATH}, nothing else")
                return nil
            }
            parts.append(.secret(found))
            places[found] = mark
            rest = body[body.index(after: end)...]
        }
        if !rest.isEmpty { parts.append(.plain(String(rest))) }
        return SecretText(parts: parts)
    }

    private func reference(_ body: Substring) -> SecretReference? {
        if body.hasPrefix("env:") {
            let name = body.dropFirst(4)
            guard let first = name.utf8.first, Names.isLetter(first) || first == UInt8(ascii: "_"),
                name.utf8.allSatisfy({
                    Names.isLetter($0) || Names.isDigit($0) || $0 == UInt8(ascii: "_")
                })
            else { return nil }
            return .environment(String(name))
        }
        guard body.hasPrefix("file:"), body.count > 5 else { return nil }
        return .file(path(String(body.dropFirst(5))))
    }
}
