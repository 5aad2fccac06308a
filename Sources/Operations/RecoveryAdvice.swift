internal import Ledger

/// `crossdock recover`: what is halted, what may have happened, which choices there are. Pure.
package struct RecoveryAdvice: Sendable {
    /// Lanes that halted for one reason and accept the same choices, told of together.
    package struct Case: Sendable {
        package var reason: String
        package var lanes: [LaneRow]
        package var choices: [HaltChoice]
    }

    package let contract: String
    package let cases: [Case]
    private let isServiceRunning: Bool
    private let now: Int64
    private let positions: [SourcePartition: Int64]

    /// - Parameter lane: that one alone; nil is every lane.
    package init(
        _ row: ContractRow, lane: Int? = nil, isServiceRunning: Bool, now: Int64
    ) {
        contract = row.id
        self.isServiceRunning = isServiceRunning
        self.now = now
        positions = Dictionary(
            row.partitions.map { ($0.partition, $0.decided) }, uniquingKeysWith: max)
        var cases: [Case] = []
        for entry in row.lanes where lane == nil || entry.lane == lane {
            guard let halt = entry.halt else { continue }
            let choices = HaltGuide.choices(
                for: halt, knowsPartitions: row.partitions.contains { $0.lane == entry.lane })
            let like = cases.firstIndex { $0.reason == halt.reason && $0.choices == choices }
            if let like {
                cases[like].lanes.append(entry)
            } else {
                cases.append(Case(reason: halt.reason, lanes: [entry], choices: choices))
            }
        }
        self.cases = cases
    }

    /// Why a choice cannot be taken for every halt there is, nil where it can.
    package func refusal(of word: String) -> String? {
        if cases.isEmpty { return "\(contract) is not halted: there is nothing to choose" }
        for one in cases where !one.choices.contains(where: { $0.word == word }) {
            let offered = one.choices.map { "--\($0.word)" }.joined(separator: ", ")
            return "--\(word) is no answer to \(one.reason), for which \(contract) "
                + "\(Self.names(one.lanes)) is halted; "
                + (offered.isEmpty
                    ? "there is no choice that goes on, see \(HaltGuide.page(of: one.reason))"
                    : "offered: \(offered)")
        }
        return nil
    }

    /// What is recorded with a choice. One about a record names the offset that the lane stands at, so
    /// that it can never be carried out on a later one.
    package func argument(of word: String, _ given: String, _ lane: LaneRow) -> String {
        guard word == "quarantine-record", let partition = lane.halt?.partition,
            let known = positions[partition]
        else { return given }
        return "\(known)"
    }

    // MARK: Text

    package func lines(width: Int) -> [String] {
        if cases.isEmpty { return ["\(contract) is not halted. Nothing was changed."] }
        var lines: [String] = []
        for one in cases {
            if !lines.isEmpty { lines.append("") }
            lines += text(one, width)
        }
        lines.append("Nothing was changed.")
        return lines
    }

    private func text(_ one: Case, _ width: Int) -> [String] {
        let since = one.lanes.compactMap(\.haltedSince).min()
        var lines = Wording.wrapped(
            "\(contract) \(Self.names(one.lanes)) halted, \(one.reason)"
                + (since.map { ", since \(Wording.since($0, now: now))" } ?? "") + ".",
            width: width)
        for lane in one.lanes {
            let place = one.lanes.count > 1 ? "Found on lane \(lane.lane): " : "Found: "
            lines += Wording.wrapped(place + "\(lane.halt?.detail ?? "").", width: width)
            if let act = lane.pending.last(where: { $0.reason == one.reason }) {
                lines += Wording.wrapped(
                    "Recorded for it at \(Wording.time(act.at)) and not applied yet: "
                        + "--\(act.choice)\(act.argument.isEmpty ? "" : " \(act.argument)"). "
                        + (isServiceRunning
                            ? "The running service takes it up within two seconds."
                            : "The next 'crossdock start' takes it up."),
                    width: width)
            }
        }
        guard let guide = HaltGuide.of(one.reason) else {
            return lines + ["This release knows nothing more of it; see the service's log."]
        }
        lines += Wording.wrapped(guide.meaning, width: width)
        lines.append("What may have happened:")
        for cause in guide.causes {
            lines += Wording.wrapped("- \(cause)", width: width, indent: 2, hanging: 4)
        }
        lines += Wording.wrapped(guide.remedy, width: width)
        lines += choices(one.choices, width)
        lines.append("See \(HaltGuide.page(of: one.reason)).")
        return lines
    }

    private func choices(_ choices: [HaltChoice], _ width: Int) -> [String] {
        guard !choices.isEmpty else {
            return ["There is no choice to record: the cause has to go, then start again."]
        }
        var lines = ["Choices, each recorded in the ledger:"]
        for choice in choices {
            lines.append("  \(choice.shown)")
            lines += Wording.wrapped(choice.effect, width: width, indent: 6, hanging: 6)
        }
        return lines
    }

    /// After a choice was recorded.
    package func confirmation(of choice: String, argument: String, width: Int) -> [String] {
        let lanes = cases.flatMap(\.lanes).sorted { $0.lane < $1.lane }
        let reasons = cases.map(\.reason).joined(separator: ", ")
        return Wording.wrapped(
            "Recorded: --\(choice)\(argument.isEmpty ? "" : " \(argument)") for \(contract) "
                + "\(Self.names(lanes)), halted for \(reasons).", width: width)
            + [
                isServiceRunning
                    ? "The running service takes it up within two seconds; see: crossdock status"
                    : "The service is not running and takes it up when it does; next: "
                        + "crossdock start"
            ]
    }

    // MARK: JSON

    /// One line; an empty list where nothing is halted.
    package var json: String {
        JSONText.object([
            ("generatedAt", JSONText.quoted(Wording.preciseTime(now))),
            ("contract", JSONText.quoted(contract)), ("serviceRunning", "\(isServiceRunning)"),
            ("halts", JSONText.array(cases.map(json))),
        ])
    }

    private func json(_ one: Case) -> String {
        let guide = HaltGuide.of(one.reason)
        return JSONText.object([
            ("reason", JSONText.quoted(one.reason)),
            ("meaning", guide.map { JSONText.quoted($0.meaning) } ?? "null"),
            ("causes", JSONText.array((guide?.causes ?? []).map(JSONText.quoted))),
            ("remedy", guide.map { JSONText.quoted($0.remedy) } ?? "null"),
            ("lanes", JSONText.array(one.lanes.map { json($0, one.reason) })),
            ("choices", JSONText.array(one.choices.map(json))),
            ("runbook", JSONText.quoted(HaltGuide.page(of: one.reason))),
        ])
    }

    private func json(_ lane: LaneRow, _ reason: String) -> String {
        let act = lane.pending.last { $0.reason == reason }
        let partition = lane.halt?.partition
        return JSONText.object([
            ("lane", "\(lane.lane)"), ("since", JSONText.time(lane.haltedSince)),
            ("found", JSONText.quoted(lane.halt?.detail ?? "")),
            ("stream", partition.map { JSONText.quoted($0.topic) } ?? "null"),
            ("partition", partition.map { "\($0.partition)" } ?? "null"),
            ("currentOffset", JSONText.number(partition.flatMap { positions[$0] })),
            ("recorded", act.map { JSONText.quoted($0.choice) } ?? "null"),
        ])
    }

    private func json(_ choice: HaltChoice) -> String {
        JSONText.object([
            ("choice", JSONText.quoted(choice.word)),
            ("argument", choice.argument.map(JSONText.quoted) ?? "null"),
            ("effect", JSONText.quoted(choice.effect)),
            ("command", JSONText.quoted("crossdock recover \(contract) \(choice.shown)")),
        ])
    }

    private static func names(_ lanes: [LaneRow]) -> String {
        (lanes.count == 1 ? "lane " : "lanes ")
            + lanes.map { "\($0.lane)" }.joined(separator: ", ")
    }
}
