import Contracts
import Cryptography
import Testing

/// contract.md, "Paths" and "Transforms".
@Suite struct EngineFieldTests {
    @Test func `only named members leave, in the contract's order`() throws {
        let outcome = try Engine.decide(
            Engine.stream(["c", "a"]),
            #"{"a": 1.50, "secret": [1], "b": {"a": 2}, "c": "x\u0041"}"#)
        #expect(outcome.value == #"{"c":"x\u0041","a":1.50}"#)
    }

    @Test func `numbers keep their source text`() throws {
        let numbers = "[1e400,-0,0.10,1E+2,123456789012345678901234567890,-1.0e-7]"
        let outcome = try Engine.decide(Engine.stream(["n"]), "{\"n\":\(numbers)}")
        #expect(outcome.value == "{\"n\":\(numbers)}")
    }

    @Test func `a dotted output builds an object where the first of its members stands`() throws {
        let stream = try Engine.stream(
            fields: [
                Engine.field("x", as: "s.x"), Engine.field("m"), Engine.field("y", as: "s.y"),
                Engine.field("z", as: "s.t.z"),
            ])
        #expect(
            try Engine.decide(stream, #"{"z":4,"y":3,"m":2,"x":1}"#).value
                == #"{"s":{"x":1,"y":3,"t":{"z":4}},"m":2}"#)
        #expect(try Engine.decide(stream, #"{"y":3,"m":2}"#).value == #"{"s":{"y":3},"m":2}"#)
        #expect(try Engine.decide(stream, #"{"m":2}"#).value == #"{"m":2}"#)
        #expect(try Engine.decide(stream, "{}").value == "{}")
    }

    @Test func `elements of one array merge, and one with neither member is an empty object`()
        throws
    {
        let stream = try Engine.stream(
            fields: [
                Engine.field("legs[].no", as: "segments[].flight"),
                Engine.field("legs[].seat", as: "segments[].seat"),
            ])
        let value =
            #"{"legs": [ {"no":1,"x":9,"seat":"A"} , {"seat":"B"}, {"x":1}, 7, null, [{"no":3}] ]}"#
        #expect(
            try Engine.decide(stream, value).value
                == #"{"segments":[{"flight":1,"seat":"A"},{"seat":"B"},{},{},{},{}]}"#)
        #expect(try Engine.decide(stream, #"{"legs":[]}"#).value == #"{"segments":[]}"#)
        #expect(try Engine.decide(stream, #"{"legs":{"no":1}}"#).value == "{}")
        #expect(try Engine.decide(stream, #"{"legs":null}"#).value == "{}")
    }

    @Test func `arrays in arrays and whole elements`() throws {
        let stream = try Engine.stream(
            fields: [
                Engine.field("a[].b[].c"), Engine.field("a[].b[].d.e", as: "a[].b[].f"),
                Engine.field("tags[]", as: "labels[]"),
            ])
        let value =
            #"{"tags":["x", 1, null, {"k":[ 2]}],"a":[{"b":[{"c":1,"d":{"e":"q","z":0}},{}]},{"b":3},{}]}"#
        #expect(
            try Engine.decide(stream, value).value
                == #"{"a":[{"b":[{"c":1,"f":"q"},{}]},{},{}],"labels":["x",1,null,{"k":[ 2]}]}"#)
    }

    @Test func `a path through something that is no object leads nowhere`() throws {
        let stream = try Engine.stream(["p.q"])
        for value in [#"{"p":1}"#, #"{"p":[{"q":1}]}"#, #"{"p":null}"#, #"{"p":"q"}"#, "{}"] {
            #expect(try Engine.decide(stream, value).value == "{}")
        }
        #expect(try Engine.decide(stream, #"{"p":{"q":null,"r":1}}"#).value == #"{"p":{"q":null}}"#)
    }

    @Test func `names with dots, spaces and escapes are told apart`() throws {
        let stream = try Engine.stream([#""a.b".c"#, #""x y""#, #""q\"r""#])
        let value = #"{"a":{"b":{"c":1}},"a\u002eb":{"c":2},"x y":3,"q\u0022r":4}"#
        #expect(try Engine.decide(stream, value).value == #"{"a.b":{"c":2},"x y":3,"q\"r":4}"#)
    }

    @Test func `a constant leaves as the contract has it`() throws {
        let constant = Field(
            source: .constant(#"{"by":"Crossdock"}"#), output: try Path(text: "meta.provider"))
        #expect(
            try Engine.decide(Engine.stream(["a"], fields: [constant]), #"{"a":1}"#).value
                == #"{"a":1,"meta":{"provider":{"by":"Crossdock"}}}"#)
    }

    @Test(arguments: [
        (JSONType.string, [#""x""#, #""\n""#], ["1", "true", "{}", "[]"]),
        (
            .integer, ["1", "1.0", "-0", "10e-1", "1.50e1", "1e2", "0.0e-9"],
            ["1.5", "15e-1", #""1""#]
        ),
        (.number, ["1", "1.5"], [#""1""#, "false"]),
        (.boolean, ["true", "false"], ["0", #""true""#]),
        (.object, ["{}"], ["[]", "1"]), (.array, ["[]"], ["{}", #""[]""#]),
        (
            .dateTime,
            [
                #""2026-01-31T08:00:00Z""#, #""2024-02-29t23:59:59.5+01:00""#,
                #""2016-12-31T23:59:60Z""#, #""\u0032016-12-31T23:59:60\u005A""#,
            ],
            [#""2026-02-29T08:00:00Z""#, #""2026-01-31""#, #""2026-01-31T08:00:00""#, "1"]
        ),
    ])
    func `a type admits what it names and nothing else`(
        _ type: JSONType, _ good: [String], _ bad: [String]
    ) throws {
        let decider = try Engine.decider(
            Engine.stream(fields: [Engine.field("v", type: type)]))
        for value in good {
            #expect(decider.outcome(EngineRecord(value: "{\"v\":\(value)}")).decision == .delivered)
        }
        for value in bad {
            let outcome = decider.outcome(EngineRecord(value: "{\"v\":\(value)}"))
            #expect(outcome.rule == .type, "\(value)")
        }
        #expect(decider.outcome(EngineRecord(value: #"{"v":null}"#)).value == #"{"v":null}"#)
    }

    @Test func `required is breached by absence and by null, and applies per element`() throws {
        let plain = try Engine.stream(fields: [Engine.field("v", required: true)])
        #expect(try Engine.decide(plain, #"{"v":0}"#).decision == .delivered)
        #expect(try Engine.decide(plain, "{}").rule == .required)
        #expect(try Engine.decide(plain, #"{"v":null}"#).rule == .required)
        let each = try Engine.stream(fields: [Engine.field("a[].v", required: true)])
        #expect(try Engine.decide(each, #"{"a":[{"v":1},{"v":2}]}"#).decision == .delivered)
        #expect(try Engine.decide(each, #"{"a":[]}"#).decision == .delivered)
        #expect(try Engine.decide(each, #"{"a":[{"v":1},{}]}"#).rule == .required)
        #expect(try Engine.decide(each, "{}").rule == .required)
    }

    private func code(_ text: String, _ length: Int) -> String {
        let key = HMACKey(Engine.keys["k1"] ?? [])
        return String(Hex.encode(key.authenticate(Array(text.utf8))).prefix(length))
    }

    @Test func `a pseudonym is the hex of HMAC-SHA-256 over content or source text`() throws {
        let short = Transform.pseudonym(Pseudonym(key: "k1", length: 16))
        let long = Transform.pseudonym(Pseudonym(key: "k1", length: 64))
        let stream = try Engine.stream(
            fields: [
                Engine.field("a", short), Engine.field("b", long), Engine.field("c", short),
                Engine.field("d", short), Engine.field("e[]", short),
            ])
        let value = #"{"a":"N1\u0034x","b":1.50,"c":null,"d":true,"e":["x",2]}"#
        #expect(
            try Engine.decide(stream, value).value
                == #"{"a":"\#(code("N14x", 16))","b":"\#(code("1.50", 64))","c":null,"#
                + #""d":"\#(code("true", 16))","e":["\#(code("x", 16))","\#(code("2", 16))"]}"#)
        #expect(try Engine.decide(stream, #"{"a":{}}"#).rule == .transform)
        #expect(try Engine.decide(stream, #"{"a":[]}"#).rule == .transform)
    }

    @Test(arguments: [
        ("4111222233334444", 0, 4, "************4444"), ("abc", 1, 1, "a*c"), ("abc", 2, 4, "ab*"),
        ("abc", 0, 4, "*bc"), ("a", 3, 3, "*"), ("", 1, 1, ""),
        ("e\u{301}x\u{1F468}\u{200D}\u{1F469}!", 1, 1, "e\u{301}**!"),
        ("\r\nx", 0, 1, "*x"),
    ])
    func `a mask replaces characters, at least one`(
        _ text: String, _ first: Int, _ last: Int, _ masked: String
    ) throws {
        let mask = Transform.mask(Mask(keepFirst: first, keepLast: last))
        let stream = try Engine.stream(fields: [Engine.field("v", mask)])
        let value = "{\"v\":\(JSONLiteral.quoted(text))}"
        #expect(try Engine.decide(stream, value).value == "{\"v\":\(JSONLiteral.quoted(masked))}")
    }

    @Test func `a mask takes strings only, and keeps its output JSON`() throws {
        let mask = Transform.mask(Mask(keepFirst: 2, with: "\""))
        let stream = try Engine.stream(fields: [Engine.field("v", mask)])
        #expect(try Engine.decide(stream, #"{"v":"\"\\ab"}"#).value == #"{"v":"\"\\\"\""}"#)
        #expect(try Engine.decide(stream, #"{"v":123}"#).rule == .transform)
        #expect(try Engine.decide(stream, #"{"v":null}"#).value == #"{"v":null}"#)
    }
}
