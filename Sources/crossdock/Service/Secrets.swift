internal import Contracts
internal import Glibc
internal import Kafka

/// Everything that crossdock.yaml names and does not hold, resolved once at the start.
struct Secrets: Sendable {
    /// By name, for pseudonyms.
    let keys: [String: [UInt8]]
    /// 32 bytes.
    let checkpointKey: [UInt8]
    private let clients: [String: ClientConfiguration]

    /// Every reference that does not resolve is reported at once.
    init(_ configuration: Configuration, resolver: SecretResolver = Files.secrets)
        throws(CommandFailure)
    {
        var problems: [String] = []
        var keys: [String: [UInt8]] = [:]
        for (name, reference) in configuration.keys.sorted(by: { $0.key < $1.key }) {
            do throws(SecretResolver.Problem) {
                keys[name] = try resolver.key(reference)
            } catch {
                problems.append("keys.\(name): \(error.reference) \(error.message)")
            }
        }
        var checkpointKey: [UInt8] = []
        do throws(SecretResolver.Problem) {
            checkpointKey = try resolver.key(configuration.checkpoints.key, count: 32...32)
        } catch {
            problems.append("checkpoints.key: \(error.reference) \(error.message)")
        }
        var clients: [String: ClientConfiguration] = [:]
        for (name, cluster) in configuration.clusters.sorted(by: { $0.key < $1.key }) {
            var settings: [(key: String, value: String)] = []
            for setting in cluster.settings {
                do throws(SecretResolver.Problem) {
                    settings.append((setting.key, try resolver.text(setting.value)))
                } catch {
                    problems.append(
                        "clusters.\(name).\(setting.key): \(error.reference) \(error.message)")
                }
            }
            clients[name] = ClientConfiguration(settings)
        }
        guard problems.isEmpty else {
            throw CommandFailure(
                .cannotRun,
                "\(configuration.file): " + problems.joined(separator: "\n  "),
                next: "nothing was started")
        }
        self.keys = keys
        self.checkpointKey = checkpointKey
        self.clients = clients
    }

    func knows(_ cluster: String) -> Bool { clients[cluster] != nil }

    /// Contracts are checked against the clusters that crossdock.yaml names before this is asked.
    func client(_ cluster: String) -> ClientConfiguration {
        clients[cluster] ?? ClientConfiguration([])
    }
}
