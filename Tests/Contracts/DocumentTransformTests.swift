import Contracts
import Testing

/// How transforms, checks, defaults and computed fields are read.
@Suite struct DocumentTransformTests {
    @Test("every transform, check, default and computed field is read")
    func all() throws {
        let fields = try contract(
            Sample.fields(
                "{ path: a, encrypt: { key: card-2026 } }", "{ path: b, truncate: 3 }",
                "{ path: c, round: 0.1 }", "{ path: d, dateTruncate: day }",
                "{ path: e, cast: string }", "{ path: f, default: { x: [1, NO] } }",
                "{ path: g, type: string, enum: [NO, SE], pattern: '^[A-Z]+$', maxLength: 2 }",
                "{ path: h, type: number, minimum: -1.5, maximum: 1e3 }",
                "{ as: late, value: value.dep_delay >= 60 }")
        ).streams[0].fields
        #expect(
            fields.map(\.transform) == [
                .encrypt(key: "card-2026"), .truncate(3), .round("0.1"), .dateTruncate(.day),
                .cast(.string), nil, nil, nil, nil,
            ])
        #expect(fields[5].fallback == #"{"x":[1,"NO"]}"#)
        #expect(
            fields[6].checks
                == FieldChecks(allowed: ["\"NO\"", "\"SE\""], pattern: "^[A-Z]+$", maxLength: 2))
        #expect(fields[7].checks == FieldChecks(minimum: "-1.5", maximum: "1e3"))
        #expect(fields[8].source == .value(Expression(text: "value.dep_delay >= 60")))
    }

    @Test("what makes no sense is an error at its place")
    func mistakes() {
        expect(
            Sample.fields("{ path: a, truncate: 3, ⟦round⟧: 1 }"),
            "'truncate' and 'round': a field takes one of them")
        for step in ["0", "-0.1", "fast", "1234567890123456", "1e16", "''"] {
            expect(
                Sample.fields("{ path: a, round: ⟦\(step)⟧ }"),
                "'round' is the step to round to, a positive number of at most 15 digits such as 0.1"
            )
        }
        expect(
            Sample.fields("{ path: a, type: string, ⟦round⟧: 1 }"),
            "'round' takes a number; with 'type: string' no record could pass")
        expect(
            Sample.fields("{ path: a, dateTruncate: ⟦week⟧ }"),
            "'dateTruncate' is 'week'; it takes year | month | day | hour")
        expect(
            Sample.fields("{ path: a, cast: ⟦strng⟧ }"), "'cast' is 'strng'; did you mean 'string'?"
        )
        expect(Sample.fields("{ path: a, enum: ⟦[]⟧ }"), "'enum' is empty: no record could pass")
        expect(
            Sample.fields("{ path: a, enum: [1, ⟦[2]⟧] }"),
            "'enum' lists strings, numbers, booleans and null")
        expect(
            Sample.fields("{ path: a, ⟦minimum⟧: 2, maximum: 1.5 }"),
            "'minimum' is above 'maximum': no record could pass")
        expect(Sample.fields("{ path: a, minimum: ⟦'2'⟧ }"), "'minimum' is a number")
        expect(
            Sample.fields("{ path: a, type: integer, ⟦pattern⟧: a }"),
            "'pattern' speaks of strings, and 'type' is integer")
        expect(
            Sample.fields("{ path: a, type: string, ⟦maximum⟧: 1 }"),
            "'maximum' speaks of numbers, and 'type' is string")
        expect(
            Sample.fields("{ path: a, required: true, ⟦default⟧: 1 }"),
            "'default' stands in for what 'required' refuses; one or the other")
        expect(
            Sample.fields("{ as: x, value: '1', ⟦type⟧: integer }"),
            "'type' cannot stand beside 'value'; one or the other")
        expect(
            Sample.fields("{ as: 'x[].y', value: '1' }").replacing("'x[].y'", with: "⟦'x[].y'⟧"),
            "a value has no elements; leave the '[]' out")
        expect(
            Sample.fields("{ as: late, value: ⟦valeu⟧.a > 1 }"),
            "unknown variable 'valeu'; did you mean 'value'?")
        expect(
            Sample.fields("{ as: t, value: ⟦type(value)⟧ }"), "a type is nothing that JSON has")
        expect(
            Sample.fields("{ path: a, encrypt: { ⟦length⟧: 3, key: k } }"),
            "unknown key 'length' in encrypt; it takes key")
    }
}
