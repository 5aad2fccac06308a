import Contracts
import Cryptography
import Testing

/// contract.md, "Transforms": the ones that rewrite, the checks, defaults and computed fields.
@Suite struct TransformTests {
    private func field(_ value: String, _ transform: Transform) throws -> String? {
        let stream = try Engine.stream(fields: [Engine.field("a", transform)])
        return try Engine.decide(stream, "{\"a\":\(value)}").value
    }

    @Test(arguments: [
        ("0.1", "3.14159", "3.1"), ("0.1", "3.15", "3.2"), ("0.1", "-3.15", "-3.2"),
        ("0.1", "3", "3"), ("0.1", "2.98", "3"), ("0.1", "0.04", "0"), ("0.1", "-0.04", "0"),
        ("0.1", "0.05", "0.1"), ("1", "0.5", "1"), ("1", "-0.5", "-1"), ("1", "1e3", "1000"),
        ("1", "12345678901234567890123.5", "12345678901234567890124"), ("5", "12.5", "15"),
        ("5", "12.4999", "10"), ("100", "149.99", "100"), ("1e2", "150", "200"),
        ("0.25", "1.1", "1"), ("0.25", "1.125", "1.25"), ("7", "3.5", "7"), ("7", "3.49", "0"),
        ("3", "4.5", "6"), ("3", "4.4999999", "3"), ("0.001", "9.9995", "10"), ("1", "1e-300", "0"),
        ("0.5", "1E+2", "100"), ("1", "0", "0"), ("1", "-0.0", "0"),
    ])
    func `a number becomes the nearest multiple, half away from zero`(
        _ step: String, _ value: String, _ rounded: String
    ) throws {
        #expect(try field(value, .round(step)) == "{\"a\":\(rounded)}")
    }

    @Test func `what cannot be rounded is a violation`() throws {
        for value in ["\"1\"", "true", "1e401", "[1]"] {
            #expect(try field(value, .round("0.1")) == nil)
        }
        #expect(try field("null", .round("0.1")) == "{\"a\":null}")
    }

    @Test(
        arguments: [
            (.string, "5.0", "\"5.0\""), (.string, "true", "\"true\""),
            (.string, #""a\u0041""#, #""a\u0041""#), (.integer, "5.0", "5"),
            (.integer, "1e3", "1000"),
            (.integer, "\"42\"", "42"), (.integer, "-0", "0"), (.integer, "10e-1", "1"),
            (.integer, "1.5", nil), (.integer, "\"042\"", nil), (.integer, "\" 4\"", nil),
            (.integer, "true", nil), (.number, "\"1.50\"", "1.50"), (.number, "\"1e5\"", "1e5"),
            (.number, "\"+1\"", nil), (.number, "\"\"", nil), (.number, "\"0x1\"", nil),
            (.boolean, "\"true\"", "true"), (.boolean, "false", "false"),
            (.boolean, "\"yes\"", nil),
            (.boolean, "1", nil), (.string, "[1]", nil), (.string, "null", "null"),
        ] as [(Transform.Cast, String, String?)])
    func `a scalar is cast or is a violation`(
        _ type: Transform.Cast, _ value: String, _ result: String?
    ) throws {
        #expect(try field(value, .cast(type)) == result.map { "{\"a\":\($0)}" })
    }

    @Test(
        arguments: [
            (.year, "2026-07-31T08:12:13.5+02:00", "2026-01-01T00:00:00Z"),
            (.month, "2026-07-01T01:00:00+02:00", "2026-06-01T00:00:00Z"),
            (.day, "2026-01-01T00:30:00+01:00", "2025-12-31T00:00:00Z"),
            (.hour, "2026-02-28T23:59:60Z", "2026-03-01T00:00:00Z"),
            (.hour, "2024-02-29T23:59:59Z", "2024-02-29T23:00:00Z"),
            (.day, "2026-02-30T00:00:00Z", nil), (.day, "0001-01-01T00:00:00+01:00", nil),
            (.day, "yesterday", nil),
        ] as [(Transform.DateUnit, String, String?)])
    func `a time is cut to its unit in UTC`(
        _ unit: Transform.DateUnit, _ value: String, _ cut: String?
    ) throws {
        #expect(
            try field("\"\(value)\"", .dateTruncate(unit)) == cut.map { "{\"a\":\"\($0)\"}" })
    }

    @Test func `a text is cut to characters, not to code points`() throws {
        #expect(try field(#""e\u0301xyz""#, .truncate(2)) == "{\"a\":\"e\u{301}x\"}")
        #expect(try field("\"ab\"", .truncate(9)) == #"{"a":"ab"}"#)
        #expect(try field("\"ab\"", .truncate(0)) == #"{"a":""}"#)
        #expect(try field("12", .truncate(1)) == nil)
    }

    // MARK: encryption

    private let secret = Array("0123456789abcdef0123456789abcdef".utf8)

    private func sealed(
        _ value: String, contract: String = "test", cluster: String = "home", offset: Int64 = 7,
        path: String = "a[].b"
    ) throws -> [String] {
        let decider = try StreamDecider(
            contractID: contract, sourceCluster: cluster,
            stream: Engine.stream(fields: [Engine.field(path, .encrypt(key: "e"))]),
            keys: ["e": secret], partnerPartitions: 1)
        let output = decider.outcome(EngineRecord(value: value, partition: 3, offset: offset)).value
        return (output ?? "").matches(of: /"([A-Za-z0-9+\/=]{28,})"/).map { String($0.output.1) }
    }

    @Test func `an encrypted value opens under its key, contract and path, and only there`() throws
    {
        let texts = try sealed(#"{"a":[{"b":"geheim\u0021"},{"b":12.50}]}"#)
        let plain = try texts.map { text in
            let bytes = try #require(Base64.decode(text))
            return String(
                decoding: try AESGCM.open(
                    Array(bytes[12...]), key: secret, nonce: Array(bytes[..<12]),
                    additionalData: Array("test|a[].b".utf8)), as: UTF8.self)
        }
        #expect(plain == ["geheim!", "12.50"])
        let bytes = try #require(Base64.decode(texts[0]))
        #expect(throws: CryptographyFailure.notAuthentic) {
            try AESGCM.open(
                Array(bytes[12...]), key: secret, nonce: Array(bytes[..<12]),
                additionalData: Array("other|a[].b".utf8))
        }
    }

    @Test func `a replay gives the same bytes, and nothing else shares a nonce`() throws {
        let value = #"{"a":[{"b":"x"},{"b":"x"}]}"#
        let first = try sealed(value)
        #expect(try sealed(value) == first)
        var nonces = first.map { $0.prefix(16) }
        nonces += try sealed(#"{"a":[{"b":"y"}]}"#).map { $0.prefix(16) }
        nonces += try sealed(value, offset: 8).map { $0.prefix(16) }
        nonces += try sealed(value, contract: "tes").map { $0.prefix(16) }
        nonces += try sealed(value, cluster: "away").map { $0.prefix(16) }
        #expect(Set(nonces).count == nonces.count && nonces.count == 9)
    }

    @Test func `a key of another length is refused before any record`() throws {
        #expect(throws: EngineError.self) {
            try StreamDecider(
                contractID: "test", sourceCluster: "home",
                stream: Engine.stream(fields: [Engine.field("a", .encrypt(key: "k1"))]),
                keys: Engine.keys, partnerPartitions: 1)
        }
    }

    // MARK: keys

    @Test func `a key from a path is transformed and leaves as text`() throws {
        func key(_ transform: Transform?, _ value: String) throws -> String? {
            let stream = try Engine.stream(["a"], key: .path(Path(text: "id"), transform))
            return try Engine.decide(stream, "{\"a\":1,\"id\":\(value)}").key
        }
        #expect(try key(.truncate(2), "\"abcd\"") == "ab")
        #expect(try key(.round("10"), "14") == "10")
        #expect(try key(.cast(.string), "1.50") == "1.50")
        #expect(try key(.cast(.integer), "\"7\"") == "7")
        #expect(try key(.dateTruncate(.day), "\"2026-07-31T08:00:00Z\"") == "2026-07-31T00:00:00Z")
        #expect(try key(.round("10"), "\"14\"") == nil)
    }

    // MARK: checks and defaults

    @Test(
        arguments: [
            (FieldChecks(allowed: ["\"NO\"", "1.0", "true"]), "\"N\\u004f\"", true),
            (FieldChecks(allowed: ["\"NO\"", "1.0", "true"]), "1", true),
            (FieldChecks(allowed: ["\"NO\"", "1.0", "true"]), "10e-1", true),
            (FieldChecks(allowed: ["\"NO\"", "1.0", "true"]), "\"1\"", false),
            (FieldChecks(allowed: ["\"NO\"", "1.0", "true"]), "false", false),
            (FieldChecks(allowed: ["\"NO\""]), "null", true),
            (FieldChecks(pattern: "^[A-Z]{2}$"), "\"NO\"", true),
            (FieldChecks(pattern: "^[A-Z]{2}$"), "\"NOR\"", false),
            (FieldChecks(pattern: "b"), "\"abc\"", true),
            (FieldChecks(pattern: "x"), "5", true), (FieldChecks(minimum: "0"), "-0.0", true),
            (FieldChecks(minimum: "0"), "-1e-400", false),
            (FieldChecks(maximum: "1e400"), "1e401", false),
            (FieldChecks(maximum: "0.3"), "0.30000000000000000001", false),
            (FieldChecks(minimum: "-5", maximum: "5"), "-5.00", true),
            (FieldChecks(maxLength: 2), #""\ud834\udd1eé""#, true),
            (FieldChecks(maxLength: 2), "\"abc\"", false),
        ] as [(FieldChecks, String, Bool)])
    func `a check says what JSON Schema's word says`(
        _ checks: FieldChecks, _ value: String, _ passes: Bool
    ) throws {
        let path = try Path(text: "a")
        let stream = try Engine.stream(
            fields: [Field(source: .path(path), output: path, checks: checks)])
        let outcome = try Engine.decide(stream, "{\"a\":\(value)}")
        #expect(outcome.decision == (passes ? .delivered : .quarantined))
        #expect(outcome.rule == (passes ? nil : .check))
        #expect(!outcome.detail.contains("abc"))
    }

    @Test func `a default stands in for what is absent, and for nothing else`() throws {
        let path = try Path(text: "a")
        let stream = try Engine.stream(
            fields: [
                Field(
                    source: .path(path), output: try Path(text: "x"), type: .string,
                    fallback: #"{"none":1.0}"#, transform: .mask(Mask()))
            ])
        #expect(try Engine.decide(stream, "{}").value == #"{"x":{"none":1.0}}"#)
        #expect(try Engine.decide(stream, #"{"a":null}"#).value == #"{"x":null}"#)
        #expect(try Engine.decide(stream, #"{"a":"yz"}"#).value == #"{"x":"**"}"#)
        #expect(try Engine.decide(stream, #"{"a":1}"#).decision == .quarantined)
    }

    // MARK: computed

    @Test(
        arguments: [
            ("value.n >= 60", "true"), ("value.n * 2", "124"), ("double(value.n) / 4.0", "15.5"),
            ("1e21", "1e+21"), ("1e20", "100000000000000000000"), ("0.000001", "0.000001"),
            ("1.5e-7", "1.5e-7"), ("-0.0", "0"), ("123456789.125", "123456789.125"),
            ("5e-324", "5e-324"), ("0.1 + 0.2", "0.30000000000000004"), ("1.0", "1"),
            ("18446744073709551615u", "18446744073709551615"), ("b'\\x00\\xff'", "\"AP8=\""),
            ("timestamp", "\"2023-11-14T22:13:20Z\""), ("duration('1.5s')", "\"1.500s\""),
            ("value.s + '\"'", #""é\"""#), ("{'b': 1, 'a': [null, {}]}", #"{"a":[null,{}],"b":1}"#),
            ("value.o", #"{"x":[1,2.5],"y":"é"}"#), ("value.?gone", nil), ("optional.of(1)", "1"),
            ("value.list.filter(e, e > 1)", "[2,3]"), ("0.0 / 0.0", "violation"),
            ("value.gone", "violation"),
            ("{1: 2}.size()", "1"), ("dyn({1: 2})", "violation"),
        ] as [(String, String?)])
    func `a computed field is written as JSON`(_ text: String, _ json: String?) throws {
        let stream = try Engine.stream(
            fields: [
                Engine.field("n"),
                Field(source: .value(Expression(text: text)), output: try Path(text: "c")),
            ])
        let outcome = try Engine.decide(
            stream, #"{"n":62,"s":"\u00e9","o":{"y":"\u00e9","x":[1,2.50]},"list":[1,2,3]}"#)
        if json == "violation" {
            #expect(outcome.rule == .computed, "\(outcome)")
        } else {
            #expect(outcome.value == json.map { "{\"n\":62,\"c\":\($0)}" } ?? #"{"n":62}"#)
        }
    }
}
