import Kafka
import Testing

struct ConfigurationTests {
    private func problem(_ key: String, _ value: String) -> String? {
        ClientConfiguration.validate([("bootstrap.servers", "127.0.0.1:9092"), (key, value)])
            .first { $0.key == key }?.message
    }

    @Test("the keys of a usual cluster section are fine")
    func usual() {
        let problems = ClientConfiguration.validate([
            ("bootstrap.servers", "b1.skyways.example:9094"), ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.username", "crossdock"),
            ("sasl.password", "hunter2"), ("compression.type", "zstd"), ("linger.ms", "20"),
            ("transaction.timeout.ms", "20000"), ("client.id", "cd"),
            ("fetch.max.bytes", "1000000"),
        ])
        #expect(problems == [])
    }

    @Test(
        "a key that exactly-once hangs on is refused",
        arguments: [
            "isolation.level", "group.id", "acks", "transactional.id", "plugin.library.paths",
            "enable.auto.commit", "auto.offset.reset", "max.in.flight",
        ])
    func owned(key: String) {
        #expect(problem(key, "1")?.hasPrefix("'\(key)' is set by Crossdock: ") == true)
    }

    @Test("a key of the Java client gets a hint what to write instead")
    func java() {
        #expect(
            problem("ssl.truststore.location", "/t.jks")
                == "'ssl.truststore.location' is a key of the Java client; write ssl.ca.location "
                + "with a PEM file of the trusted CAs")
        #expect(problem("sasl.jaas.config", "secret")?.contains("secret") == false)
        #expect(problem("value.deserializer", "x")?.contains("Java client") == true)
    }

    @Test("an unknown key gets the nearest known one")
    func unknown() {
        #expect(
            problem("sasl.usrname", "x")
                == "unknown client key 'sasl.usrname'; did you mean 'sasl.username'?")
        #expect(problem("completely.different", "x") == "unknown client key 'completely.different'")
    }

    @Test("a bad value is reported in the client library's words, a secret one is never echoed")
    func badValue() {
        #expect(problem("linger.ms", "soon")?.contains("linger.ms") == true)
        #expect(problem("security.protocol", "tls")?.contains("security.protocol") == true)
        #expect(problem("ssl.key.password", "canary-5521")?.contains("canary") != true)
    }

    @Test("a record may not outlive its transaction")
    func timeouts() {
        #expect(problem("message.timeout.ms", "60000")?.contains("transaction.timeout.ms") == true)
        #expect(problem("delivery.timeout.ms", "0") != nil)
        #expect(problem("message.timeout.ms", "20000") == nil)
        #expect(problem("transaction.timeout.ms", "1000000") != nil)
    }

    @Test("a cluster without brokers and a key given twice are mistakes")
    func missing() {
        #expect(ClientConfiguration.validate([]).map(\.key) == ["bootstrap.servers"])
        let twice = ClientConfiguration.validate([
            ("bootstrap.servers", "a:1"), ("client.id", "a"), ("client.id", "b"),
        ])
        #expect(twice.map(\.message) == ["'client.id' is given twice"])
    }

    @Test("the transaction timeout is 30 s unless the operator says otherwise")
    func transactionTimeout() {
        #expect(ClientConfiguration([]).transactionTimeout == .seconds(30))
        let own = ClientConfiguration([("transaction.timeout.ms", "15000")])
        #expect(own.transactionTimeout == .seconds(15))
    }
}

struct PrincipalTests {
    @Test(
        "who the brokers take us for, or a place holder with what to put there",
        arguments: [
            ([:], "User:ANONYMOUS", false),
            (
                [
                    "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512",
                    "sasl.username": "crossdock",
                ], "User:crossdock", false
            ),
            (
                ["security.protocol": "ssl", "ssl.certificate.location": "client.pem"],
                "User:SUBJECT-OF-THE-CERTIFICATE", true
            ),
            (
                [
                    "security.protocol": "sasl_plaintext", "sasl.mechanisms": "GSSAPI",
                    "sasl.kerberos.principal": "dock/host@EXAMPLE",
                ], "User:dock", false
            ),
            (
                ["security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"],
                "User:SUBJECT-OF-THE-TOKEN", true
            ),
        ] as [([String: String], String, Bool)])
    func principal(settings: [String: String], name: String, isPlaceholder: Bool) {
        let found = ClientConfiguration(settings.map { (key: $0.key, value: $0.value) }).principal
        #expect(found.name == name)
        #expect((found.remark != nil) == isPlaceholder)
    }
}
