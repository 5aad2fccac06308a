import Contracts
import Foundation
import Kafka
import Lab

/// Copies flights from one real broker to another with everything there is, in turn, and prints what each did.
final class CopyBench {
    static let source = "flights"
    private static let markers = "markers"

    struct Options {
        var crossdock: String
        var goCopy: String?
        var records: Int
        var rounds: Int
        var partitions: Int
        /// Records a transaction, of everybody who lets it be set.
        var transaction: Int
        /// Names of the copiers, nil = all.
        var only: [Substring]?
    }

    private let options: Options
    private let copiers: [Copier]
    private let installation: KafkaInstallation
    private let folder: String
    private let flights = Flights()
    private var runs = 0

    init(_ options: Options) throws {
        self.options = options
        let all = Copier.all(goCopy: options.goCopy)
        for name in options.only ?? [] where !all.contains(where: { $0.name == name }) {
            let known = all.map(\.name).joined(separator: ", ")
            throw BenchFailure("there is no copier '\(name)'; there are \(known)")
        }
        copiers = all.filter { options.only?.contains(Substring($0.name)) ?? true }
        guard let installation = try KafkaInstallation.discover() else {
            throw BenchFailure("no Kafka: set KAFKA_HOME to an unpacked Apache Kafka 4")
        }
        self.installation = installation
        folder = FileManager.default.temporaryDirectory.path + "/crossdock-bench-\(UUID())"
    }

    func run() throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Brokers as they are in production, but for their heap: a JVM that starts fast serves slowly.
        let java = ["KAFKA_HEAP_OPTS": "-Xms1g -Xmx1g"]
        let internalBroker = try KafkaBroker(installation, javaOptions: java)
        defer { internalBroker.close() }
        let partnerBroker = try KafkaBroker(installation, javaOptions: java)
        defer { partnerBroker.close() }
        let partner = ClusterClient(partnerBroker.configuration, log: { _ in })
        defer { partner.close() }
        try create(Self.source, options.partitions, internalBroker)
        try create(Self.markers, 1, partnerBroker)
        // Where gocopy writes its positions.
        try create("ckpt", 1, partnerBroker)
        let bytes = try load(internalBroker)
        let passing = try countPassing()
        print(
            "\(options.records) flights of \(bytes / options.records) B in \(options.partitions)"
                + " partitions, \(100 * passing / options.records) % pass the contract,"
                + " \(options.rounds) rounds in turn")
        // Brokers that have just started are slow, whoever comes first.
        if let first = copiers.first {
            _ = try measure(first, passing, internalBroker, partnerBroker, partner)
        }
        var results: [String: [Measured]] = [:]
        var failures: [String] = []
        for _ in 0..<options.rounds {
            for copier in copiers {
                do {
                    let measured = try measure(
                        copier, passing, internalBroker, partnerBroker, partner)
                    results[copier.name, default: []].append(measured)
                } catch {
                    failures.append("\(error)")
                }
            }
        }
        let size = Double(bytes) / Double(options.records)
        print(CopyTable(copiers, results, bytesPerRecord: size).text)
        guard failures.isEmpty else { throw BenchFailure(failures.joined(separator: "\n")) }
    }

    private func measure(
        _ copier: Copier, _ passing: Int, _ source: KafkaBroker, _ target: KafkaBroker,
        _ partner: ClusterClient
    ) throws -> Measured {
        runs += 1
        let alias = "run\(runs)"
        var topic = "\(alias)-\(copier.name)"
        if case .mirrorMaker = copier.work {
            topic = "\(alias).\(Self.source)"
        } else {
            try create(topic, options.partitions, target)
        }
        let log = "\(folder)/\(alias).log"
        let child = try start(
            copier, alias: alias, topic: topic, source.bootstrap, target.bootstrap, log)
        let drain = Drain(
            partner: partner, topic: topic, partitions: options.partitions,
            records: options.records,
            expected: copier.appliesContract ? passing : options.records)
        do {
            return try drain.run(child, log: log)
        } catch {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw BenchFailure("\(copier.name): \(error)\n\(text.suffix(2000))")
        }
    }

    private func start(
        _ copier: Copier, alias: String, topic: String, _ source: String, _ target: String,
        _ log: String
    ) throws -> ChildProcess {
        let transaction = String(options.transaction)
        switch copier.work {
        case .crossdock(let kind, let lanes):
            let directory = try CrossdockDirectory(
                kind, lanes: lanes, records: options.transaction, source: source,
                partner: target, topic: topic, in: folder)
            return try ChildProcess(
                options.crossdock,
                ["start", "--config", directory.path + "/crossdock.yaml", "--until-caught-up"],
                directory: directory.path, log: log)
        case .loop(let preloaded):
            let loop = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
                .deletingLastPathComponent().appendingPathComponent("CLoop").path
            return try ChildProcess(
                loop, [source, target, Self.source, topic, Self.markers, transaction],
                environment: preloaded.map { ["LD_PRELOAD": $0] } ?? [:], log: log)
        case .goCopy(let words):
            return try ChildProcess(
                options.goCopy ?? "gocopy",
                [source, target, Self.source, topic, transaction, "lz4"] + words, log: log)
        case .mirrorMaker:
            let properties = "\(folder)/\(alias).properties"
            let port = try KafkaBroker.freePort()
            try MirrorMaker.properties(alias, source, target, topic: Self.source, port: port)
                .write(toFile: properties, atomically: false, encoding: .utf8)
            return try ChildProcess(
                installation.home + "/bin/connect-mirror-maker.sh", [properties],
                environment: [
                    "KAFKA_HEAP_OPTS": "-Xmx1g", "LOG_DIR": "\(folder)/\(alias)",
                ], log: log)
        }
    }

    private func create(_ topic: String, _ partitions: Int, _ broker: KafkaBroker) throws {
        let client = ClusterClient(broker.configuration, log: { _ in })
        defer { client.close() }
        _ = try client.createTopic(
            topic, partitions: partitions, config: [:], timeout: .seconds(30))
    }

    /// Bytes of all values.
    private func load(_ broker: KafkaBroker) throws -> Int {
        let writer = try TopicWriter(bootstrap: broker.bootstrap)
        defer { writer.close() }
        let texts = flights.rows.indices.map { flights.json($0) }
        let keys = flights.rows.indices.map { flights.key($0) }
        var bytes = 0
        for number in 0..<options.records {
            let row = number % texts.count
            let trace = String(number, radix: 16)
            try writer.write(
                Self.source, partition: Int32(number % options.partitions), key: keys[row],
                value: texts[row],
                headers: [
                    ("source", "ops"),
                    ("trace", String(repeating: "0", count: 16 - trace.utf8.count) + trace),
                    ("x-internal", "do-not-share"),
                ])
            bytes += texts[row].utf8.count
        }
        try writer.flush()
        return bytes
    }

    private func countPassing() throws -> Int {
        let decider = try flightsDecider()
        let rows = Records(Shape.asTheyAre.records(flights.rows.count, of: flights))
        let passes = (0..<rows.count).map { rows.decide($0, decider) == .delivered }
        return (0..<options.records).reduce(0) { $0 + (passes[$1 % passes.count] ? 1 : 0) }
    }
}

/// MirrorMaker 2, exactly once, copying one topic.
enum MirrorMaker {
    static func properties(
        _ alias: String, _ source: String, _ target: String, topic: String, port: Int
    ) -> String {
        """
        clusters = \(alias), partner
        \(alias).bootstrap.servers = \(source)
        partner.bootstrap.servers = \(target)
        \(alias)->partner.enabled = true
        partner->\(alias).enabled = false
        \(alias)->partner.topics = \(topic)
        \(alias)->partner.groups = none
        \(alias)->partner.transaction.boundary = interval
        \(alias)->partner.transaction.boundary.interval.ms = 200
        exactly.once.source.support = enabled
        partner.exactly.once.source.support = enabled
        dedicated.mode.enable.internal.rest = true
        listeners = http://127.0.0.1:\(port)
        tasks.max = 2
        replication.factor = 1
        checkpoints.topic.replication.factor = 1
        heartbeats.topic.replication.factor = 1
        offset-syncs.topic.replication.factor = 1
        offset.storage.replication.factor = 1
        status.storage.replication.factor = 1
        config.storage.replication.factor = 1
        emit.heartbeats.enabled = false
        emit.checkpoints.enabled = false
        sync.group.offsets.enabled = false
        sync.topic.acls.enabled = false
        refresh.topics.enabled = false
        \(alias).consumer.auto.offset.reset = earliest
        \(alias).consumer.isolation.level = read_committed
        \(alias).consumer.max.poll.records = 10000
        partner.producer.compression.type = lz4
        partner.producer.batch.size = 1000000
        partner.producer.linger.ms = 5

        """
    }
}
