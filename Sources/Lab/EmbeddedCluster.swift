internal import CRdKafka
package import Kafka

/// A cluster inside this process: librdkafka's mock. It knows no isolation, no fencing and no
/// transaction timeout, and keeps 5 MB a partition: good for a demo and for error plumbing, never for
/// a claim about exactly-once. Lives until `close`, whatever clients come and go.
package final class EmbeddedCluster {
    package let bootstrap: String
    /// The client that the mock lives in.
    private let host: OpaquePointer
    private let cluster: OpaquePointer
    private var isOpen = true

    /// - Parameter topics: partition count by topic.
    package init(topics: [String: Int] = [:], brokers: Int = 1) throws(LabFailure) {
        let host = try makeClient(RD_KAFKA_PRODUCER, try makeConfiguration(["log_level": "0"]))
        guard let cluster = rd_kafka_mock_cluster_new(host, Int32(brokers)),
            let bootstrap = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            rd_kafka_destroy(host)
            throw LabFailure("the embedded cluster could not listen on loopback")
        }
        self.host = host
        self.cluster = cluster
        self.bootstrap = String(cString: bootstrap)
        for (topic, partitions) in topics { try createTopic(topic, partitions: partitions) }
    }

    /// Client keys to reach this cluster with. Newer mocks (seen: 2.16) write control records with a
    /// checksum that is wrong.
    package static let settings = [("check.crcs", "false")]

    /// How a client reaches this cluster.
    package var configuration: ClientConfiguration {
        ClientConfiguration([("bootstrap.servers", bootstrap)] + Self.settings)
    }

    package func createTopic(_ topic: String, partitions: Int) throws(LabFailure) {
        let error = rd_kafka_mock_topic_create(cluster, topic, Int32(partitions), 1)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw LabFailure("\(topic): \(text(of: error))")
        }
    }

    /// The next requests with this ApiKey get these errors (Kafka protocol numbers), one each.
    package func fail(apiKey: Int16, with errors: [Int32]) {
        let codes = errors.map { rd_kafka_resp_err_t(rawValue: $0) }
        rd_kafka_mock_push_request_errors_array(cluster, apiKey, codes.count, codes)
    }

    /// Every answer of the broker takes this long.
    package func delay(broker: Int32 = 1, _ milliseconds: Int32) {
        rd_kafka_mock_broker_set_rtt(cluster, broker, milliseconds)
    }

    package func setBroker(_ broker: Int32 = 1, up: Bool) {
        if up {
            rd_kafka_mock_broker_set_up(cluster, broker)
        } else {
            rd_kafka_mock_broker_set_down(cluster, broker)
        }
    }

    /// Blocks for the cluster's thread.
    package func close() {
        guard isOpen else { return }
        isOpen = false
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(host)
    }
}
