internal import Ledger

/// `crossdock status`: contracts, their lanes, what they do, and what to do about it.
package struct StatusReport: Sendable {
    private let ledger: LedgerSnapshot
    private let files: [ContractFile]
    private let now: Int64

    /// - Parameter now: milliseconds since the epoch.
    package init(ledger: LedgerSnapshot, files: [ContractFile], now: Int64) {
        self.ledger = ledger
        self.files = files
        self.now = now
    }

    /// Whether a lane is halted.
    package var isBad: Bool {
        ledger.contracts.contains { $0.lanes.contains { state($0) == .halted } }
    }

    /// A state that a service wrote says nothing when none runs any more.
    private func state(_ lane: LaneRow) -> LaneState {
        if lane.halt != nil { return .halted }
        return ledger.isServiceRunning ? lane.state : .stopped
    }

    /// By the files' order, then those that only the ledger knows.
    private var entries: [(file: ContractFile, row: ContractRow?)] {
        let known = Set(files.map(\.id))
        let orphans = ledger.contracts.filter { !known.contains($0.id) }.map {
            ContractFile(
                id: $0.id, version: $0.pin?.version ?? "", streams: [], standing: .missing)
        }
        return (files + orphans).map { file in
            let row = ledger.contracts.first { $0.id == file.id }
            return (file.acted(row, at: now), row)
        }
    }

    // MARK: Text

    /// - Parameter paint: colours a state's word; gives back what it is given where colour is not
    ///   wanted.
    package func lines(
        width: Int, paint: (String, LaneState) -> String = { text, _ in text }
    ) -> [String] {
        var lines = [
            ledger.isServiceRunning
                ? "The service is running." : "The service is not running; next: crossdock start"
        ]
        for (file, row) in entries {
            lines.append("")
            lines += Wording.wrapped(heading(file, row), width: width)
            for lane in row?.lanes ?? [] {
                lines += text(lane, file, row, width, paint)
            }
            if row?.lanes.isEmpty ?? true { lines.append("  never started") }
        }
        if entries.isEmpty { lines += ["", "no contract is known"] }
        return lines
    }

    private func heading(_ file: ContractFile, _ row: ContractRow?) -> String {
        let version = row?.pin?.version ?? file.version
        var text = "\(file.id) \(version), \(file.standing.word)"
        if let pin = row?.pin, pin.version != file.version, !file.version.isEmpty {
            text += "; its file is version \(file.version)"
        }
        guard let act = row?.act else { return text }
        text += " since \(Wording.since(act.at, now: now))"
        if file.standing == .suspended, act.aboutContract == .suspend {
            text += "; to go on: " + Wording.command("crossdock resume \(file.id)")
        }
        return text
    }

    private func text(
        _ lane: LaneRow, _ file: ContractFile, _ row: ContractRow?, _ width: Int,
        _ paint: (String, LaneState) -> String
    ) -> [String] {
        let state = state(lane)
        let word = state.rawValue
        let gap = String(repeating: " ", count: max(1, 11 - word.count))
        var line = "  lane \(lane.lane)  \(paint(word, state))\(gap)"
        let since = state == .halted ? lane.haltedSince : lane.since
        if state == .stopped {
            line += lane.lastCommit.map { "last commit \(Wording.since($0, now: now))" } ?? ""
        } else {
            line += since.map { "since \(Wording.since($0, now: now))" } ?? ""
            if let commit = lane.lastCommit {
                line += ", last commit \(Wording.age(now - commit)) ago"
            }
        }
        while line.last == " " { line.removeLast() }
        var lines = [line]
        if let halt = lane.halt {
            lines += Wording.wrapped(
                "\(halt.reason): \(halt.detail).", width: width, indent: 10, hanging: 10)
            if let act = lane.pending.last(where: { $0.reason == halt.reason }) {
                lines.append("          --\(act.choice) is recorded and not applied yet")
            }
            lines += Wording.wrapped(
                "see \(HaltGuide.page(of: halt.reason)), then: "
                    + Wording.command("crossdock recover \(file.id)"),
                width: width, indent: 10, hanging: 10)
        } else if !lane.detail.isEmpty, state != .stopped {
            lines += Wording.wrapped(lane.detail, width: width, indent: 10, hanging: 10)
        }
        return lines + partitions(lane, row, width)
    }

    private func partitions(_ lane: LaneRow, _ row: ContractRow?, _ width: Int) -> [String] {
        let mine = (row?.partitions ?? []).filter { $0.lane == lane.lane }
        guard !mine.isEmpty else { return [] }
        let text = mine.map { "\($0.partition.topic)[\($0.partition.partition)]@\($0.decided)" }
        return Wording.wrapped(
            text.joined(separator: " "), width: width, indent: 10, hanging: 10)
    }

    // MARK: JSON

    /// One line; unknown is null, times are RFC 3339.
    package var json: String {
        JSONText.object([
            ("generatedAt", JSONText.quoted(Wording.preciseTime(now))),
            ("serviceRunning", "\(ledger.isServiceRunning)"),
            (
                "contracts",
                JSONText.array(
                    entries.map { file, row in
                        JSONText.object([
                            ("id", JSONText.quoted(file.id)),
                            ("version", JSONText.quoted(row?.pin?.version ?? file.version)),
                            ("status", JSONText.quoted(file.standing.word)),
                            ("statusSince", JSONText.time(row?.act?.at)),
                            (
                                "lanes",
                                JSONText.array((row?.lanes ?? []).map { json($0, file, row) })
                            ),
                        ])
                    })
            ),
        ])
    }

    private func json(_ lane: LaneRow, _ file: ContractFile, _ row: ContractRow?) -> String {
        let mine = (row?.partitions ?? []).filter { $0.lane == lane.lane }
        return JSONText.object([
            ("lane", "\(lane.lane)"), ("state", JSONText.quoted(state(lane).rawValue)),
            ("detail", lane.detail.isEmpty ? "null" : JSONText.quoted(lane.detail)),
            ("since", JSONText.time(lane.since > 0 ? lane.since : nil)),
            ("lastCommit", JSONText.time(lane.lastCommit)),
            ("halt", lane.halt.map { json($0, lane, file, !mine.isEmpty) } ?? "null"),
            (
                "partitions",
                JSONText.array(
                    mine.map {
                        JSONText.object([
                            ("stream", JSONText.quoted($0.partition.topic)),
                            ("partition", "\($0.partition.partition)"),
                            ("currentOffset", "\($0.decided)"),
                        ])
                    })
            ),
        ])
    }

    private func json(
        _ halt: Halt, _ lane: LaneRow, _ file: ContractFile, _ knowsPartitions: Bool
    ) -> String {
        let choices = HaltGuide.choices(for: halt, knowsPartitions: knowsPartitions)
        let pending = lane.pending.last { $0.reason == halt.reason }
        return JSONText.object([
            ("reason", JSONText.quoted(halt.reason)), ("detail", JSONText.quoted(halt.detail)),
            ("since", JSONText.time(lane.haltedSince)),
            ("runbook", JSONText.quoted(HaltGuide.page(of: halt.reason))),
            ("next", JSONText.quoted("crossdock recover \(file.id)")),
            ("choices", JSONText.array(choices.map { JSONText.quoted($0.word) })),
            ("recorded", pending.map { JSONText.quoted($0.choice) } ?? "null"),
        ])
    }
}

extension ContractFile.Standing {
    /// As a report says it.
    package var word: String {
        switch self {
        case .active: "active"
        case .draft: "draft"
        case .suspended: "suspended"
        case .retired: "retired"
        case .revoked: "revoked"
        case .expired: "expired"
        case .early(let from): "active, its window opens at \(Wording.time(from))"
        case .missing: "no contract file"
        }
    }
}
