import Contracts
import Testing

@Suite("A mistake in a contract is pointed at") struct DocumentMistakeTests {
    @Test("an unknown key, with the nearest valid one")
    func unknownKeys() {
        expect(
            Sample.stream("⟦filtr⟧: value.a > 1"),
            "unknown key 'filtr' in a stream; did you mean 'filter'?")
        expect(
            Sample.stream() + "⟦Delivery⟧: {}\n",
            "unknown key 'Delivery' in a contract; did you mean 'delivery'?")
        expect(
            Sample.stream() + "delivery: { ⟦burst⟧: 3 }\n",
            "unknown key 'burst' in delivery; it takes maxRecords, maxBytes, maxInterval")
    }

    @Test("what a later release honours is refused by name, never ignored")
    func later() {
        for key in ["slaProperties", "price", "schema"] {
            expect(
                Sample.stream() + "⟦\(key)⟧: {}\n",
                "'\(key)' is not available in this release; leave it out")
        }
        for format in ["avro", "protobuf"] {
            expect(
                Sample.stream("format: ⟦\(format)⟧", without: ["format"]),
                "'format: \(format)' is not available in this release; it takes json | bytes")
        }
    }

    @Test("a retraction needs a key that stays the same")
    func scopeExit() {
        expect(
            Sample.stream("key: drop\nonScopeExit: ⟦tombstone⟧", without: ["key"]),
            "'onScopeExit: tombstone' retracts by key, and 'key' is drop")
        expect(
            Sample.stream(
                "key: { path: a, encrypt: { key: k } }\nonScopeExit: ⟦tombstone⟧", without: ["key"]),
            "'onScopeExit: tombstone' retracts by key, and an encrypted key is another one for every"
                + " record; a pseudonym is not")
        expect(
            Sample.stream("onScopeExit: ⟦tombstones⟧"),
            "'onScopeExit' is 'tombstones'; did you mean 'tombstone'?")
        expect(
            Sample.stream("key: { path: a }\nonScopeExit: ⟦tombstone⟧", without: ["key"]),
            "a tombstone of the source holds no value to take the key from: what it deletes is not"
                + " retracted", severity: .warning)
    }

    @Test("a window or a quota that says nothing, or nonsense")
    func terms() {
        func expectTerms(_ text: String, _ message: String) {
            expect(Sample.stream() + text + "\n", message)
        }
        expectTerms("effective: ⟦{}⟧", "'effective' names neither 'from' nor 'until'")
        expectTerms(
            "effective: { from: ⟦2026-01-01⟧ }",
            "'from' is a time such as 2026-01-31T08:00:00Z; not '2026-01-01'")
        expectTerms(
            "effective: { from: 2026-01-01T00:00:00Z, ⟦until⟧: 2026-01-01T01:00:00+01:00 }",
            "'until' is not after 'from': no record could ever pass")
        expectTerms(
            "effective: { ⟦till⟧: 2026-01-01T00:00:00Z, from: 2026-01-01T00:00:00Z }",
            "unknown key 'till' in effective; it takes from, until")
        expectTerms(
            "quota: ⟦{}⟧", "'quota' names neither 'bytesPerSecond' nor 'recordsPerSecond'")
        expectTerms(
            "quota: { recordsPerSecond: ⟦0⟧ }",
            "'recordsPerSecond' is an integer, 1 to 1000000000")
        expectTerms(
            "quota: { bytesPerSecond: ⟦100⟧ }", "'bytesPerSecond' is 100; it takes 1KiB to 1TiB")
    }

    @Test("words that are none of the valid ones")
    func words() {
        expect(
            Sample.stream("onViolation: ⟦quarantain⟧"),
            "'onViolation' is 'quarantain'; did you mean 'quarantine'?")
        expect(
            Sample.stream("partition: ⟦hash⟧"), "'partition' is 'hash'; it takes keep | key")
        expect(
            Sample.stream("tombstones: ⟦[drop]⟧"),
            "'tombstones' is one of drop | forward; not a list")
        expect(
            Sample.stream("key: ⟦kep⟧", without: ["key"]), "'key' is 'kep'; did you mean 'keep'?")
        expect(
            Sample.fields("{ path: a, type: ⟦numbr⟧ }"), "'type' is 'numbr'; did you mean 'number'?"
        )
    }

    @Test("identity, version and topics")
    func names() {
        func replaced(_ key: String, _ value: String) -> String {
            Sample.stream().split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("\(key):") ? "\(key): \(value)" : String($0) }
                .joined(separator: "\n")
        }
        expect(
            replaced("id", "⟦Flights_1⟧"),
            "'id' is 1 to 100 of the characters a-z, 0-9, '.' and '-'; not 'Flights_1'")
        for version in ["1.3", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01"] {
            expect(
                replaced("version", "⟦\(version)⟧"),
                "'version' is a semantic version, major.minor.patch; not '\(version)'")
        }
        expect(
            replaced("apiVersion", "⟦crossdock/v2⟧"),
            "'apiVersion' is 'crossdock/v1'; not 'crossdock/v2'")
        expect(
            Sample.stream("from: ⟦a b⟧", without: ["from"]),
            "'a b' cannot name a Kafka topic: 1 to 249 letters, digits, '.', '_' and '-'")
        expect(
            Sample.stream("to: ⟦12⟧", without: ["to"]),
            "'to' is a string; write it in quotes if it is one")
        expect(
            replaced("source", "{ cluster: ⟦in ternal⟧ }"),
            "'cluster' is a name of letters, digits, '.', '_' and '-'")
        expect(
            Sample.stream().replacing("status: active", with: "status:⟦ ⟧"),
            "'status' is empty; it takes draft | active | suspended | retired")
    }

    @Test("names that crossdock.yaml does not know")
    func unknownNames() {
        let text = Sample.fields("{ path: a, pseudonym: { key: ⟦tail-2025⟧ } }")
            .replacing("cluster: partner", with: "cluster: ⟦partnr⟧")
        let places = Marked(text)
        #expect(places.places.count == 2)
        expect(
            text, "unknown cluster 'partnr'; did you mean 'partner'?",
            "unknown key 'tail-2025'; did you mean 'tail-2026'?",
            configuration: Sample.configuration
        )
        expect(
            Sample.stream("key: { pseudonym: { key: ⟦x⟧ } }", without: ["key"]),
            "unknown key 'x'; crossdock.yaml has card-2026, tail-2026",
            configuration: Sample.configuration)
    }

    @Test("sizes, durations and counts")
    func delivery() {
        for size in ["lots", "16 QiB", "-1", "1.5MiB", "99999999999999999999"] {
            expect(
                Sample.stream() + "delivery: { maxBytes: ⟦\(size)⟧ }\n",
                "'maxBytes' is a size such as 16MiB, 512KiB or a number of bytes")
        }
        expect(
            Sample.stream() + "delivery: { maxBytes: ⟦1GiB⟧ }\n",
            "'maxBytes' is 1GiB; it takes 1KiB to 256MiB")
        for time in ["100", "fast", "1.5s", "1w"] {
            expect(
                Sample.stream() + "delivery: { maxInterval: ⟦\(time)⟧ }\n",
                "'maxInterval' is a duration with its unit, such as 100ms, 5s, 10m, 1h or 30d")
        }
        expect(
            Sample.stream() + "delivery: { maxInterval: ⟦1h⟧ }\n",
            "'maxInterval' is 1h; it takes 1ms to 10s")
        for count in ["0", "many", "1.0", "'5'"] {
            expect(
                Sample.stream() + "delivery: { maxRecords: ⟦\(count)⟧ }\n",
                "'maxRecords' is an integer, 1 to 1000000")
        }
        expect(
            Sample.stream() + "delivery: ⟦5⟧\n",
            "delivery is a mapping of maxRecords, maxBytes, maxInterval; not a number")
    }

    @Test("where a stream starts")
    func start() throws {
        expect(
            Sample.stream("start: ⟦latst⟧"), "'start' is 'latst'; did you mean 'latest'?")
        for time in ["2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "yesterday"] {
            expect(
                Sample.stream("start: ⟦\(time)⟧"),
                "'start' is '\(time)'; it takes earliest, latest, a time such as"
                    + " 2026-01-31T08:00:00Z, or { group: NAME }")
        }
        expect(
            Sample.stream("start: { ⟦topic⟧: x, group: g }"),
            "unknown key 'topic' in start; it takes group")
        #expect(try contract(Sample.stream("start: latest")).streams[0].start == .latest)
    }

    @Test("two streams that read one topic, or write one")
    func topics() {
        let second = "  - { from: ⟦orders⟧, to: other, format: json, key: keep, fields: [id] }\n"
        expect(
            Sample.stream() + second,
            "duplicate 'from': the stream on line 9 reads 'orders' already")
        expect(
            Sample.stream()
                + "  - { from: b, to: ⟦partner.orders⟧, format: json, key: keep, fields: [id] }\n",
            "'partner.orders' is also the target of the stream on line 10; the order between the"
                + " two is not kept", severity: .warning)
        expect(
            Sample.stream("to: ⟦orders⟧", without: ["to"])
                .replacing("cluster: partner", with: "cluster: internal"),
            "'orders' is read and written on one cluster: the stream feeds itself")
        expect(Sample.top + "streams: ⟦[]⟧\n", "'streams' is empty; a contract has at least one")
        expect(Sample.top + "streams: ⟦5⟧\n", "'streams' is a list; not a number")
    }

    @Test("keys that cannot be")
    func keys() {
        let meaning = "keep | drop | { path: … } | { pseudonym: { key: … } }"
        expect(
            Sample.stream(without: ["key"]).replacing("- from", with: "- ⟦f⟧rom"),
            "missing 'key' in a stream: \(meaning)")
        expect(
            Sample.stream("key: drop\npartition: ⟦key⟧", without: ["key"]),
            "'partition: key' needs a key, and 'key' is drop")
        expect(
            Sample.stream("key: { path: id }\ntombstones: ⟦forward⟧", without: ["key"]),
            "a tombstone has no value to take the key from; 'key: { path }' needs 'tombstones: drop'"
        )
        expect(
            Sample.stream("key: { path: ⟦'a[].b'⟧ }", without: ["key"]),
            "a key is one value; 'a[].b' is every element")
        expect(
            Sample.stream("key: ⟦{ mask: { keepLast: 4 } }⟧", without: ["key"]),
            "missing 'path' in key: \(meaning)")
        expect(
            Sample.stream("key: { path: id, pseudonym: { key: k }, ⟦mask⟧: {} }", without: ["key"]),
            "'pseudonym' and 'mask': a field takes one of them")
    }

    @Test("what a filter gets wrong, wherever in the file its text stands")
    func filters() {
        let message = "unknown variable 'valu'; did you mean 'value'?"
        for filter in [
            "value.a > 1 && ⟦valu⟧.b == 'x'", "'value.a == ''é'' && ⟦valu⟧.b == 2'",
            #""value.a == \"\u00e9\" && ⟦valu⟧.b == 2""#,
            "|\n  value.a > 1\n    && ⟦valu⟧.b == 'x'", ">-\n  value.a > 1 &&\n\n  ⟦valu⟧.b == 'x'",
            "value.a == '𝄞é' &&\n      ⟦valu⟧.b == 'x'",
        ] {
            expect(Sample.stream("filter: \(filter)"), message)
        }
        expect(
            Sample.stream("filter: ⟦valu⟧.a == ⟦valu⟧.b"), message, message)
        let absent = "'filter' is a CEL expression; leave it out to let every record pass"
        expect(
            Sample.stream("filter: value.a ⟦=⟧ 1"),
            "'=' means nothing in CEL; did you mean '=='?")
        expect(Sample.stream("filter: value.a ⟦~⟧ 1"), "'~' means nothing in CEL")
        expect(Sample.stream("filter: ⟦[a]⟧"), absent)
        expect(Sample.stream("filter: ⟦''⟧"), absent)
    }

    @Test("headers named twice or not named")
    func headers() {
        expect(Sample.stream("headers: [a, ⟦a⟧]"), "header 'a' is named twice")
        expect(Sample.stream("headers: ⟦trace⟧"), "'headers' is a list; not a string")
        expect(Sample.stream("headers: [⟦''⟧]"), "'headers' is empty")
        expect(Sample.stream(#"headers: [⟦"a\0b"⟧]"#), "'headers' holds a NUL character")
    }

    @Test("bytes let everything out, and cannot choose")
    func bytes() {
        expect(
            Sample.stream("format: ⟦bytes⟧", without: ["format", "fields"]),
            "'bytes' lets out every record's whole value, with whatever is added to it later; only"
                + " 'format: json' can choose", severity: .warning)
        let reading = ContractReader.read(
            bytes: Array(
                Sample.stream("format: bytes\nkey: { path: id }", without: ["format", "key"]).utf8),
            file: "c")
        #expect(
            reading.diagnostics.filter { $0.severity == .error }.map(\.message) == [
                "'fields' cannot choose from 'format: bytes', which goes out whole; leave it out,"
                    + " or say 'format: json'", "a key from a path needs 'format: json'",
            ])
    }
}
