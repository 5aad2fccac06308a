import Contracts
import Testing

@Suite("A field of the allow-list") struct DocumentFieldTests {
    @Test("has a path that is read as it is written")
    func paths() throws {
        func steps(_ text: String) throws -> [Path.Step] { try Path(text: text).steps }
        #expect(try steps("a") == [.init(member: "a")])
        #expect(try steps("a.b-c.§") == ["a", "b-c", "§"].map { .init(member: $0) })
        #expect(
            try steps("legs[].flight.no[]") == [
                .init(member: "legs", elements: true), .init(member: "flight"),
                .init(member: "no", elements: true),
            ])
        #expect(
            try steps(#""a.b"[]."say \"hi\" \\"."""#) == [
                .init(member: "a.b", elements: true), .init(member: #"say "hi" \"#),
                .init(member: ""),
            ])
        for text in ["a", "a.b[].c", #""a.b".c"#, #""".x"#, #""q\"[]"[]"#, #""a b""#] {
            #expect(try Path(text: text).text == text)
        }
    }

    @Test("has a bad path pointed at inside the scalar, however that is quoted")
    func badPaths() {
        let single =
            "bad path: only '[]', every element, can stand here; a member with a bracket is"
            + " quoted"
        expect(Sample.fields("'legs⟦[⟧0].flight'"), single)
        expect(Sample.fields(#"{ path: "a\u0041.b⟦[⟧x]" }"#), single)
        expect(Sample.fields("{ path: 'it''s⟦[⟧x]' }"), single)
        expect(Sample.fields(">-\n      a.b⟦[⟧x]"), single)
        expect(Sample.fields("a.⟦.⟧b"), "bad path: a member must stand before this '.'")
        expect(
            Sample.fields("'a.⟦ ⟧'"),
            "bad path: a member with a space or bracket in it is written in double quotes")
        expect(
            Sample.fields("a⟦ ⟧b"),
            "bad path: a member with ' ' in it is written in double quotes: \"…\"")
        expect(
            Sample.fields("{ path: x, as: '⟦\"⟧y' }"),
            "bad path: the quote that opens here is not closed")
        expect(Sample.fields("'a[]⟦[⟧]'"), "bad path: '[]' can stand once behind a member")
        expect(Sample.fields("⟦''⟧"), "'a field' is empty")
    }

    @Test("whose output equals another or is a prefix of it collides")
    func collisions() {
        expect(
            Sample.fields("a", "{ path: b, as: ⟦a⟧ }"),
            "duplicate output 'a'; line 14 has it already")
        expect(
            Sample.fields("{ path: a, as: x.y }", "{ path: b, as: ⟦x⟧ }"),
            "output 'x' collides with 'x.y' on line 14")
        expect(
            Sample.fields("x", "{ path: b, as: ⟦x.y.z⟧ }"),
            "output 'x.y.z' collides with 'x' on line 14")
        expect(
            Sample.fields("'x[].y'", "⟦x.z⟧"), "output 'x.z' collides with 'x[].y' on line 14")
        expect(
            Sample.fields("'x[]'", "⟦'x[].z'⟧"), "output 'x[].z' collides with 'x[]' on line 14")
        expect(
            Sample.fields("'a[].x'", "{ path: 'b[].y', as: ⟦'a[].y'⟧ }"),
            "output 'a[].y' takes its elements from another array than 'a[].x' on line 14")
        expect(
            Sample.fields("a", "{ as: ⟦a⟧, constant: 1 }"),
            "duplicate output 'a'; line 14 has it already")
    }

    @Test("merges with another under one object or array")
    func merges() throws {
        let fields = try contract(
            Sample.fields("x.a", "x.b", "'l[].a.q'", "'l[].a.r'", "'l[].b'", "xx")
        ).streams[0].fields
        #expect(fields.map(\.output.text) == ["x.a", "x.b", "l[].a.q", "l[].a.r", "l[].b", "xx"])
    }

    @Test("repeats the '[]' of its path in 'as'")
    func arrays() {
        expect(
            Sample.fields("{ path: 'legs[].no', as: ⟦no⟧ }"),
            "'as' repeats the '[]' of its path: 'legs[].no' has 1, 'no' 0")
        expect(
            Sample.fields("{ as: ⟦'a[].b'⟧, constant: 1 }"),
            "a constant has no elements; leave the '[]' out")
    }

    @Test("takes one transform, and one that can take its type")
    func transforms() {
        expect(
            Sample.fields("{ path: a, pseudonym: { key: k }, ⟦mask⟧: {} }"),
            "'pseudonym' and 'mask': a field takes one of them")
        expect(
            Sample.fields("{ path: a, pseudonym: { key: k, length: ⟦65⟧ } }"),
            "'length' is an integer, 16 to 64")
        expect(
            Sample.fields("{ path: a, pseudonym: ⟦{ length: 16 }⟧ }"),
            "missing 'key' in pseudonym: a name under 'keys' in crossdock.yaml")
        expect(
            Sample.fields("{ path: a, pseudonym: ⟦k⟧ }"),
            "pseudonym is a mapping of key, length; not a string")
        expect(
            Sample.fields("{ path: a, mask: { keepLast: ⟦-1⟧, with: ⟦ab⟧ } }"),
            "'keepLast' is an integer, 0 to 1000", "'with' is one character")
        expect(
            Sample.fields("{ path: a, type: integer, ⟦mask⟧: {} }"),
            "'mask' takes a string; with 'type: integer' no record could pass")
        expect(
            Sample.fields("{ path: a, type: object, ⟦pseudonym⟧: { key: k } }"),
            "'pseudonym' takes a string, number or boolean; with 'type: object' no record could pass"
        )
    }

    @Test("needs a path or a constant, not both")
    func sources() {
        expect(Sample.fields("⟦{ as: a }⟧"), "missing 'path' in a field: the member that leaves")
        expect(
            Sample.fields("{ ⟦path⟧: a, as: b, constant: 1 }"),
            "'path' cannot stand beside 'constant'; one or the other")
        expect(
            Sample.fields("⟦{ constant: 1 }⟧"),
            "missing 'as' in a field: where the constant stands in the output")
        expect(Sample.fields("{ as: a, constant: [1, ⟦.nan⟧] }"), "JSON has no .nan")
        expect(
            Sample.fields("{ path: a, required: ⟦NO⟧ }"),
            "'required' is true or false; did you mean false?")
        expect(
            Sample.fields("⟦[a]⟧"),
            "a field is a mapping of path, as, constant, value, type, required, default, pseudonym,"
                + " mask, encrypt, truncate, round, dateTruncate, cast, enum, pattern, minimum,"
                + " maximum, maxLength; not a list"
        )
    }

    @Test("that names an object or array is warned of")
    func wholeObjects() {
        for type in ["object", "array"] {
            expect(
                Sample.fields("{ path: ⟦a.b⟧, type: \(type) }"),
                "'a.b' lets out the whole \(type), with members added to it later; name the members"
                    + " instead", severity: .warning)
        }
        expect(
            Sample.stream("fields: ⟦[]⟧", without: ["fields"]),
            "no field is named: every record leaves as {}", severity: .warning)
    }
}
