internal import Contracts

/// `crossdock validate`: a static check, all diagnostics.
enum Validate: Command {
    static let name = "validate"
    static let summary = "check contracts, every mistake at once"
    static let group = CommandGroup.setUp
    static let positionals = [
        Positional(
            "CONTRACT", required: false, repeats: true,
            "a contract, or a directory of them; without any, those that crossdock.yaml names")
    ]
    static let options = [Option.json]
    static let discussion = """
        Reads nothing but files. Names of clusters and keys are looked up in
        crossdock.yaml; where there is none, it says so and checks the rest.
        Exit 1 when a contract has an error, 2 when crossdock.yaml has one.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        var configuration: Configuration?
        var remarks: [Diagnostic] = []
        let hasConfiguration = arguments.namesConfig || Files.exists(arguments.config)
        if hasConfiguration {
            (configuration, remarks) = try Project.readConfiguration(arguments.config)
        }
        let paths = try ContractFiles.named(
            by: arguments, configuration, isConfigurationBroken: hasConfiguration)
        let readings = try Project.read(paths, configuration)
        if arguments.wantsJSON {
            console.out(json(readings, hasConfiguration ? arguments.config : nil, remarks).text)
        } else {
            report(readings, remarks, console)
            if !hasConfiguration {
                console.progress(
                    "no \(arguments.config) here: names of clusters and keys were not looked up")
            }
        }
        if hasConfiguration, configuration == nil { return .cannotRun }
        return readings.contains { $0.hasErrors } ? .bad : .fine
    }

    private static func report(
        _ readings: [ContractReading], _ remarks: [Diagnostic], _ console: Console
    ) {
        DiagnosticPrinter(console: console, place: .error).print(remarks, source: nil)
        let printer = DiagnosticPrinter(console: console, place: .out)
        for reading in readings {
            printer.print(reading.diagnostics, source: reading.source)
            guard let contract = reading.contract else { continue }
            console.out(
                "\(contract.file): \(console.paint("ok", .green)) (id \(contract.id), version"
                    + " \(contract.version), \(count(contract.streams.count, "stream")))")
        }
        guard !readings.isEmpty else { return }
        console.out(summary(readings))
    }

    private static func summary(_ readings: [ContractReading]) -> String {
        let errors = self.count(.error, readings)
        let warnings = self.count(.warning, readings)
        let bad = readings.count { !$0.diagnostics.isEmpty }
        if bad == 0 { return "\(count(readings.count, "contract")), no mistakes" }
        let found = [
            errors > 0 ? count(errors, "error") : nil,
            warnings > 0 ? count(warnings, "warning") : nil,
        ]
        return found.compactMap(\.self).joined(separator: ", ")
            + " in \(bad) of \(count(readings.count, "contract"))"
    }

    private static func json(
        _ readings: [ContractReading], _ configuration: String?, _ remarks: [Diagnostic]
    ) -> JSON {
        .object([
            (
                "configuration",
                configuration.map {
                    .object([("file", .string($0)), ("diagnostics", .array(remarks.map(json)))])
                } ?? .null
            ),
            (
                "contracts",
                .array(
                    readings.map { reading in
                        .object([
                            ("file", .string(reading.file)),
                            ("id", .optional(reading.id?.text)),
                            ("version", .optional(reading.contract?.version)),
                            ("hash", .optional(reading.contract?.hash)),
                            ("ok", .bool(reading.contract != nil)),
                            ("diagnostics", .array(reading.diagnostics.map(json))),
                        ])
                    })
            ),
            ("errors", .int(count(.error, readings))),
            ("warnings", .int(count(.warning, readings))),
        ])
    }

    private static func json(_ diagnostic: Diagnostic) -> JSON {
        .object([
            ("severity", .string(diagnostic.severity.rawValue)),
            ("file", .string(diagnostic.file)), ("line", .int(diagnostic.line)),
            ("column", .int(diagnostic.column)), ("length", .int(diagnostic.length)),
            ("message", .string(diagnostic.message)),
        ])
    }

    private static func count(
        _ severity: Diagnostic.Severity, _ readings: [ContractReading]
    ) -> Int {
        readings.reduce(0) { $0 + $1.diagnostics.count { $0.severity == severity } }
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
