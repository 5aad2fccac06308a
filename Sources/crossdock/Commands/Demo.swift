internal import Cryptography
internal import Lab

/// `crossdock demo`: a stream on two clusters that live as long as the command, stopped in the middle
/// and resumed, and checked from the partner's side.
enum Demo: Command {
    static let name = "demo"
    static let summary = "the whole thing on embedded clusters, in under a minute"
    static let group = CommandGroup.seeIt
    static let options = [
        Option.value(
            "kafka-home", "DIR", "an Apache Kafka 4 distribution (default KAFKA_HOME): real brokers"
        )
    ]
    static let discussion = """
        Runs the service over 5,000 real flight records (nycflights13, CC0), stops it
        in the middle, starts it again and checks every record. Needs no Kafka: two
        clusters are embedded in the command. They know no isolation of transactions,
        so they show resuming and the books, not exactly-once. With --kafka-home two
        real clusters run instead (Java 17), the service is killed with SIGKILL, and
        the check reads both clusters. Everything is removed at the end. --config is
        not read.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        // Before any other thread is there: all of them leave the signals to this one.
        StopSignal.block()
        do throws(LabFailure) {
            return try show(arguments, console)
        } catch {
            if console.errorIsTerminal { console.redraw("") }
            throw CommandFailure(.cannotRun, error.description)
        }
    }

    private static func show(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(LabFailure) -> ExitCode {
        let home = arguments.value("kafka-home") ?? Environment.value("KAFKA_HOME")
        let installation: KafkaInstallation? =
            if let home, !home.isEmpty { try KafkaInstallation(home: home) } else { nil }
        let secret = Hex.encode(Random.bytes(16))
        let directory = try DemoDirectory(tailSecret: secret)
        defer { directory.remove() }
        var screen = DemoScreen(console: console)
        screen.begin(installation == nil ? "two clusters" : "two Kafka clusters start")
        let clusters = try DemoClusters(installation)
        defer { clusters.close() }
        screen.end(
            1,
            installation.map { "two real clusters from \($0.home), internal and skyways" }
                ?? "two embedded clusters, internal and skyways")
        try directory.configure(source: clusters.source, partner: clusters.partner)
        var run = DemoRun(
            clusters, directory, DemoContract(tailSecret: secret), StopSignal(), screen)
        let holds = try run.run()
        console.out("")
        try showLag(directory, console)
        console.out("")
        console.out(
            holds
                ? "Try next: crossdock init"
                : "The check FAILED: what the partner holds is not what the contract says.")
        return holds ? .fine : .bad
    }

    private static func showLag(
        _ directory: DemoDirectory, _ console: Console
    ) throws(LabFailure) {
        guard let lag = CommandTable.named("lag") else { return }
        do throws(CommandFailure) {
            _ = try lag.run(
                try ParsedArguments(["--config", directory.config], for: lag), console)
        } catch {
            throw LabFailure(error.message)
        }
    }
}
