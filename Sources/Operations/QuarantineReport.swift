internal import Foundation
package import Ledger

/// `crossdock quarantine list`: a row a refused record, what they are in all, and what may be done.
package struct QuarantineList: Sendable {
    private let contract: String
    private let entries: [QuarantineEntry]
    private let totals: [QuarantineTotal]
    private let hasMore: Bool
    private let now: Int64

    /// - Parameters:
    ///   - entries: by id.
    ///   - totals: of the contract, whatever `entries` leave out.
    ///   - hasMore: whether records stand behind the last entry.
    ///   - now: milliseconds since the epoch.
    package init(
        contract: String, entries: [QuarantineEntry], totals: [QuarantineTotal], hasMore: Bool,
        now: Int64
    ) {
        self.contract = contract
        self.entries = entries
        self.totals = totals
        self.hasMore = hasMore
        self.now = now
    }

    // MARK: Text

    package func lines(width: Int) -> [String] {
        var lines = entries.isEmpty ? [] : table(width)
        if hasMore, let last = entries.last {
            lines.append("… more: --after \(last.id), or --limit N")
        }
        if !lines.isEmpty { lines.append("") }
        return lines + Wording.wrapped(total, width: width) + hints(width)
    }

    private func table(_ width: Int) -> [String] {
        var rows = [["ID", "RECORD", "AGE", "STATE", "SIZE", "REASON"]]
        for entry in entries {
            rows.append([
                "\(entry.id)",
                "\(entry.partition.topic)[\(entry.partition.partition)]@\(entry.offset)",
                Wording.age(now - entry.at), entry.state.rawValue, Wording.bytes(entry.size),
                [entry.rule, entry.path].filter { !$0.isEmpty }.joined(separator: " "),
            ])
        }
        var widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
        // What is left is the record's and the reason's: a long topic is cut at its front.
        let free = width - [0, 2, 3, 4].map { widths[$0] }.reduce(0, +) - 5 * 2
        widths[5] = min(widths[5], max(free - widths[1], free * 2 / 5))
        widths[1] = min(widths[1], free - widths[5])
        return rows.map { row in
            let cells = [
                padded(row[0], widths[0], right: true), padded(cut(row[1], widths[1]), widths[1]),
                padded(row[2], widths[2], right: true), padded(row[3], widths[3]),
                padded(row[4], widths[4], right: true), cut(row[5], widths[5], atEnd: true),
            ]
            return cells.joined(separator: "  ")
        }
    }

    private func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        return right ? blanks + text : text + blanks
    }

    private func cut(_ text: String, _ width: Int, atEnd: Bool = false) -> String {
        guard text.count > width else { return text }
        return atEnd ? text.prefix(width - 1) + "…" : "…" + text.suffix(width - 1)
    }

    private var total: String {
        if totals.isEmpty { return "\(contract): the quarantine is empty" }
        let records = totals.reduce(0) { $0 + $1.records }
        let bytes = totals.reduce(0) { $0 + $1.bytes }
        let states = QuarantineState.allCases.compactMap { state -> String? in
            let count = totals.filter { $0.state == state }.reduce(0) { $0 + $1.records }
            return count == 0 ? nil : "\(count) \(state.rawValue)"
        }
        return "\(contract): \(records) refused \(records == 1 ? "record" : "records"), "
            + "\(Wording.bytes(bytes)): " + states.joined(separator: ", ")
    }

    private func hints(_ width: Int) -> [String] {
        let held = totals.filter { $0.state == .held }
        guard !held.isEmpty else { return [] }
        var lines = held.map { "  \($0.rule): \($0.records) held, \(Wording.bytes($0.bytes))" }
        lines.append("next: crossdock quarantine show \(contract) ID")
        return lines
    }

    // MARK: JSON

    /// One line; times are RFC 3339.
    package var json: String {
        JSONText.object([
            ("generatedAt", JSONText.quoted(Wording.preciseTime(now))),
            ("contract", JSONText.quoted(contract)), ("hasMore", "\(hasMore)"),
            ("records", JSONText.array(entries.map { JSONText.object($0.members) })),
            (
                "totals",
                JSONText.array(
                    totals.map {
                        JSONText.object([
                            ("state", JSONText.quoted($0.state.rawValue)),
                            ("rule", JSONText.quoted($0.rule)), ("records", "\($0.records)"),
                            ("bytes", "\($0.bytes)"),
                        ])
                    })
            ),
        ])
    }
}

/// `crossdock quarantine show`: one refused record; its contents only where they are asked for.
package struct QuarantineDetail: Sendable {
    private let contract: String
    private let entry: QuarantineEntry
    private let record: QuarantinedRecord?

    /// - Parameter record: nil where its contents are not wanted.
    package init(contract: String, entry: QuarantineEntry, record: QuarantinedRecord?) {
        self.contract = contract
        self.entry = entry
        self.record = record
    }

    package func lines(width: Int) -> [String] {
        let place = entry.partition
        var paragraphs = [
            "Record \(entry.id) of \(contract): \(state).",
            "source: \(place.topic) partition \(place.partition) offset \(entry.offset)",
            "refused: \(Wording.time(entry.at)) in batch \(entry.batchSeq) of lane \(entry.lane); "
                + "the reason is version \(entry.version)'s",
            "rule: \(entry.rule)" + (entry.path.isEmpty ? "" : " at \(entry.path)"),
            "reason: \(entry.detail)",
            "size: \(entry.size) bytes of the quarantine's bound",
        ]
        if entry.outcome == "refused", let at = entry.answeredAt {
            paragraphs.append("release tried: \(Wording.time(at)); it did not conform then either")
        }
        var lines = paragraphs.flatMap { Wording.wrapped($0, width: width) }
        if let record { lines += [""] + contents(record) }
        return lines + next(width)
    }

    private var state: String {
        let at = entry.answeredAt.map { " at \(Wording.time($0))" } ?? ""
        let batch = entry.releasedIn.map { " in batch \($0)" } ?? ""
        return switch entry.state {
        case .held: "held"
        case .releasing: "its release is asked for, and its lane has not come to it yet"
        case .released: "delivered\(at)\(batch)"
        case .filtered: "released\(at)\(batch), and filtered by the contract of then"
        case .discarded: "discarded\(at)"
        case .staged: "staged, as its batch is not known to be committed yet"
        case .unproven:
            "unproven, as it is not certain that it was not delivered: it cannot be released"
        }
    }

    private func next(_ width: Int) -> [String] {
        guard entry.state == .held else { return [] }
        return [
            "", "next: crossdock quarantine release \(contract) \(entry.id)",
            "  or: crossdock quarantine discard \(contract) \(entry.id)",
        ]
    }

    private var isGone: Bool {
        [.released, .filtered, .discarded].contains(entry.state)
    }

    /// As they are where they are text; else their bytes in base64.
    private func contents(_ record: QuarantinedRecord) -> [String] {
        if isGone { return ["its copy is gone"] }
        let headers = zip(record.headerNames, record.headerValues).map {
            "header \($0): \(shown($1))"
        }
        return ["timestamp: \(record.timestamp)", "key: \(shown(record.key))"] + headers
            + ["value: \(shown(record.value))"]
    }

    private func shown(_ bytes: [UInt8]?) -> String {
        guard let bytes else { return "null" }
        guard let text = String(validating: bytes, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { return "base64 \(Data(bytes).base64EncodedString())" }
        return text
    }

    /// One line. `record` is null unless it was asked for and is there; its bytes are base64.
    package var json: String {
        JSONText.object(
            [("contract", JSONText.quoted(contract))] + entry.members + [("record", contents)])
    }

    private var contents: String {
        guard let record, !isGone else { return "null" }
        func bytes(_ value: [UInt8]?) -> String {
            value.map { JSONText.quoted(Data($0).base64EncodedString()) } ?? "null"
        }
        return JSONText.object([
            ("timestamp", "\(record.timestamp)"), ("key", bytes(record.key)),
            (
                "headers",
                JSONText.array(
                    zip(record.headerNames, record.headerValues).map {
                        JSONText.object([("name", JSONText.quoted($0)), ("value", bytes($1))])
                    })
            ), ("value", bytes(record.value)),
        ])
    }
}

extension QuarantineEntry {
    fileprivate var members: [(String, String)] {
        [
            ("id", "\(id)"), ("topic", JSONText.quoted(partition.topic)),
            ("partition", "\(partition.partition)"), ("offset", "\(offset)"),
            ("lane", "\(lane)"), ("refusedAt", JSONText.time(at)), ("batchSeq", "\(batchSeq)"),
            ("version", JSONText.quoted(version)), ("rule", JSONText.quoted(rule)),
            ("path", JSONText.quoted(path)), ("detail", JSONText.quoted(detail)),
            ("state", JSONText.quoted(state.rawValue)), ("size", "\(size)"),
            ("outcome", outcome.map(JSONText.quoted) ?? "null"),
            ("answeredAt", JSONText.time(answeredAt)),
            ("releasedIn", JSONText.number(releasedIn)),
        ]
    }
}
