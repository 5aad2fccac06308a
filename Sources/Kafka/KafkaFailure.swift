internal import CRdKafka

/// A Kafka client operation that did not succeed. Holds no record contents and no secrets.
package struct KafkaFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// The other side is away or slow: waiting and trying again is right.
        case unavailable
        /// Authentication or an ACL says no: trying again helps only once an operator has acted.
        case denied
        /// The transactional.id belongs to a newer producer, or may.
        case fenced
        /// The open transaction must be aborted.
        case abortable
        /// The broker refused contents that are in the open transaction (INVALID_RECORD,
        /// INVALID_TIMESTAMP, MSG_SIZE_TOO_LARGE): it must be aborted, and another try ends alike.
        case refused
        /// The handle is of no use any more, or the request makes no sense.
        case fatal
        /// The reading position does not exist any more.
        case outOfRange
    }

    package var kind: Kind
    /// The operation in librdkafka's words ("init_transactions").
    package var operation: String
    /// The error's name ("_TIMED_OUT", "TOPIC_AUTHORIZATION_FAILED").
    package var code: String
    package var detail: String

    package init(kind: Kind, operation: String, code: String, detail: String) {
        self.kind = kind
        self.operation = operation
        self.code = code
        self.detail = detail
    }

    /// An ACL is missing, rather than a login refused.
    package var isMissingRight: Bool { kind == .denied && code.hasSuffix("_AUTHORIZATION_FAILED") }

    /// The broker asked does not lead the partition, or does not know yet that it does.
    var isAboutLeader: Bool {
        [
            "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "FENCED_LEADER_EPOCH",
            "UNKNOWN_LEADER_EPOCH",
        ].contains(code)
    }

    /// Nobody has answered in time: the broker that was asked may be gone.
    var isWithoutAnswer: Bool { code == "_TIMED_OUT" || code == "_TRANSPORT" }

    package var description: String { "\(operation): \(detail) (\(code))" }
}

extension KafkaFailure {
    init(_ operation: String, _ error: rd_kafka_resp_err_t, _ detail: String? = nil) {
        self.init(
            kind: Self.kind(of: error), operation: operation, code: Self.name(of: error),
            detail: detail ?? Self.text(of: error))
    }

    static func name(of error: rd_kafka_resp_err_t) -> String {
        rd_kafka_err2name(error).map { String(cString: $0) } ?? "\(error.rawValue)"
    }

    static func text(of error: rd_kafka_resp_err_t) -> String {
        rd_kafka_err2str(error).map { String(cString: $0) } ?? "error \(error.rawValue)"
    }

    /// What kind an error is where nothing else (`rd_kafka_error_is_fatal`, …) is known about it.
    static func kind(of error: rd_kafka_resp_err_t) -> Kind {
        switch error {
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL,
            RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
            RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE, RD_KAFKA_RESP_ERR_SECURITY_DISABLED,
            RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
            .denied
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED:
            .fenced
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
            .outOfRange
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TIMED_OUT,
            RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
            RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__WAIT_COORD,
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__QUEUE_FULL,
            RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR__IN_PROGRESS, RD_KAFKA_RESP_ERR__NO_OFFSET,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            RD_KAFKA_RESP_ERR_NOT_CONTROLLER, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
            RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
            .unavailable
        default: .fatal
        }
    }
}

/// Takes an `rd_kafka_error_t` apart, and frees it.
struct TransactionError {
    var code: rd_kafka_resp_err_t
    var detail: String
    var isFatal: Bool
    var isRetriable: Bool
    var requiresAbort: Bool

    /// Nil where the call succeeded.
    init?(consuming error: OpaquePointer?) {
        guard let error else { return nil }
        code = rd_kafka_error_code(error)
        detail = rd_kafka_error_string(error).map { String(cString: $0) } ?? ""
        isFatal = rd_kafka_error_is_fatal(error) != 0
        isRetriable = rd_kafka_error_is_retriable(error) != 0
        requiresAbort = rd_kafka_error_txn_requires_abort(error) != 0
        rd_kafka_error_destroy(error)
    }

    var isFenced: Bool { KafkaFailure.kind(of: code) == .fenced }
    var text: String { "\(detail) (\(KafkaFailure.name(of: code)))" }

    func failure(_ operation: String) -> KafkaFailure {
        let plain = KafkaFailure.kind(of: code)
        let kind: KafkaFailure.Kind =
            switch plain {
            case .fenced, .denied: plain
            default:
                if requiresAbort {
                    .abortable
                } else if isFatal {
                    .fatal
                } else {
                    isRetriable ? .unavailable : plain
                }
            }
        return KafkaFailure(
            kind: kind, operation: operation, code: KafkaFailure.name(of: code), detail: detail)
    }
}
