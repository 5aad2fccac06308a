/// What Crossdock makes of a key in a cluster's section, beyond librdkafka's own checks.
enum PropertyRules {
    /// Exactly-once hangs on these (runbooks/architecture.md): why a user's value is refused.
    static let owned: [String: String] = [
        "isolation.level": "records of open and aborted transactions must never be read",
        "group.id": "the group is named after the contract",
        "group.instance.id": "partitions are assigned by Crossdock, not by a group",
        "group.protocol": "partitions are assigned by Crossdock, not by a group",
        "group.protocol.type": "partitions are assigned by Crossdock, not by a group",
        "group.remote.assignor": "partitions are assigned by Crossdock, not by a group",
        "partition.assignment.strategy": "partitions are assigned by Crossdock, not by a group",
        "acks": "exactly-once needs every replica's acknowledgement",
        "request.required.acks": "exactly-once needs every replica's acknowledgement",
        "enable.idempotence": "exactly-once needs the idempotent producer",
        "enable.gapless.guarantee": "a lost record ends its transaction already",
        "transactional.id": "it is named after contract and lane",
        "max.in.flight": "it is fixed by the idempotent producer",
        "max.in.flight.requests.per.connection": "it is fixed by the idempotent producer",
        "retries": "it is fixed by the idempotent producer",
        "message.send.max.retries": "it is fixed by the idempotent producer",
        "queuing.strategy": "it is fixed by the idempotent producer",
        "enable.auto.commit": "offsets are decided by transactions, never by a timer",
        "auto.commit.enable": "offsets are decided by transactions, never by a timer",
        "auto.commit.interval.ms": "offsets are decided by transactions, never by a timer",
        "enable.auto.offset.store": "offsets are decided by transactions, never by a timer",
        "offset.store.method": "offsets are decided by transactions, never by a timer",
        "offset.store.path": "offsets are decided by transactions, never by a timer",
        "offset.store.sync.interval.ms": "offsets are decided by transactions, never by a timer",
        "auto.offset.reset": "a lost position halts the lane, it is never guessed",
        "enable.partition.eof": "the end of a partition moves the lag to 0",
        "allow.auto.create.topics": "topics are never created in passing",
        "delivery.report.only.error": "every delivery is counted",
        "plugin.library.paths": "no foreign code is loaded",
        "enabled_events": "events are taken by callbacks",
        "log.queue": "log lines go to Crossdock's log",
        "statistics.interval.ms": "statistics are not taken from the client library",
        "internal.termination.signal": "signals belong to the service",
        "partitioner": "a record's partition is the contract's `partition`",
    ]

    /// Keys of the Java client that mean something else here; what to write instead.
    static let java: [String: String] = [
        "key.serializer": "drop it: records are bytes until the contract's `format` reads them",
        "value.serializer": "drop it: records are bytes until the contract's `format` reads them",
        "key.deserializer": "drop it: records are bytes until the contract's `format` reads them",
        "value.deserializer": "drop it: records are bytes until the contract's `format` reads them",
        "sasl.jaas.config": "write sasl.username and sasl.password instead",
        "sasl.client.callback.handler.class": "write sasl.oauthbearer.* instead",
        "sasl.login.callback.handler.class": "write sasl.oauthbearer.* instead",
        "sasl.login.class": "drop it, and choose with sasl.mechanism",
        "sasl.kerberos.ticket.renew.window.factor":
            "write sasl.kerberos.min.time.before.relogin instead",
        "sasl.oauthbearer.token.endpoint.uri": "write sasl.oauthbearer.token.endpoint.url",
        "ssl.truststore.location": "write ssl.ca.location with a PEM file of the trusted CAs",
        "ssl.truststore.password": "write ssl.ca.location with a PEM file, which needs no password",
        "ssl.truststore.type": "write ssl.ca.location with a PEM file of the trusted CAs",
        "ssl.truststore.certificates": "write ssl.ca.pem, or ssl.ca.location with a PEM file",
        "ssl.keystore.type": "drop it: ssl.keystore.location takes PKCS#12",
        "ssl.keystore.key": "write ssl.key.pem, or ssl.key.location with a PEM file",
        "ssl.keystore.certificate.chain":
            "write ssl.certificate.pem, or ssl.certificate.location with a PEM file",
        "ssl.protocol": "drop it: OpenSSL's own settings choose the protocol",
        "ssl.enabled.protocols": "drop it: OpenSSL's own settings choose the protocol",
        "ssl.provider": "write ssl.providers, with OpenSSL 3 provider names",
        "ssl.trustmanager.algorithm": "drop it: OpenSSL verifies certificates",
        "ssl.keymanager.algorithm": "drop it: OpenSSL verifies certificates",
        "ssl.secure.random.implementation": "drop it: OpenSSL has its own",
        "ssl.engine.factory.class": "write ssl.providers instead",
        "buffer.memory": "write queue.buffering.max.kbytes instead",
        "max.block.ms": "drop it: waits are bounded by Crossdock",
        "max.request.size": "write message.max.bytes instead",
        "partitioner.class": "drop it: a record's partition is the contract's `partition`",
        "partitioner.ignore.keys": "drop it: a record's partition is the contract's `partition`",
        "interceptor.classes": "drop it: no foreign code is loaded",
        "metric.reporters": "drop it: see `crossdock lag` and /metrics",
        "metrics.num.samples": "drop it: see `crossdock lag` and /metrics",
        "metrics.recording.level": "drop it: see `crossdock lag` and /metrics",
        "metrics.sample.window.ms": "drop it: see `crossdock lag` and /metrics",
        "auto.include.jmx.reporter": "drop it: there is no JMX here",
        "max.poll.records": "write delivery.maxRecords in the contract instead",
        "default.api.timeout.ms": "drop it: waits are bounded by Crossdock",
        "fetch.max.wait.ms": "write fetch.wait.max.ms instead",
        "exclude.internal.topics": "drop it: only topics that a contract names are read",
        "client.dns.lookup": "drop it: every address of a name is tried",
        "reconnect.backoff.max": "write reconnect.backoff.max.ms instead",
        "send.buffer.bytes": "write socket.send.buffer.bytes instead",
        "receive.buffer.bytes": "write socket.receive.buffer.bytes instead",
        "security.providers": "drop it: there is no Java security provider here",
        "transaction.two.phase.commit.enable": "drop it: Crossdock decides transactions itself",
    ]

    /// Whether a key's value must never be shown.
    static func isSecret(_ key: String) -> Bool {
        let key = key.lowercased()
        if key == "ssl_key" || key == "sasl.oauthbearer.config" { return true }
        return ["password", "secret", "jaas", ".pem", "passphrase", "token.value"]
            .contains { key.contains($0) }
    }

    /// Callbacks and pointers stand in librdkafka's list but cannot be written in a file.
    static func isPointer(_ key: String) -> Bool {
        key.hasSuffix("_cb") || key == "opaque" || key == "default_topic_conf"
            || key == "interceptors" || key == "msg_order_cmp" || key == "ssl_engine_callback_data"
            || ["ssl_key", "ssl_certificate", "ssl_ca"].contains(key)
    }
}
