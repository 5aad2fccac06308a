import Contracts
import Testing

/// SplitMix64, so that a seed tells the whole run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

@Suite("No file brings the readers down") struct DocumentFuzzTests {
    private static let seeds = [
        Sample.fields(
            "{ path: 'a[].b', mask: { with: \"\\u2022\" } }", "{ as: c, constant: [1, ~] }"),
        Sample.stream("filter: >-\n  value.a > 1\n  && value.b == 'x'\nstart: { group: g }"),
        Sample.fields("a") + """
            # examples
            tests:
              - { name: a, record: { key: k, value: '{"a":1}' }, expect: filtered }
              - name: b
                record: { value: { a: [1, {}] }, headers: [{ h: ~ }, { h: { base64: AA== } }] }
                expect: { delivered: { value: { a: [1, {}] } } }

            """,
        DocumentConfigurationTests.minimal + "keys: { k: '${file:./a}' }\nlanes: 2\n",
    ]
    private static let pieces = [
        "{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "'", "\"", "\\", "|", ">", "&a", "*a",
        "!t",
        "<<", "---", "%YAML", "#", "\t", "\r", "\u{FEFF}", "\u{2028}", "\0", "@", "`", "${", "é",
        "𝄞",
        "a: b", "? ", ", ", "~", "0x", ".inf", "\\x", "key: ", "path", "[]",
        "\ntests: ", "\ntests:\n",
    ]

    @Test("whatever the bytes are; places always lie in the file")
    func mutations() {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = Seeded(state: seed)
        for _ in 0..<1000 {
            var bytes = Array(Self.seeds[Int.random(in: 0..<Self.seeds.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) { mutate(&bytes, &random) }
            check(bytes, seed)
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Seeded) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            let piece = Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)]
            bytes.insert(contentsOf: Array(piece.utf8), at: at)
        case 1:
            bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...9, using: &random)))
        case 2 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 3: bytes.removeSubrange(at...)
        case 4:
            let end = min(bytes.count, at + Int.random(in: 0...40, using: &random))
            bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...at, using: &random))
        default: bytes.insert(UInt8(ascii: " "), at: at)
        }
    }

    private func check(_ bytes: [UInt8], _ seed: UInt64) {
        let reading = ContractReader.read(
            bytes: bytes, file: "f", configuration: Sample.configuration)
        let configuration = ConfigurationReader.read(bytes: bytes, file: "f")
        #expect((reading.contract == nil) == reading.hasErrors, "seed \(seed)")
        #expect(
            (configuration.configuration == nil)
                == configuration.diagnostics.contains { $0.severity == .error }, "seed \(seed)")
        if let contract = reading.contract {
            // What was read can be run.
            var runner = ContractTestRunner(contract)
            for test in reading.tests {
                #expect(throws: Never.self, "seed \(seed)") { try runner.run(test) }
            }
        }
        let lines = reading.source.lines
        for found in reading.diagnostics {
            // The column behind a line's end is a place too: something is missing there.
            let isInside =
                found.line == 1 && found.column == 1
                || (1...max(1, lines.count)).contains(found.line)
                    && (1...lines[found.line - 1].count + 1).contains(found.column)
            #expect(isInside && found.length >= 1, "seed \(seed): \(found.text)")
        }
    }
}
