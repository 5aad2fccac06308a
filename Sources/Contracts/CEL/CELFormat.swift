internal import Cryptography
internal import Glibc

/// `'%s of %d'.format([…])` of the strings extension.
extension CELEvaluator {
    mutating func format(_ pattern: CELValue, _ list: CELValue, _ index: Int32) -> CELValue {
        guard pattern.tag == .string, list.tag == .list || list.tag == .array else {
            return .failure(.noOverload, index)
        }
        var arguments = CELElements(list)
        var rest = pattern.text[...]
        var result: [UInt8] = []
        while let percent = rest.firstIndex(of: UInt8(ascii: "%")) {
            result += rest[..<percent]
            rest = rest[(percent + 1)...]
            if rest.first == UInt8(ascii: "%") {
                result.append(UInt8(ascii: "%"))
                rest = rest.dropFirst()
                continue
            }
            var precision: Int?
            if rest.first == UInt8(ascii: ".") {
                let digits = rest.dropFirst().prefix(while: Names.isDigit)
                precision = Int(String(decoding: digits, as: UTF8.self))
                rest = rest.dropFirst(1 + digits.count)
                guard let precision, precision <= 1000 else { return .failure(.badFormat, index) }
            }
            guard let letter = rest.first, let argument = arguments.next(&self),
                let text = clause(letter, precision, argument)
            else { return .failure(.badFormat, index) }
            rest = rest.dropFirst()
            result += text
            spend(1 + text.count / 16)
            if steps < 0 { return .failure(.tooCostly, index) }
        }
        return .string(keep(result + rest))
    }

    /// Nil where the clause is none, or does not take the value.
    private mutating func clause(
        _ letter: UInt8, _ precision: Int?, _ value: CELValue
    ) -> [UInt8]? {
        switch letter {
        case UInt8(ascii: "s"):
            var text: [UInt8] = []
            return write(value, to: &text, depth: 0) ? text : nil
        case UInt8(ascii: "d"):
            if value.tag == .double {
                return CELEvaluator.special(value.asDouble).map { Array($0.utf8) }
            }
            return integer(value, 10, upper: false)
        case UInt8(ascii: "b"):
            return value.tag == .bool
                ? [value.payload != 0 ? 0x31 : 0x30] : integer(value, 2, upper: false)
        case UInt8(ascii: "o"): return integer(value, 8, upper: false)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            let upper = letter == UInt8(ascii: "X")
            guard value.tag == .string || value.tag == .bytes else {
                return integer(value, 16, upper: upper)
            }
            let digits = Hex.encode(value.text)
            return Array((upper ? digits.uppercased() : digits).utf8)
        case UInt8(ascii: "e"), UInt8(ascii: "f"):
            return decimal(value, precision ?? 6, isScientific: letter == UInt8(ascii: "e"))
        default: return nil
        }
    }

    private func integer(_ value: CELValue, _ radix: Int, upper: Bool) -> [UInt8]? {
        switch value.tag {
        case .int: Array(String(value.asInt, radix: radix, uppercase: upper).utf8)
        case .uint: Array(String(value.payload, radix: radix, uppercase: upper).utf8)
        default: nil
        }
    }

    private static func special(_ number: Double) -> String? {
        if number.isNaN { return "NaN" }
        return number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : nil
    }

    private func decimal(_ value: CELValue, _ precision: Int, isScientific: Bool) -> [UInt8]? {
        let number: Double
        switch value.tag {
        case .double: number = value.asDouble
        case .int: number = Double(value.asInt)
        case .uint: number = Double(value.payload)
        default: return nil
        }
        if let word = CELEvaluator.special(number) { return Array(word.utf8) }
        var buffer = [CChar](repeating: 0, count: 330 + precision)
        let format = isScientific ? "%.*e" : "%.*f"
        let count = withVaList([Int32(precision), number]) {
            vsnprintf(&buffer, buffer.count, format, $0)
        }
        guard count >= 0, Int(count) < buffer.count else { return nil }
        return buffer[..<Int(count)].map { UInt8(bitPattern: $0) }
    }

    /// `%s`: text as it is, lists and maps with brackets, a map's entries in the order of their keys.
    private mutating func write(_ value: CELValue, to text: inout [UInt8], depth: Int) -> Bool {
        spend(1 + (value.tag == .string ? value.length / 16 : 0))
        guard steps >= 0, depth < 64 else { return false }
        switch value.tag {
        case .null: text += "null".utf8
        case .bool: text += (value.payload != 0 ? "true" : "false").utf8
        case .int: text += String(value.asInt).utf8
        case .uint: text += String(value.payload).utf8
        case .double: text += CELEvaluator.text(of: value.asDouble).utf8
        case .string, .type: text += value.text
        case .bytes: text += String(decoding: value.text, as: UTF8.self).utf8
        case .timestamp: text += value.time.timestampText.utf8
        case .duration: text += value.time.durationText.utf8
        case .list, .array: return writeList(value, &text, depth)
        case .map, .object: return writeMap(value, &text, depth)
        case .failure, .optional: return false
        }
        return true
    }

    private mutating func writeList(
        _ value: CELValue, _ text: inout [UInt8], _ depth: Int
    ) -> Bool {
        var elements = CELElements(value)
        var isFirst = true
        text.append(UInt8(ascii: "["))
        while let element = elements.next(&self) {
            if !isFirst { text += ", ".utf8 }
            isFirst = false
            guard write(element, to: &text, depth: depth + 1) else { return false }
        }
        text.append(UInt8(ascii: "]"))
        return true
    }

    private mutating func writeMap(
        _ value: CELValue, _ text: inout [UInt8], _ depth: Int
    ) -> Bool {
        var entries: [(key: [UInt8], value: [UInt8])] = []
        var elements = CELElements(value)
        while let key = elements.nextKey(&self) {
            guard let entry = elements.next(&self) else { return false }
            var texts: ([UInt8], [UInt8]) = ([], [])
            guard write(key, to: &texts.0, depth: depth + 1),
                write(entry, to: &texts.1, depth: depth + 1)
            else { return false }
            entries.append(texts)
        }
        entries.sort { $0.key.lexicographicallyPrecedes($1.key) }
        text.append(UInt8(ascii: "{"))
        for (place, entry) in entries.enumerated() {
            if place > 0 { text += ", ".utf8 }
            text += entry.key
            text += ": ".utf8
            text += entry.value
        }
        text.append(UInt8(ascii: "}"))
        return true
    }
}
