internal import Contracts
internal import Foundation
internal import Kafka

/// `crossdock preview`: real records, before and after, with the reason of every decision.
enum Preview: Command {
    static let name = "preview"
    static let summary = "real records, before and after, nothing written"
    static let group = CommandGroup.setUp
    static let positionals = [Positional("CONTRACT", "the contract's file")]
    static let options = [
        Option.value("limit", "N", "records a stream (10; with a file: all)"),
        Option.value("from", "PLACE", "latest (default), earliest or an offset"),
        Option.value("input", "FILE", "lines of kcat -C -J instead of a cluster; - is stdin"),
        Option.value("values", "FILE", "one record value a line instead; - is stdin"),
        Option.value("stream", "TOPIC", "only the stream that reads this topic"),
        Option.json,
    ]
    static let discussion = """
        Decides records as the service would, and writes and commits nothing. The
        contract need not be active. Keys and clusters come from crossdock.yaml.
        Record contents are shown: mind who looks at your screen.
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
        var tally = Tally()
        for (stream, records) in try records(streams, contract, secrets, arguments) {
            let decider = try decider(contract, stream, secrets)
            for record in records {
                let shown = Previewed(record, stream, decider)
                tally.count(shown.decision)
                if arguments.wantsJSON {
                    console.out(shown.json.text)
                } else {
                    for line in shown.lines(console) { console.out(line) }
                }
            }
        }
        if !arguments.wantsJSON { console.out(tally.text) }
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

    private static func records(
        _ streams: [Contracts.Stream], _ contract: Contract, _ secrets: Secrets?,
        _ arguments: ParsedArguments
    ) throws(CommandFailure) -> [(Contracts.Stream, [OwnedRecord])] {
        let limit = try arguments.integer("limit", in: 1...1_000_000)
        if let path = arguments.value("values") {
            guard arguments.value("input") == nil else {
                throw .usage("--values and --input exclude each other", command: name)
            }
            guard streams.count == 1 else {
                throw .usage(
                    "\(contract.id) has \(streams.count) streams; --stream TOPIC names the one that "
                        + "reads these values", command: name)
            }
            let values = try PreviewInput.values(
                path, topic: streams[0].from, limit: limit ?? .max)
            return [(streams[0], values)]
        }
        if let path = arguments.value("input") {
            let all = try PreviewInput.kcat(path, limit: limit ?? .max)
            let known = Set(streams.map(\.from))
            if let stranger = all.first(where: { !known.contains($0.topic) }) {
                throw CommandFailure(
                    .cannotRun,
                    "\(path) holds records of '\(stranger.topic)', which no stream reads")
            }
            return streams.map { stream in (stream, all.filter { $0.topic == stream.from }) }
        }
        guard let secrets else {
            throw CommandFailure(
                .cannotRun, "no \(arguments.config) here, which says where the cluster is",
                next: "name it with --config, or preview without a cluster: --values FILE")
        }
        var found: [(Contracts.Stream, [OwnedRecord])] = []
        for stream in streams {
            let records = try PreviewInput.cluster(
                secrets.client(contract.source), topic: stream.from,
                from: try start(arguments.value("from"), limit ?? 10), limit: limit ?? 10)
            found.append((stream, records))
        }
        return found
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
                keys: secrets?.keys ?? [:], partnerPartitions: 1)
        } catch {
            throw CommandFailure(
                .cannotRun, "\(contract.file): \(error.message)",
                next: secrets == nil ? "keys come from crossdock.yaml: name it with --config" : nil)
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

/// One record and what became of it.
private struct Previewed {
    let record: OwnedRecord
    let stream: Contracts.Stream
    private let made: OwnedDecision

    init(_ record: OwnedRecord, _ stream: Contracts.Stream, _ decider: StreamDecider) {
        self.record = record
        self.stream = stream
        made = decider.decide(record)
    }

    var decision: Decision { made.decision }

    var json: JSON {
        let output: JSON =
            made.output.map { output in
                let flat = output.headers.flatMap { [JSON.string($0.name), Self.text($0.value)] }
                return .object([
                    ("topic", .string(stream.to)), ("key", Self.text(output.key)),
                    ("payload", Self.text(output.value)), ("headers", .array(flat)),
                ])
            } ?? .null
        return .object([
            ("stream", .string(stream.from)), ("topic", .string(record.topic)),
            ("partition", .int(Int(record.partition))), ("offset", .int(Int(record.offset))),
            ("decision", .string(decision.word)), ("reason", .string(made.reason)),
            ("output", output),
        ])
    }

    private static func text(_ bytes: [UInt8]?) -> JSON {
        bytes.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null
    }

    // MARK: For a person

    func lines(_ console: Console) -> [String] {
        let place = "\(record.topic)[\(record.partition)]@\(record.offset)"
        guard decision == .delivered else {
            let colour: Console.Colour = decision == .filtered ? .grey : .yellow
            return ["\(place)  \(console.paint(decision.word, colour))  \(Self.safe(made.reason))"]
        }
        var lines = ["\(place)  \(console.paint("delivered", .green)) -> \(stream.to)"]
        lines.append("  - " + Self.cut(record.value, console.width - 4))
        lines.append("  + " + Self.cut(made.output?.value, console.width - 4))
        if let notSent { lines.append("    not sent: \(notSent)") }
        return lines
    }

    /// The members and headers that stay, by name.
    private var notSent: String? {
        var parts: [String] = []
        if stream.format == .json {
            let stay = members.filter { !sent.contains($0) }
            if !stay.isEmpty {
                let shown = stay.prefix(6).joined(separator: " ")
                let more = stay.count > 6 ? " … (\(stay.count) members)" : ""
                parts.append(Self.safe(shown) + more)
            }
        }
        let dropped = record.headers.map(\.name).filter { !stream.headers.contains($0) }
        if !dropped.isEmpty {
            parts.append(
                "header\(dropped.count == 1 ? "" : "s") "
                    + Self.safe(dropped.uniqued().joined(separator: ", ")))
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Top-level members of which at least a part may leave; what a computed field looks at is not known.
    private var sent: Set<String> {
        Set(
            stream.fields.compactMap {
                if case .path(let path) = $0.source { return path.steps.first?.member }
                return nil
            })
    }

    /// Top-level members of the source, in the order in which they stand there.
    private var members: [String] {
        guard let value = record.value,
            let object = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: Any]
        else { return [] }
        let text = String(decoding: value, as: UTF8.self)
        let places = object.keys.map { name in
            (name, text.range(of: "\"\(name)\"")?.lowerBound ?? text.endIndex)
        }
        return places.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0)
    }

    private static func cut(_ bytes: [UInt8]?, _ width: Int) -> String {
        guard let bytes else { return "null (a tombstone)" }
        let text = safe(String(decoding: bytes, as: UTF8.self))
        return text.count <= width ? text : text.prefix(width - 1) + "…"
    }

    /// Control characters of a record do not reach the terminal.
    private static func safe(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map {
                    $0.properties.generalCategory == .control ? "\u{FFFD}" : $0
                }))
    }
}
