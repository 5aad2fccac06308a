internal import Contracts
internal import Ledger
internal import Operations

/// What the actions of `crossdock quarantine` do.
struct QuarantineWork {
    let contract: ContractRow
    let books: ReportBooks
    let snapshot: LedgerSnapshot
    let arguments: ParsedArguments
    let console: Console

    private var id: String { contract.id }

    // MARK: Reports

    func list() throws(CommandFailure) -> ExitCode {
        var filter = QuarantineFilter(rule: arguments.value("rule"))
        if let word = arguments.value("state") {
            let known = QuarantineState.allCases.map(\.rawValue)
            guard let state = QuarantineState(rawValue: word) else {
                throw .usage(
                    "no state is called '\(word)'\(Spelling.hint(for: word, among: known)); "
                        + "they are \(known.joined(separator: ", "))", command: Quarantine.name)
            }
            filter.state = state
        }
        let limit = try arguments.integer("limit", in: 1...1_000_000) ?? 100
        let after = try arguments.integer("after") ?? 0
        let report = try reading { (ledger) throws(LedgerFailure) in
            var entries = try ledger.quarantine(
                id, filter, after: Int64(after), limit: limit + 1)
            let hasMore = entries.count > limit
            if hasMore { entries.removeLast() }
            return QuarantineList(
                contract: id, entries: entries, totals: try ledger.quarantineTotals(id),
                hasMore: hasMore, now: Ledger.wallClock())
        }
        let list =
            report
            ?? QuarantineList(
                contract: id, entries: [], totals: [], hasMore: false, now: Ledger.wallClock())
        tell(arguments.wantsJSON ? [list.json] : list.lines(width: console.width))
        return .fine
    }

    func show(_ ids: [Int64]) throws(CommandFailure) -> ExitCode {
        let wantsRecord = arguments.flag("record")
        let detail = try reading { (ledger) throws(LedgerFailure) -> QuarantineDetail? in
            guard let entry = try ledger.quarantineEntry(id, ids[0]) else { return nil }
            return QuarantineDetail(
                contract: id, entry: entry,
                record: wantsRecord ? try ledger.quarantined(ids[0]) : nil)
        }
        guard let detail = detail.flatMap({ $0 }) else { throw unknown(ids[0]) }
        tell(arguments.wantsJSON ? [detail.json] : detail.lines(width: console.width))
        return .fine
    }

    // MARK: Acts

    func release(_ ids: [Int64]) throws(CommandFailure) -> ExitCode {
        try expectRunnable()
        let outcome = try act(.release, ids)
        let next =
            outcome.records == 0
            ? "nothing was changed"
            : snapshot.isServiceRunning
                ? "its lanes decide them again at their next batch"
                : "the service is not running and does it when it does: crossdock start"
        return answer(outcome, "release", next)
    }

    func discard(_ ids: [Int64]) throws(CommandFailure) -> ExitCode {
        try confirm(ids)
        let outcome = try act(.discard, ids)
        return answer(
            outcome, "discard",
            outcome.records == 0 ? "nothing was changed" : "they stay counted as quarantined")
    }

    /// Nothing of a contract leaves that is not to run.
    private func expectRunnable() throws(CommandFailure) {
        if let act = contract.act, act.aboutContract == .revoke {
            throw refusal("was revoked at \(Wording.time(act.at)): nothing of it leaves any more")
        }
        if contract.act != nil {
            throw refusal("is suspended", next: "first: crossdock resume \(id)")
        }
        let file = books.files.first { $0.id == id }
        switch file?.standing {
        case .active: break
        case .draft: throw refusal("is a draft")
        case .suspended: throw refusal("is suspended by its file")
        case .retired: throw refusal("is retired")
        case nil: throw refusal("has no file that could decide them")
        default: throw refusal("is not to run now")
        }
    }

    private func refusal(
        _ why: String, next: String = "nothing was changed"
    ) -> CommandFailure {
        CommandFailure(.bad, "\(id) \(why), so its records cannot be released", next: next)
    }

    /// Final, so it is asked for twice.
    private func confirm(_ ids: [Int64]) throws(CommandFailure) {
        if arguments.flag("yes") { return }
        let what = ids.isEmpty ? "every held record" : "\(ids.count) of the records"
        guard
            let answer = console.ask(
                "Discarding \(what) of \(id) is final; type its id to confirm:")
        else { throw .usage("a discard is final: --yes confirms it", command: Quarantine.name) }
        guard answer == id else {
            throw CommandFailure(.bad, "not confirmed; nothing was changed")
        }
    }

    private func act(
        _ what: QuarantineAct, _ ids: [Int64]
    ) throws(CommandFailure) -> QuarantineActOutcome {
        let choice: QuarantineChoice =
            ids.isEmpty ? .all(rule: arguments.value("rule")) : .ids(ids)
        let outcome: QuarantineActOutcome
        do throws(LedgerFailure) {
            outcome = try Ledger.open(
                directory: books.configuration.stateDirectory, access: .operatorWrite
            ).record(what, of: id, choice)
        } catch {
            throw ReportBooks.failure(error)
        }
        if let first = outcome.refused.first {
            guard let state = first.state else { throw unknown(first.id) }
            let others = outcome.refused.count - 1
            throw CommandFailure(
                .bad,
                "record \(first.id) of \(id) is \(state.rawValue), which \(what.rawValue) does not "
                    + "fit" + (others > 0 ? ", and \(others) others" : ""),
                next: "nothing was changed; see: crossdock quarantine show \(id) \(first.id)")
        }
        return outcome
    }

    private func answer(
        _ outcome: QuarantineActOutcome, _ word: String, _ next: String
    ) -> ExitCode {
        if arguments.wantsJSON {
            console.out(
                JSON.object([
                    ("contract", .string(id)), ("act", .string(word)),
                    ("records", .int(outcome.records)),
                ]).text)
        } else {
            let records = outcome.records == 1 ? "1 record" : "\(outcome.records) records"
            console.out("Recorded: \(word) \(records) of \(id); \(next).")
        }
        return .fine
    }

    // MARK: Inside

    private func tell(_ lines: [String]) { for line in lines { console.out(line) } }

    private func unknown(_ record: Int64) -> CommandFailure {
        CommandFailure(
            .bad, "\(id) has no quarantined record \(record)",
            next: "nothing was changed; see: crossdock quarantine list \(id)")
    }

    /// Nil where no service has run yet.
    private func reading<Result>(
        _ body: (Ledger) throws(LedgerFailure) -> Result
    ) throws(CommandFailure) -> Result? {
        do throws(LedgerFailure) {
            return try body(
                try Ledger.open(directory: books.configuration.stateDirectory, access: .reader))
        } catch {
            if error.kind == .missing { return nil }
            throw ReportBooks.failure(error)
        }
    }
}
