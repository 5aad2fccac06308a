import Foundation
import Lab
import Synchronization
import Testing

/// One broker for the whole run; its process dies with ours, its folder goes at exit.
enum RealBroker {
    static let isThere: Bool = {
        if (try? KafkaInstallation.discover()) != nil { return true }
        FileHandle.standardError.write(
            Data("SKIPPED: no Kafka (KAFKA_HOME or ../shared/kafka): real-broker tests\n".utf8))
        return false
    }()
    static let skipReason: Comment = "no Kafka found: set KAFKA_HOME"

    private static let folder = Mutex<String?>(nil)
    private static let broker = Mutex<Result<Boxed, LabFailure>?>(nil)

    static func shared() throws(LabFailure) -> KafkaBroker {
        try broker.withLock { broker throws(LabFailure) in
            if let broker { return try broker.get().broker }
            let made = Result { () throws(LabFailure) in
                guard let installation = try KafkaInstallation.discover() else {
                    throw LabFailure("no Kafka found: set KAFKA_HOME")
                }
                let broker = try KafkaBroker(installation)
                folder.withLock { $0 = broker.folder }
                atexit {
                    RealBroker.folder.withLock { path in
                        if let path { try? FileManager.default.removeItem(atPath: path) }
                    }
                }
                return Boxed(broker: broker)
            }
            broker = made
            return try made.get().broker
        }
    }

    /// The suite that uses it is serialized.
    private struct Boxed: @unchecked Sendable {
        let broker: KafkaBroker
    }
}
