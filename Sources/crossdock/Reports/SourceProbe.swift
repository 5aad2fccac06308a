internal import Contracts
internal import Kafka
internal import Ledger
internal import Operations

/// Asks the source clusters for the ends of the contracts' partitions. What cannot be asked stays
/// unknown, and is said once on standard error.
final class SourceProbe {
    private let contracts: [Contract]
    private let console: Console
    private var clients: [String: ClusterClient] = [:]
    private var told: Set<String> = []
    /// For each question: a cluster that is down must not keep the report waiting.
    private let patience = Duration.seconds(5)

    init(_ books: ReportBooks, _ console: Console) {
        contracts = books.contracts
        self.console = console
        let used = Set(contracts.map(\.source))
        for (name, cluster) in books.configuration.clusters where used.contains(name) {
            if let configuration = resolve(cluster) {
                clients[name] = ClusterClient(configuration) { _ in }
            }
        }
    }

    func close() {
        for client in clients.values { client.close() }
        clients = [:]
    }

    private func resolve(_ cluster: Cluster) -> ClientConfiguration? {
        var settings: [(key: String, value: String)] = []
        for setting in cluster.settings {
            do throws(SecretResolver.Problem) {
                settings.append((setting.key, try Files.secrets.text(setting.value)))
            } catch {
                tell("\(cluster.name): \(setting.key): \(error.reference) \(error.message)")
                return nil
            }
        }
        return ClientConfiguration(settings)
    }

    private func tell(_ problem: String) {
        guard told.insert(problem).inserted else { return }
        console.progress("\(problem); its offsets are unknown")
    }

    // MARK: Ends

    func ends(_ ledger: LedgerSnapshot) -> [LagBuilder.Key: PartitionEnds] {
        var ends: [LagBuilder.Key: PartitionEnds] = [:]
        for (name, client) in clients {
            do throws(KafkaFailure) {
                try ask(client, contracts.filter { $0.source == name }, ledger, &ends)
                told = told.filter { !$0.hasPrefix("\(name): ") }
            } catch {
                tell("\(name): cannot be asked: \(error.description)")
            }
        }
        return ends
    }

    private func ask(
        _ client: ClusterClient, _ contracts: [Contract], _ ledger: LedgerSnapshot,
        _ ends: inout [LagBuilder.Key: PartitionEnds]
    ) throws(KafkaFailure) {
        var keys: [LagBuilder.Key] = []
        var decided: [LagBuilder.Key: Int64] = [:]
        for contract in contracts {
            let topics = contract.streams.map(\.from)
            let counts = try client.partitionCounts(topics, timeout: patience)
            let known = ledger.contracts.first { $0.id == contract.id }?.partitions ?? []
            var partitions = Set(known.map(\.partition))
            for (topic, count) in counts {
                for number in 0..<Int32(count) {
                    partitions.insert(SourcePartition(topic: topic, partition: number))
                }
            }
            for row in known { decided[.init(contract.id, row.partition)] = row.decided }
            keys += partitions.sorted().map { .init(contract.id, $0) }
        }
        let ranges = try client.watermarks(
            keys.map {
                TopicPartition(topic: $0.partition.topic, partition: $0.partition.partition)
            },
            isolation: .readCommitted, timeout: patience)
        for (key, range) in zip(keys, ranges) {
            if let range { ends[key] = PartitionEnds(start: range.low, end: range.high) }
        }
        addOldest(client, keys, decided, &ends)
    }

    /// Timestamps of the oldest undecided records. They are read from the log: that may fail by itself.
    private func addOldest(
        _ client: ClusterClient, _ keys: [LagBuilder.Key], _ decided: [LagBuilder.Key: Int64],
        _ ends: inout [LagBuilder.Key: PartitionEnds]
    ) {
        var behind: [(key: LagBuilder.Key, position: TopicOffset)] = []
        for key in keys {
            guard let end = ends[key], let decided = decided[key] else { continue }
            let next = max(decided, end.start)
            guard next < end.end else { continue }
            behind.append(
                (
                    key,
                    TopicOffset(
                        topic: key.partition.topic, partition: key.partition.partition,
                        offset: next)
                ))
        }
        do throws(KafkaFailure) {
            let times = try client.firstTimestamps(behind.map(\.position), timeout: patience)
            for (entry, time) in zip(behind, times) {
                ends[entry.key]?.oldest = time.map { $0 < 0 ? .unknown : .at($0) } ?? .none
            }
        } catch {
            tell("time lag: cannot be read: \(error.description)")
        }
    }
}
