import Foundation
import Testing

@testable import Contracts

/// The JSON parsing suite: y_ cases are accepted, n_ cases refused, and what RFC 8259 leaves open (i_) is as
/// runbooks/json-left-open.md says, case by case.
@Suite(.enabled(if: ConformanceFolder.canRun, ConformanceFolder.skipReason))
struct JSONConformanceTests {
    /// Why a text is refused; nil: it is JSON.
    private func fault(_ data: Data) -> String? {
        var scanner = JSONScanner(names: NameTable(planned: 0), slotCount: 0)
        defer { scanner.free() }
        let isValid = Array(data).withUnsafeBytes { scanner.scanValue($0) }
        return isValid ? nil : String(scanner.fault.text.split(separator: ": ").last ?? "")
    }

    /// Duplicate member names are refused: parsers disagree on them, and that is how things leak.
    private let duplicates: Set = [
        "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
    ]

    private func cases(_ letter: Character) throws -> [(name: String, data: Data)] {
        try ConformanceFolder.files(ConformanceFolder.folder("json"), ".json")
            .filter { $0.lastPathComponent.first == letter }
            .map { ($0.lastPathComponent, try Data(contentsOf: $0)) }
    }

    @Test func `what is JSON is accepted, save duplicate member names`() throws {
        let cases = try cases("y")
        for (name, data) in cases {
            let expected = duplicates.contains(name) ? "duplicate member name" : nil
            #expect(fault(data) == expected, "\(name)")
        }
        ConformanceFolder.report("json y_: \(cases.count) cases, \(duplicates.count) refused")
        #expect(cases.count > 50)
    }

    @Test func `what is not JSON is refused`() throws {
        let cases = try cases("n")
        for (name, data) in cases { #expect(fault(data) != nil, "\(name)") }
        ConformanceFolder.report("json n_: \(cases.count) cases, all refused")
        #expect(cases.count > 100)
    }

    @Test func `what RFC 8259 leaves open is decided as the page says, case by case`() throws {
        let cases = try cases("i")
        let rows = try ConformanceFolder.page("json-left-open.md")
            .filter { $0.first?.hasPrefix("i_") == true }
        let decided = Dictionary(rows.map { ($0[0], (decision: $0[1], reason: $0[2])) }) { a, _ in a
        }
        #expect(Set(decided.keys) == Set(cases.map(\.name)))
        for (name, data) in cases {
            let found = fault(data)
            let row = decided[name]
            #expect(row?.decision == (found == nil ? "accepted" : "refused"), "\(name)")
            if let found { #expect(row?.reason == found, "\(name)") }
        }
        #expect(cases.count > 30)
    }

    @Test func `what leaves is valid JSON, and what no transform touches is the source's bytes`()
        throws
    {
        let valid = try cases("y")
        let open = try cases("i")
        let whole = try Engine.decider(Engine.stream(["v"]))
        let each = try Engine.decider(Engine.stream(["v[]"]))
        var scalars = 0
        for (name, data) in valid + open where fault(data) == nil {
            let text = String(decoding: data, as: UTF8.self)
            let value = text.trimmingCharacters(in: CharacterSet(charactersIn: " \t\r\n"))
            let record = EngineRecord(value: "{\"x\":0, \"v\" : \(text) , \"y\":[]}")
            let output = whole.outcome(record).value
            #expect(output == "{\"v\":\(value)}", "\(name)")
            if name.first == "y" {
                #expect(throws: Never.self, "\(name)") {
                    try JSONSerialization.jsonObject(with: Data((output ?? "").utf8))
                }
            }
            // [scalar]: the scalar alone is copied.
            let inner = value.dropFirst().dropLast()
                .trimmingCharacters(in: CharacterSet(charactersIn: " \t\r\n"))
            let isString = inner.hasPrefix("\"") && inner.hasSuffix("\"")
            guard value.hasPrefix("["), !inner.isEmpty,
                isString || !inner.contains(where: "[{,\"".contains)
            else { continue }
            scalars += 1
            #expect(each.outcome(record).value == "{\"v\":[\(inner)]}", "\(name)")
        }
        #expect(scalars > 40)
    }
}

@Suite struct JSONStrictnessTests {
    @Test func `numbers, surrogates and depth are as contract says, without the suite`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        let accepted = [
            "1e400", "-1e-400", "123456789012345678901234567890", "0.1", "-0", "1E+2", nested(127),
            "\"\\ud83d\\ude00\"", "\"\u{FFFF}\"", "\"\u{10FFFF}\"", "\"\\u0000\"",
        ]
        let decider = try Engine.decider(Engine.stream(["v"]))
        for value in accepted {
            let outcome = decider.outcome(EngineRecord(value: "{\"v\":\(value)}"))
            #expect(outcome.value == "{\"v\":\(value)}", "\(value.prefix(40))")
        }
        let refused = [
            ("\"\\ud800\"", "lone surrogate"), ("\"\\udc00\\ud800\"", "lone surrogate"),
            ("\"\\ud800x\"", "lone surrogate"), ("{\"\\udead\":1}", "lone surrogate"),
            (nested(128), "nested deeper than 128"),
            ("{\"a\":1,\"\\u0061\":2}", "duplicate member name"),
            ("01", "expected ',' or '}'"), ("NaN", "expected a value"),
            ("\"\t\"", "control character"),
        ]
        for (value, reason) in refused {
            let outcome = decider.outcome(EngineRecord(value: "{\"v\":\(value)}"))
            #expect(outcome.rule == .invalidJSON && outcome.detail.contains(reason), "\(outcome)")
        }
    }
}
