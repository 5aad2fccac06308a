internal import Glibc

/// The strings extension. Positions count code points, as everywhere in CEL.
extension CELEvaluator {
    mutating func strings(
        _ call: CELCall, _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        if call == .join { return join(operands, index) }
        let wantsText = call == .charAt || call == .substring ? 1 : call == .replace ? 3 : 2
        for (place, operand) in operands.enumerated() {
            let tag: CELValue.Tag = place < wantsText ? .string : .int
            guard operand.tag == tag else { return .failure(.noOverload, index) }
        }
        let text = operands[0].text
        spend(text.count / 16)
        switch call {
        case .charAt: return charAt(text, operands[1].asInt, index)
        case .indexOf, .lastIndexOf: return find(call, operands, index)
        case .lowerAscii: return .string(keep(text.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }))
        case .upperAscii: return .string(keep(text.map { $0 &- 0x61 < 26 ? $0 & 0xDF : $0 }))
        case .quote: return .string(keep(CELEvaluator.quoted(text)))
        case .replace: return replace(operands)
        case .reverse:
            let scalars = String(decoding: text, as: UTF8.self).unicodeScalars.reversed()
            var reversed = String.UnicodeScalarView()
            reversed.append(contentsOf: scalars)
            return keep(String(reversed))
        case .split: return split(operands, index)
        case .substring: return substring(operands, index)
        default: return .string(trimmed(text))
        }
    }

    // MARK: positions

    /// Where the code point at `position` begins, in bytes; the end for the number of code points.
    private func byte(
        of position: Int64, in text: UnsafeBufferPointer<UInt8>
    ) -> Int? {
        guard position >= 0 else { return nil }
        var left = position
        for (place, unit) in text.enumerated() where unit & 0xC0 != 0x80 {
            if left == 0 { return place }
            left -= 1
        }
        return left == 0 ? text.count : nil
    }

    private func position(of byte: Int, in text: UnsafeBufferPointer<UInt8>) -> Int64 {
        text[..<byte].reduce(0) { $1 & 0xC0 != 0x80 ? $0 + 1 : $0 }
    }

    private func charAt(
        _ text: UnsafeBufferPointer<UInt8>, _ position: Int64, _ index: Int32
    ) -> CELValue {
        guard let start = byte(of: position, in: text) else {
            return .failure(.indexOutOfRange, index)
        }
        var end = min(start + 1, text.count)
        while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
        return .string(UnsafeBufferPointer(rebasing: text[start..<end]))
    }

    private func substring(
        _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        let text = operands[0].text
        let end = operands.count > 2 ? byte(of: operands[2].asInt, in: text) : text.count
        guard let start = byte(of: operands[1].asInt, in: text), let end, start <= end else {
            return .failure(.indexOutOfRange, index)
        }
        return .string(UnsafeBufferPointer(rebasing: text[start..<end]))
    }

    private mutating func find(
        _ call: CELCall, _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        let (text, part) = (operands[0].text, operands[1].text)
        var from = call == .indexOf ? 0 : text.count
        if operands.count > 2 {
            guard let place = byte(of: operands[2].asInt, in: text) else {
                return .failure(.indexOutOfRange, index)
            }
            from = place
        }
        let found = call == .indexOf ? first(part, in: text, from) : last(part, in: text, from)
        return .int(found.map { position(of: $0, in: text) } ?? -1)
    }

    /// The first place at or after `from` where `part` stands, in bytes.
    private mutating func first(
        _ part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, _ from: Int
    ) -> Int? {
        guard let needle = part.baseAddress, let start = text.baseAddress, !part.isEmpty else {
            return part.isEmpty ? from : nil
        }
        var place = from
        while place + part.count <= text.count {
            let left = text.count - part.count - place + 1
            guard let found = memchr(start + place, Int32(part[0]), left) else { return nil }
            place = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            if memcmp(start + place, needle, part.count) == 0 { return place }
            spend(1 + part.count / 64)
            if steps < 0 { return nil }
            place += 1
        }
        return nil
    }

    /// The last place at or before `from` where `part` stands, in bytes.
    private mutating func last(
        _ part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, _ from: Int
    ) -> Int? {
        guard let needle = part.baseAddress, let start = text.baseAddress, !part.isEmpty else {
            return part.isEmpty ? from : nil
        }
        var place = min(from, text.count - part.count)
        while place >= 0 {
            if memcmp(start + place, needle, part.count) == 0 { return place }
            spend(1 + part.count / 64)
            if steps < 0 { return nil }
            place -= 1
        }
        return nil
    }

    // MARK: parts

    private mutating func replace(_ operands: UnsafeBufferPointer<CELValue>) -> CELValue {
        let (text, old, new) = (operands[0].text, operands[1].text, operands[2].text)
        let limit = operands.count > 3 ? operands[3].asInt : -1
        var left = limit < 0 ? Int64.max : limit
        var result: [UInt8] = []
        var place = 0
        while left > 0, steps >= 0, let found = first(old, in: text, place) {
            result += text[place..<found]
            result += new
            spend(1 + (found - place + new.count) / 16)
            left -= 1
            place = found + old.count
            if old.isEmpty {
                guard place < text.count else { break }
                repeat {
                    result.append(text[place])
                    place += 1
                } while place < text.count && text[place] & 0xC0 == 0x80
            }
        }
        if place < text.count { result += text[place...] }
        return .string(keep(result))
    }

    private mutating func split(
        _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        let (text, separator) = (operands[0].text, operands[1].text)
        let limit = operands.count > 2 ? operands[2].asInt : -1
        var parts: [CELValue] = []
        var place = 0
        while limit != 0, steps >= 0 {
            var end = text.count
            var next: Int?
            if limit < 0 || Int64(parts.count) < limit - 1 {
                if separator.isEmpty {
                    var after = min(place + 1, text.count)
                    while after < text.count, text[after] & 0xC0 == 0x80 { after += 1 }
                    if after < text.count { next = after }
                    end = after
                } else if let found = first(separator, in: text, place) {
                    next = found + separator.count
                    end = found
                }
            }
            spend(1)
            if !separator.isEmpty || place < text.count {
                parts.append(.string(UnsafeBufferPointer(rebasing: text[place..<end])))
            }
            guard let next else { break }
            place = next
        }
        let memory = arena.allocate(CELValue.self, count: parts.count)
        for (place, part) in parts.enumerated() { memory[place] = part }
        return .list(memory, parts.count)
    }

    private mutating func join(
        _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        guard operands[0].tag == .list || operands[0].tag == .array,
            operands.count == 1 || operands[1].tag == .string
        else { return .failure(.noOverload, index) }
        var elements = CELElements(operands[0])
        var result: [UInt8] = []
        var isFirst = true
        while let element = elements.next(&self) {
            guard element.tag == .string else { return .failure(.noOverload, index) }
            if !isFirst, operands.count > 1 { result += operands[1].text }
            isFirst = false
            result += element.text
            spend(1 + element.length / 16)
            if steps < 0 { return .failure(.tooCostly, index) }
        }
        return .string(keep(result))
    }

    /// Without the white space (Unicode's White_Space) at both ends.
    private func trimmed(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let string = String(decoding: text, as: UTF8.self).unicodeScalars
        var start = 0
        for scalar in string {
            guard scalar.properties.isWhitespace else { break }
            start += UTF8.width(scalar)
        }
        var end = text.count
        for scalar in string.reversed() {
            guard end > start, scalar.properties.isWhitespace else { break }
            end -= UTF8.width(scalar)
        }
        return UnsafeBufferPointer(rebasing: text[start..<end])
    }

    /// In double quotes, with what CEL's string literals escape.
    static func quoted(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var result: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text {
            let escape: UInt8? =
                switch byte {
                case 0x07: UInt8(ascii: "a")
                case 0x08: UInt8(ascii: "b")
                case 0x0C: UInt8(ascii: "f")
                case 0x0A: UInt8(ascii: "n")
                case 0x0D: UInt8(ascii: "r")
                case 0x09: UInt8(ascii: "t")
                case 0x0B: UInt8(ascii: "v")
                case UInt8(ascii: "\\"): UInt8(ascii: "\\")
                case UInt8(ascii: "\""): UInt8(ascii: "\"")
                default: nil
                }
            if let escape { result += [UInt8(ascii: "\\"), escape] } else { result.append(byte) }
        }
        return result + [UInt8(ascii: "\"")]
    }
}
