internal import Contracts
internal import Glibc

/// `crossdock test`: runs the examples of contracts.
enum Test: Command {
    static let name = "test"
    static let summary = "run the examples that contracts hold"
    static let group = CommandGroup.setUp
    static let positionals = [
        Positional(
            "CONTRACT", required: false, repeats: true,
            "a contract, or a directory of them; without any, those that crossdock.yaml names")
    ]
    static let options = [Option.json]
    static let discussion = """
        A test is a record and what becomes of it. Tests stand under 'tests:' at the end
        of a contract, or in a file beside it: first.tests.yaml for first.yaml. They do
        not count into the contract's hash: a new one needs no new version.

          tests:
            - name: a shipped order leaves, without the customer's name
              record:
                key: O-1
                value: { orderId: O-1, status: shipped, customer: { name: Ada } }
                headers: { trace: t-1, internal: x }
              expect:
                delivered:
                  key: O-1
                  value: { orderId: O-1 }
                  headers: { trace: t-1 }
            - name: an open order stays
              record: { value: { orderId: O-2, status: open } }
              expect: filtered

        record: value is a mapping, JSON text, or null for a tombstone. key, headers,
        timestamp, partition and offset are optional. stream: the topic it comes from,
        where the contract has several.
        expect: delivered | filtered | dropped | quarantined | stopped, alone or with
        more: delivered: { value, key, headers, topic } is the whole record that leaves:
        members, their order and the text of numbers count, and a key or headers that
        are not named must not leave. quarantined: { rule, path, reason } names the
        rule, the path, a part of the reason.

        Reads no secret: pseudonyms and encryption use test keys, made from the names of
        the keys. Take the expected token from what a first run got.
        Exit 1 when a test fails, a contract is invalid, or one has no test at all.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        var configuration: Configuration?
        if arguments.namesConfig || arguments.positionals.isEmpty && Files.exists(arguments.config)
        {
            configuration = try Project.configuration(arguments, console)
        }
        let paths = try ContractFiles.named(
            by: arguments, configuration, isConfigurationBroken: false)
        let readings = try Project.read(paths, configuration)
        var reports: [TestReport] = []
        for reading in readings {
            let report = try report(reading, console)
            if !arguments.wantsJSON {
                for line in report.lines(console) { console.out(line) }
            }
            reports.append(report)
        }
        console.out(
            arguments.wantsJSON ? TestReport.json(reports).text : TestReport.summary(reports))
        return reports.allSatisfy(\.isGood) ? .fine : .bad
    }

    /// Mistakes of the contract or of the file beside it go to standard error; then no test is run.
    private static func report(
        _ reading: ContractReading, _ console: Console
    ) throws(CommandFailure) -> TestReport {
        let printer = DiagnosticPrinter(console: console, place: .error)
        guard let contract = reading.contract else {
            printer.print(reading.diagnostics, source: reading.source)
            return TestReport(file: reading.file, contract: nil)
        }
        var tests = reading.tests
        if let beside = try testsBeside(contract) {
            printer.print(beside.diagnostics, source: beside.source)
            if beside.hasErrors { return TestReport(file: reading.file, contract: nil) }
            tests += beside.tests
        }
        var report = TestReport(file: reading.file, contract: contract)
        var runner = ContractTestRunner(contract)
        for test in tests {
            do throws(EngineError) {
                report.results.append((test, try runner.run(test)))
            } catch {
                throw CommandFailure(.cannotRun, "\(contract.file): \(error.message)")
            }
        }
        return report
    }

    private static func testsBeside(
        _ contract: Contract
    ) throws(CommandFailure) -> ContractTestReading? {
        let path = ContractTestReader.fileBeside(contract.file)
        do throws(Files.Failure) {
            return ContractTestReader.read(bytes: try Files.read(path), file: path, of: contract)
        } catch {
            if error.code == ENOENT { return nil }
            throw CommandFailure(.cannotRun, "cannot read \(path): \(error.reason)")
        }
    }
}
