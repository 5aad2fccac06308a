internal import CRdKafka

/// A mistake in a cluster's client keys.
package struct ConfigurationProblem: Hashable, Sendable {
    package var key: String
    /// Never holds the value of a secret key.
    package var message: String

    package init(key: String, message: String) {
        self.key = key
        self.message = message
    }
}

/// How to reach one cluster: the operator's client keys, verbatim, over Crossdock's defaults.
package struct ClientConfiguration: Sendable {
    package var settings: [(key: String, value: String)]

    /// - Throws: never; `validate` tells what is wrong, and opening a client fails on it again.
    package init(_ settings: [(key: String, value: String)]) {
        self.settings = settings
    }

    /// Values that must not be shown, for redaction.
    package var secrets: [String] {
        settings.filter { PropertyRules.isSecret($0.key) && !$0.value.isEmpty }.map(\.value)
    }

    /// transaction.timeout.ms as the producer will use it, 1 s to 15 min.
    package var transactionTimeout: Duration {
        .milliseconds(number("transaction.timeout.ms") ?? Self.defaultTransactionTimeout)
    }

    static let defaultTransactionTimeout = 30_000

    /// The last value of a key, as librdkafka takes it.
    func value(_ key: String) -> String? {
        settings.last { $0.key == key }?.value
    }

    func number(_ key: String) -> Int? {
        value(key).flatMap { Int($0) }
    }

    /// What stands below the operator's keys.
    func defaults(for role: ClientRole) -> [(String, String)] {
        switch role {
        case .consumer:
            return [
                ("client.id", "crossdock"), ("check.crcs", "true"),
                ("queued.min.messages", "1000000"),
                ("queued.max.messages.kbytes", "8192"), ("fetch.message.max.bytes", "262144"),
                ("fetch.wait.max.ms", "100"), ("socket.keepalive.enable", "true"),
                ("reconnect.backoff.max.ms", "5000"),
            ]
        case .producer:
            let timeout = number("transaction.timeout.ms") ?? Self.defaultTransactionTimeout
            // A flush does not linger, and each batch ends in one: this delays nothing and makes requests
            // fewer and larger.
            return [
                ("client.id", "crossdock"), ("compression.type", "lz4"), ("linger.ms", "30"),
                ("batch.size", "1000000"), ("queue.buffering.max.messages", "500000"),
                ("queue.buffering.max.kbytes", "262144"), ("transaction.timeout.ms", "\(timeout)"),
                ("message.timeout.ms", "\(timeout)"), ("socket.keepalive.enable", "true"),
                ("reconnect.backoff.max.ms", "5000"),
            ]
        }
    }

    /// What stands above them.
    static func owned(for role: ClientRole) -> [(String, String)] {
        switch role {
        case .consumer:
            [
                ("isolation.level", "read_committed"), ("auto.offset.reset", "error"),
                ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
                ("enable.partition.eof", "true"),
                ("allow.auto.create.topics", "false"),
            ]
        case .producer:
            [
                ("enable.idempotence", "true"), ("acks", "all"),
                ("allow.auto.create.topics", "false"), ("delivery.report.only.error", "false"),
            ]
        }
    }

    /// The complete configuration of one client; the caller owns the result.
    func make(_ role: ClientRole, _ extra: [(String, String)]) throws(KafkaFailure) -> OpaquePointer
    {
        guard let conf = rd_kafka_conf_new() else {
            throw KafkaFailure("rd_kafka_conf_new", RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
        }
        let known = KnownProperties.linked
        let users = settings.filter { known.scopes[$0.key]?.covers(role) ?? true }
            .map { ($0.key, $0.value) }
        for (key, value) in defaults(for: role) + users + Self.owned(for: role) + extra {
            if let problem = Self.set(conf, key, value) {
                rd_kafka_conf_destroy(conf)
                throw KafkaFailure(
                    kind: .fatal, operation: "rd_kafka_conf_set", code: "_INVALID_ARG",
                    detail: "\(key): \(problem)")
            }
        }
        return conf
    }

    /// Nil where librdkafka takes the value, else its message.
    static func set(_ conf: OpaquePointer, _ key: String, _ value: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 512)
        guard rd_kafka_conf_set(conf, key, value, &buffer, buffer.count) != RD_KAFKA_CONF_OK else {
            return nil
        }
        if PropertyRules.isSecret(key) { return "librdkafka does not take this value" }
        return buffer.withUnsafeBufferPointer { text in
            text.baseAddress.map { String(cString: $0) } ?? ""
        }
    }
}
