internal import Contracts
internal import Kafka

/// `crossdock preview`: real records, before and after, with the reason of every decision.
enum Preview: Command {
    static let name = "preview"
    static let summary = "real records, before and after, nothing written"
    static let group = CommandGroup.setUp
    static let positionals = [Positional("CONTRACT", "the contract's file")]
    static let options = [
        Option.value("limit", "N", "records a stream (10); of a file: lines (all)"),
        Option.value("from", "PLACE", "latest (default), earliest or an offset"),
        Option.value("input", "FILE", "lines of kcat -C -J instead of a cluster; - is stdin"),
        Option.value("values", "FILE", "one record value a line instead; - is stdin"),
        Option.value("stream", "TOPIC", "only the stream that reads this topic"),
        Option.json,
    ]
    static let discussion = """
        Decides records as the service would, and writes and commits nothing. The
        contract need not be active. Keys and clusters come from crossdock.yaml; where
        there is none, test keys stand in, as with 'crossdock test'. What is encrypted
        looks as it will, and is not what will leave: that hangs on the cluster's id.
        Shows each record before (-) and after (+), and why it does not leave. Record
        contents are shown: mind who looks at your screen. With --json bytes that are
        not UTF-8 come as U+FFFD. No ledger is read: for onScopeExit the partner holds
        what the records shown deliver.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        var configuration: Configuration?
        if arguments.namesConfig || Files.exists(arguments.config) {
            configuration = try Project.configuration(arguments, console)
        }
        let contract = try contract(arguments.positionals[0], configuration, console)
        let streams = try streams(of: contract, arguments)
        let secrets = try configuration.map { (it) throws(CommandFailure) in try Secrets(it) }
        var deciders: [String: (Contracts.Stream, StreamDecider)] = [:]
        for stream in streams {
            deciders[stream.from] = (stream, try decider(contract, stream, secrets))
        }
        if secrets == nil, streams.contains(where: { !$0.testKeys.isEmpty }) {
            console.progress(
                "no \(arguments.config) here: tokens and ciphertext are made with test keys")
        }
        let holdings = PreviewHoldings()
        var tally = Tally()
        try read(contract, streams, secrets, arguments, console) { record in
            guard let (stream, decider) = deciders[record.topic] else { return }
            let previewed = PreviewedRecord(
                record: record, stream: stream, made: holdings.decide(record, decider))
            tally.count(previewed.decision)
            if arguments.wantsJSON {
                console.out(previewed.json.text)
            } else {
                for line in previewed.lines(console) { console.out(line) }
            }
        }
        guard !arguments.wantsJSON else { return .fine }
        console.out(tally.text)
        if streams.contains(where: { $0.onScopeExit == .tombstone }) {
            console.out(
                "onScopeExit: no ledger is read: a key counts as absent until a record here is "
                    + "delivered under it")
        }
        return .fine
    }

    private static func contract(
        _ path: String, _ configuration: Configuration?, _ console: Console
    ) throws(CommandFailure) -> Contract {
        let readings = try Project.read([path], configuration)
        let printer = DiagnosticPrinter(console: console, place: .error)
        for reading in readings where reading.hasErrors {
            printer.print(reading.diagnostics, source: reading.source)
        }
        guard let contract = readings.first?.contract else {
            throw CommandFailure(
                .bad, "\(path) is invalid", next: "see: crossdock validate \(path)")
        }
        return contract
    }

    private static func streams(
        of contract: Contract, _ arguments: ParsedArguments
    ) throws(CommandFailure) -> [Contracts.Stream] {
        guard let topic = arguments.value("stream") else { return contract.streams }
        let streams = contract.streams.filter { $0.from == topic }
        guard !streams.isEmpty else {
            let known = contract.streams.map(\.from)
            throw .usage(
                "no stream of \(contract.id) reads '\(topic)'"
                    + Spelling.hint(for: topic, among: known), command: name)
        }
        return streams
    }

    /// Shows each record as it comes.
    private static func read(
        _ contract: Contract, _ streams: [Contracts.Stream], _ secrets: Secrets?,
        _ arguments: ParsedArguments, _ console: Console, _ show: (OwnedRecord) -> Void
    ) throws(CommandFailure) {
        let limit = try arguments.integer("limit", in: 1...1_000_000_000)
        let (values, input) = (arguments.value("values"), arguments.value("input"))
        if values != nil || input != nil {
            guard values == nil || input == nil else {
                throw .usage("--values and --input exclude each other", command: name)
            }
            guard arguments.value("from") == nil else {
                throw .usage("--from is a place in a cluster's topic, not in a file", command: name)
            }
        }
        if let values {
            guard streams.count == 1 else {
                throw .usage(
                    "\(contract.id) has \(streams.count) streams; --stream TOPIC names the one that "
                        + "reads these values", command: name)
            }
            return try PreviewInput.values(
                values, topic: streams[0].from, limit: limit ?? .max, show)
        }
        if let input {
            var topics = Dictionary(uniqueKeysWithValues: contract.streams.map { ($0.from, false) })
            for stream in streams { topics[stream.from] = true }
            return try PreviewInput.kcat(input, topics: topics, limit: limit ?? .max, show)
        }
        let from = try start(arguments.value("from"), limit ?? 10)
        guard let secrets else {
            throw CommandFailure(
                .cannotRun, "no \(arguments.config) here, which says where the cluster is",
                next: "name it with --config, or preview without a cluster: --values FILE")
        }
        for stream in streams {
            let isWhole = try PreviewInput.cluster(
                secrets.client(contract.source), topic: stream.from, from: from,
                limit: limit ?? 10, show)
            if !isWhole {
                console.progress("topic '\(stream.from)': more did not come within 15 seconds")
            }
        }
    }

    private static func start(
        _ text: String?, _ limit: Int
    ) throws(CommandFailure) -> ReadStart {
        switch text {
        case nil, "latest": return .latest(Int64(limit))
        case "earliest": return .earliest
        case .some(let text):
            guard let offset = Int64(text), offset >= 0 else {
                throw .usage(
                    "--from takes latest, earliest or an offset, not '\(text)'", command: name)
            }
            return .offset(offset)
        }
    }

    private static func decider(
        _ contract: Contract, _ stream: Contracts.Stream, _ secrets: Secrets?
    ) throws(CommandFailure) -> StreamDecider {
        do throws(EngineError) {
            // The partner's partition is not shown: any count does. Nor is the source cluster known, so
            // what is encrypted looks as it would leave, and is not what will leave.
            return try StreamDecider(
                contractID: contract.id, sourceCluster: "", stream: stream,
                keys: secrets?.keys ?? stream.testKeys, partnerPartitions: 1)
        } catch {
            throw CommandFailure(
                .cannotRun, "\(contract.file): \(error.message)")
        }
    }

    private struct Tally {
        var read = 0
        var decided: [Decision: Int] = [:]

        mutating func count(_ decision: Decision) {
            read += 1
            decided[decision, default: 0] += 1
        }

        var text: String {
            let parts = Decision.allCases.compactMap { decision in
                decided[decision].map { "\($0) \(decision.word)" }
            }
            return "\(read) read" + (parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))")
        }
    }
}
