import Contracts
import Testing

/// What Tests/Differential and Tests/Fuzz found, one by one.
@Suite struct CELRuntimeTests {
    private func computed(_ expression: String, _ value: String) throws -> Outcome {
        let field = Field(
            source: .value(Expression(text: expression)), output: try Path(text: "v"))
        return try Engine.decide(Engine.stream(fields: [field]), value)
    }

    @Test(arguments: [
        ("timestamp - value.i > duration('0s')", #"{"i":-9223372036854775808}"#),
        ("duration('1h') - value.i", #"{"i":-9223372036854775808}"#),
        ("timestamp - value.i", #"{"i":9223372036854775808}"#),
        ("timestamp - value.i", #"{"i":"text"}"#), ("timestamp - value.i", #"{"i":[1]}"#),
    ])
    func `a time less something that is no time is refused`(
        _ expression: String, _ value: String
    ) throws {
        let outcome = try computed(expression, value)
        #expect(outcome.rule == .computed && outcome.detail.contains("no such overload"))
    }

    @Test func `the smallest int is compared with a double`() throws {
        for (number, result) in [("1.5", "true"), ("-1e300", "false"), ("7", "true")] {
            #expect(
                try computed("value.d > -9223372036854775808", "{\"d\":\(number)}").value
                    == "{\"v\":\(result)}")
        }
    }

    @Test(arguments: [
        ("optional.of(1).orValue(value.absent)", "1"), ("value.?i.orValue(value.absent)", "2"),
        ("value.?i.or(value.absent).value()", "2"), ("value.?absent.orValue(value.i)", "2"),
    ])
    func `what stands in for nothing is looked at only where there is nothing`(
        _ expression: String, _ result: String
    ) throws {
        #expect(try computed(expression, #"{"i":2}"#).value == "{\"v\":\(result)}")
    }

    @Test func `a bound failure is one where it is used`() throws {
        let value = #"{"i":2}"#
        #expect(try computed("cel.bind(x, value.absent, 3)", value).value == #"{"v":3}"#)
        #expect(
            try computed("cel.bind(x, value.absent, x == 1 || true)", value).value
                == #"{"v":true}"#)
        #expect(try computed("cel.bind(x, value.absent, [x])", value).rule == .computed)
        #expect(try computed("cel.bind(x, value.absent, type(x) == int)", value).rule == .computed)
    }

    @Test func `greatest takes what an optional of any type holds`() throws {
        let expression = "math.greatest(value.?absent.orValue(value.i), 0.5)"
        #expect(try computed(expression, #"{"i":2}"#).value == #"{"v":2}"#)
    }

    @Test(arguments: [
        ("0", "0"), ("-0.0", "-0"), ("1.0", "1"), ("100000.0", "100000"), ("999999.5", "999999.5"),
        ("1000000.0", "1e+06"), ("1234567.0", "1.234567e+06"),
        ("-123456789.125", "-1.23456789125e+08"),
        ("0.0001", "0.0001"), ("0.000012", "1.2e-05"), ("1e21", "1e+21"), ("1e100", "1e+100"),
        ("5e-324", "5e-324"), ("12345.678901234567", "12345.678901234567"), ("0.1", "0.1"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ])
    func `a double as text looks as Google's runtimes write it`(
        _ number: String, _ text: String
    ) throws {
        #expect(
            try computed("string(double(value.d))", "{\"d\":\(number)}").value
                == "{\"v\":\"\(text)\"}")
    }

    @Test func `bits that base64 does not need are passed over`() throws {
        #expect(try computed("base64.decode('NaN')", "{}").value == #"{"v":"NaM="}"#)
    }
}
