import Testing

@Suite("crossdock validate") struct ValidateTests {
    static let configuration = """
        clusters:
          internal: { bootstrap.servers: "127.0.0.1:1" }
          skyways: { bootstrap.servers: "127.0.0.1:1" }
        keys:
          tail-2026: ${env:TAIL_KEY}
        checkpoints:
          key: ${env:CHECKPOINT_KEY}

        """

    static func contract(id: String = "flights", _ lines: String = "key: keep") -> String {
        """
        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: \(id)
        version: 1.0.0
        status: active
        source: { cluster: internal }
        target: { cluster: skyways }
        streams:
          - from: flights
            to: skyways.delays
            format: json
            fields: [carrier, { path: tail, pseudonym: { key: tail-2026 } }]
            \(lines)

        """
    }

    static func workspace() throws -> Tool {
        let tool = try Tool()
        try tool.write("crossdock.yaml", Self.configuration)
        try tool.makeDirectory("contracts")
        return tool
    }

    @Test("an interval that the partner's transaction timeout leaves no time after is an error")
    func interval() throws {
        let tool = try Self.workspace()
        try tool.write(
            "crossdock.yaml",
            Self.configuration.replacing(
                "skyways: { ", with: "skyways: { transaction.timeout.ms: 3000, "))
        try tool.write(
            "contracts/a.yaml", Self.contract() + "delivery: { maxInterval: 1001ms }\n")
        let result = try tool.run("validate")
        #expect(result.code == 1)
        #expect(
            result.out.hasPrefix(
                "contracts/a.yaml:14:26: error: 'maxInterval' is more than a third of "
                    + "transaction.timeout.ms (3.0 seconds) of 'skyways'"))
        try tool.write(
            "contracts/a.yaml", Self.contract() + "delivery: { maxInterval: 1000ms }\n")
        #expect(try tool.run("validate").code == 0)
    }

    @Test("shows each mistake with its line, underlined, and sums them up")
    func mistakes() throws {
        let tool = try Self.workspace()
        try tool.write("contracts/a.yaml", Self.contract())
        try tool.write(
            "contracts/b.yaml", Self.contract(id: "other", "key: kep\n    feilds: [carrier]"))
        let result = try tool.run("validate")
        #expect(result.code == 1)
        #expect(result.error.isEmpty)
        #expect(
            result.out == """
                contracts/a.yaml: ok (id flights, version 1.0.0, 1 stream)
                contracts/b.yaml:13:10: error: 'key' is 'kep'; did you mean 'keep'?
                   13 |     key: kep
                      |          ^~~
                contracts/b.yaml:14:5: error: unknown key 'feilds' in a stream; did you mean 'fields'?
                   14 |     feilds: [carrier]
                      |     ^~~~~~
                2 errors in 1 of 2 contracts

                """)
        #expect(!result.out.contains("\u{1B}"))
    }

    @Test("takes files and directories, and passes over warnings")
    func words() throws {
        let tool = try Self.workspace()
        try tool.write(
            "contracts/a.yaml", Self.contract().replacing("tail,", with: "tail, type: string,"))
        try tool.write(
            "contracts/b.yaml",
            Self.contract(id: "b").replacing("[carrier,", with: "[{ path: o, type: object },"))
        #expect(try tool.run("validate", "contracts/a.yaml").code == 0)
        let both = try tool.run("validate", "contracts/", "contracts/a.yaml")
        #expect(both.code == 0)
        #expect(both.out.hasSuffix("1 warning in 1 of 2 contracts\n"))
        #expect(both.out.contains("contracts/b.yaml: ok (id b, version 1.0.0, 1 stream)"))
        let missing = try tool.run("validate", "contracts/c.yaml")
        #expect(missing.code == 2)
        #expect(
            missing.error
                == "crossdock: cannot read contracts/c.yaml: No such file or directory\n")
    }

    @Test("says when two contracts have one id")
    func duplicates() throws {
        let tool = try Self.workspace()
        try tool.write("contracts/a.yaml", Self.contract())
        try tool.write("contracts/b.yaml", Self.contract())
        let result = try tool.run("validate")
        #expect(result.code == 1)
        #expect(
            result.out.contains(
                "contracts/b.yaml:3:5: error: duplicate id 'flights': contracts/a.yaml has it already"
            ))
    }

    @Test("checks what it can without a crossdock.yaml, and says what it did not check")
    func alone() throws {
        let tool = try Tool()
        try tool.write("a.yaml", Self.contract())
        let result = try tool.run("validate", "a.yaml")
        #expect(result.code == 0)
        #expect(result.out.hasPrefix("a.yaml: ok"))
        #expect(
            result.error
                == "no crossdock.yaml here: names of clusters and keys were not looked up\n")
        let nothing = try tool.run("validate")
        #expect(nothing.code == 2)
        #expect(nothing.error.contains("crossdock init"))
        #expect(try tool.run("validate", "--config", "no.yaml", "a.yaml").code == 2)
    }

    @Test("exits 2 for a mistake in crossdock.yaml, and never shows its values")
    func configuration() throws {
        let tool = try Self.workspace()
        try tool.write(
            "crossdock.yaml",
            """
            clusters:
              internal:
                bootstrap.servers: 127.0.0.1:1
                acks: 1
                ssl.truststore.location: /x.jks
                linger.mss: 5
              skyways:
                bootstrap.servers: 127.0.0.1:1
                sasl.password: hunter2
            keys: { tail-2026: hunter2 }
            checkpoints:
              key: ${env:CHECKPOINT_KEY}
            """)
        try tool.write("contracts/a.yaml", Self.contract())
        let result = try tool.run("validate", "contracts/a.yaml")
        #expect(result.code == 2)
        let lines = result.error.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines[0].hasPrefix("crossdock.yaml:4:5: error: 'acks' is set by Crossdock"))
        #expect(
            lines[1].hasPrefix("crossdock.yaml:5:5: error: 'ssl.truststore.location' is a key of"))
        #expect(lines[2].hasPrefix("crossdock.yaml:6:5: error: unknown client key 'linger.mss'"))
        #expect(lines[3].hasPrefix("crossdock.yaml:9:5: warning: 'sasl.password' is written"))
        #expect(lines[4].hasPrefix("crossdock.yaml:10:20: error: key 'tail-2026' is named, never"))
        #expect(!(result.error + result.out).contains("hunter2"))
    }

    @Test("warns of a secret file that others can read")
    func exposure() throws {
        let tool = try Self.workspace()
        try tool.write("contracts/a.yaml", Self.contract())
        try tool.write("tail.key", "0123456789abcdef\n")
        try tool.write(
            "crossdock.yaml",
            Self.configuration.replacing("${env:TAIL_KEY}", with: "${file:tail.key}"))
        let result = try tool.run("validate")
        #expect(result.code == 0)
        #expect(
            result.error == "crossdock.yaml:5:14: warning: ${file:tail.key} can be read by other"
                + " users of this machine; chmod 600 tail.key\n")
    }

    @Test("as JSON gives machines the same")
    func json() throws {
        let tool = try Self.workspace()
        try tool.write("contracts/a.yaml", Self.contract("key: kep"))
        let result = try tool.run("validate", "--json")
        #expect(result.code == 1)
        #expect(
            result.out == #"{"configuration":{"file":"crossdock.yaml","diagnostics":[]},"#
                + #""contracts":[{"file":"contracts/a.yaml","id":"flights","version":null,"#
                + #""hash":null,"ok":false,"diagnostics":[{"severity":"error","#
                + #""file":"contracts/a.yaml","line":13,"column":10,"length":3,"#
                + #""message":"'key' is 'kep'; did you mean 'keep'?"}]}],"#
                + #""errors":1,"warnings":0}"# + "\n")
    }

    @Test("cannot be made to steer the terminal")
    func escapes() throws {
        let tool = try Self.workspace()
        try tool.write("contracts/a.yaml", Self.contract("key: \"\\e[31mkep\"\n    # \u{202E}x"))
        let result = try tool.run("validate")
        #expect(result.code == 1)
        #expect(!result.out.contains("\u{1B}"))
        #expect(!result.out.contains("\u{202E}"))
    }
}
