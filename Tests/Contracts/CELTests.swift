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
        ("value.l.exists(x, x > 1)", 0, 24, "not evaluate it yet"),
        ("timestamp > timestamp('2026-01-01T00:00:00Z')", 0, 9, "not evaluate it yet"),
        ("value.a.matches('(')", 16, 3, "bad pattern"), ("has(value)", 0, 3, "has()"),
        ("value.a == 9223372036854775808", 11, 19, "out of range"), ("value.é == 1", 6, 2, "é"),
        ("value.a ? true", 14, 0, "':'"), ("size(value.a, 1) == 2", 0, 16, "size(x)"),
        ("math.greatest(1, 2) == 2", 0, 19, "not evaluate it yet"),
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
        #expect(outcome(forwards, forwards).decision == .delivered)
        #expect(outcome(forwards, backwards).detail.contains("too many steps"))
        #expect(outcome(#"{"x":1,"y":[2]}"#, #"{"y":[2.0],"x":1}"#).decision == .delivered)
    }
}
