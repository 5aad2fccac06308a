internal import Ledger

/// What stands beneath the table: halts and waits in sentences, with what to do.
struct LagRemarks {
    var file: ContractFile
    var row: ContractRow?
    var rows: [PartitionLag]
    var now: Int64

    /// Paragraphs; one that begins with two spaces belongs to the one before.
    var text: [String] {
        switch file.standing {
        case .revoked, .suspended: return acts
        case .expired, .retired, .draft: return []
        case .missing:
            return halts + ["\(file.id): no contract file has this id any more; its lanes stop"]
        case .early, .active: break
        }
        return halts + waits + stalls
    }

    private var acts: [String] {
        guard let act = row?.act else { return [] }
        let since = Wording.since(act.at, now: now)
        if act.aboutContract == .revoke {
            return ["\(file.id) is revoked since \(since), for good."]
        }
        return [
            "\(file.id) is suspended since \(since); to go on: "
                + Wording.command("crossdock resume \(file.id)")
        ]
    }

    private var halts: [String] {
        let halted = (row?.lanes ?? []).filter { $0.halt != nil }
        var paragraphs: [String] = []
        var reasons: [String] = []
        for lane in halted {
            guard let halt = lane.halt else { continue }
            paragraphs.append(
                "\(file.id) lane \(lane.lane) is halted, \(halt.reason): \(halt.detail).")
            if let act = lane.pending.last(where: { $0.reason == halt.reason }) {
                paragraphs.append("  --\(act.choice) is recorded for it and not applied yet")
            }
            if !reasons.contains(halt.reason) { reasons.append(halt.reason) }
        }
        for reason in reasons {
            paragraphs.append(
                "  see \(HaltGuide.page(of: reason)), then: "
                    + Wording.command("crossdock recover \(file.id)"))
        }
        return paragraphs
    }

    /// Lanes that say the same are told of once.
    private var waits: [String] {
        guard rows.contains(where: { $0.status == .waiting }) || rows.isEmpty else { return [] }
        var told: [String: (lanes: [Int], since: Int64)] = [:]
        var order: [String] = []
        for lane in row?.lanes ?? [] where lane.state == .waiting && lane.halt == nil {
            let detail = lane.detail.isEmpty ? "no reason given" : lane.detail
            if told[detail] == nil { order.append(detail) }
            let before = told[detail] ?? ([], lane.since)
            told[detail] = (before.lanes + [lane.lane], min(before.since, lane.since))
        }
        return order.compactMap { detail in
            guard let (lanes, since) = told[detail] else { return nil }
            let names = lanes.map(String.init).joined(separator: ", ")
            return "\(file.id) lane\(lanes.count == 1 ? "" : "s") \(names) wait"
                + "\(lanes.count == 1 ? "s" : "") since \(Wording.since(since, now: now)): \(detail)"
        }
    }

    private var stalls: [String] {
        guard let row = rows.first(where: { $0.status == .stall }) else { return [] }
        return [
            "\(file.id): input waits in \(row.stream)[\(row.partition)], \(row.reason ?? ""); the "
                + "service's log says what it does"
        ]
    }
}
