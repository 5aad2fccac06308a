internal import Contracts
internal import Kafka
internal import Operations
internal import Replication

/// Reads the partners' checkpoint topics, read_committed, and opens what is the contracts'.
struct CheckpointReader {
    private let topic: String
    private let secrets: Secrets
    /// For each question, and for each partition to be read.
    private let patience = Duration.seconds(15)

    init(_ configuration: Configuration, _ secrets: Secrets) {
        topic = configuration.checkpoints.topic
        self.secrets = secrets
    }

    /// In the order of the contracts.
    func offsets(of contracts: [Contract]) throws(CommandFailure) -> [ContractOffsets] {
        var found: [String: ContractOffsets] = [:]
        for cluster in contracts.map(\.target).uniqued() {
            let its = contracts.filter { $0.target == cluster }
            do throws(KafkaFailure) {
                for one in try read(cluster, its) { found[one.id] = one }
            } catch {
                throw CommandFailure(
                    .cannotRun,
                    "cannot read topic '\(topic)' at \(cluster): \(error.detail) (\(error.code))")
            }
        }
        return contracts.compactMap { found[$0.id] }
    }

    private func read(
        _ cluster: String, _ contracts: [Contract]
    ) throws(KafkaFailure) -> [ContractOffsets] {
        let client = ClusterClient(secrets.client(cluster)) { _ in }
        defer { client.close() }
        let count = try client.partitionCounts([topic], timeout: patience)[topic]
        var books = contracts.map {
            ContractOffsets(id: $0.id, cluster: cluster, topic: topic, isThere: count != nil)
        }
        let codecs = contracts.map {
            CheckpointCodec(contract: $0.id, key: secrets.checkpointKey)
        }
        for partition in 0..<Int32(count ?? 0) {
            let result = try client.scan(
                TopicPartition(topic: topic, partition: partition), from: nil, timeout: patience
            ) { record in
                let place = CheckpointPlace(
                    partition: partition, offset: record.offset, at: record.timestamp)
                let sealed = CheckpointRecord(
                    partition: partition, offset: record.offset,
                    key: record.key.map(Array.init) ?? [], value: record.value.map(Array.init))
                for (index, codec) in codecs.enumerated() {
                    books[index].add(codec.open(sealed), at: place)
                }
                return false
            }
            guard result == .end else {
                throw KafkaFailure(
                    kind: .unavailable, operation: "scan", code: "_TIMED_OUT",
                    detail: "partition \(partition) was not read to its end in time")
            }
        }
        return books
    }
}

extension ContractOffsets {
    fileprivate mutating func add(_ checkpoint: Checkpoint, at place: CheckpointPlace) {
        switch checkpoint {
        case .foreign: break
        case .unreadable(let why): unopened.append(UnopenedRow(place: place, why: why))
        case .claim(let claim):
            claims.append(
                ClaimRow(
                    place: place, lane: claim.lane, instance: claim.instance, nonce: claim.nonce,
                    claimed: claim.at))
        case .release(let note):
            releases.append(
                ReleaseRow(
                    place: place, lane: note.lane, batchSeq: note.batchSeq, nonce: note.nonce,
                    pin: note.pin, releases: note.releases))
        case .marker(let marker):
            markers.append(
                MarkerRow(
                    place: place, source: marker.source, lane: marker.lane,
                    nextOffset: marker.nextOffset, batchSeq: marker.batchSeq, nonce: marker.nonce,
                    digest: marker.digest, chain: marker.chain, counts: marker.counts,
                    pin: marker.pin, next: marker.next, clusters: marker.clusters,
                    acknowledged: marker.acknowledged, acts: marker.acts))
        }
    }
}
