internal import Contracts
internal import Ledger
internal import Operations

/// `crossdock offsets`: the markers and claims in the partners' checkpoint topics, opened.
enum Offsets: Command {
    static let name = "offsets"
    static let summary = "what the markers at the partners say"
    static let group = CommandGroup.run
    static let positionals = [
        Positional(
            "CONTRACT", required: false, repeats: true, "ids of contracts (default: all)")
    ]
    static let options = [
        Option.flag("history", "every marker that compaction has left, in order"), Option.json,
    ]
    static let discussion = """
        Reads the checkpoint topics themselves, with a client of its own, and opens what
        stands under the contracts' keys with checkpoints.key: for each source partition
        the next offset, the batch, cumulative counts, what was acknowledged before it,
        operators' acts. Works while the service runs and while it is down; the ledger
        is not asked, and nothing is written.
        Exit 1 when a record under a contract's key does not open, or a topic is not
        there; 2 when a partner cannot be asked.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let books = try ReportBooks(arguments, console)
        let contracts = try chosen(arguments.positionals, books)
        let reader = CheckpointReader(books.configuration, try Secrets(books.configuration))
        let report = OffsetsReport(
            try reader.offsets(of: contracts), withHistory: arguments.flag("history"),
            now: Ledger.wallClock())
        if arguments.wantsJSON {
            console.out(report.json)
        } else {
            for line in report.lines(width: console.width) { console.out(line) }
        }
        return report.isBad ? .bad : .fine
    }

    private static func chosen(
        _ ids: [String], _ books: ReportBooks
    ) throws(CommandFailure) -> [Contract] {
        guard !ids.isEmpty else { return books.contracts }
        var chosen: [Contract] = []
        for id in ids.uniqued() {
            guard let contract = books.contracts.first(where: { $0.id == id }) else {
                let known = books.contracts.map(\.id)
                throw CommandFailure(
                    .usage,
                    "no contract without mistakes has the id '\(id)'"
                        + Spelling.hint(for: id, among: known),
                    next: "see: crossdock validate")
            }
            chosen.append(contract)
        }
        return chosen
    }
}
