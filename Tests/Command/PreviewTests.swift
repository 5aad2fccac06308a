import Contracts
import Testing

/// `crossdock preview` without a cluster, through the built binary.
@Suite("Preview")
struct PreviewTests {
    static let contract = """
        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: seats
        version: 1.0.0
        status: draft
        source: { cluster: internal }
        target: { cluster: partner }
        streams:
          - from: seats
            to: partner.seats
            format: json
            filter: value.free > 0
            fields: [flight, { path: free, type: integer, required: true }]
            key: keep
            headers: [trace]

        """

    @Test("shows each decision with its reason, what leaves, and the names of what stays")
    func person() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        try tool.write(
            "values",
            """
            {"flight":"UA1","free":3,"cost":"canary"}
            {"flight":"UA2","free":0}
            {"flight":"UA3","free":1.5}
            broken

            """)
        let result = try tool.run("preview", "seats.yaml", "--values", "values")
        #expect(result.code == 0)
        let lines = result.out.split(separator: "\n").map(String.init)
        #expect(lines[0] == "seats[0]@0  delivered -> partner.seats")
        #expect(lines[1] == #"  - {"flight":"UA1","free":3,"cost":"canary"}"#)
        #expect(lines[2] == #"  + {"flight":"UA1","free":3}"#)
        #expect(lines[3] == "    not sent: cost")
        #expect(lines[4] == "seats[0]@1  filtered  value.free > 0 is false")
        #expect(lines[5] == #"  - {"flight":"UA2","free":0}"#)
        #expect(lines[6] == "seats[0]@2  quarantined  type: free: is number, not integer")
        #expect(lines[7] == #"  - {"flight":"UA3","free":1.5}"#)
        #expect(lines[8].hasPrefix("seats[0]@3  quarantined  invalid-json: byte 0: the record is"))
        #expect(lines[9] == "  - broken")
        #expect(lines[10] == "4 read: 1 delivered, 1 filtered, 2 quarantined")
        #expect(lines.count == 11)
    }

    @Test("shows what is retracted, as far as these records tell, and says so")
    func retracted() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract + "    onScopeExit: tombstone\n")
        func line(_ offset: Int, _ key: String, _ free: Int) -> String {
            #"{"topic":"seats","partition":0,"offset":\#(offset),"ts":1,"headers":[],"key":"\#(key)","#
                + #""payload":"{\"flight\":\"UA1\",\"free\":\#(free)}"}"# + "\n"
        }
        try tool.write(
            "records", line(0, "a", 1) + line(1, "b", 0) + line(2, "a", 0) + line(3, "a", 0))
        let result = try tool.run("preview", "seats.yaml", "--input", "records")
        #expect(result.code == 0)
        let lines = result.out.split(separator: "\n").map(String.init)
        #expect(lines.contains("seats[0]@1  filtered  value.free > 0 is false"))
        let retraction = try #require(
            lines.firstIndex(of: "seats[0]@2  delivered -> partner.seats"))
        let reason = "    retracted: the partner holds this key, and value.free > 0 is false"
        #expect(
            Array(lines[(retraction + 2)...(retraction + 4)])
                == ["  + null (a tombstone)", "    key: a", reason])
        #expect(lines.contains("seats[0]@3  filtered  value.free > 0 is false"))
        #expect(lines.contains("4 read: 2 delivered, 2 filtered"))
        #expect(lines.last?.hasPrefix("onScopeExit: no ledger is read") == true)
    }

    @Test("reads what kcat prints, and prints one JSON object a record")
    func machine() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        try tool.write(
            "records",
            #"{"topic":"seats","partition":2,"offset":7,"ts":1,"headers":["trace","t","x","y"],"#
                + #""key":"k","payload":"{\"flight\":\"UA1\",\"free\":3}"}"# + "\n"
                + #"{"topic":"seats","partition":2,"offset":8,"key":null,"payload":null}"# + "\n")
        let result = try tool.run("preview", "seats.yaml", "--input", "records", "--json")
        #expect(result.code == 0)
        #expect(
            result.out
                == #"{"stream":"seats","topic":"seats","partition":2,"offset":7,"#
                + #""decision":"delivered","reason":"","output":{"topic":"partner.seats","#
                + #""key":"k","payload":"{\"flight\":\"UA1\",\"free\":3}","headers":["trace","t"]}}"#
                + "\n"
                + #"{"stream":"seats","topic":"seats","partition":2,"offset":8,"#
                + #""decision":"filtered","reason":"tombstone","output":null}"# + "\n")
    }

    @Test("keys and headers that leave are shown, and names of all that stays, at every depth")
    func rest() throws {
        let tool = try Tool()
        try tool.write(
            "seats.yaml",
            Self.contract.replacing("[flight,", with: "['legs[].no', crew, flight,"))
        let value =
            #"{"flight":"A","free":3,"legs":[{"no":1,"gate":2},{"gate":3}],"crew":{"a":1},"#
            + #""x":{"y":{"z":1},"w":[]},"flight no":0}"#
        let quoted = JSONLiteral.quoted(value)
        try tool.write(
            "records",
            #"{"topic":"seats","partition":2,"offset":7,"headers":["trace",null,"own","y"],"#
                + #""key":"k","payload":\#(quoted)}"#)
        let result = try tool.run("preview", "seats.yaml", "--input", "records")
        #expect(result.code == 0)
        #expect(
            result.out == """
                seats[2]@7  delivered -> partner.seats
                  - {"flight":"A","free":3,"legs":[{"no":1,"gate":2},{"gate":3}],"crew":{"a":1},
                    "x":{"y":{"z":1},"w":[]},"flight no":0}
                  + {"legs":[{"no":1},{}],"crew":{"a":1},"flight":"A","free":3}
                    key: k
                    header: trace=null
                    not sent: legs[].gate, x.y.z, x.w, "flight no"; header own
                1 read: 1 delivered

                """)
        try tool.write("dropped.yaml", Self.contract.replacing("key: keep", with: "key: drop"))
        let dropped = try tool.run("preview", "dropped.yaml", "--input", "records")
        #expect(dropped.out.contains("\"flight no\"; the key;\n              header own\n"))
    }

    @Test("transforms, computed fields and keys come as they will leave, without a cluster")
    func transforms() throws {
        let tool = try Tool()
        let fields = """
            [{ path: id, pseudonym: { key: k } }, { path: card, mask: { keepLast: 2 } },
              { path: mail, encrypt: { key: k } }, { path: name, truncate: 3 },
              { path: fare, round: 0.5 }, { path: at, dateTruncate: day },
              { path: n, cast: string }, { path: gone, default: none },
              { as: late, value: value.free > 2 }, { as: by, constant: us }]
            """
        try tool.write(
            "seats.yaml",
            Self.contract.replacing(
                "[flight, { path: free, type: integer, required: true }]", with: fields))
        try tool.write(
            "crossdock.yaml",
            """
            clusters: { internal: { bootstrap.servers: "127.0.0.1:1" },
                        partner: { bootstrap.servers: "127.0.0.1:1" } }
            keys: { k: "${env:K}" }
            checkpoints: { key: "${env:K}" }

            """)
        try tool.write(
            "values",
            #"{"free":3,"id":"x","card":"1234","mail":"a@b","name":"Grace","fare":1.3,"#
                + #""at":"2026-01-31T08:00:00+02:00","n":1.50}"#)
        let words = ["preview", "seats.yaml", "--values", "values", "--json"]
        let environment = ["K=0123456789abcdef0123456789abcdef"]
        let result = try tool.run(words, environment: environment)
        #expect(result.code == 0, "\(result.error)")
        // HMAC-SHA-256 of "x"; the encrypted text hangs on the cluster, which a file has none of.
        let token = "5c92424a8406d6b121fb2ae247be1c20"
        let start = #"{\"id\":\"\#(token)\",\"card\":\"**34\",\"mail\":\""#
        let end =
            #"\",\"name\":\"Gra\",\"fare\":1.5,\"at\":\"2026-01-31T00:00:00Z\",\"n\":\"1.50\","#
            + #"\"gone\":\"none\",\"late\":true,\"by\":\"us\"}"#
        #expect(result.out.contains(start))
        #expect(result.out.contains(end), "\(result.out)")
        #expect(!result.out.contains("a@b"))
        #expect(try tool.run(words, environment: environment).out == result.out)
        let secretless = try tool.run(words)
        #expect(secretless.code == 2)
        #expect(secretless.error.contains("keys.k: ${env:K} the environment variable K is not set"))
    }

    @Test("where there is no crossdock.yaml test keys stand in, and it says so")
    func keyless() throws {
        let tool = try Tool()
        let contract = Self.contract.replacing("key: keep", with: "key: { pseudonym: { key: k } }")
        try tool.write("seats.yaml", contract)
        try tool.write(
            "records",
            #"{"topic":"seats","partition":0,"offset":1,"key":"x","payload":"{\"free\":1}"}"#)
        let result = try tool.run("preview", "seats.yaml", "--input", "records")
        #expect(result.code == 0)
        #expect(
            result.error
                == "no crossdock.yaml here: tokens and ciphertext are made with test keys\n")
        let token = result.out.split(separator: "\n").first { $0.contains("key: ") }?.suffix(32)
        try tool.write(
            "seats.yaml",
            contract + """
                tests:
                  - name: the same token
                    record: { key: x, value: { free: 1 } }
                    expect: { delivered: { key: \(token ?? ""), value: { free: 1 } } }
                """)
        #expect(try tool.run("test", "seats.yaml").code == 0)
    }

    @Test("records that are not text are decided and shown for what they are")
    func binary() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        let head: [UInt8] = Array(#"{"topic":"seats","partition":0,"offset":1,"key":""#.utf8)
        let line =
            head + [0xFF, 0xC3, 0xA9]
            + Array(#"\u0000","payload":"{\"flight\":\"x"#.utf8)
            + [0xC3, 0xA9] + Array(#"\",\"free\":1}"}"#.utf8)
        try tool.write("records", bytes: line + Array("\r\n".utf8))
        let good = try tool.run("preview", "seats.yaml", "--input", "records")
        #expect(good.out.contains("  delivered -> "), "\(good)")
        #expect(good.out.contains("    key: 0xffc3a900\n"))
        try tool.write(
            "values", bytes: Array(#"{"free":1,"flight":""#.utf8) + [0xFF] + Array(#""}"#.utf8))
        let bad = try tool.run("preview", "seats.yaml", "--values", "values")
        #expect(bad.out.contains("quarantined  invalid-json: byte 20: not UTF-8"))
    }

    @Test("nothing is wider than 80 columns, and nothing steers the terminal")
    func width() throws {
        let tool = try Tool()
        let topic = "seats" + String(repeating: "s", count: 50)
        try tool.write("seats.yaml", Self.contract.replacing("from: seats", with: "from: \(topic)"))
        let long = String(repeating: "ab ", count: 3000)
        let members = (0..<40).map { #""member\#($0)":1"# }.joined(separator: ",")
        try tool.write(
            "values", #"{"flight":"\#(long)","free":1,\#(members)}"# + "\n{\"free\":0,\u{1B}[31m\n")
        let result = try tool.run("preview", "seats.yaml", "--values", "values")
        #expect(result.code == 0)
        let lines = result.out.split(separator: "\n").map(String.init)
        for line in lines { #expect(line.count <= 80, "\(line)") }
        #expect(!result.out.contains("\u{1B}"))
        #expect(lines.count { $0.hasPrefix("    ") && $0.contains("ab ab") } == 3 + 19)
        #expect(result.out.contains("member11, … (40 in all)"))
        #expect(
            result.out.contains("quarantined\n    invalid-json: byte 10: expected a member name"))
    }

    @Test("takes as many lines as it is told, from standard input as well, and needs no end of it")
    func limits() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        try tool.write("values", "\n{\"free\":1}\n\n{\"free\":2}\n{\"free\":3}")
        let two = try tool.run("preview", "seats.yaml", "--values", "values", "--limit", "2")
        #expect(two.out.hasSuffix("2 read: 2 delivered\n"))
        let all = try tool.run("preview", "seats.yaml", "--values", "values")
        #expect(all.out.contains("seats[0]@2"))
        #expect(all.out.hasSuffix("3 read: 3 delivered\n"))
        let none = try tool.run("preview", "seats.yaml", "--values", "-")
        #expect(none.out == "0 read\n")
        // An endless line-wise source: yes(1) ends once nobody reads it any more.
        let endless = try tool.shell(
            "yes '{\"free\":1}' | \(Tool.binary()) preview seats.yaml --values - --limit 3")
        #expect(endless.out.hasSuffix("3 read: 3 delivered\n"))
    }

    @Test("a contract of several streams decides each record by its topic, in the order they come")
    func streams() throws {
        let tool = try Tool()
        try tool.write(
            "seats.yaml",
            Self.contract + """
                  - from: crews
                    to: partner.crews
                    format: bytes
                    key: drop
                """)
        func line(_ topic: String, _ offset: Int) -> String {
            #"{"topic":"\#(topic)","partition":0,"offset":\#(offset),"payload":"{\"free\":1}"}"#
                + "\n"
        }
        try tool.write("records", line("crews", 1) + line("seats", 2) + line("crews", 3))
        let all = try tool.run("preview", "seats.yaml", "--input", "records")
        let heads = all.out.split(separator: "\n").filter { $0.contains("@") }
        #expect(
            heads == [
                "crews[0]@1  delivered -> partner.crews", "seats[0]@2  delivered -> partner.seats",
                "crews[0]@3  delivered -> partner.crews",
            ])
        let one = try tool.run(
            "preview", "seats.yaml", "--input", "records", "--stream", "crews", "--limit", "1")
        #expect(one.out.hasSuffix("1 read: 1 delivered\n"))
        let unknown = try tool.run("preview", "seats.yaml", "--values", "-", "--stream", "crew")
        #expect(unknown.code == 64)
        #expect(unknown.error.contains("reads 'crew'; did you mean 'crews'?"))
        let unclear = try tool.run("preview", "seats.yaml", "--values", "-")
        #expect(unclear.code == 64)
    }

    @Test("a line that kcat did not print is named with its number, and nothing is guessed")
    func strangers() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        let good = #"{"topic":"seats","partition":0,"offset":1,"payload":null}"#
        for (line, problem) in [
            ("{\"flight\":1}", "it names no topic"), ("flight", "it is not a JSON object"),
            (good.replacing("0,", with: "-1,"), "it names no partition"),
            (good.replacing("1,", with: "1.5,"), "it names no offset"),
            (
                good.replacing(",\"payload\":null", with: ""),
                "it has no payload, not even a null one"
            ),
            (good.replacing("null", with: "{}"), "its payload is neither a text nor null"),
            (
                good.replacing("null", with: "null,\"headers\":[\"a\"]"),
                "its headers are no list of"
            ),
        ] {
            try tool.write("records", "\n\(good)\n\(line)\n")
            let result = try tool.run("preview", "seats.yaml", "--input", "records")
            #expect(result.code == 2)
            #expect(
                result.error.hasPrefix(
                    "crossdock: records:3: this is no line of kcat -C -J: \(problem)"),
                "\(result.error)")
        }
        try tool.write("records", good.replacing("seats", with: "seat"))
        let topic = try tool.run("preview", "seats.yaml", "--input", "records")
        #expect(topic.code == 2)
        #expect(topic.error.contains("records:1: no stream reads 'seat'; did you mean 'seats'?"))
    }

    @Test("says what it needs where it is called for something it cannot do")
    func usage() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        let cluster = try tool.run("preview", "seats.yaml")
        #expect(cluster.code == 2)
        #expect(cluster.error.contains("no crossdock.yaml here"))
        for words in [
            ["--from", "earliest", "--values", "-"], ["--values", "-", "--input", "-"],
            ["--limit", "0"], ["--from", "yesterday"],
        ] {
            let result = try tool.run(["preview", "seats.yaml"] + words)
            #expect(result.code == 64, "\(words): \(result.error)")
        }
        #expect(try tool.run("preview", "seats.yaml", "--values", "none").code == 2)
        try tool.write("broken.yaml", Self.contract.replacing("key: keep", with: "key: kep"))
        let broken = try tool.run("preview", "broken.yaml", "--values", "-")
        #expect(broken.code == 1)
        #expect(broken.error.contains("did you mean 'keep'?"))
    }
}
