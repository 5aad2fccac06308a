import Contracts
import Testing

@Suite("YAML is read as 1.2 has it") struct DocumentYAMLTests {
    @Test("scalars mean what the core schema says")
    func scalars() throws {
        let constant =
            "[NO, yes, on, true, False, null, ~, '', 'true', 012, 0o17, 0xff, -0, +5, 1e3, .5, 5.,"
            + " -.5E-2, 1_000, 2026-01-31, 1:30, \"\\t\\u00e9\"]"
        let field = try contract(Sample.fields("{ as: c, constant: \(constant) }")).streams[0]
            .fields[0]
        #expect(
            field.source
                == .constant(
                    #"["NO","yes","on",true,false,null,null,"","true",12,15,255,0,5,1e3,0.5,5.0,"#
                        + #"-0.5E-2,"1_000","2026-01-31","1:30","\té"]"#))
    }

    @Test("duplicate keys, anchors, aliases, merges, tags and second documents are refused")
    func refusals() {
        expect(
            Sample.stream("filter: value.a == 1\n⟦filter⟧: value.b == 1"),
            "duplicate key 'filter'; it stands on line 14 already")
        expect(
            Sample.stream("headers: ⟦&h⟧ [a]"),
            "'&h' is an anchor; anchors and aliases are not read")
        expect(
            Sample.stream("headers: [a]\ntombstones: ⟦*h⟧"),
            "'*h' is an alias; write the value out, once for each place")
        expect(
            Sample.stream("⟦<<⟧: { partition: keep }"),
            "'<<' merges are not read; write the keys out")
        expect(
            Sample.stream("partition: ⟦!!str⟧ keep"),
            "'tag:yaml.org,2002:str' is a tag; tags are not read")
        expect(
            Sample.stream() + "⟦---⟧\nid: b\n",
            "a second document; a file holds one, without '---' between")
        expect(
            "⟦%YAML 1.1⟧\n---\n" + Sample.stream(),
            "this file is read as YAML 1.2; leave the %YAML directive out")
        expect(
            Sample.stream("⟦[a, b]⟧: 1"),
            "a key is a word, not a list")
    }

    @Test("what is no YAML is pointed at, and the rest is read on")
    func syntax() {
        expect(
            Sample.stream("filter: ⟦@⟧value.a\nonViolation: ⟦stp⟧"),
            "a value cannot start with '@'; put it in quotes",
            "'onViolation' is 'stp'; did you mean 'stop'?")
        expect(
            Sample.stream("headers: ⟦[⟧a, b\nonViolation: ⟦stp⟧"),
            "the '[' that opens here is not closed", "'onViolation' is 'stp'; did you mean 'stop'?")
        expect(
            Sample.stream("filter: ⟦\"⟧value.a\nonViolation: stop"),
            "the quote that opens here is not closed")
        expect(
            Sample.stream("filter: value.a ? 1⟦:⟧ 2"),
            "a ':' cannot stand here; quote the value, or mend the indentation")
        expect(
            Sample.stream("⟦f⟧ilter\nonViolation: ⟦stp⟧"),
            "a ':' must follow this word, or a quote is missing",
            "'onViolation' is 'stp'; did you mean 'stop'?")
        expect(
            Sample.stream("headers: [a, ⟦,⟧ b]"), "a value must stand here")
        expect(
            Sample.stream("⟦\t⟧filter: a"), "a tab cannot indent YAML; use spaces")
        expect(
            Sample.stream("partition: ke⟦\u{1}⟧ep"), "the character U+1 cannot stand in YAML")
        expect(
            Sample.fields("{ path: legs⟦[⟧.flight }"),
            "a ',' or a closing bracket must stand here; quote a value with brackets in it")
    }

    @Test("text that is not UTF-8 is pointed at")
    func encoding() {
        var bytes = Array("id: aé\nkind: ü".utf8)
        bytes += [0xFF, 0x0A]
        let reading = ContractReader.read(bytes: bytes, file: "c")
        #expect(
            reading.diagnostics.map(\.text) == [
                "c:2:8: error: the file is not UTF-8 text from here on"
            ])
    }

    @Test(
        "columns count characters, behind a byte order mark and with any line ends",
        arguments: ["\n", "\r\n", "\r"])
    func columns(ending: String) {
        let text = "\u{FEFF}description: 'ünï𝄞'\n\npartner: { \"é𝄞\": 1, kontakt: 2 }\n"
        let reading = ContractReader.read(
            bytes: Array(text.replacing("\n", with: ending).utf8), file: "c")
        let unknown = reading.diagnostics.filter { $0.message.hasPrefix("unknown key") }
        #expect(unknown.map { [$0.line, $0.column, $0.length] } == [[3, 12, 4], [3, 21, 7]])
    }

    @Test("depth and size are bounded")
    func bounds() {
        let deep = ContractReader.read(
            bytes: Array(String(repeating: "[", count: 100_000).utf8), file: "c")
        #expect(
            deep.diagnostics.map(\.text) == ["c:1:65: error: nested more than 64 levels deep"])
        let large = ContractReader.read(
            bytes: [UInt8](repeating: 0x20, count: 1 << 20 + 1), file: "c")
        #expect(large.diagnostics.map(\.text) == ["c:1:1: error: the file is larger than 1 MiB"])
    }
}
