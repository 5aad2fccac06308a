internal import Contracts
internal import Operations

/// `crossdock diff`: what a new version of a contract exposes.
enum Diff: Command {
    static let name = "diff"
    static let summary = "what a new contract version exposes"
    static let group = CommandGroup.setUp
    static let positionals = [
        Positional("OLD", "the version in force"), Positional("NEW", "the version to come"),
    ]
    static let options = [Option.json]
    static let discussion = """
        Speaks of what the partner sees: + is new, ! weaker disguised, less checked or
        under a wider condition, - gone, = stronger, ~ changed without showing more or
        less. Where it cannot be told whether more leaves, it counts as more.
        Reads the two files and nothing else.
        Exit 1 when exposure grows, or a contract is invalid.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let old = try read(arguments.positionals[0], console)
        let new = try read(arguments.positionals[1], console)
        let exposure = Exposure(from: old, to: new)
        console.out(arguments.wantsJSON ? exposure.json : exposure.text(width: console.width))
        return exposure.grows ? .bad : .fine
    }

    /// Names of clusters and keys are taken as they stand: nothing is looked up for a comparison.
    private static func read(
        _ path: String, _ console: Console
    ) throws(CommandFailure) -> Contract {
        let readings = try Project.read([path], nil)
        let printer = DiagnosticPrinter(console: console, place: .error)
        for reading in readings where reading.hasErrors {
            printer.print(reading.diagnostics, source: reading.source)
        }
        guard let contract = readings.first?.contract else {
            throw CommandFailure(
                .bad, "\(path) is no valid contract", next: "see: crossdock validate \(path)")
        }
        return contract
    }
}
