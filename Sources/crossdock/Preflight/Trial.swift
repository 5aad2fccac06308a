internal import Foundation
internal import Kafka
internal import Operations

/// Tries things on one cluster and keeps what each found. A failure for a missing right names it.
struct Trial {
    let cluster: String
    /// For each question.
    static let patience = Duration.seconds(10)
    private(set) var findings: [CheckFinding] = []
    /// The cluster did not answer: nothing that was found says anything about rights.
    private(set) var isUnreachable = false

    init(cluster: String) { self.cluster = cluster }

    mutating func note(
        _ outcome: CheckFinding.Outcome, _ subject: String, _ detail: String, next: String? = nil
    ) {
        findings.append(CheckFinding(outcome, cluster, subject, detail, next: next))
    }

    /// Nil where it failed, which has been noted then. What may pass (a coordinator that is just being
    /// chosen) is waited for.
    ///
    /// - Parameter right: the one that the brokers ask for.
    mutating func attempt<Answer>(
        _ subject: String, needs right: AccessRight? = nil,
        _ body: () throws(KafkaFailure) -> Answer
    ) -> Answer? {
        let end = ContinuousClock.now + Self.patience
        while true {
            do throws(KafkaFailure) {
                return try body()
            } catch {
                if error.kind == .unavailable && ContinuousClock.now < end {
                    Thread.sleep(forTimeInterval: 0.2)
                    continue
                }
                fail(subject, error, right)
                return nil
            }
        }
    }

    /// The cluster's id.
    mutating func reach(_ client: ClusterClient) -> String? {
        do throws(KafkaFailure) {
            let id = try client.clusterID(timeout: Self.patience)
            note(.ok, "cluster", "reached, its id is \(id)")
            return id
        } catch {
            isUnreachable = error.kind == .unavailable
            note(
                .failed, "cluster",
                isUnreachable
                    ? "not reached: \(error.description)" : "it refuses us: \(error.description)",
                next: isUnreachable
                    ? "is bootstrap.servers right, is the network open, are the brokers up?"
                    : "security.protocol, sasl.* and ssl.* of '\(cluster)' in crossdock.yaml must "
                        + "be what its administrator gave you")
            return nil
        }
    }

    mutating func fail(_ subject: String, _ failure: KafkaFailure, _ right: AccessRight?) {
        guard let right, failure.isMissingRight else {
            let next =
                failure.kind == .unavailable
                ? "the brokers answered before and do not now: try again"
                : "what the brokers say decides; see 'crossdock start --verbose' for the client's log"
            note(.failed, subject, failure.description, next: next)
            return
        }
        findings.append(
            CheckFinding(
                .failed, cluster, subject, failure.code, missing: right,
                next: "grant \(right.text), as below"))
    }
}
