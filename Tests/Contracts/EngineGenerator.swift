import Contracts
import Foundation

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

    private static let names = [
        "a", "b", "c", "a.b", "x y", "é", "longer_name_of_a_member",
        "longer_name_of_a_member_2",
    ]

    mutating func record() -> Document { object(0) }

    private mutating func object(_ depth: Int) -> Document {
        var names = Array(Generator.names.shuffled(using: &random).prefix(random.below(7)))
        // Now and then a member twice, spelled the same way or not.
        if random.chance(1), let name = names.first { names.append(name) }
        return .object(
            names.map {
                Document.Member(name: $0, source: source($0), value: value(depth + 1))
            })
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
        case 4:
            let shift = random.pick(["Z", "+05:30", "-11:00"])
            let time = String(
                format: "%04d-%02d-%02dT%02d:%02d:%02d.%d%@", 1900 + random.below(200),
                1 + random.below(12), 1 + random.below(28), random.below(24), random.below(60),
                random.below(60), 900_000 + canaries, shift)
            return .string(time, source: source(time))
        case 5:
            if random.chance(30) {
                let text = random.pick(["", "x", "ab", "é\u{301}y"])
                return .string(text, source: source(text))
            }
            let text =
                "canary-\(canaries)"
                + random.pick(["", "é\u{301}", "\u{1F468}\u{200D}\u{1F469}", "\""])
            return .string(text, source: source(text))
        case 6, 7:
            // Every other one holds scalars only.
            let inner = random.chance(50) ? 5 : depth + 1
            return .array((0..<random.below(4)).map { _ in value(inner) })
        default: return object(depth)
        }
    }

    /// The record that a contract was made for, so that its paths lead somewhere.
    private var template = Document.null

    /// Of the template's shape, most of it, with other values.
    mutating func variant() -> Document { variant(template) }

    private mutating func variant(_ document: Document) -> Document {
        switch document {
        case .null, .scalar, .string: return random.chance(30) ? document : value(5)
        case .array(let elements): return .array(elements.map { variant($0) })
        case .object(let members):
            return .object(
                members.filter { _ in !random.chance(4) }.map {
                    Document.Member(
                        name: $0.name, source: source($0.name), value: variant($0.value))
                })
        }
    }

    mutating func path() -> Path {
        if random.chance(70), let path = pathInTemplate() { return path }
        return Path(
            steps: (0...random.below(3)).map { _ in
                Path.Step(member: random.pick(Generator.names), elements: random.chance(25))
            })
    }

    private mutating func pathInTemplate() -> Path? {
        var steps: [Path.Step] = []
        var here = template
        while case .object(let members) = here, !members.isEmpty, !random.chance(steps.count * 10) {
            let member = random.pick(members)
            steps.append(Path.Step(member: member.name))
            here = member.value
            if case .array(let elements) = here, !elements.isEmpty, random.chance(80) {
                steps[steps.count - 1].elements = true
                here = random.pick(elements)
            }
        }
        return steps.isEmpty ? nil : Path(steps: steps)
    }

    /// What is no part of a record's value.
    mutating func sample() -> EngineRecord {
        let headers = (0..<random.below(4)).map { _ in
            (
                random.pick(["h", "trace", "x", "hx", "tra", ""]),
                random.chance(20) ? nil : "v\(random.below(9))"
            )
        }
        return EngineRecord(
            key: random.chance(15) ? nil : random.pick(["", "k", "kéy", "a longer key 123"]),
            headers: headers, partition: Int32(random.below(9)), offset: Int64(random.below(99)))
    }

    mutating func stream() -> Contracts.Stream {
        template = record()
        var stream = Contracts.Stream(
            from: "source", to: "target", format: .json, fields: fields(), key: keyRule(),
            headers: random.pick([[], [], ["h"], ["trace", "x"]]),
            onViolation: random.pick(Contracts.Stream.OnViolation.allCases))
        if random.chance(25) { stream.filter = Expression(text: random.pick(Sentence.filters)) }
        if case .path = stream.key {} else { stream.forwardsTombstones = random.chance(50) }
        if stream.key != .drop, random.chance(30) { stream.partition = .key }
        return stream
    }

    private mutating func keyRule() -> Contracts.Stream.KeyRule {
        switch random.below(8) {
        case 0, 1: return .drop
        case 2: return .pseudonym(Pseudonym(key: "k1", length: 16 + random.below(49)))
        case 3:
            var transform = transform()
            if case .encrypt = transform { transform = nil }
            let path = Path(steps: path().steps.map { Path.Step(member: $0.member) })
            return .path(path, transform)
        default: return .keep
        }
    }

    private mutating func checks() -> FieldChecks {
        var checks = FieldChecks()
        switch random.below(5) {
        case 0: checks.allowed = ["\"x\"", "true", "900001", "-90000.30e1"]
        case 1: checks.pattern = random.pick(Values.patterns).text
        case 2: checks.minimum = random.pick(["-900000", "0", "900100.5", "9.5e5"])
        case 3: checks.maximum = random.pick(["-900000", "0", "900100.5", "9.5e5"])
        default: checks.maxLength = random.pick([0, 9, 11, 30])
        }
        return checks
    }

    /// A member more, of a name that no contract has, in every object that is not let out whole.
    mutating func widened(
        _ document: Document, _ place: [Path.Step] = [], keeping isWhole: ([Path.Step]) -> Bool
    ) -> Document {
        switch document {
        case .null, .scalar, .string: return document
        case .array(let elements):
            var inner = place
            if let last = inner.indices.last { inner[last].elements = true }
            return .array(elements.map { widened($0, inner, keeping: isWhole) })
        case .object(let members):
            if isWhole(place) { return document }
            var members = members.map { member in
                let below = place + [Path.Step(member: member.name)]
                let value = widened(member.value, below, keeping: isWhole)
                return Document.Member(name: member.name, source: member.source, value: value)
            }
            let added = random.pick([
                "added", "a.", "aa", "A", "b ", "longer_name_of_A_member",
                "longer_name_of_a_member_3",
            ])
            var held = value(4)
            while !held.hasUniqueNames { held = value(4) }
            let place = random.below(members.count + 1)
            members.insert(
                Document.Member(name: added, source: source(added), value: held), at: place)
            return .object(members)
        }
    }

    mutating func fields() -> [Field] {
        (0..<random.below(7)).map { _ in
            let path = path()
            let flat = Path(steps: path.steps.map { Path.Step(member: $0.member) })
            if random.chance(10) {
                return Field(source: .constant("{\"constant\": [1]}"), output: flat)
            }
            if random.chance(8) {
                let expression = Expression(text: random.pick(Sentence.values))
                return Field(source: .value(expression), output: flat)
            }
            return Field(
                source: .path(path), output: random.chance(40) ? renamed(path) : path,
                type: random.chance(10) ? random.pick(JSONType.allCases) : nil,
                checks: random.chance(8) ? checks() : nil, required: random.chance(5),
                fallback: random.chance(10) ? "[\"default\"]" : nil,
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
        switch random.below(16) {
        case 0: .pseudonym(Pseudonym(key: "k1", length: 16 + random.below(49)))
        case 1: .mask(Mask(keepFirst: random.below(3), keepLast: random.below(4)))
        case 2: .truncate(random.below(14))
        case 3: .cast(random.pick(Transform.Cast.allCases))
        case 4: .round(random.pick(["0.1", "1", "7", "100", "0.25", "1e5"]))
        case 5: .encrypt(key: "k32")
        case 6: .dateTruncate(random.pick(Transform.DateUnit.allCases))
        default: nil
        }
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
