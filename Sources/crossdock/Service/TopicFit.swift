internal import Contracts
internal import Kafka

/// Whether the topics that a changed contract newly names are there, and have the partitions that it
/// needs: a mistyped topic must not take down what runs. Blocks for seconds at most.
struct TopicFit {
    let secrets: Secrets

    private static let patience = Duration.seconds(2)

    /// What is wrong, in a sentence; nil also where a cluster does not answer: then the lanes wait for it.
    func problem(of contract: Contract, after before: Contract) -> String? {
        let changed = contract.streams.filter { stream in
            !before.streams.contains {
                $0.from == stream.from && $0.to == stream.to && $0.partition == stream.partition
            }
        }
        guard !changed.isEmpty,
            let source = counts(changed.map(\.from), on: contract.source),
            let target = counts(changed.map(\.to), on: contract.target)
        else { return nil }
        for stream in changed {
            guard let needed = source[stream.from] else {
                return missing(stream.from, on: contract.source)
            }
            guard let there = target[stream.to] else {
                return missing(stream.to, on: contract.target)
            }
            guard stream.partition == .keep, needed > there else { continue }
            return "'\(stream.from)' has \(needed) partitions and the partner's '\(stream.to)' has "
                + "\(there): `partition: keep` needs at least as many"
        }
        return nil
    }

    private func missing(_ topic: String, on cluster: String) -> String {
        "topic '\(topic)' is not there on '\(cluster)', or the right to describe it is missing"
    }

    private func counts(_ topics: [String], on cluster: String) -> [String: Int]? {
        let client = ClusterClient(secrets.client(cluster)) { _ in }
        defer { client.close() }
        do throws(KafkaFailure) {
            return try client.partitionCounts(topics.uniqued(), timeout: Self.patience)
        } catch {
            return nil
        }
    }
}
