internal import Foundation
internal import Glibc
package import Kafka

/// A real one-node KRaft cluster on loopback, in a folder of its own that goes with it. Dies with this
/// process. `kill` and `start` again to play an outage: ports, data and cluster id stay.
package final class KafkaBroker {
    package let bootstrap: String
    package let folder: String
    private let installation: KafkaInstallation
    private let javaOptions: [String: String]
    private var child: Kept<ChildProcess>?

    /// Makes the cluster and waits until it answers: 4-6 s on a quiet machine.
    ///
    /// - Parameters:
    ///   - properties: broker settings over the small defaults.
    ///   - javaOptions: what Kafka's scripts read; those that are absent are as Kafka ships them.
    package init(
        _ installation: KafkaInstallation, properties: [String: String] = [:],
        javaOptions: [String: String] = KafkaInstallation.javaOptions
    ) throws(LabFailure) {
        self.installation = installation
        self.javaOptions = javaOptions
        let (broker, controller) = try Self.freePorts()
        bootstrap = "127.0.0.1:\(broker)"
        let temporary = FileManager.default.temporaryDirectory.path
        folder = "\(temporary)/crossdock-kafka-\(UUID().uuidString)"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            try Self.settings(folder, broker, controller, properties)
                .write(toFile: folder + "/server.properties", atomically: false, encoding: .utf8)
        } catch { throw LabFailure("\(folder): \(error)") }
        do throws(LabFailure) {
            try installation.run(
                "kafka-storage.sh",
                [
                    "format", "-t", Self.clusterID(), "-c", folder + "/server.properties",
                    "--standalone",
                ], log: logFile)
            try start()
        } catch {
            close()
            throw error
        }
    }

    package var configuration: ClientConfiguration {
        ClientConfiguration([("bootstrap.servers", bootstrap)])
    }

    package var processID: Int32? { child?.value.pid }

    /// Starts the broker where it does not run, and waits until it answers.
    package func start(timeout: Duration = .seconds(90)) throws(LabFailure) {
        guard child == nil else { return }
        var environment = javaOptions
        environment["LOG_DIR"] = folder + "/logs"
        let logging = installation.home + "/config/server-log4j2.yaml"
        if FileManager.default.fileExists(atPath: logging) {
            environment["KAFKA_LOG4J_OPTS"] = "-Dlog4j2.configurationFile=\(logging)"
        }
        let (script, log, variables) = (
            installation.home + "/bin/kafka-server-start.sh", logFile, environment
        )
        let settings = folder + "/server.properties"
        let child = try Kept<ChildProcess> { () throws(LabFailure) in
            try ChildProcess(script, [settings], environment: variables, log: log)
        }
        self.child = child
        let client = ClusterClient(configuration, log: { _ in })
        defer { client.close() }
        let deadline = ContinuousClock.now.advanced(by: timeout)
        while (try? client.clusterID(timeout: .milliseconds(250))) == nil {
            guard child.value.isRunning, ContinuousClock.now < deadline else {
                let log = (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? ""
                throw LabFailure("the broker does not come up: \(log.suffix(2000))")
            }
        }
    }

    /// SIGKILL.
    package func kill() {
        child?.value.end()
        child?.drop()
        child = nil
    }

    /// SIGTERM, and waits for the controlled shutdown.
    package func terminate() {
        child?.value.signal(SIGTERM)
        _ = child?.value.wait(.seconds(30))
        kill()
    }

    /// SIGSTOP and SIGCONT: a broker that hangs.
    package func pause() { child?.value.stop() }
    package func resume() { child?.value.signal(SIGCONT) }

    /// What the broker has said.
    package var logFile: String { folder + "/broker.log" }

    /// Kills the broker and removes its folder.
    package func close() {
        kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    deinit { close() }

    private static func settings(
        _ folder: String, _ broker: Int, _ controller: Int, _ properties: [String: String]
    ) -> String {
        var settings = [
            "process.roles": "broker,controller", "node.id": "1",
            "controller.quorum.bootstrap.servers": "127.0.0.1:\(controller)",
            "listeners": "PLAINTEXT://127.0.0.1:\(broker),CONTROLLER://127.0.0.1:\(controller)",
            "advertised.listeners": "PLAINTEXT://127.0.0.1:\(broker)",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": folder + "/data", "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1", "default.replication.factor": "1",
            "transaction.state.log.min.isr": "1", "offsets.topic.num.partitions": "4",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0", "auto.create.topics.enable": "false",
        ]
        settings.merge(properties) { _, new in new }
        return settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
    }

    /// 16 random bytes in URL-safe base64 without padding, as `kafka-storage.sh random-uuid` writes
    /// them; never beginning with '-', which that script would take for an option.
    private static func clusterID() -> String {
        let bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        let text = Data(bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
        return "C" + text.dropFirst()
    }

    /// Two ports that nobody listened on a moment ago.
    private static func freePorts() throws(LabFailure) -> (Int, Int) {
        let one = try listener()
        defer { Glibc.close(one.socket) }
        let other = try listener()
        defer { Glibc.close(other.socket) }
        return (one.port, other.port)
    }

    /// A port that nobody listened on a moment ago.
    package static func freePort() throws(LabFailure) -> Int {
        let one = try listener()
        Glibc.close(one.socket)
        return one.port
    }

    private static func listener() throws(LabFailure) -> (socket: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else {
            Glibc.close(descriptor)
            throw LabFailure("no free port on loopback: errno \(errno)")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}
