internal import Kafka
internal import Lab

/// The two clusters of a demo: embedded ones in this process, or real ones beside it.
enum DemoClusters {
    case embedded(EmbeddedCluster, EmbeddedCluster)
    case installed(KafkaBroker, KafkaBroker)

    init(_ installation: KafkaInstallation?) throws(LabFailure) {
        if let installation {
            let source = try KafkaBroker(installation)
            do throws(LabFailure) {
                self = .installed(source, try KafkaBroker(installation))
            } catch {
                source.close()
                throw error
            }
        } else {
            let source = try EmbeddedCluster()
            do throws(LabFailure) {
                self = .embedded(source, try EmbeddedCluster())
            } catch {
                source.close()
                throw error
            }
        }
    }

    var isReal: Bool {
        if case .installed = self { true } else { false }
    }

    /// Bootstrap servers of the internal cluster.
    var source: String {
        switch self {
        case .embedded(let cluster, _): cluster.bootstrap
        case .installed(let broker, _): broker.bootstrap
        }
    }

    var partner: String {
        switch self {
        case .embedded(_, let cluster): cluster.bootstrap
        case .installed(_, let broker): broker.bootstrap
        }
    }

    /// The data topics; the checkpoint topic too where the service cannot make it (the mock answers no
    /// CreateTopics).
    func createTopics() throws(LabFailure) {
        switch self {
        case .embedded(let source, let partner):
            try source.createTopic(DemoContract.source, partitions: DemoContract.partitions)
            try partner.createTopic(DemoContract.target, partitions: DemoContract.partitions)
            try partner.createTopic(DemoContract.checkpoints, partitions: DemoContract.lanes)
        case .installed(let source, let partner):
            try Self.create(DemoContract.source, on: source)
            try Self.create(DemoContract.target, on: partner)
        }
    }

    func close() {
        switch self {
        case .embedded(let source, let partner):
            source.close()
            partner.close()
        case .installed(let source, let partner):
            source.close()
            partner.close()
        }
    }

    private static func create(_ topic: String, on broker: KafkaBroker) throws(LabFailure) {
        let client = ClusterClient(broker.configuration, log: { _ in })
        defer { client.close() }
        do throws(KafkaFailure) {
            _ = try client.createTopic(
                topic, partitions: DemoContract.partitions, config: [:], timeout: .seconds(20))
        } catch {
            throw LabFailure(error.description)
        }
    }
}
