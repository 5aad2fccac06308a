import Contracts
import Operations
import Testing

/// What `diff` says of two versions: every line is one change, judged.
@Suite struct ExposureTests {
    private func contract(_ stream: String, version: String = "1.0.0", top: String = "") throws
        -> Contract
    {
        let text = """
            apiVersion: crossdock/v1
            kind: ReplicationContract
            id: a
            version: \(version)
            status: active
            source: { cluster: internal }
            target: { cluster: partner }
            \(top)
            streams:
              - { from: orders, to: partner.orders, format: json, \(stream) }
            """
        let reading = ContractReader.read(bytes: Array(text.utf8), file: "c.yaml")
        return try #require(reading.contract, "\(reading.diagnostics)")
    }

    private func changes(_ old: String, _ new: String) throws -> [String] {
        let exposure = Exposure(from: try contract(old), to: try contract(new))
        return exposure.changes.map {
            [$0.kind.rawValue, $0.what, $0.name].filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    private func field(_ old: String, _ new: String) throws -> [String] {
        try changes(
            "key: keep, fields: [{ path: x\(old) }]", "key: keep, fields: [{ path: x\(new) }]")
    }

    @Test(
        arguments: [
            ("", "", []), (", pseudonym: { key: k }", "", ["weaker field x"]),
            ("", ", pseudonym: { key: k }", ["stronger field x"]),
            (", pseudonym: { key: k }", ", pseudonym: { key: l }", ["other field x"]),
            (", pseudonym: { key: k }", ", pseudonym: { key: k, length: 64 }", ["weaker field x"]),
            (", mask: { keepLast: 2 }", ", mask: { keepLast: 4 }", ["weaker field x"]),
            (", mask: { keepLast: 4 }", ", mask: { keepLast: 2 }", ["stronger field x"]),
            (
                ", mask: { keepLast: 4 }", ", mask: { keepFirst: 1, keepLast: 2 }",
                ["weaker field x"]
            ),
            (", encrypt: { key: k }", ", mask: { }", ["weaker field x"]),
            (", mask: { }", ", encrypt: { key: k }", ["weaker field x"]),
            (", truncate: 3", ", truncate: 4", ["weaker field x"]),
            (", dateTruncate: month", ", dateTruncate: day", ["weaker field x"]),
            (", dateTruncate: day", ", dateTruncate: year", ["stronger field x"]),
            (", cast: string", "", ["other field x"]),
            (", round: 10", ", round: 1", ["weaker field x"]),
            (", type: string", "", ["weaker field x"]),
            ("", ", type: string", ["stronger field x"]),
            (", type: number", ", type: integer", ["stronger field x"]),
            (", type: integer", ", type: number", ["weaker field x"]),
            (", enum: [A, B]", ", enum: [B]", ["stronger field x"]),
            (", enum: [A]", ", enum: [A, B]", ["weaker field x"]),
            (", enum: [A]", "", ["weaker field x"]),
            (", pattern: a", ", pattern: b", ["weaker field x"]),
            (", minimum: 5", ", minimum: 4.5", ["weaker field x"]),
            (", minimum: 5", ", minimum: 6", ["stronger field x"]),
            (", maximum: 5", ", maximum: 6", ["weaker field x"]),
            (", maxLength: 5", "", ["weaker field x"]),
            (", required: true", "", ["other field x"]),
            (", default: 1", ", default: 2", ["other field x"]),
        ] as [(String, String, [String])])
    func `a field's change is judged`(_ old: String, _ new: String, _ wanted: [String]) throws {
        #expect(try field(old, new) == wanted)
    }

    @Test(arguments: [
        ("value.a > 1", "value.a > 1 && value.b == 2", "stronger filter"),
        ("value.a > 1 && value.b == 2", "value.b == 2", "weaker filter"),
        ("value.a > 1 && value.b == 2", "(value.b == 2) && value.a > 1", "other filter"),
        ("value.a > 2", "value.a > 1", "weaker filter"),
        ("value.a > 1", "value.a > 2", "weaker filter"),
        ("true", "true || value.a == 1", "weaker filter"),
    ])
    func `a filter is narrower only where it adds a condition`(
        _ old: String, _ new: String, _ wanted: String
    ) throws {
        let rest = "key: keep, fields: [x]"
        #expect(try changes("filter: '\(old)', \(rest)", "filter: '\(new)', \(rest)") == [wanted])
        #expect(try changes(rest, "filter: '\(new)', \(rest)") == ["stronger filter"])
        #expect(try changes("filter: '\(old)', \(rest)", rest) == ["weaker filter"])
    }

    @Test(
        arguments: [
            ("key: drop, fields: [x]", "key: keep, fields: [x]", ["new key"]),
            ("key: keep, fields: [x]", "key: drop, fields: [x]", ["gone key"]),
            (
                "key: keep, fields: [x]", "key: { pseudonym: { key: k } }, fields: [x]",
                ["stronger key"]
            ),
            (
                "key: { pseudonym: { key: k } }, fields: [x]", "key: keep, fields: [x]",
                ["weaker key"]
            ),
            ("key: keep, fields: [x]", "key: { path: id }, fields: [x]", ["weaker key"]),
            (
                "key: keep, fields: [x]", "key: keep, fields: [x, y], headers: [h]",
                ["new field y", "new header h"]
            ),
            (
                "key: keep, fields: [x, y], headers: [h]", "key: keep, fields: [x]",
                ["gone field y", "gone header h"]
            ),
            (
                "key: keep, fields: [x]", "key: keep, fields: [x], tombstones: forward",
                ["new tombstones"]
            ),
            (
                "key: keep, fields: [a.b]", "key: keep, fields: [a]",
                ["new field a", "gone field a.b"]
            ),
            (
                "key: keep, fields: [{ path: a, as: x }]",
                "key: keep, fields: [{ path: b, as: x }]", ["weaker field x"]
            ),
            ("key: keep, fields: [x, y]", "key: keep, fields: [y, x]", ["other fields"]),
            (
                "key: keep, fields: [x]",
                "key: keep, fields: [x], onViolation: stop, partition: key",
                ["other partition", "other onViolation"]
            ),
            (
                "key: keep, fields: [x], onScopeExit: tombstone", "key: keep, fields: [x]",
                ["weaker onScopeExit"]
            ),
            (
                "key: keep, fields: [x]", "key: keep, fields: [x], onScopeExit: tombstone",
                ["stronger onScopeExit"]
            ),
            (
                "key: keep, fields: [x], onScopeExit: tombstone",
                "key: { pseudonym: { key: k } }, fields: [x], onScopeExit: tombstone",
                ["stronger key", "weaker onScopeExit"]
            ),
        ] as [(String, String, [String])])
    func `what appears, disappears and moves`(
        _ old: String, _ new: String, _ wanted: [String]
    ) throws {
        #expect(try changes(old, new) == wanted)
    }

    @Test func `the same contract with itself says nothing and does not grow`() throws {
        let one = try contract("key: keep, fields: [x]")
        let exposure = Exposure(from: one, to: one)
        #expect(exposure.changes.isEmpty && !exposure.grows)
        #expect(exposure.text(width: 80) == "a 1.0.0 -> 1.0.0: nothing changes\nno changes")
    }

    @Test func `the report puts what grows first and fits 80 columns`() throws {
        let long = "value.a > 1 && value.bbbbbbbbbbbbbbbbbb == 'cccccccccccccccccc' && value.d != 7"
        let exposure = Exposure(
            from: try contract("key: keep, fields: [x, { path: y, pseudonym: { key: k } }]"),
            to: try contract(
                "filter: \(long), key: keep, fields: [y, z, { as: w, value: '1' }]",
                version: "2.0.0"))
        let text = exposure.text(width: 80)
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines[0] == "a 1.0.0 -> 2.0.0: EXPOSURE GROWS")
        #expect(lines.dropFirst().prefix(3).map { $0.prefix(3) } == ["  +", "  +", "  !"])
        #expect(lines.last == "2 new, 1 weaker, 1 gone, 1 stronger")
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(text)")
        #expect(exposure.json.contains(#""exposureGrows":true"#))
    }

    @Test func `a longer window is weaker, a shorter one stronger; a quota shows nothing`() throws {
        func kinds(_ old: String, _ new: String) throws -> [String] {
            let stream = "key: keep, fields: [x]"
            let exposure = Exposure(
                from: try contract(stream, top: old), to: try contract(stream, top: new))
            return exposure.changes.map { "\($0.kind.rawValue) \($0.what) \($0.name)" }
        }
        let year = "effective: { from: 2026-01-01T00:00:00Z, until: 2027-01-01T00:00:00Z }"
        let longer = "effective: { from: 2026-01-01T00:00:00Z, until: 2027-06-01T00:00:00Z }"
        #expect(try kinds(year, longer) == ["weaker effective until"])
        #expect(try kinds(longer, year) == ["stronger effective until"])
        #expect(try kinds(year, "") == ["weaker effective from", "weaker effective until"])
        #expect(try kinds("", year) == ["stronger effective from", "stronger effective until"])
        #expect(try kinds("", "quota: { recordsPerSecond: 5 }") == ["other quota "])
    }
}
