internal import Contracts
internal import Ledger
internal import Operations

/// `crossdock suspend`: a contract stands still until it is resumed.
enum Suspend: Command {
    static let name = "suspend"
    static let summary = "hold a contract at its next batch, until resume"
    static let group = CommandGroup.intervene
    static let positionals = [ContractActs.contract]
    static let discussion = """
        Recorded in the ledger at once, whether the service runs or not; a running one
        heeds it at its next batch boundary, within about a second. A batch whose
        commit is under way then still counts as sent before; nothing decided later
        leaves. Nothing is skipped: 'resume' goes on where the contract stopped.
        A marker at the partner carries the act, so that a lost ledger does not undo it.
        The service goes on without the contract, and wakes up for a 'resume'.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        try ContractActs(arguments, console).record(.suspend)
    }
}

/// `crossdock resume`: a suspended contract goes on.
enum Resume: Command {
    static let name = "resume"
    static let summary = "let a suspended contract go on"
    static let group = CommandGroup.intervene
    static let positionals = [ContractActs.contract]
    static let discussion = """
        Ends a 'suspend'. The running service goes on within about a second, where the
        contract stopped. A contract whose file does not say 'status: active' needs
        that too. A revoke cannot be taken back.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        try ContractActs(arguments, console).record(.resume)
    }
}

/// `crossdock revoke`: a contract ends for good.
enum Revoke: Command {
    static let name = "revoke"
    static let summary = "end a contract for good"
    static let group = CommandGroup.intervene
    static let positionals = [ContractActs.contract]
    static let options = [Option.flag("yes", "do not ask; needed where there is no terminal")]
    static let discussion = """
        Final for the contract's id, on this ledger and on every later one that reads
        the contract's markers: nothing of it leaves any more. It takes effect as
        'suspend' does, and also where the partner is down meanwhile: what was decided
        and not committed then is not sent when he comes back.
        What he has received stays with him. To deliver to the same partner again:
        a contract with a new id.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        try ContractActs(arguments, console).record(.revoke)
    }
}

/// What the three have in common.
private struct ContractActs {
    static let contract = Positional("CONTRACT", "the id of a contract")

    private let id: String
    private let arguments: ParsedArguments
    private let console: Console
    private let books: ReportBooks
    private let snapshot: LedgerSnapshot

    init(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure) {
        self.arguments = arguments
        self.console = console
        books = try ReportBooks(arguments, console)
        snapshot = try books.ledger()
        id = try books.row(of: arguments.positionals[0], snapshot).id
    }

    func record(_ what: ContractAct) throws(CommandFailure) -> ExitCode {
        if what == .revoke { try confirm() }
        let outcome: Ledger.ActOutcome
        do throws(LedgerFailure) {
            outcome = try Ledger.open(
                directory: books.configuration.stateDirectory, access: .operatorWrite
            ).record(what, of: id)
        } catch {
            throw failure(error)
        }
        switch outcome {
        case .recorded:
            for line in recorded(what) { console.out(line) }
        case .already(let act):
            console.out("\(id) is \(state(what, since: act?.at)); nothing was changed.")
        case .revoked(let act):
            throw CommandFailure(
                .bad, "\(id) was revoked at \(Wording.time(act.at)), and a revoke is final",
                next: "to deliver to this partner again, write a contract with a new id, whose "
                    + "`start` says from where")
        }
        return .fine
    }

    private func failure(_ error: LedgerFailure) -> CommandFailure {
        guard error.kind == .missing else { return ReportBooks.failure(error) }
        return CommandFailure(
            .bad, error.detail,
            next: "a contract that has not run is held by its file: 'status: draft'")
    }

    /// Final, so it is asked for twice.
    private func confirm() throws(CommandFailure) {
        if arguments.flag("yes") { return }
        let question = "Revoking \(id) is final; type its id to confirm:"
        guard let answer = console.ask(question) else {
            throw .usage("a revoke is final: --yes confirms it", command: Revoke.name)
        }
        guard answer == id else {
            throw CommandFailure(.bad, "not confirmed; nothing was changed")
        }
    }

    private func state(_ what: ContractAct, since: Int64?) -> String {
        let since = since.map { " since \(Wording.time($0))" } ?? ""
        switch what {
        case .suspend: return "suspended" + since
        case .resume: return "not suspended"
        case .revoke: return "revoked" + since
        }
    }

    private func recorded(_ what: ContractAct) -> [String] {
        var lines = ["Recorded: \(what.rawValue) \(id)."]
        let isActive = books.files.first { $0.id == id }?.standing == .active
        if what == .resume, !isActive {
            lines.append("It runs when its file says 'status: active' and the service is started.")
        } else if snapshot.isServiceRunning {
            lines.append("The running service heeds it at its next batch; see: crossdock status")
        } else {
            lines.append("The service is not running and heeds it when it does: crossdock start")
        }
        return lines
    }
}
