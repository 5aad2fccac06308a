import Contracts
import Foundation
import Testing

/// splitmix64: the same sequence on every machine.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
}

/// Random contracts and records over few names, so that paths meet members often.
struct Generator {
    var random: SeededRandom
    private var canaries = 0

    init(seed: UInt64) { random = SeededRandom(state: seed) }

    private static let names = ["a", "b", "c", "a.b", "x y", "é", "longer_name_of_a_member"]

    mutating func record() -> Document { object(0) }

    private mutating func object(_ depth: Int) -> Document {
        let names = Generator.names.shuffled(using: &random).prefix(random.below(7))
        return .object(
            names.map { (name: $0, source: source($0), value: value(depth + 1)) })
    }

    /// The text of a string, now and then with an escape that is not needed.
    private mutating func source(_ text: String) -> String {
        guard random.chance(15), let first = text.unicodeScalars.first, first.value < 0x80 else {
            return JSONLiteral.quoted(text)
        }
        let digits = String(first.value, radix: 16)
        let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        return "\"" + escape
            + JSONLiteral.quoted(String(text.unicodeScalars.dropFirst())).dropFirst()
    }

    private mutating func value(_ depth: Int) -> Document {
        canaries += 1
        switch random.below(depth > 4 ? 6 : 10) {
        case 0: return .null
        case 1: return .scalar(random.pick(["true", "false"]))
        case 2: return .scalar("\(900_000 + canaries)")
        case 3: return .scalar("-\(900_000 + canaries)\(random.pick([".0", ".50", "e1", "E-1"]))")
        case 4, 5:
            let text =
                "canary-\(canaries)"
                + random.pick(["", "é\u{301}", "\u{1F468}\u{200D}\u{1F469}", "\""])
            return .string(text, source: source(text))
        case 6, 7: return .array((0..<random.below(4)).map { _ in value(depth + 1) })
        default: return object(depth)
        }
    }

    mutating func path() -> Path {
        Path(
            steps: (0...random.below(3)).map { _ in
                Path.Step(member: random.pick(Generator.names), elements: random.chance(20))
            })
    }

    mutating func fields() -> [Field] {
        (0..<random.below(7)).map { _ in
            let path = path()
            if random.chance(10) {
                let flat = Path(steps: path.steps.map { Path.Step(member: $0.member) })
                return Field(source: .constant("{\"constant\": [1]}"), output: flat)
            }
            return Field(
                source: .path(path), output: random.chance(40) ? renamed(path) : path,
                type: random.chance(10) ? random.pick(JSONType.allCases) : nil,
                required: random.chance(5), fallback: random.chance(10) ? "[\"default\"]" : nil,
                transform: transform())
        }
    }

    /// Another name for each step, and a step more now and then; the `[]` stay.
    private mutating func renamed(_ path: Path) -> Path {
        var steps = path.steps
        for index in steps.indices where random.chance(60) {
            steps[index].member = random.pick(Generator.names)
        }
        if random.chance(30) { steps.insert(Path.Step(member: random.pick(["out", "a"])), at: 0) }
        return Path(steps: steps)
    }

    private mutating func transform() -> Transform? {
        switch random.below(18) {
        case 0: .pseudonym(Pseudonym(key: "k1", length: 16 + random.below(49)))
        case 1: .mask(Mask(keepFirst: random.below(3), keepLast: random.below(4)))
        case 2: .truncate(random.below(14))
        case 3: .cast(random.pick(Transform.Cast.allCases))
        case 4: .round(random.pick(["0.1", "1", "7", "100", "0.25", "1e5"]))
        default: nil
        }
    }
}

@Suite struct EnginePropertyTests {
    /// `CROSSDOCK_PROPERTY_CASES`: contracts to try, ten records each.
    private var contracts: Int {
        ProcessInfo.processInfo.environment["CROSSDOCK_PROPERTY_CASES"].flatMap(Int.init) ?? 1500
    }

    @Test func `what leaves is what the reference lets out, for random contracts and records`()
        throws
    {
        let seed = UInt64.random(in: 0..<1_000_000)
        var generator = Generator(seed: seed)
        var compared = 0
        var delivered = 0
        for number in 0..<contracts {
            let fields = generator.fields()
            // Outputs that collide are refused: nothing to compare.
            guard let decider = try? Engine.decider(Engine.stream(fields: fields)) else { continue }
            for _ in 0..<10 {
                let record = generator.record()
                let outcome = decider.outcome(EngineRecord(value: record.text))
                let expected = Reference.output(fields, record)
                compared += 1
                if outcome.decision == .delivered { delivered += 1 }
                try #require(
                    outcome.value == expected,
                    "seed \(seed), contract \(number): \(fields) on \(record.text)")
                if let value = outcome.value { expectNoCanary(value, fields, record, seed) }
            }
        }
        #expect(compared > contracts * 5 && delivered > compared / 2)
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
        for case .path(let path) in fields.map(\.source) { allowed.append(path.steps) }
        visit(record, []) { text, place in
            guard text.contains("canary-") || text.count > 6, output.contains(text) else { return }
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
        let seed = UInt64.random(in: 0..<1_000_000)
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
        for _ in 0..<contracts * 4 {
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

extension Generator {
    mutating func damage(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let place = random.below(bytes.count)
        switch random.below(6) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(random.pick(Array("{}[]\",:\\u0e-.tfn \u{7f}".utf8)), at: place)
        case 3: bytes.removeSubrange(place...)
        case 4:
            let end = min(bytes.count, place + random.below(20))
            bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
        default: bytes[place] ^= 1 << UInt8(random.below(8))
        }
    }
}
