internal import Contracts
internal import Ledger
internal import Operations

/// `crossdock recover`: explains a halt; acts only with an explicit choice.
enum Recover: Command {
    static let name = "recover"
    static let summary = "what a halt means, and the choices"
    static let group = CommandGroup.intervene
    static let positionals = [Positional("CONTRACT", "the id of a contract")]
    static let options: [Option] =
        [.value("lane", "N", "this lane alone; without it, every halted lane of the contract")]
        + HaltChoice.words.map { word, argument in
            argument.map { _ in .value(word, "WHERE", help(word)) } ?? .flag(word, help(word))
        } + [.json]
    static let discussion = """
        Without a choice: what was found, what may have happened, which choices fit
        this halt and what each does to the partner's view. Nothing is changed.
        With one of them: it is recorded in the ledger, and the halted lane acts on it
        within two seconds, or when the service is started next.
        Exit 1 while a halt has no answer, or when the choice is none for it.
        """

    private static func help(_ word: String) -> String {
        switch word {
        case "accept-gap": "give up records that the source deleted"
        case "start-at": "go on at an offset, a time (RFC 3339), earliest or latest"
        case "trust-ledger": "the ledger is right: write markers anew and go on"
        case "adopt-marker": "the markers are right: go on at their offsets"
        case "accept-layout": "the partner's partition counts are as they should be"
        case "accept-clusters": "these are the clusters, go on with them"
        case "take-over": "claim the lane: the other instance halts"
        case "quarantine-record": "put the record aside and go on behind it"
        case "retract-unknown": "keys not known to be with the partner count as delivered"
        case "presume-absent": "keys not known to be with the partner count as never delivered"
        case "retry": "the cause is gone: look again"
        default: ""
        }
    }

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let choice = try choice(arguments)
        let lane = try arguments.integer("lane", in: 0...63)
        let books = try ReportBooks(arguments, console)
        let snapshot = try books.ledger()
        let row = try books.row(of: arguments.positionals[0], snapshot)
        try check(lane, of: row)
        let advice = RecoveryAdvice(
            row, lane: lane, isServiceRunning: snapshot.isServiceRunning,
            now: Ledger.wallClock())
        guard let choice else {
            let lines = arguments.wantsJSON ? [advice.json] : advice.lines(width: console.width)
            for line in lines { console.out(line) }
            return advice.cases.isEmpty ? .fine : .bad
        }
        if let refusal = advice.refusal(of: choice.word) {
            throw CommandFailure(
                .bad, refusal,
                next: advice.cases.count > 1
                    ? "its lanes are halted for different reasons: name one with --lane N"
                    : "nothing was changed")
        }
        try record(choice, advice, books)
        let lines = advice.confirmation(
            of: choice.word, argument: choice.argument, width: console.width)
        for line in lines { console.out(line) }
        return .fine
    }

    // MARK: The choice

    private static func choice(
        _ arguments: ParsedArguments
    ) throws(CommandFailure) -> (word: String, argument: String)? {
        let chosen = HaltChoice.words.filter { arguments.flag($0.word) }
        guard chosen.count <= 1 else {
            throw .usage(
                "one choice at a time, not "
                    + chosen.map { "--\($0.word)" }.joined(separator: " and "), command: name)
        }
        guard let (word, argument) = chosen.first else { return nil }
        guard argument != nil, let value = arguments.value(word) else { return (word, "") }
        if ["earliest", "latest"].contains(value) { return (word, value) }
        if let offset = Int64(value), offset >= 0 { return (word, "\(offset)") }
        // In UTC, whatever zone it was given in.
        if let time = Timestamp.milliseconds(value) { return (word, Wording.preciseTime(time)) }
        throw .usage(
            "--\(word) takes an offset, an RFC 3339 time (2026-01-31T08:00:00Z), earliest or "
                + "latest; not '\(value)'", command: name)
    }

    private static func check(_ lane: Int?, of row: ContractRow) throws(CommandFailure) {
        guard let lane, !row.lanes.contains(where: { $0.lane == lane }) else { return }
        let lanes = row.lanes.map { "\($0.lane)" }.joined(separator: ", ")
        throw CommandFailure(
            .usage, "\(row.id) has no lane \(lane); its lanes are \(lanes)",
            next: "see: crossdock status")
    }

    private static func record(
        _ choice: (word: String, argument: String), _ advice: RecoveryAdvice, _ books: ReportBooks
    ) throws(CommandFailure) {
        do throws(LedgerFailure) {
            let ledger = try Ledger.open(
                directory: books.configuration.stateDirectory, access: .operatorWrite)
            for one in advice.cases {
                for lane in one.lanes {
                    try ledger.recordAct(
                        LaneID(contract: advice.contract, lane: lane.lane), choice: choice.word,
                        reason: one.reason,
                        argument: advice.argument(of: choice.word, choice.argument, lane))
                }
            }
        } catch {
            throw ReportBooks.failure(error)
        }
    }
}
