import Contracts
import Cryptography
import Foundation

/// One value of a record, checked and transformed the slow way: `Reference`'s other part.
enum Values {
    typealias Breach = Reference.Breach

    /// A string's content or a scalar's source text.
    private static func plain(_ value: Document) throws -> String {
        switch value {
        case .string(let content, _): return content
        case .scalar(let source): return source
        default: throw Breach()
        }
    }

    static func pseudonym(_ text: String, _ pseudonym: Pseudonym) -> String {
        let key = HMACKey(Engine.keys[pseudonym.key] ?? [])
        return String(Hex.encode(key.authenticate(Array(text.utf8))).prefix(pseudonym.length))
    }

    /// A key has no quotes and no escapes.
    static func keyText(_ value: Document, _ transform: Transform?) throws -> String {
        if case .null = value { throw Breach() }
        guard let transform else { return try plain(value) }
        let json = try transformed(value, transform)
        guard json.hasPrefix("\"") else { return json }
        let decoded = try JSONSerialization.jsonObject(
            with: Data(json.utf8), options: .fragmentsAllowed)
        return decoded as? String ?? ""
    }

    static func transformed(_ value: Document, _ transform: Transform?) throws -> String {
        switch transform {
        case nil: return value.text
        case .pseudonym(let pseudonym):
            return "\"\(self.pseudonym(try plain(value), pseudonym))\""
        case .mask(let mask):
            guard case .string(let content, _) = value else { throw Breach() }
            return JSONLiteral.quoted(masked(Array(content), mask))
        case .truncate(let count):
            guard case .string(let content, _) = value else { throw Breach() }
            return JSONLiteral.quoted(String(content.prefix(count)))
        case .cast(let type): return try cast(value, type)
        case .round(let step):
            guard case .scalar(let text) = value, let number = Decimal(string: text),
                text != "true", text != "false", let step = Decimal(string: step)
            else { throw Breach() }
            var quotient = number.magnitude / step
            var rounded = Decimal()
            NSDecimalRound(&rounded, &quotient, 0, .plain)
            let result = rounded * step
            return "\(number.sign == .minus && result != 0 ? -result : result)"
        case .dateTruncate(let unit):
            guard case .string(let content, _) = value else { throw Breach() }
            return "\"\(try cut(content, unit))\""
        case .encrypt: throw Breach()
        }
    }

    private static func cast(_ value: Document, _ type: Transform.Cast) throws -> String {
        switch (type, value) {
        case (.string, .string): return value.text
        case (.string, .scalar(let text)): return "\"\(text)\""
        case (.boolean, .scalar(let text)) where text == "true" || text == "false": return text
        case (.number, .scalar(let text)) where text != "true" && text != "false": return text
        case (.integer, .scalar(let text)):
            guard let number = Decimal(string: text), text != "true", text != "false" else {
                throw Breach()
            }
            var (whole, copy) = (Decimal(), number)
            NSDecimalRound(&whole, &copy, 0, .plain)
            guard whole == number else { throw Breach() }
            return "\(whole)"
        default: throw Breach()
        }
    }

    private static func masked(_ text: [Character], _ mask: Mask) -> String {
        guard !text.isEmpty else { return "" }
        let first = min(mask.keepFirst, text.count - 1)
        let last = min(mask.keepLast, text.count - 1 - first)
        return text.enumerated().map { index, character in
            index < first || index >= text.count - last ? String(character) : mask.with
        }.joined()
    }

    /// The generator's times: `2026-01-31T08:00:00.900001Z` or with `+01:30` for the Z.
    private static func cut(_ text: String, _ unit: Transform.DateUnit) throws -> String {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        guard text.count >= 20, text.contains("T"), numbers.count >= 7 else { throw Breach() }
        var parts = DateComponents()
        (parts.year, parts.month, parts.day) = (numbers[0], numbers[1], numbers[2])
        (parts.hour, parts.minute, parts.second) = (numbers[3], numbers[4], numbers[5])
        var calendar = Calendar(identifier: .gregorian)
        guard let utc = TimeZone(secondsFromGMT: 0) else { throw Breach() }
        calendar.timeZone = utc
        guard var date = calendar.date(from: parts) else { throw Breach() }
        if numbers.count == 9 {
            let shift = Double(numbers[7] * 3600 + numbers[8] * 60)
            date.addTimeInterval(text.contains("+") ? -shift : shift)
        }
        let found = calendar.dateComponents([.year, .month, .day, .hour], from: date)
        let year = found.year ?? 0
        let month = unit == .year ? 1 : found.month ?? 0
        let day = unit == .year || unit == .month ? 1 : found.day ?? 0
        let hour = unit == .hour ? found.hour ?? 0 : 0
        return String(format: "%04d-%02d-%02dT%02d:00:00Z", year, month, day, hour)
    }

    /// contract.md `encrypt`, with the parts of the nonce in the engine's order.
    static func encrypted(
        _ value: Document, _ key: String, path: String, _ sample: EngineRecord, topic: String,
        _ indices: [Int]
    ) throws -> String {
        let secret = Engine.keys[key] ?? []
        let plain = Array(try plain(value).utf8)
        func big(_ number: Int) -> [UInt8] {
            withUnsafeBytes(of: Int64(number).bigEndian) { Array($0) }
        }
        var message: [UInt8] = []
        for part in ["test", "home", topic, path].map({ Array($0.utf8) })
            + [big(Int(sample.partition)), big(Int(sample.offset))] + indices.map(big) + [plain]
        {
            message += big(part.count) + part
        }
        let subkey = HKDF.derive(
            secret: secret, info: Array("crossdock encrypt nonce".utf8), count: 32)
        let nonce = Array(HMACKey(subkey).authenticate(message).prefix(12))
        let sealed = try AESGCM.seal(
            plain, key: secret, nonce: nonce, additionalData: Array("test|\(path)".utf8))
        return "\"\(Data(nonce + sealed).base64EncodedString())\""
    }

    static func conforms(_ value: Document, _ type: JSONType) -> Bool {
        switch (type, value) {
        case (.string, .string), (.array, .array), (.object, .object): true
        case (.boolean, .scalar(let text)): text == "true" || text == "false"
        case (.number, .scalar(let text)): text != "true" && text != "false"
        case (.integer, .scalar(let text)):
            Double(text).map { $0 == $0.rounded() } ?? false
        case (.dateTime, .string(let content, _)): (try? cut(content, .year)) != nil
        default: false
        }
    }

    /// Each check speaks of values of its own type only.
    static func passes(_ value: Document, _ checks: FieldChecks) -> Bool {
        if !checks.allowed.isEmpty, !checks.allowed.contains(where: { isEqual(value, $0) }) {
            return false
        }
        switch value {
        case .string(let content, _):
            if let length = checks.maxLength, content.unicodeScalars.count > length { return false }
            return checks.pattern.map { matches(content, $0) } ?? true
        case .scalar(let text) where text != "true" && text != "false":
            guard let number = Decimal(string: text) else { return false }
            if let least = checks.minimum.flatMap({ Decimal(string: $0) }), number < least {
                return false
            }
            return checks.maximum.flatMap { Decimal(string: $0) }.map { number <= $0 } ?? true
        default: return true
        }
    }

    private static func isEqual(_ value: Document, _ json: String) -> Bool {
        switch value {
        case .string(let content, _): return JSONLiteral.quoted(content) == json
        case .scalar("true"), .scalar("false"): return value.text == json
        case .scalar(let text):
            guard let other = Double(json) else { return false }
            return Double(text) == other
        default: return false
        }
    }

    /// The generator's patterns.
    static let patterns: [(text: String, holds: @Sendable (String) -> Bool)] = [
        ("^canary-[0-9]*[02468]", { $0.firstMatch(of: /^canary-[0-9]*[02468]/) != nil }),
        ("é", { $0.unicodeScalars.contains("\u{E9}") }), ("7$", { $0.hasSuffix("7") }),
        ("^.{0,9}$", { $0.unicodeScalars.count < 10 }),
    ]

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        patterns.first { $0.text == pattern }?.holds(text) ?? false
    }
}

/// The generator's expressions, and what they mean.
enum Sentence {
    static let filters = ["has(value.a)", "has(value.a.b)", "!has(value.c)", "value.b == null"]
    static let values = ["has(value.b)", "value.a", "'from ' + topic", "value.?c.optMap(x, 1)"]

    static func holds(_ text: String, _ record: Document) throws -> Bool {
        switch text {
        case "has(value.a)": return record.walk(["a"]) != nil
        case "has(value.a.b)":
            guard case .object? = record.walk(["a"]) else { throw Reference.Breach() }
            return record.walk(["a", "b"]) != nil
        case "!has(value.c)": return record.walk(["c"]) == nil
        default:
            guard let value = record.walk(["b"]) else { throw Reference.Breach() }
            if case .null = value { return true }
            return false
        }
    }

    /// nil: no member.
    static func value(_ text: String, _ record: Document?) throws -> String? {
        switch text {
        case "has(value.b)": return record?.walk(["b"]) == nil ? "false" : "true"
        case "'from ' + topic": return "\"from source\""
        case "value.?c.optMap(x, 1)": return record?.walk(["c"]) == nil ? nil : "1"
        default:
            // What CEL writes of a number or a container need not be the source's text.
            switch record?.walk(["a"]) {
            case .null?: return "null"
            case .scalar("true")?: return "true"
            case .scalar("false")?: return "false"
            case .string(let content, _)?: return JSONLiteral.quoted(content)
            case nil: throw Reference.Breach()
            default: throw Reference.Unknown()
            }
        }
    }
}

/// Kafka's hash of a key, as its Java source has it.
enum Murmur {
    static func hash(_ data: [UInt8]) -> Int32 {
        let m: Int32 = 0x5bd1_e995
        var h = Int32(bitPattern: 0x9747_b28c) ^ Int32(data.count)
        for group in 0..<(data.count / 4) {
            var k: Int32 = 0
            for place in 0..<4 {
                k |= Int32(bitPattern: UInt32(data[group * 4 + place])) << Int32(8 * place)
            }
            k = k &* m
            k ^= shifted(k, 24)
            k = k &* m
            h = h &* m
            h ^= k
        }
        let rest = data.suffix(data.count % 4)
        if !rest.isEmpty {
            for (place, byte) in rest.enumerated().reversed() {
                h ^= Int32(bitPattern: UInt32(byte)) << Int32(8 * place)
            }
            h = h &* m
        }
        h ^= shifted(h, 13)
        h = h &* m
        return h ^ shifted(h, 15)
    }

    /// Java's `>>>`.
    private static func shifted(_ number: Int32, _ places: UInt32) -> Int32 {
        Int32(bitPattern: UInt32(bitPattern: number) >> places)
    }
}
