import Contracts
import Testing

@Suite("Small parts of a document") struct DocumentPartsTests {
    @Test("a mistyped word has its nearest valid one, a strange one has none")
    func spelling() {
        let words = ["filter", "fields", "key", "headers", "tombstones", "onViolation"]
        let cases: [(String, String?)] = [
            ("fitler", "filter"), ("Filter", "filter"), ("filters", "filter"), ("feild", "fields"),
            ("kye", "key"), ("onviolation", "onViolation"), ("tombstone", "tombstones"),
            ("xyz", nil), ("", nil), ("k", nil), ("streams", nil),
        ]
        for (word, nearest) in cases {
            #expect(Spelling.nearest(to: word, among: words) == nearest, "\(word)")
        }
        #expect(Spelling.hint(for: "kye", among: words) == "; did you mean 'key'?")
        #expect(Spelling.hint(for: "xyz", among: words).isEmpty)
    }

    @Test("RFC 3339 times are milliseconds since the epoch")
    func times() {
        let cases: [(String, Int64?)] = [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29T12:00:00+00:00", 951_825_600_000),
            ("2026-01-31T08:00:00.1239+01:30", 1_769_841_000_123),
            ("2026-01-31t08:00:00z", 1_769_846_400_000),
            ("0000-03-01T00:00:00Z", -62_162_035_200_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("1900-02-29T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil),
            ("2026-01-01T24:00:00Z", nil), ("2026-01-01T00:00:00", nil),
            ("2026-01-01T00:00:00.Z", nil), ("2026-01-01T00:00:00+1:00", nil),
            ("2026-01-01 00:00:00Z", nil), ("2026-1-1T00:00:00Z", nil), ("", nil),
        ]
        for (text, milliseconds) in cases {
            #expect(Timestamp.milliseconds(text) == milliseconds, "\(text)")
        }
    }

    @Test("a place inside a scalar is found in the file, through quotes, escapes and folding")
    func places() throws {
        // The text's 'X' is where the expression has it.
        let texts = [
            "k: aaX", "k:   'aa''bX'", #"k: "a\t\u0041\x41X""#, "k: |\n    a\n\n      bX\n",
            "k: >-  # remark\n  a\n  bX\n", "k: \"a \\\n     bX\"", "k: a\n  b\n\n  cX d",
            "k: ' a\n   bX'",
        ]
        for text in texts {
            let file = YAMLFile(bytes: Array(text.utf8), file: "f")
            guard case .mapping(let members)? = file.root?.content,
                case .scalar(let value, _) = members[0].value.content
            else {
                Issue.record("not read: \(text)")
                continue
            }
            let offset = try #require(value.unicodeScalars.firstIndex(of: "X")).utf16Offset(
                in: value)
            let mark = file.source.mark(of: offset, in: members[0].value, length: 1)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let line = try #require(lines.firstIndex { $0.contains("X") })
            let before = lines[line].prefix { $0 != "X" }.count
            #expect(mark == Mark(line: line + 1, column: before + 1), "\(text)")
        }
    }
}
