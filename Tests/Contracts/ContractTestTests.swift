import Contracts
import Testing

/// The `tests:` section of a contract: how it is read, and what is compared.
@Suite("Contract tests") struct ContractTestTests {
    private let base = Sample.stream(
        """
        filter: value.free > 0
        headers: [trace]
        """, without: ["fields"]
    ).replacing(
        "key: keep", with: "key: keep\n    fields: [id, { path: free, type: integer }, 'legs[].no']"
    )

    /// The reading of the contract with these lines under `tests:`.
    private func read(_ tests: String) -> ContractReading {
        ContractReader.read(bytes: Array((base + "tests:\n" + tests).utf8), file: "c.yaml")
    }

    /// `what|expected|got` of the one test's differences.
    private func differences(_ record: String, _ expect: String) throws -> [String] {
        let reading = read(
            "  - name: a\n    record: \(record)\n    expect: \(expect)\n")
        #expect(reading.diagnostics == [])
        var runner = ContractTestRunner(try #require(reading.contract))
        let test = try #require(reading.tests.first)
        return try runner.run(test).map { "\($0.what)|\($0.expected)|\($0.got)" }
    }

    @Test("what leaves is compared as it is: members, their order, the text of numbers")
    func values() throws {
        let record = #"{ key: k, value: '{"id":1.50,"free":2,"legs":[{"no":"é"},{}],"x":0}' }"#
        func deliver(_ value: String) throws -> [String] {
            try differences(record, "{ delivered: { key: k, value: \(value) } }")
        }
        #expect(try deliver(#"{ id: 1.50, free: 2, legs: [{ no: é }, {}] }"#) == [])
        #expect(try deliver(#"'{"id": 1.50, "free":2, "legs":[{"no":"\u00e9"}, {}]}'"#) == [])
        #expect(
            try deliver("{ id: 1.5, free: 2, legs: [{ no: é }, {}] }") == ["value.id|1.5|1.50"])
        #expect(
            try deliver("{ free: 2, id: 1.50, legs: [{ no: é }, {}] }") == [
                "order of members|free, id, legs[0].no, legs[1]|id, free, legs[0].no, legs[1]"
            ])
        #expect(
            try deliver("{ id: 1.50, free: 2, legs: [{ no: é, x: 1 }], y: null }") == [
                "value.legs[0].x|1|nothing", "value.y|null|nothing", "value.legs[1]|nothing|{}",
            ])
        // Canonically equivalent is not equal.
        #expect(
            try deliver("{ id: 1.50, free: 2, legs: [{ no: \"e\\u0301\" }, {}] }").count == 1)
    }

    @Test("a key or a header that is not named must not leave")
    func rest() throws {
        let record =
            "{ key: k, value: { free: 1 }, headers: [{ trace: a }, { own: b }, { trace: ~ }] }"
        let value = "value: { free: 1 }"
        let headers = "headers: [{ trace: a }, { trace: null }]"
        #expect(
            try differences(record, "{ delivered: { key: k, \(value), \(headers) } }") == [])
        #expect(
            try differences(record, "{ delivered: { \(value), \(headers) } }") == [
                #"key|nothing|"k""#
            ])
        #expect(
            try differences(record, "{ delivered: { key: k, \(value) } }") == [
                #"headers|nothing|trace: "a", trace: null"#
            ])
        #expect(
            try differences(
                "{ key: { base64: /w== }, value: { free: 1 } }",
                "{ delivered: { topic: theirs, key: ÿ, \(value) } }") == [
                    "topic|theirs|partner.orders", "key|\"ÿ\"|base64: /w==",
                ])
        #expect(
            try differences("{ key: { base64: /w== }, value: { free: 1 } }", "delivered") == [])
    }

    @Test("what does not leave is compared by decision, rule, path and a part of the reason")
    func refusals() throws {
        #expect(try differences("{ value: { free: 0 } }", "filtered") == [])
        #expect(try differences("{ value: null }", "{ filtered: { reason: tombstone } }") == [])
        #expect(
            try differences("{ value: { free: 1.5 } }", "filtered") == [
                "decision|filtered|quarantined (type: free: is number, not integer)"
            ])
        #expect(
            try differences(
                "{ value: { free: 1.5 } }",
                "{ quarantined: { rule: check, path: id, reason: long } }") == [
                    "rule|check|type", "path|id|free",
                    "reason|… long …|type: free: is number, not integer",
                ])
        #expect(
            try differences(
                "{ value: '{\"free\":1' }",
                "{ quarantined: { rule: invalid-json, reason: byte 9 } }") == [])
        #expect(
            try differences("{ value: { free: 1 } }", "filtered") == [
                "decision|filtered|delivered"
            ])
    }

    @Test("a record has what the filter may ask for")
    func sources() throws {
        let text = Sample.stream(
            "filter: offset == 7 && partition == 3 && timestamp == timestamp('2026-01-31T08:00:00Z')"
        )
        let reading = ContractReader.read(
            bytes: Array(
                (text + """
                    tests:
                      - name: a
                        record: { value: {}, offset: 7, partition: 3, timestamp: 2026-01-31T08:00:00Z }
                        expect: delivered
                    """).utf8), file: "c.yaml")
        #expect(reading.diagnostics == [])
        var runner = ContractTestRunner(try #require(reading.contract))
        #expect(try runner.run(try #require(reading.tests.first)) == [])
    }

    @Test("pseudonyms and encryption need no secret, and are the same on every machine")
    func keys() throws {
        let text = Sample.fields(
            "{ path: id, pseudonym: { key: tail-2026 } }", "{ path: a, encrypt: { key: card } }")
        let reading = ContractReader.read(
            bytes: Array(
                (text + """
                    tests:
                      - name: a
                        record: { value: { id: x, a: 1 } }
                        expect: { delivered: { value: { id: b, a: c } } }
                    """).utf8), file: "c.yaml")
        var runner = ContractTestRunner(try #require(reading.contract))
        let differences = try runner.run(try #require(reading.tests.first))
        // HMAC-SHA-256 of "x" under SHA-256("crossdock contract test key: tail-2026").
        #expect(differences.first?.got == "\"f22592552b7875f1dc2db91a584eb3cc\"")
        #expect(differences.count == 2)
    }

    @Test("every mistake is told at once")
    func all() {
        expect(
            base + """
                tests:
                  - name: a
                    stream: ⟦order⟧
                    record: ⟦{ ⟦valeu⟧: {} }⟧
                    expect: ⟦deliverd⟧
                  - name: ⟦a⟧
                    record: { value: ⟦5⟧ }
                    expect: { quarantined: { rule: ⟦typ⟧ } }
                  - name: b
                    record: { value: {}, timestamp: ⟦today⟧ }
                    expect: { delivered: { value: ⟦'[1]'⟧ } }
                  - name: c
                    record: { value: {}, headers: { t: ⟦1⟧ } }
                    expect: ⟦{}⟧
                """,
            "no stream reads 'order'; did you mean 'orders'?",
            "missing 'value' in a record: a mapping, JSON text, or null for a tombstone",
            "unknown key 'valeu' in a record; did you mean 'value'?",
            "'expect' is 'deliverd'; did you mean 'delivered'?",
            "line 17 has a test of that name already",
            "'value' is a mapping, JSON text in quotes, or null for a tombstone; not a number",
            "'rule' is 'typ'; did you mean 'type'?",
            "'timestamp' is an RFC 3339 time such as 2026-01-31T08:00:00Z",
            "nothing like this can leave: byte 0: the record is not an object",
            "'t' is a text in quotes, { base64: … } or null; not a number",
            "'expect' names one of delivered | filtered | dropped | quarantined | stopped")
    }

    @Test("where there are several streams a test names its own")
    func streams() {
        let two =
            Sample.stream() + """
                  - from: stock
                    to: partner.stock
                    format: json
                    key: keep
                    fields: [id]

                """
        expect(
            two + """
                tests:
                  - ⟦n⟧ame: a
                    record: { value: {} }
                    expect: filtered
                """, "missing 'stream' in a test: the topic it comes from, orders | stock")
    }

    // MARK: the hash

    private func hash(_ text: String) throws -> String {
        let reading = ContractReader.read(bytes: Array(text.utf8), file: "c.yaml")
        #expect(reading.diagnostics == [])
        return try #require(reading.contract).hash
    }

    @Test("a test changes nothing of a contract's hash, what decides records all of it")
    func hashes() throws {
        let plain = Sample.stream()
        let tests = "tests: [{ name: a, record: { value: {} }, expect: delivered }]\n"
        let expected = try hash(plain)
        for same in [
            plain + tests, plain + "\n# why\n\n" + tests, String(plain.dropLast()),
            plain + "\n# remarks\n", plain + tests.replacing("name: a", with: "name: b"),
            plain + tests + "# end",
        ] {
            #expect(try hash(same) == expected, "\(same)")
        }
        for other in [
            plain.replacing("1.0.0", with: "1.0.1"), plain + "delivery: {}\n" + tests,
            plain + "  # remark\ndelivery: {}\n", "# remark\n" + plain,
        ] {
            #expect(try hash(other) != expected, "\(other)")
        }
    }

    @Test("nothing that decides records can stand behind or inside the tests")
    func hiding() {
        let message = "'tests' stands last in a contract, and at the start of its line"
        let plain = Sample.stream()
        expect(plain + "⟦tests⟧: []\ndelivery: { maxRecords: 1 }\n", message)
        expect(plain + "⟦\"tests\"⟧: []\n", message)
        // A block scalar's text looks like a section or a comment and is neither.
        let block = plain + "description: |\n  tests:\n  # text\n"
        #expect(
            ContractReader.read(bytes: Array(block.utf8), file: "c.yaml").contract?.description
                == "tests:\n# text\n")
        // In flow style a cut would end inside the mapping.
        let flow = "{ apiVersion: crossdock/v1,\ntests: [] }"
        #expect(ContractReader.read(bytes: Array(flow.utf8), file: "c.yaml").contract == nil)
        for end in ["\r", "\u{85}", "\u{2028}"] {
            let odd = plain + "delivery: { maxRecords: 7 }\(end)tests: []\(end)"
            let reading = ContractReader.read(bytes: Array(odd.utf8), file: "c.yaml")
            let records = reading.contract?.delivery.maxRecords
            #expect(records == nil || records == 7, "\(end.unicodeScalars.map(\.value))")
        }
    }

    @Test("a file beside a contract holds tests alone")
    func beside() throws {
        #expect(ContractTestReader.fileBeside("a/first.yaml") == "a/first.tests.yaml")
        let contract = try contract(base)
        func read(_ text: String) -> ContractTestReading {
            ContractTestReader.read(bytes: Array(text.utf8), file: "c.tests.yaml", of: contract)
        }
        let good = read("tests: [{ name: a, record: { value: {} }, expect: filtered }]")
        #expect(good.diagnostics == [])
        #expect(good.tests.map(\.name) == ["a"])
        #expect(
            read("test: []").diagnostics.map(\.text) == [
                "c.tests.yaml:1:1: error: unknown key 'test' in a file of tests; did you mean"
                    + " 'tests'?",
                "c.tests.yaml:1:1: error: missing 'tests' in a file of tests: a list of tests",
            ])
        #expect(read("").diagnostics.map(\.text) == ["c.tests.yaml:1:1: error: the file is empty"])
    }
}
