internal import Foundation
internal import Ledger
internal import Operations

/// `crossdock lag`: how far behind each partner is, and why.
enum Lag: Command {
    static let name = "lag"
    static let summary = "how far behind each partner is, and why"
    static let group = CommandGroup.run
    static let options = [
        Option.flag("watch", "again every two seconds, until Ctrl-C"), Option.json,
    ]
    static let discussion = """
        Works while the service runs and while it is down: positions come from the
        ledger, ends from the internal cluster. What cannot be asked is shown as '-'.

        STATUS  OK         input is decided as it comes, or as the quota allows
                IDLE       nothing to do
                WAITING    before its window, or for a cluster that is down
                SUSPENDED, EXPIRED, REVOKED   the contract is not to run
                WARN       lag grows (seen by --watch)
                STALL      input waits and nothing is committed
                STOP       not running
                HALTED     waits for 'crossdock recover'

        Exit 1 when a row is WARN, STALL or HALTED, or STOP with lag.
        """

    private static let interval = 2.0

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let books = try ReportBooks(arguments, console)
        let probe = SourceProbe(books, console)
        defer { probe.close() }
        var maker = LagMaker(books: books, probe: probe)
        guard arguments.flag("watch") else {
            let report = try maker.report()
            for line in lines(report, arguments, console) { console.out(line) }
            return report.isBad ? .bad : .fine
        }
        // Ends with the terminal's interrupt.
        while true {
            let report = try maker.report()
            let shown = lines(report, arguments, console)
            if arguments.wantsJSON || !console.outIsTerminal {
                for line in shown { console.out(line) }
                if !arguments.wantsJSON { console.out("") }
            } else {
                // Home, every line cleared to its end, then whatever stood below.
                let text = shown.map { $0 + "\u{1B}[K" }.joined(separator: "\n")
                console.out("\u{1B}[H\(text)\n\u{1B}[J\(Wording.time(report.generatedAt))")
            }
            Thread.sleep(forTimeInterval: interval)
        }
    }

    private static func lines(
        _ report: LagReport, _ arguments: ParsedArguments, _ console: Console
    ) -> [String] {
        if arguments.wantsJSON { return [report.json] }
        return LagTable(report, width: console.width) { text, status in
            console.paint(text, colour(status))
        }.lines
    }

    private static func colour(_ status: LagStatus) -> Console.Colour {
        switch status {
        case .ok, .idle: .green
        case .halted, .stall: .red
        case .warn, .waiting, .stop: .yellow
        case .suspended, .expired, .revoked: .grey
        }
    }
}

/// Makes one report after the other; what an earlier one saw helps to judge the next.
private struct LagMaker {
    let books: ReportBooks
    let probe: SourceProbe
    private var samples: [LagBuilder.Key: [LagSample]] = [:]
    private var earlier: LedgerSnapshot?

    init(books: ReportBooks, probe: SourceProbe) {
        self.books = books
        self.probe = probe
    }

    mutating func report() throws(CommandFailure) -> LagReport {
        let first = try build()
        let isInDoubt = first.contracts.contains { $0.status == .stall } && earlier == nil
        guard isInDoubt else { return keep(first) }
        // A look at an instant cannot tell a stalled lane from one that has just got work.
        earlier = ledger
        Thread.sleep(forTimeInterval: 1.5)
        return keep(try build())
    }

    private var ledger: LedgerSnapshot?

    private mutating func build() throws(CommandFailure) -> LagReport {
        let ledger = try books.ledger()
        self.ledger = ledger
        var builder = LagBuilder(
            now: Ledger.wallClock(), ledger: ledger, files: books.files,
            ends: probe.ends(ledger))
        builder.now = Ledger.wallClock()
        builder.earlier = earlier
        builder.samples = samples
        return builder.report()
    }

    private mutating func keep(_ report: LagReport) -> LagReport {
        earlier = ledger
        for contract in report.contracts {
            for row in contract.partitions {
                guard let lag = row.lag else { continue }
                let key = LagBuilder.Key(
                    contract.id, SourcePartition(topic: row.stream, partition: row.partition))
                let past = (samples[key] ?? []) + [LagSample(at: report.generatedAt, lag: lag)]
                samples[key] = past.filter { report.generatedAt - $0.at <= 60_000 }
            }
        }
        return report
    }
}
