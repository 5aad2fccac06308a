internal import Contracts
internal import Glibc
internal import Kafka

/// crossdock.yaml, and the contracts it names, read and checked.
struct Project {
    var configuration: Configuration
    var contracts: [Contract]

    /// Both. Mistakes are printed to standard error, all of them; then it throws: exit 2 for
    /// crossdock.yaml, 1 for a contract.
    static func load(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> Project {
        let configuration = try configuration(arguments, console, warns: true)
        let paths = contractFiles(of: configuration)
        guard !paths.isEmpty else {
            throw CommandFailure(
                .cannotRun,
                "\(configuration.file) names no contract that exists:"
                    + " \(configuration.contracts.joined(separator: ", "))",
                next: "write one there; 'crossdock init' shows its form")
        }
        let readings = try read(paths, configuration)
        let printer = DiagnosticPrinter(console: console, place: .error)
        for reading in readings where reading.hasErrors {
            printer.print(reading.diagnostics, source: reading.source)
        }
        let contracts = readings.compactMap(\.contract)
        guard contracts.count == readings.count else {
            throw CommandFailure(
                .bad, "\(readings.count - contracts.count) of \(readings.count) contracts invalid",
                next: "nothing was started; see: crossdock validate")
        }
        return Project(configuration: configuration, contracts: contracts)
    }

    /// crossdock.yaml alone. Its warnings are for those who write it (`validate`) or run it (`start`).
    static func configuration(
        _ arguments: ParsedArguments, _ console: Console, warns: Bool = false
    ) throws(CommandFailure) -> Configuration {
        let (configuration, diagnostics) = try readConfiguration(arguments.config)
        DiagnosticPrinter(console: console, place: .error).print(
            diagnostics.filter { warns || $0.severity == .error }, source: nil)
        guard let configuration else {
            throw CommandFailure(.cannotRun, "\(arguments.config) has mistakes; nothing was done")
        }
        return configuration
    }

    static func readConfiguration(
        _ path: String
    ) throws(CommandFailure) -> (Configuration?, [Diagnostic]) {
        let bytes: [UInt8]
        do throws(Files.Failure) {
            bytes = try Files.read(path)
        } catch {
            throw CommandFailure(
                .cannotRun, "cannot read \(path): \(error.reason)",
                next: error.code == ENOENT
                    ? "'crossdock init' writes a first one; '--config FILE' names another" : nil)
        }
        let (configuration, diagnostics) = ConfigurationReader.read(
            bytes: bytes, file: path, check: clientProblems)
        return (configuration, diagnostics + exposures(configuration))
    }

    /// What librdkafka has against a cluster's settings. A value whose secret is not to be had here is
    /// not checked: contracts are written on other machines than the service runs on.
    private static func clientProblems(_ cluster: Cluster) -> [(key: String, message: String)] {
        var unresolved: Set<String> = []
        var settings: [(key: String, value: String)] = []
        for setting in cluster.settings {
            do throws(SecretResolver.Problem) {
                settings.append((setting.key, try Files.secrets.text(setting.value)))
            } catch {
                unresolved.insert(setting.key)
            }
        }
        return ClientConfiguration.validate(settings)
            .filter { !unresolved.contains($0.key) }.map { ($0.key, $0.message) }
    }

    /// Warnings about secret files that others can read.
    private static func exposures(_ configuration: Configuration?) -> [Diagnostic] {
        guard let configuration else { return [] }
        return configuration.places.sorted { $0.value < $1.value }.compactMap { reference, mark in
            Files.secrets.exposure(reference).map {
                Diagnostic(
                    severity: .warning, file: configuration.file, line: mark.line,
                    column: mark.column, length: mark.length,
                    message: "\($0.reference) \($0.message)")
            }
        }
    }

    /// Nothing is found in a directory that cannot be looked into.
    static func contractFiles(of configuration: Configuration) -> [String] {
        ContractFiles.listed(configuration.contracts, Files.matching) ?? []
    }

    /// Reads contracts and checks them together: one id stands for one contract.
    static func read(
        _ paths: [String], _ configuration: Configuration?
    ) throws(CommandFailure) -> [ContractReading] {
        var readings: [ContractReading] = []
        var ids: [String: String] = [:]
        for path in paths {
            var reading: ContractReading
            do throws(Files.Failure) {
                reading = try readOne(path, configuration)
            } catch {
                throw CommandFailure(.cannotRun, "cannot read \(path): \(error.reason)")
            }
            if let (id, mark) = reading.id {
                if let other = ids[id] {
                    reading.add(
                        Diagnostic(
                            file: path, line: mark.line, column: mark.column, length: mark.length,
                            message: "duplicate id '\(id)': \(other) has it already"))
                } else {
                    ids[id] = path
                }
            }
            readings.append(reading)
        }
        return readings
    }

    /// A contract by itself.
    static func readOne(
        _ path: String, _ configuration: Configuration?
    ) throws(Files.Failure) -> ContractReading {
        var reading = ContractReader.read(
            bytes: try Files.read(path), file: path, configuration: configuration)
        if let problem = intervalProblem(reading, configuration) { reading.add(problem) }
        return reading
    }

    /// A lane gives a transaction up that is half its timeout old. One that stays open for longer than a
    /// third of it for want of records leaves too little for its commit, and would be given up for ever.
    private static func intervalProblem(
        _ reading: ContractReading, _ configuration: Configuration?
    ) -> Diagnostic? {
        guard let contract = reading.contract, let mark = reading.maxInterval,
            let cluster = configuration?.clusters[contract.target]
        else { return nil }
        let settings = cluster.settings.compactMap { setting in
            setting.value.plain.map { (key: setting.key, value: $0) }
        }
        let timeout = ClientConfiguration(settings).transactionTimeout
        guard contract.delivery.maxInterval > timeout / 3 else { return nil }
        return Diagnostic(
            file: reading.file, line: mark.line, column: mark.column, length: mark.length,
            message: "'maxInterval' is more than a third of transaction.timeout.ms (\(timeout)) of "
                + "'\(contract.target)': slow traffic would never be committed in time; shorten it, "
                + "or raise transaction.timeout.ms in \(configuration?.file ?? "crossdock.yaml")")
    }
}

extension Array where Element: Hashable {
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
