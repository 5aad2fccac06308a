import Contracts
import Testing

@Suite struct CELTests {
    /// Offset, length and the words that have to be in the message.
    @Test(arguments: [
        ("valu.a > 0 && value.b != 'x'", 0, 4, "did you mean 'value'"),
        ("value.a > 0 && valeu.b == 1", 15, 5, "did you mean 'value'"),
        ("value.a.startWith('x')", 0, 22, "did you mean 'startsWith'"),
        ("value.a >", 9, 0, "expected a value"), ("value.a = 1", 8, 1, "'='"),
        ("value.a == 'x", 11, 2, "does not end"), ("size(value.a)", 0, 13, "int"),
        ("value.a && 1", 11, 1, "bool"), ("'a' + 1 == 'b'", 0, 7, "string and int"),
        ("!size(value.l)", 1, 13, "bool"),
        ("value.l.exists(x, y > 1)", 18, 1, "unknown variable 'y'"),
        ("value.l.exists(1, true)", 15, 1, "name of a variable"),
        ("value.l.exists(x, 'a')", 18, 3, "the condition of exists() is bool"),
        ("value.l.exists(x)", 0, 17, "write list.exists(x, x > 0)"),
        ("offset.exists(x, true)", 0, 6, "goes over a list or a map, not int"),
        ("timestamp > timestamp('2026-13-01T00:00:00Z')", 22, 22, "no RFC 3339 time"),
        ("timestamp > offset", 0, 18, "'>' does not take timestamp and int"),
        ("timestamp.getHours('Paris') == 1", 19, 7, "no time zone"),
        ("duration('1y') > duration('1s')", 9, 4, "no duration"),
        ("value.a.matches('(')", 16, 3, "bad pattern"), ("has(value)", 0, 3, "has()"),
        ("value.a == 9223372036854775808", 11, 19, "out of range"), ("value.é == 1", 6, 2, "é"),
        ("value.a ? true", 14, 0, "':'"), ("size(value.a, 1) == 2", 0, 16, "size(x)"),
        ("math.great(1, 2) == 2", 0, 16, "did you mean 'math.greatest'"),
        ("math.greatest('a', 2) == 2", 14, 3, "takes numbers, not string"),
        ("topic.replace(1, 'a') == ''", 14, 1, "replace() takes string here, not int"),
        ("optional.of(1).orValue(1) + ''", 0, 30, "does not take int and string"),
        ("Flight{number: 1} == 1", 0, 17, "records are JSON"),
    ])
    func `a mistake is told with its place`(
        _ text: String, _ offset: Int, _ length: Int, _ words: String
    ) {
        let found = CEL.check(text)
        #expect(found.first?.offset == offset && found.first?.length == length, "\(found)")
        #expect(found.first?.message.contains(words) == true, "\(found)")
        #expect(found.first?.severity == .error)
    }

    @Test func `all mistakes are told at once`() {
        #expect(CEL.check("foo.a == 1 || bar.b == 2 || 1 + 'x' == 3").count == 3)
    }

    @Test func `arithmetic between a member and a double is warned of, with a proposal`() {
        let found = CEL.check("value.price * 1.2 > 10.0")
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.message.contains("double(value.price) * 1.2") == true, "\(found)")
    }

    @Test func `a zone by name is warned of, an offset is not`() {
        #expect(CEL.check("timestamp.getHours('Europe/Paris') == 1").map(\.severity) == [.warning])
        #expect(CEL.check("timestamp.getHours('+01:00') == 1").isEmpty)
    }

    /// 2026-01-31T08:00:00Z is 09:00 in Paris; 2026-07-31T08:00:00Z is 10:00 there.
    @Test(arguments: [
        ("value.legs.exists(l, l.no == 'LH2')", true), ("value.legs.all(l, l.miles > 100)", false),
        ("value.legs.map(l, l.miles).exists(m, m == 90)", true),
        ("value.legs.filter(l, has(l.late)).size() == 1", true),
        ("value.legs.exists(i, l, i == 1 && l.no == 'LH2')", true),
        ("value.fares.exists(k, v, k == 'eco' && v == 120)", true),
        ("value.fares.transformMap(k, v, v * 2).eco == 240", true),
        ("value.?gate.orValue('none') == 'none'", true), ("value.legs[?7].hasValue()", false),
        ("cel.bind(l, value.legs[0], l.no + l.no) == 'LH1LH1'", true),
        ("timestamp == timestamp('2026-07-31T08:00:00Z')", true),
        ("timestamp - timestamp('2026-07-31T07:00:00Z') == duration('1h')", true),
        ("timestamp.getHours('Europe/Paris') == 10", true),
        ("timestamp('2026-01-31T08:00:00Z').getHours('Europe/Paris') == 9", true),
        ("timestamp(value.at) > timestamp", true), ("type(value.fares) == map", true),
        ("'%s-%d'.format([value.legs[0].no, value.fares.eco]) == 'LH1-120'", true),
        ("value.legs.map(l, l.no).join('+') == 'LH1+LH2'", true),
        ("value.fares.eco in value.legs.map(l, l.miles)", false),
    ])
    func `a record is looked at by macros and library`(_ filter: String, _ passes: Bool) throws {
        let decider = try Engine.decider(Engine.stream([], filter: filter))
        let value = #"""
            {"legs":[{"no":"LH1","miles":400},{"no":"LH2","miles":90,"late":true}],
             "fares":{"eco":120,"biz":900},"at":"2026-08-01T00:00:00+02:00"}
            """#
        let outcome = decider.outcome(
            EngineRecord(value: value, timestamp: 1_785_484_800_000))
        #expect(outcome.decision == (passes ? .delivered : .filtered), "\(outcome)")
    }

    @Test func `nesting and length are bounded`() {
        let deep =
            String(repeating: "(", count: 5000) + "true" + String(repeating: ")", count: 5000)
        #expect(CEL.check(deep).count == 1)
        #expect(CEL.check(String(repeating: "!", count: 5000) + "true").count == 1)
        #expect(CEL.check(String(repeating: "true && ", count: 5000) + "true").isEmpty)
        #expect(CEL.check("true" + String(repeating: " ", count: 200_000)).count == 1)
    }

    @Test func `no expression runs unbounded on a record`() throws {
        let many = (0..<20_000).map { "\"m\($0)\":\($0)" }
        let forwards = "{\(many.joined(separator: ","))}"
        let backwards = "{\(many.reversed().joined(separator: ","))}"
        let decider = try Engine.decider(Engine.stream([], filter: "value.a == value.b"))
        func outcome(_ a: String, _ b: String) -> Outcome {
            decider.outcome(EngineRecord(value: "{\"a\":\(a),\"b\":\(b)}"))
        }
        let nested = try Engine.decider(
            Engine.stream(
                [], filter: "value.l.all(a, value.l.all(b, value.l.all(c, a + b + c >= 0)))"))
        let numbers = (0..<400).map(String.init).joined(separator: ",")
        #expect(
            nested.outcome(EngineRecord(value: "{\"l\":[\(numbers)]}")).detail.contains(
                "too many steps"))
        #expect(outcome(forwards, forwards).decision == .delivered)
        #expect(outcome(forwards, backwards).detail.contains("too many steps"))
        #expect(outcome(#"{"x":1,"y":[2]}"#, #"{"y":[2.0],"x":1}"#).decision == .delivered)
    }
}
