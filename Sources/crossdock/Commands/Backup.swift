internal import Contracts
internal import Ledger

/// `crossdock backup`: a copy of the ledger, from beside the service.
enum Backup: Command {
    static let name = "backup"
    static let summary = "a copy of the ledger, while the service runs or not"
    static let group = CommandGroup.intervene
    static let positionals = [Positional("FILE", "where the copy shall stand; never overwritten")]
    static let options = [Option.json]
    static let discussion = """
        The copy is the ledger at one moment, checked, and readable for this user only:
        it holds the quarantined records. Nobody waits for it. It appears under its
        name when it is whole.
        How to put one back, and what happens then: runbooks/backup-and-restore.md.
        Exit 2 when no copy could be made; then there is no file either.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let file = arguments.positionals[0]
        let directory = try Project.configuration(arguments, console).stateDirectory
        let report: BackupReport
        do throws(LedgerFailure) {
            report = try Ledger.backUp(directory: directory, to: file)
        } catch {
            throw CommandFailure(
                .cannotRun, "no backup was made: \(error.detail)",
                next: error.kind == .corrupt ? "see runbooks/halts/ledger-corrupt.md" : nil)
        }
        if arguments.wantsJSON {
            console.out(json(report, file).text)
        } else {
            for line in lines(report, file) { console.out(line) }
        }
        return .fine
    }

    private static func lines(_ report: BackupReport, _ file: String) -> [String] {
        ["\(file): \(report.bytes) bytes, checked. It knows of"]
            + report.partitions.map {
                "  \($0.contract)  \($0.partition.topic)[\($0.partition.partition)]  decided up to "
                    + "offset \($0.decided)"
            }
            + (report.partitions.isEmpty ? ["  no contract yet"] : [])
    }

    private static func json(_ report: BackupReport, _ file: String) -> JSON {
        .object([
            ("file", .string(file)), ("bytes", .int(Int(report.bytes))),
            (
                "partitions",
                .array(
                    report.partitions.map {
                        .object([
                            ("contract", .string($0.contract)),
                            ("topic", .string($0.partition.topic)),
                            ("partition", .int(Int($0.partition.partition))),
                            ("currentOffset", .int(Int($0.decided))),
                            ("read", .int(Int($0.counts.read))),
                            ("delivered", .int(Int($0.counts.delivered))),
                            ("filtered", .int(Int($0.counts.filtered))),
                            ("dropped", .int(Int($0.counts.dropped))),
                            ("quarantined", .int(Int($0.counts.quarantined))),
                            ("gaps", .int(Int($0.counts.gaps))),
                        ])
                    })
            ),
        ])
    }
}
