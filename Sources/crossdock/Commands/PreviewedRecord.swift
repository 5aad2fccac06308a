internal import Contracts
internal import Cryptography

/// One record and what became of it.
struct PreviewedRecord {
    let record: OwnedRecord
    let stream: Contracts.Stream
    let made: OwnedDecision

    var decision: Decision { made.decision }

    var json: JSON {
        let output: JSON =
            made.output.map { output in
                let flat = output.headers.flatMap { [JSON.string($0.name), Self.text($0.value)] }
                return .object([
                    ("topic", .string(stream.to)), ("key", Self.text(output.key)),
                    ("payload", Self.text(output.value)), ("headers", .array(flat)),
                ])
            } ?? .null
        return .object([
            ("stream", .string(stream.from)), ("topic", .string(record.topic)),
            ("partition", .int(Int(record.partition))), ("offset", .int(Int(record.offset))),
            ("decision", .string(decision.word)), ("reason", .string(made.reason)),
            ("output", output),
        ])
    }

    private static func text(_ bytes: [UInt8]?) -> JSON {
        bytes.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null
    }

    // MARK: For a person

    /// Lines of a value that are shown.
    private static let before = 4
    private static let after = 20
    /// Names that are listed.
    private static let names = 12

    func lines(_ console: Console) -> [String] {
        let place = "\(record.topic)[\(record.partition)]@\(record.offset)"
        let colour: Console.Colour =
            switch decision {
            case .delivered: .green
            case .filtered: .grey
            case .dropped, .quarantined, .stopped: .yellow
            }
        let word = console.paint(decision.word, colour)
        let remark = decision == .delivered ? "-> \(stream.to)" : " \(Shown.oneLine(made.reason))"
        var lines: [String]
        if place.count + decision.word.count + remark.count + 3 <= console.width {
            lines = ["\(place)  \(word) \(remark)"]
        } else {
            let reason = String(remark.drop { $0 == " " })
            lines = ["\(place)  \(word)"] + Self.block("    ", reason, console.width, .max)
        }
        lines += Self.block("  - ", Self.shown(record.value), console.width, Self.before)
        guard let output = made.output else { return lines }
        lines += Self.block("  + ", Self.shown(output.value), console.width, Self.after)
        if let key = output.key {
            lines += Self.block("    key: ", Self.text(key), console.width, 1)
        }
        for header in output.headers {
            let value = header.value.map { Self.text($0) } ?? "null"
            lines += Self.block("    header: ", "\(header.name)=\(value)", console.width, 1)
        }
        // Delivered, and a reason beside: the tombstone of a key that left.
        if !made.reason.isEmpty {
            lines += Self.block("    ", made.reason, console.width, .max)
        }
        if let notSent { lines += Self.block("    not sent: ", notSent, console.width, .max) }
        return lines
    }

    /// What stays, by name.
    private var notSent: String? {
        var parts: [String] = []
        if stream.format == .json {
            let stay = members
            if !stay.isEmpty {
                let more = stay.count > Self.names ? ", … (\(stay.count) in all)" : ""
                parts.append(stay.prefix(Self.names).joined(separator: ", ") + more)
            }
        }
        if record.key != nil, made.output?.key == nil { parts.append("the key") }
        let dropped = record.headers.map(\.name).filter { !stream.headers.contains($0) }
        if !dropped.isEmpty {
            parts.append(
                "header\(dropped.count == 1 ? "" : "s") "
                    + dropped.uniqued().joined(separator: ", "))
        }
        return parts.isEmpty ? nil : Shown.oneLine(parts.joined(separator: "; "))
    }

    /// Members of the source that no field and no key names, in the order in which they stand there. What a
    /// computed field looks at is not known.
    private var members: [String] {
        var named = stream.fields.compactMap { field in
            if case .path(let path) = field.source { path } else { nil }
        }
        if case .path(let path, _) = stream.key { named.append(path) }
        guard let value = record.value, let outline = JSONOutline(value, name: "value") else {
            return []
        }
        return outline.leaves.filter { leaf in
            !named.contains { $0.covers(leaf.place, isEmpty: leaf.isEmpty) }
        }.map(\.place.text).uniqued()
    }

    // MARK: Texts

    /// As much of it as could be shown; what is cut ends in a character that is cut again.
    private static func shown(_ value: [UInt8]?) -> String {
        value.map { String(decoding: $0.prefix(1 << 16), as: UTF8.self) } ?? "null (a tombstone)"
    }

    /// A key or header: text as it stands, other bytes in hexadecimal.
    private static func text(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return "0x"
            + Hex.encode(bytes)
    }

    /// A text behind its label; further lines stand below its beginning. What does not fit ends in ….
    private static func block(
        _ label: String, _ text: String, _ width: Int, _ limit: Int
    ) -> [String] {
        let room = width - label.count
        let fits = limit == .max ? text : Shown.cut(text, room * limit)
        let indent = String(repeating: " ", count: label.count)
        let lines = Shown.wrapped(DiagnosticPrinter.printable(fits), room)
        let cut =
            lines.count > limit ? lines.prefix(limit - 1) + [lines[limit - 1] + "…"] : lines[...]
        return cut.enumerated().map { ($0.offset == 0 ? label : indent) + $0.element }
    }
}

extension Path {
    /// Whether what stands at `place` leaves where this path is named. `isEmpty`: an object or array with
    /// nothing inside stands there, of which nothing could leave that lies deeper.
    fileprivate func covers(_ place: Path, isEmpty: Bool) -> Bool {
        guard steps.count <= place.steps.count || isEmpty else { return false }
        return zip(steps, place.steps).enumerated().allSatisfy { index, pair in
            pair.0.member == pair.1.member
                && (pair.0.elements == pair.1.elements || index == steps.count - 1 || isEmpty)
        }
    }
}
