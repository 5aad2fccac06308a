internal import Contracts
internal import Ledger
internal import Operations

/// `crossdock quarantine`: the work-flow of refused records.
enum Quarantine: Command {
    static let name = "quarantine"
    static let summary = "look at refused records, release or discard them"
    static let group = CommandGroup.intervene
    static let positionals = [
        Positional("ACTION", "list, show, release or discard"),
        Positional("CONTRACT", "the id of a contract"),
        Positional("ID", required: false, repeats: true, "records, by the first column of list"),
    ]
    static let options: [Option] = [
        .value("state", "STATE", "list: \(states)"),
        .value("rule", "RULE", "list, and with --all: of that rule"),
        .value("limit", "N", "list: so many rows (default 100)"),
        .value("after", "ID", "list: those behind that record"),
        .flag("record", "show: key, headers and value too, as they came from the source"),
        .flag("all", "release, discard: every record that is held"),
        .flag("yes", "discard: do not ask; needed where there is no terminal"), .json,
    ]
    static let discussion = """
        list     a row a record and the totals; no contents
        show     one record: why it was refused, what became of it
        release  decides it again under today's contract, once: delivered behind what
                 was delivered since, with the header 'crossdock-released', or
                 filtered. One that does not conform today either stays, for the new
                 reason. Recorded at once; its lane does it at its next batch boundary,
                 or when the service is started next
        discard  gives it up: it stays counted as quarantined, its copy goes. Final

        All of them work while the service runs and while it is down. A record that is
        'unproven' may have been delivered by another instance: it cannot be released.
        See runbooks/quarantine.md.
        """

    private static let states = QuarantineState.allCases.map(\.rawValue).joined(separator: ", ")

    private enum Action: String, CaseIterable { case list, show, release, discard }

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let word = arguments.positionals[0]
        guard let action = Action(rawValue: word) else {
            let known = Action.allCases.map(\.rawValue)
            throw .usage(
                "quarantine does not know '\(word)'\(Spelling.hint(for: word, among: known))",
                command: name)
        }
        try check(arguments, action)
        let ids = try ids(arguments)
        let books = try ReportBooks(arguments, console)
        let snapshot = try books.ledger()
        let row = try books.row(of: arguments.positionals[1], snapshot)
        let work = QuarantineWork(
            contract: row, books: books, snapshot: snapshot, arguments: arguments,
            console: console)
        return switch action {
        case .list: try work.list()
        case .show: try work.show(ids)
        case .release: try work.release(ids)
        case .discard: try work.discard(ids)
        }
    }

    private static func check(
        _ arguments: ParsedArguments, _ action: Action
    ) throws(CommandFailure) {
        let fits: [String] =
            switch action {
            case .list: ["state", "rule", "limit", "after", "json"]
            case .show: ["record", "json"]
            case .release: ["all", "rule", "json"]
            case .discard: ["all", "rule", "yes", "json"]
            }
        let given = options.map(\.name).filter { arguments.flag($0) }
        if let odd = given.first(where: { !fits.contains($0) }) {
            throw .usage("quarantine \(action.rawValue) does not take --\(odd)", command: name)
        }
        let named = arguments.positionals.count - 2
        switch action {
        case .list where named > 0:
            throw .usage("quarantine list takes no ID", command: name)
        case .show where named != 1:
            throw .usage("quarantine show takes one ID", command: name)
        case .release where (named > 0) == arguments.flag("all"),
            .discard where (named > 0) == arguments.flag("all"):
            throw .usage(
                "quarantine \(action.rawValue) takes ids, or --all; not both", command: name)
        case .release where arguments.flag("rule") && named > 0,
            .discard where arguments.flag("rule") && named > 0:
            throw .usage("--rule goes with --all", command: name)
        default: break
        }
    }

    private static func ids(_ arguments: ParsedArguments) throws(CommandFailure) -> [Int64] {
        var ids: [Int64] = []
        for word in arguments.positionals.dropFirst(2) {
            guard let id = Int64(word), id > 0 else {
                throw .usage("'\(word)' is no id of a quarantined record", command: name)
            }
            if !ids.contains(id) { ids.append(id) }
        }
        return ids
    }
}
