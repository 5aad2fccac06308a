internal import Cryptography
internal import Glibc
internal import Lab

/// The six steps. Whatever happens, the caller removes clusters and directory afterwards.
struct DemoRun {
    let clusters: DemoClusters
    let directory: DemoDirectory
    let contract: DemoContract
    let stop: StopSignal
    private var screen: DemoScreen
    /// How far the service is let before it is stopped.
    private static let interruptAt = 0.45

    init(
        _ clusters: DemoClusters, _ directory: DemoDirectory, _ contract: DemoContract,
        _ stop: StopSignal, _ screen: DemoScreen
    ) {
        self.clusters = clusters
        self.directory = directory
        self.contract = contract
        self.stop = stop
        self.screen = screen
    }

    mutating func run() throws(LabFailure) -> Bool {
        try load()
        showContract()
        let partner = try TopicFollower(
            bootstrap: clusters.partner, topic: DemoContract.target,
            partitions: DemoContract.partitions)
        defer { partner.close() }
        try replicateAndInterrupt(partner)
        try resume(partner)
        return try check(partner)
    }

    private mutating func load() throws(LabFailure) {
        let rows = contract.flights.rows.count
        screen.begin("loading \(DemoScreen.grouped(rows)) flights")
        try clusters.createTopics()
        let writer = try TopicWriter(bootstrap: clusters.source)
        defer { writer.close() }
        for row in 0..<rows {
            try writer.write(
                DemoContract.source, partition: Int32(row % DemoContract.partitions),
                key: contract.flights.key(row), value: contract.flights.json(row),
                headers: DemoContract.headers(row))
        }
        try writer.flush()
        screen.end(
            2,
            "\(DemoScreen.grouped(rows)) flight records of 2013 into \(DemoContract.source)"
                + " (\(DemoContract.partitions) partitions)")
    }

    private mutating func showContract() {
        screen.begin("the contract")
        screen.end(3, "the contract: 7 of 19 fields, 1 pseudonym, delayed departures only")
        for line in DemoContract.excerpt { screen.say("  " + line) }
    }

    private mutating func replicateAndInterrupt(_ partner: TopicFollower) throws(LabFailure) {
        let total = contract.flights.rows.count
        screen.begin("replicating")
        let service = try start([])
        defer { service.end() }
        var decided = 0
        let patience = ContinuousClock.now + .seconds(40)
        while Double(decided) < Self.interruptAt * Double(total) {
            guard service.isRunning else { throw ended(service) }
            guard ContinuousClock.now < patience else { throw tooSlow() }
            try pause(milliseconds: 5)
            try partner.poll(milliseconds: 20)
            decided = contract.decided(deliveredBy: partner.records.map(\.count))
            screen.bar(decided, of: total)
        }
        service.signal(clusters.isReal ? SIGKILL : SIGTERM)
        guard let code = service.wait(.seconds(20)) else {
            throw LabFailure("the service did not stop within 20 s:\n\(directory.tail(of: "log"))")
        }
        try partner.readToEnd(timeout: .seconds(20))
        decided = contract.decided(deliveredBy: partner.records.map(\.count))
        screen.end(
            4,
            "replicating: \(clusters.isReal ? "killed" : "stopped") in the middle, at"
                + " \(DemoScreen.grouped(decided)) of \(DemoScreen.grouped(total))")
        screen.say(
            clusters.isReal
                ? "kill -9: no time to finish, mark or close anything"
                : "SIGTERM: exit code \(code), the open transaction finished or aborted")
        showFirst(partner)
    }

    /// A record on both sides, as it was written and as the partner has read it.
    private func showFirst(_ partner: TopicFollower) {
        for (partition, records) in partner.records.enumerated() {
            guard let value = records.first?.value,
                let row = contract.passing[partition].first
            else { continue }
            screen.say("before " + screen.fitted(contract.flights.json(row)))
            screen.say("after  " + screen.fitted(String(decoding: value, as: UTF8.self)))
            return
        }
    }

    private mutating func resume(_ partner: TopicFollower) throws(LabFailure) {
        let total = contract.flights.rows.count
        screen.begin("resuming")
        let service = try start(["--until-caught-up"])
        defer { service.end() }
        let patience = ContinuousClock.now + .seconds(40)
        while service.isRunning {
            guard ContinuousClock.now < patience else { throw tooSlow() }
            try pause(milliseconds: 5)
            try partner.poll(milliseconds: 20)
            screen.bar(contract.decided(deliveredBy: partner.records.map(\.count)), of: total)
        }
        guard service.exitCode == 0 else { throw ended(service) }
        screen.end(5, "started again: resumed at the marker, caught up")
    }

    private mutating func check(_ partner: TopicFollower) throws(LabFailure) -> Bool {
        screen.begin("reading both clusters")
        try partner.readToEnd(timeout: .seconds(20))
        let source = try TopicFollower(
            bootstrap: clusters.source, topic: DemoContract.source,
            partitions: DemoContract.partitions)
        defer { source.close() }
        try source.readToEnd(timeout: .seconds(20))
        let found = DemoCheck(contract, source: source.records, partner: partner.records)
        let report = try DemoReport(directory)
        func text(_ number: Int) -> String { DemoScreen.grouped(number) }
        screen.end(
            6,
            "checked from the partner's side: \(text(found.delivered)) delivered,"
                + " \(text(found.filtered)) filtered,")
        screen.say(
            "\(text(found.lost)) lost, \(text(found.doubled)) doubled,"
                + " \(text(found.reordered)) out of order, \(text(found.wrong)) other than the"
                + " contract says")
        screen.say(report.identity)
        if !clusters.isReal {
            screen.say("(embedded clusters show resuming and the books; they know no isolation:")
            screen.say(" --kafka-home kills the service on real ones)")
        }
        let agrees =
            report.balances && report.delivered == found.delivered
            && report.filtered == found.filtered
        return found.holds && agrees && found.read == contract.flights.rows.count
    }

    private func start(_ words: [String]) throws(LabFailure) -> ChildProcess {
        try ChildProcess(
            "/proc/self/exe", ["start", "--config", directory.config] + words,
            directory: directory.path, log: directory.file("log"))
    }

    private func pause(milliseconds: Int) throws(LabFailure) {
        if stop.wait(milliseconds: milliseconds) == .stop { throw LabFailure("interrupted") }
    }

    private func tooSlow() -> LabFailure {
        LabFailure("the service is stuck:\n" + directory.tail(of: "log"))
    }

    private func ended(_ service: ChildProcess) -> LabFailure {
        LabFailure(
            "the service ended with exit code \(service.exitCode ?? -1):\n"
                + directory.tail(of: "log"))
    }
}
