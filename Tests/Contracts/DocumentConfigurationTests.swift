import Contracts
import Testing

@Suite("crossdock.yaml") struct DocumentConfigurationTests {
    static let minimal = """
        clusters: { internal: { bootstrap.servers: "127.0.0.1:9092" } }
        checkpoints: { key: "${env:KEY}" }

        """

    private func read(
        _ text: String, file: String = "crossdock.yaml",
        check: ConfigurationReader.ClusterCheck = { _ in [] }
    ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
        ConfigurationReader.read(bytes: Array(text.utf8), file: file, check: check)
    }

    private func expect(
        _ marked: String, _ messages: String..., severity: Diagnostic.Severity = .error,
        at location: SourceLocation = #_sourceLocation
    ) {
        let file = Marked(marked)
        let (configuration, found) = read(file.text)
        let wanted = zip(file.places, messages).map { place, message in
            Diagnostic(
                severity: severity, file: "crossdock.yaml", line: place.line, column: place.column,
                length: place.length, message: message)
        }
        #expect(file.places.count == messages.count, sourceLocation: location)
        #expect(found == wanted, sourceLocation: location)
        #expect((configuration == nil) == (severity == .error), sourceLocation: location)
    }

    @Test("says where things are; paths are relative to it, client keys stand as they are")
    func whole() throws {
        let (found, diagnostics) = read(
            """
            stateDirectory: ./state
            contracts: [contracts/*.yaml, /etc/other.yaml]
            clusters:
              internal: { bootstrap.servers: "127.0.0.1:19092" }
              skyways:
                bootstrap.servers: b1:9094,b2:9094
                socket.keepalive.enable: true
                sasl.password: "pre-${file:./secrets/skyways}-${env:SUFFIX}"
            keys:
              tail-2026: ${env:TAIL_KEY}
              other: ${file:/run/secrets/other}
            checkpoints: { topic: crossdock.marks, key: "${file:secrets/checkpoints.key}" }
            quarantine: { maxBytes: 2GiB, keepFor: 30d }
            ledger: { keepDetail: 36h }
            lanes: 3
            """, file: "etc/dock/crossdock.yaml")
        #expect(diagnostics == [])
        let configuration = try #require(found)
        #expect(configuration.directory == "etc/dock")
        #expect(configuration.stateDirectory == "etc/dock/state")
        #expect(configuration.contracts == ["etc/dock/contracts/*.yaml", "/etc/other.yaml"])
        let skyways = try #require(configuration.clusters["skyways"])
        #expect(
            skyways.settings.map(\.key) == [
                "bootstrap.servers", "socket.keepalive.enable", "sasl.password",
            ])
        #expect(skyways.settings[1].value.plain == "true")
        #expect(skyways.settings[2].value.plain == nil)
        #expect(
            skyways.settings[2].value.parts == [
                .plain("pre-"), .secret(.file("etc/dock/secrets/skyways")), .plain("-"),
                .secret(.environment("SUFFIX")),
            ])
        #expect(skyways.settings[2].keyMark == Mark(line: 8, column: 5, length: 13))
        #expect(
            configuration.keys == [
                "tail-2026": .environment("TAIL_KEY"), "other": .file("/run/secrets/other"),
            ])
        #expect(
            configuration.checkpoints
                == Checkpoints(
                    topic: "crossdock.marks", key: .file("etc/dock/secrets/checkpoints.key")))
        #expect(configuration.quarantineMaxBytes == 2 << 30)
        #expect(configuration.quarantineKeepFor == .seconds(30 * 86_400))
        #expect(configuration.keepDetail == .seconds(36 * 3600))
        #expect(configuration.lanes == 3)
        #expect(configuration.places[.environment("TAIL_KEY")]?.line == 10)
    }

    @Test("has defaults where it may be silent")
    func defaults() throws {
        let configuration = try #require(read(Self.minimal).configuration)
        #expect(configuration.directory == ".")
        #expect(configuration.stateDirectory == "state")
        #expect(configuration.contracts == ["contracts/*.yaml"])
        #expect(configuration.keys.isEmpty)
        #expect(configuration.checkpoints.topic == "crossdock.checkpoints")
        #expect(configuration.quarantineMaxBytes == 1 << 30)
        #expect(configuration.quarantineKeepFor == nil)
        #expect(configuration.keepDetail == .seconds(7 * 86_400))
        #expect(configuration.lanes == 2)
    }

    @Test("is refused where it says what cannot be, at the place")
    func mistakes() {
        let minimal = Self.minimal
        expect(
            minimal + "⟦statedirectory⟧: x\n",
            "unknown key 'statedirectory' in crossdock.yaml; did you mean 'stateDirectory'?")
        expect(
            minimal + "⟦http⟧: { listen: 127.0.0.1:8642 }\n",
            "'http' is not available in this release; leave it out")
        expect(
            minimal + "quarantine: { keepFor: ⟦10m⟧ }\n",
            "'keepFor' is 10m; it takes 1h to 3650d")
        expect(
            minimal + "ledger: { keepDetail: ⟦7⟧ }\n",
            "'keepDetail' is a duration with its unit, such as 100ms, 5s, 10m, 1h or 30d")
        expect(
            minimal + "ledger: { ⟦keepdetail⟧: 7d }\n",
            "unknown key 'keepdetail' in ledger; did you mean 'keepDetail'?")
        expect(minimal + "lanes: ⟦0⟧\n", "'lanes' is an integer, 1 to 64")
        expect(minimal + "contracts: ⟦a.yaml⟧\n", "'contracts' is a list; not a string")
        expect(
            "clusters: { ⟦a⟧: {} }\ncheckpoints: { key: '${env:K}' }\n",
            "cluster 'a' has no bootstrap.servers")
        expect(
            "clusters: { a: ⟦b:9092⟧ }\ncheckpoints: { key: '${env:K}' }\n",
            "cluster 'a' is a mapping of Kafka client keys")
        expect(
            minimal + "keys: { k: $⟦{⟧env:K} }\n",
            "inside braces a reference stands in quotes: \"${…}\"")
        expect(
            "⟦c⟧lusters: { a: { bootstrap.servers: x } }\n",
            "missing 'checkpoints' in crossdock.yaml: its key, ${file:PATH}, and its topic")
    }

    @Test("never shows what may be a secret")
    func secrets() {
        let minimal = Self.minimal
        let written = "is named, never written: ${env:NAME} or ${file:PATH}, and no more"
        for value in ["hunter2hunter2", "\"${env:A}hunter2\"", "'${env:A}${env:B}'"] {
            expect(minimal + "keys: { k: ⟦\(value)⟧ }\n", "key 'k' \(written)")
        }
        let begins = "'${' begins a reference: ${env:NAME} or ${file:PATH}, nothing else"
        for value in ["'a${hunter2'", "'${env:hunter 2}'", "'${file:}'", "'${vault:hunter2}'"] {
            expect(minimal + "keys: { k: ⟦\(value)⟧ }\n", begins)
        }
        let text = minimal.replacing(
            "bootstrap.servers: \"127.0.0.1:9092\"",
            with: "bootstrap.servers: x, ⟦sasl.password⟧: hunter2")
        expect(
            text, "'sasl.password' is written in the clear; write ${env:NAME} or ${file:PATH}",
            severity: .warning)
        let everything = read(
            "clusters: { a: { sasl.password: [hunter2], ssl.key.pem: } }\nkeys: [hunter2]\n"
                + "checkpoints: { key: hunter2 }\n")
        #expect(everything.diagnostics.count >= 4)
        #expect(!everything.diagnostics.contains { $0.message.contains("hunter2") })
    }

    @Test("shows what the client library has against a key at that key")
    func clientKeys() {
        let (configuration, diagnostics) = read(
            Self.minimal.replacing("bootstrap.servers:", with: "acks: 1, bootstrap.servers:")
        ) { cluster in
            cluster.settings.filter { $0.key == "acks" }.map { ($0.key, "no acks") }
        }
        #expect(configuration == nil)
        #expect(diagnostics.map(\.text) == ["crossdock.yaml:1:25: error: no acks"])
    }
}

@Suite("A secret") struct SecretTests {
    private func resolver(_ file: [UInt8] = [], exposed: Bool = false) -> SecretResolver {
        SecretResolver(
            environment: { $0 == "KEY" ? "0123456789abcdef" : nil },
            file: { (path) throws(SecretResolver.FileProblem) in
                guard path == "key" else { throw path == "locked" ? .unreadable("no") : .missing }
                return SecretResolver.SecretFile(bytes: file, isExposed: exposed)
            })
    }

    @Test("comes from the environment or a file, without one trailing newline")
    func text() throws {
        #expect(try resolver().text(.environment("KEY")) == "0123456789abcdef")
        #expect(try resolver(Array("pass\n".utf8)).text(.file("key")) == "pass")
        #expect(try resolver(Array("pass\r\n".utf8)).text(.file("key")) == "pass")
        #expect(try resolver(Array("pass\n\n".utf8)).text(.file("key")) == "pass\n")
        let value = SecretText(parts: [.plain("a-"), .secret(.environment("KEY")), .plain("-b")])
        #expect(try resolver().text(value) == "a-0123456789abcdef-b")
    }

    @Test("is text, or base64 that says so, of enough bytes")
    func keys() throws {
        #expect(try resolver().key(.environment("KEY")).count == 16)
        let encoded = Array("base64:AAECAwQFBgcICQoLDA0ODw==\n".utf8)
        #expect(try resolver(encoded).key(.file("key")) == Array(0...15))
        #expect(
            throws: SecretResolver.Problem(
                reference: "${file:key}", message: "is not base64 after 'base64:'")
        ) { try resolver(Array("base64:AAE*".utf8)).key(.file("key")) }
        #expect(
            throws: SecretResolver.Problem(
                reference: "${file:key}", message: "holds 15 bytes; at least 16 bytes needed")
        ) { try resolver(Array("0123456789abcde\n".utf8)).key(.file("key")) }
        #expect(
            throws: SecretResolver.Problem(
                reference: "${env:KEY}", message: "holds 16 bytes; exactly 32 bytes needed")
        ) { try resolver().key(.environment("KEY"), count: 32...32) }
    }

    @Test("of exactly 32 random bytes may end in a line feed")
    func binary() throws {
        let bytes = [UInt8](repeating: 7, count: 31) + [0x0A]
        #expect(try resolver(bytes).key(.file("key"), count: 32...32) == bytes)
        #expect(
            try resolver([UInt8](repeating: 7, count: 32) + [0x0A]).key(
                .file("key"), count: 32...32)
                == [UInt8](repeating: 7, count: 32))
    }

    @Test("that is not there is named")
    func missing() {
        #expect(
            throws: SecretResolver.Problem(
                reference: "${env:NO}", message: "the environment variable NO is not set")
        ) { try resolver().text(.environment("NO")) }
        #expect(
            throws: SecretResolver.Problem(
                reference: "${file:no}", message: "there is no such file")
        ) { try resolver().text(.file("no")) }
        #expect(
            throws: SecretResolver.Problem(
                reference: "${file:locked}", message: "the file cannot be read: no")
        ) { try resolver().key(.file("locked")) }
    }

    @Test("in a file that others can read is remarked on")
    func exposure() {
        #expect(resolver().exposure(.file("key")) == nil)
        #expect(resolver().exposure(.environment("KEY")) == nil)
        #expect(
            resolver(exposed: true).exposure(.file("key"))?.message
                == "can be read by other users of this machine; chmod 600 key")
    }
}
