internal import Ledger
internal import Operations

/// `crossdock status`: contracts, lanes, halts and what to do.
enum Status: Command {
    static let name = "status"
    static let summary = "lanes, halts, what to do"
    static let group = CommandGroup.run
    static let options = [Option.json]
    static let discussion = """
        What the ledger knows, whether the service runs or not; asks no cluster.
        Behind each lane stand its partitions and their next undecided offsets.
        Exit 1 when a lane is halted.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let books = try ReportBooks(arguments, console)
        let report = StatusReport(
            ledger: try books.ledger(), files: books.files, now: Ledger.wallClock())
        if arguments.wantsJSON {
            console.out(report.json)
        } else {
            let lines = report.lines(width: console.width) { text, state in
                console.paint(text, colour(state))
            }
            for line in lines { console.out(line) }
        }
        return report.isBad ? .bad : .fine
    }

    private static func colour(_ state: LaneState) -> Console.Colour {
        switch state {
        case .running, .idle: .green
        case .starting, .recovering: .cyan
        case .waiting, .throttled: .yellow
        case .halted, .stalled: .red
        case .stopped, .suspended, .revoked, .expired: .grey
        }
    }
}
