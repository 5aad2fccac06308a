internal import Cryptography

/// What a computed field yields, as JSON (contract.md "Filter and computed fields"): doubles shortest
/// round-trip as RFC 8785 writes them, bytes base64, times as protobuf's JSON, maps with string keys,
/// sorted.
extension CELEvaluator {
    /// Appends the value; what stands against it otherwise, with `output` half written.
    mutating func writeJSON(
        _ value: CELValue, to output: inout ByteBuffer, depth: Int = 0
    ) -> CELFailure? {
        spend(1 + (value.tag == .string ? value.length / 16 : 0))
        guard steps >= 0, depth < 128 else { return .tooCostly }
        switch value.tag {
        case .null: append("null", &output)
        case .bool: append(value.payload != 0 ? "true" : "false", &output)
        case .int: append(integer: value.asInt.magnitude, isNegative: value.asInt < 0, &output)
        case .uint: append(integer: value.payload, isNegative: false, &output)
        case .double: return append(double: value.asDouble, &output)
        case .string:
            output.append(UInt8(ascii: "\""))
            output.appendEscaped(value.text)
            output.append(UInt8(ascii: "\""))
        case .bytes: append(base64: value.text, &output)
        case .timestamp: append(text: value.time.timestampJSON, &output)
        case .duration: append(text: value.time.durationJSON, &output)
        case .list, .array: return writeList(value, &output, depth)
        case .map, .object: return writeMap(value, &output, depth)
        case .optional:
            guard let held = value.held else { return .noneHeld }
            return writeJSON(held, to: &output, depth: depth + 1)
        case .type: return .notJSON
        case .failure: return CELFailure(rawValue: UInt8(truncatingIfNeeded: value.payload))
        }
        return nil
    }

    private func append(_ text: StaticString, _ output: inout ByteBuffer) {
        output.append(text.utf8Start, text.utf8CodeUnitCount)
    }

    private func append(text: String, _ output: inout ByteBuffer) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 { output.append(byte) }
        output.append(UInt8(ascii: "\""))
    }

    private func append(
        base64 bytes: UnsafeBufferPointer<UInt8>, _ output: inout ByteBuffer
    ) {
        let length = Base64.length(of: bytes.count)
        output.reserve(length + 2)
        output.append(UInt8(ascii: "\""))
        if let start = bytes.baseAddress {
            Base64.encode(start, count: bytes.count, into: output.base + output.count)
            output.count += length
        }
        output.append(UInt8(ascii: "\""))
    }

    private func append(integer: UInt64, isNegative: Bool, _ output: inout ByteBuffer) {
        if isNegative { output.append(UInt8(ascii: "-")) }
        var divisor: UInt64 = 1
        while integer / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            output.append(0x30 + UInt8(truncatingIfNeeded: integer / divisor % 10))
            divisor /= 10
        }
    }

    /// As ECMAScript's Number::toString writes it, which RFC 8785 section 3.2.2.3 prescribes.
    private func append(double: Double, _ output: inout ByteBuffer) -> CELFailure? {
        guard double.isFinite else { return .notJSON }
        if double == 0 {
            output.append(UInt8(ascii: "0"))
            return nil
        }
        if double < 0 { output.append(UInt8(ascii: "-")) }
        // Swift's description has the shortest digits that read back; only their layout differs.
        var digits: [UInt8] = []
        var exponent = 0
        var point: Int?
        let text = Array(double.magnitude.description.utf8)
        for (index, byte) in text.enumerated() {
            if byte == UInt8(ascii: ".") {
                point = digits.count
            } else if byte == UInt8(ascii: "e") {
                exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                digits.append(byte)
            }
        }
        var whole = (point ?? digits.count) + exponent
        while digits.first == 0x30, digits.count > 1 {
            digits.removeFirst()
            whole -= 1
        }
        while digits.last == 0x30, digits.count > 1 { digits.removeLast() }
        append(digits: digits, whole: whole, &output)
        return nil
    }

    /// `0.digits × 10^whole`
    private func append(digits: [UInt8], whole: Int, _ output: inout ByteBuffer) {
        if digits.count <= whole, whole <= 21 {
            for digit in digits { output.append(digit) }
            for _ in digits.count..<whole { output.append(0x30) }
        } else if (1...21).contains(whole) {
            for (place, digit) in digits.enumerated() {
                if place == whole { output.append(UInt8(ascii: ".")) }
                output.append(digit)
            }
        } else if (-5...0).contains(whole) {
            append("0.", &output)
            for _ in whole..<0 { output.append(0x30) }
            for digit in digits { output.append(digit) }
        } else {
            output.append(digits[0])
            if digits.count > 1 { output.append(UInt8(ascii: ".")) }
            for digit in digits.dropFirst() { output.append(digit) }
            output.append(UInt8(ascii: "e"))
            output.append(whole - 1 < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            append(integer: UInt64((whole - 1).magnitude), isNegative: false, &output)
        }
    }

    private mutating func writeList(
        _ value: CELValue, _ output: inout ByteBuffer, _ depth: Int
    ) -> CELFailure? {
        var elements = CELElements(value)
        var isFirst = true
        output.append(UInt8(ascii: "["))
        while let element = elements.next(&self) {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            if let failure = writeJSON(element, to: &output, depth: depth + 1) { return failure }
        }
        output.append(UInt8(ascii: "]"))
        return nil
    }

    private mutating func writeMap(
        _ value: CELValue, _ output: inout ByteBuffer, _ depth: Int
    ) -> CELFailure? {
        var entries: [(key: CELValue, value: CELValue)] = []
        var elements = CELElements(value)
        while let key = elements.nextKey(&self) {
            guard key.tag == .string else { return .badKey }
            guard let entry = elements.next(&self) else { break }
            entries.append((key, entry))
        }
        spend(entries.count * 4)
        entries.sort { $0.key.text.lexicographicallyPrecedes($1.key.text) }
        output.append(UInt8(ascii: "{"))
        for (place, entry) in entries.enumerated() {
            if place > 0 { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            output.appendEscaped(entry.key.text)
            append("\":", &output)
            if let failure = writeJSON(entry.value, to: &output, depth: depth + 1) {
                return failure
            }
        }
        output.append(UInt8(ascii: "}"))
        return nil
    }
}
