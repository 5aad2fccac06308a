import Contracts
import Foundation
import Testing

@Suite struct EnginePropertyTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// `CROSSDOCK_PROPERTY_CASES`: records to try, about twenty for each contract.
    private let records = Int(Self.number("CROSSDOCK_PROPERTY_CASES") ?? 10_000)
    /// `CROSSDOCK_SEED` replays a run.
    private let seed = Self.number("CROSSDOCK_SEED") ?? UInt64.random(in: 0..<1_000_000)

    @Test func `what leaves is what the reference lets out, for random contracts and records`()
        throws
    {
        print("property tests, seed \(seed)")
        var generator = Generator(seed: seed)
        var tally: [Decision: Int] = [:]
        var compared = 0
        while compared < records {
            let stream = generator.stream()
            // Outputs that collide are refused: nothing to compare.
            guard let decider = try? Engine.decider(stream) else { continue }
            for _ in 0..<10 {
                let record =
                    generator.random.chance(70) ? generator.variant() : generator.record()
                let wider = generator.widened(record) { isLetOutWhole($0, stream) }
                var sample = generator.sample()
                var expected: [Outcome] = []
                for document in generator.random.chance(5) ? [nil] : [record, wider] {
                    sample.value = document?.text
                    let reference = Reference(stream: stream, document: document, sample: sample)
                    guard let wanted = try? reference.outcome() else { continue }
                    var outcome = decider.outcome(sample)
                    (outcome.rule, outcome.detail) = (nil, "")
                    try #require(
                        outcome == wanted,
                        "seed \(seed), \(compared): \(stream) on \(sample)")
                    expected.append(wanted)
                    tally[outcome.decision, default: 0] += 1
                    compared += 1
                    if let value = outcome.value, let document {
                        expectNoCanary(value, stream.fields, document, seed)
                    }
                }
                try #require(
                    expected.count < 2 || expected[0] == expected[1],
                    "seed \(seed): a column shows: \(stream) on \(sample)")
            }
        }
        let told = tally.map { "\($0.value) \($0.key)" }.sorted()
        print("property tests: \(compared) records, \(told.joined(separator: ", "))")
        #expect(tally[.delivered, default: 0] > compared / 3)
        #expect(Decision.allCases.allSatisfy { tally[$0, default: 0] > compared / 200 })
    }

    /// Whether a named member, or one on the way to a key, is or holds what stands at a place.
    private func isLetOutWhole(_ place: [Path.Step], _ stream: Contracts.Stream) -> Bool {
        stream.fields.contains { field in
            switch field.source {
            case .path(let path):
                path.steps.count <= place.count
                    && zip(path.steps, place).allSatisfy { $0.0 == $0.1 }
                    || leads(path.steps, to: place)
            case .value(let expression):
                expression.text == "value.a" && place.first?.member == "a"
            case .constant: false
            }
        }
    }

    /// Each scalar of a record is different, so one that is found tells the member it came from.
    private func expectNoCanary(
        _ output: String, _ fields: [Field], _ record: Document, _ seed: UInt64
    ) {
        // What is cut or rounded may come out as another member's text.
        let mayCoincide = fields.contains { field in
            switch field.transform {
            case .truncate, .round: true
            default: false
            }
        }
        guard !mayCoincide else { return }
        var allowed: [[Path.Step]] = []
        for field in fields {
            switch field.source {
            case .path(let path): allowed.append(path.steps)
            case .value(let expression) where expression.text == "value.a":
                allowed.append([Path.Step(member: "a")])
            case .value, .constant: break
            }
        }
        visit(record, []) { text, place in
            guard text.contains("anary-") || text.count > 7, output.contains(text) else { return }
            let isNamed = allowed.contains { steps in
                steps.count <= place.count && zip(steps, place).allSatisfy { $0.0 == $0.1 }
                    || leads(steps, to: place)
            }
            #expect(isNamed, "seed \(seed): \(text) of \(record.text)")
        }
    }

    /// A path that ends at a member lets out all below it, arrays included.
    private func leads(_ steps: [Path.Step], to place: [Path.Step]) -> Bool {
        guard steps.count <= place.count, let last = steps.last else { return false }
        return zip(steps.dropLast(), place).allSatisfy { $0.0 == $0.1 }
            && last.member == place[steps.count - 1].member && !last.elements
    }

    private func visit(
        _ document: Document, _ place: [Path.Step], _ see: (String, [Path.Step]) -> Void
    ) {
        switch document {
        case .null: break
        case .scalar(let text): see(text, place)
        case .string(_, let source): see(String(source.dropFirst().dropLast()), place)
        case .array(let elements):
            var inner = place
            if let last = inner.indices.last { inner[last].elements = true }
            for element in elements { visit(element, inner, see) }
        case .object(let members):
            for member in members {
                visit(member.value, place + [Path.Step(member: member.name)], see)
            }
        }
    }

    @Test func `damaged records never crash, and what is accepted is JSON for others too`() throws {
        var generator = Generator(seed: seed)
        let filter = "value.a != 3 || 'x' in value.b || size(value.c) > 2 || value['x y'].a[0] == 1"
        let stream = try Engine.stream(
            fields: [
                Engine.field("a"), Engine.field("b[].c"), Engine.field("b[].a[].b"),
                Engine.field("c", as: "d.c", .mask(Mask(keepLast: 1))),
                Engine.field("é", as: "d.e", .pseudonym(Pseudonym(key: "k1"))),
            ], filter: filter)
        let decider = try Engine.decider(stream)
        var accepted = 0
        for _ in 0..<records / 2 {
            var bytes = Array(generator.record().text.utf8)
            for _ in 0..<(1 + generator.random.below(3)) { generator.damage(&bytes) }
            let value = bytes.withUnsafeBytes { bytes -> String? in
                // Memory of exactly this size, so that a sanitizer sees a byte too far.
                let memory = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: bytes.count, alignment: 1)
                defer { memory.deallocate() }
                memory.copyMemory(from: bytes)
                let record = SourceRecord(
                    key: nil, value: UnsafeRawBufferPointer(memory), headers: .none, offset: 0,
                    timestamp: 0, partition: 0, slot: 0)
                switch decider.decide(record) {
                case .delivered: return text(decider.output.value)
                case .filtered: return "{}"
                case .dropped, .quarantined, .stopped:
                    #expect(!decider.violation.detail.isEmpty)
                    return nil
                }
            }
            // Foundation has no numbers beyond a double's range; JSON does.
            guard let value, !hasLargeExponent(bytes) else { continue }
            accepted += 1
            for text in [Data(bytes), Data(value.utf8)] {
                #expect(
                    (try? JSONSerialization.jsonObject(with: text)) != nil,
                    "seed \(seed): \(String(decoding: text, as: UTF8.self))")
            }
        }
        #expect(accepted > 0)
    }

    private func hasLargeExponent(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).firstMatch(of: /[0-9][eE][+-]?[0-9]{2}/) != nil
    }
}
