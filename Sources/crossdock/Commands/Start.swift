internal import Contracts
internal import Ledger
internal import Operations

/// `crossdock start`: the service.
enum Start: Command {
    static let name = "start"
    static let summary = "the service, until SIGTERM"
    static let group = CommandGroup.run
    static let options = [
        Option.flag(
            "until-caught-up", "end when every partition has reached the end seen at the start"),
        Option.flag("verbose", "log every transaction and what the client library says"),
    ]
    static let discussion = """
        Runs every active contract that crossdock.yaml names, until SIGTERM or Ctrl-C:
        then the open transactions are finished or aborted, marked, and it leaves.
        Contract files that change are read again within seconds, or at SIGHUP: a higher
        version takes over between two batches; one with mistakes changes nothing.
        One process owns a state directory. What it does is logged to standard error,
        one line an event.
        Exit 0 when it was stopped or has caught up, 1 when a lane halted or a contract
        is invalid, 2 when it could not run.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        StopSignal.block(hangUp: true)
        let project = try Project.load(arguments, console)
        let secrets = try Secrets(project.configuration)
        for contract in project.contracts where contract.status == .active {
            try tryKeys(contract, secrets)
        }
        let log = Log(least: arguments.flag("verbose") ? .debug : .info)
        let ledger = try openLedger(project.configuration)
        for contract in project.contracts where contract.status == .active {
            try pin(contract, in: ledger)
        }
        return Service(
            project: project, secrets: secrets, ledger: ledger, log: log,
            untilCaughtUp: arguments.flag("until-caught-up")
        ).run()
    }

    private static func openLedger(
        _ configuration: Configuration
    ) throws(CommandFailure) -> Ledger {
        do throws(LedgerFailure) {
            return try Ledger.open(
                directory: configuration.stateDirectory, access: .service,
                quarantineBytes: Int64(configuration.quarantineMaxBytes))
        } catch {
            throw ReportBooks.failure(error)
        }
    }

    /// A key that does not fit what the contract does with it is found before anything runs.
    static func tryKeys(
        _ contract: Contract, _ secrets: Secrets
    ) throws(CommandFailure) {
        for stream in contract.streams {
            do throws(EngineError) {
                _ = try StreamDecider(
                    contractID: contract.id, sourceCluster: "", stream: stream,
                    keys: secrets.keys, partnerPartitions: 1)
            } catch {
                throw CommandFailure(
                    .cannotRun, "\(contract.file): \(error.message)", next: "nothing was started")
            }
        }
    }

    /// Every decision is pinned to version and content: the same version cannot mean two things.
    static func pin(_ contract: Contract, in ledger: Ledger) throws(CommandFailure) {
        do throws(LedgerFailure) {
            try ledger.pinContract(
                id: contract.id, version: contract.version, hash: contract.hash)
        } catch {
            guard error.kind == .contractChanged else { throw ReportBooks.failure(error) }
            throw CommandFailure(
                .bad, "\(contract.file): \(error.detail)",
                next: "nothing was started; see runbooks/halts/contract-pin.md")
        }
    }
}
