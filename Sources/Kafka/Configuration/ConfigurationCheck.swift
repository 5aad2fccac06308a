internal import CRdKafka

extension ClientConfiguration {
    /// Every mistake in a cluster's client keys that shows without a broker, in the keys' order.
    package static func validate(_ settings: [(key: String, value: String)])
        -> [ConfigurationProblem]
    {
        var problems: [ConfigurationProblem] = []
        var seen: Set<String> = []
        guard let conf = rd_kafka_conf_new() else { return [] }
        defer { rd_kafka_conf_destroy(conf) }
        for (key, value) in settings {
            if !seen.insert(key).inserted {
                problems.append(.init(key: key, message: "'\(key)' is given twice"))
            } else if let message = problem(key, value, on: conf) {
                problems.append(.init(key: key, message: message))
            }
        }
        if !seen.contains("bootstrap.servers") && !seen.contains("metadata.broker.list") {
            problems.append(
                .init(
                    key: "bootstrap.servers",
                    message: "missing 'bootstrap.servers': the cluster's host:port list"))
        }
        return problems + timeoutProblems(ClientConfiguration(settings))
    }

    private static func problem(
        _ key: String, _ value: String, on conf: OpaquePointer
    ) -> String? {
        if let why = PropertyRules.owned[key] { return "'\(key)' is set by Crossdock: \(why)" }
        if let hint = PropertyRules.java[key] {
            return "'\(key)' is a key of the Java client; \(hint)"
        }
        if PropertyRules.isPointer(key) { return "'\(key)' cannot be set in a file" }
        let known = KnownProperties.linked.scopes
        if known[key] == nil && !known.isEmpty {
            let guess = nearest(
                to: key, among: known.keys.filter { PropertyRules.owned[$0] == nil })
            let hint = guess.map { "; did you mean '\($0)'?" } ?? ""
            return "unknown client key '\(key)'\(hint)"
        }
        return set(conf, key, value).map { $0.contains(key) ? $0 : "'\(key)': \($0)" }
    }

    /// transaction.timeout.ms bounds how long a dead process may freeze the partner's readers, and
    /// every message must be given up before its transaction is.
    private static func timeoutProblems(_ configuration: ClientConfiguration)
        -> [ConfigurationProblem]
    {
        var problems: [ConfigurationProblem] = []
        let transaction = configuration.number("transaction.timeout.ms")
        if let transaction, !(1000...900_000).contains(transaction) {
            problems.append(
                .init(
                    key: "transaction.timeout.ms",
                    message: "'transaction.timeout.ms' must be 1000 to 900000 (15 min, what "
                        + "brokers allow); 10000 to 30000 is advised"))
        }
        let limit = transaction ?? defaultTransactionTimeout
        for key in ["message.timeout.ms", "delivery.timeout.ms"] {
            if let value = configuration.number(key), value == 0 || value > limit {
                problems.append(
                    .init(
                        key: key,
                        message: "'\(key)' must be 1 to transaction.timeout.ms (\(limit)): a "
                            + "record must be given up before its transaction is"))
            }
        }
        return problems
    }

    /// The known word within a third of the key's length in edits, the nearest first.
    static func nearest(to key: String, among words: some Collection<String>) -> String? {
        let limit = max(1, key.count / 3)
        var best: (distance: Int, word: String)?
        for word in words.sorted() {
            let edits = distance(key, word)
            guard edits <= limit, edits < best?.distance ?? Int.max else { continue }
            best = (edits, word)
        }
        return best?.word
    }

    private static func distance(_ one: String, _ other: String) -> Int {
        let one = Array(one.utf8)
        let other = Array(other.utf8)
        var row = Array(0...other.count)
        for i in 0..<one.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<other.count {
                let cost = diagonal + (one[i] == other[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(cost, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[other.count]
    }
}
