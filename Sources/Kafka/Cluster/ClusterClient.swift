internal import CRdKafka

package struct OffsetRange: Hashable, Sendable {
    package var low: Int64
    package var high: Int64

    package init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}

package enum Isolation: Sendable {
    case readCommitted, readUncommitted
}

/// Asks one cluster, and reads single records and short stretches of it, beside the lanes' own clients.
/// One owner, one thread. Clients are made when first needed.
package final class ClusterClient {
    let configuration: ClientConfiguration
    let group: String?
    private let sink: ClientLogSink
    private var committed: ClientHandle?
    private var uncommitted: ClientHandle?
    /// The group was refused, and no answer about it has come since.
    var refusedGroup: rd_kafka_resp_err_t?

    /// - Parameter group: whose offsets are asked for again and again. Another group's cost a client each.
    package init(
        _ configuration: ClientConfiguration, group: String? = nil, log: @escaping ClientLogSink
    ) {
        self.configuration = configuration
        self.group = group
        sink = log
    }

    /// Blocks for the library's threads.
    package func close() {
        committed?.close()
        committed = nil
        uncommitted?.close()
        uncommitted = nil
    }

    func handle(_ isolation: Isolation) throws(KafkaFailure) -> ClientHandle {
        switch isolation {
        case .readCommitted:
            if let committed, !committed.isFatal { return committed }
            committed?.close()
            let handle = try open([("isolation.level", "read_committed")])
            committed = handle
            return handle
        case .readUncommitted:
            if let uncommitted, !uncommitted.isFatal { return uncommitted }
            uncommitted?.close()
            let membership = group.map { [("group.id", $0)] } ?? []
            let handle = try open([("isolation.level", "read_uncommitted")] + membership)
            uncommitted = handle
            return handle
        }
    }

    /// A consumer of a group that never joins it. The caller closes it.
    func openMember(of group: String) throws(KafkaFailure) -> ClientHandle {
        try open([("group.id", group)])
    }

    private func open(_ settings: [(String, String)]) throws(KafkaFailure) -> ClientHandle {
        // Small fetches: these handles read a few records at a time.
        try ClientHandle(
            .consumer, configuration,
            [
                ("queued.min.messages", "1000"), ("queued.max.messages.kbytes", "4096"),
                ("fetch.message.max.bytes", "262144"), ("fetch.wait.max.ms", "10"),
            ] + settings, sink: sink)
    }

    /// The better reason for a time-out, where there is one.
    func failure(
        _ handle: ClientHandle, _ operation: String, _ error: rd_kafka_resp_err_t,
        _ detail: String? = nil
    ) -> KafkaFailure {
        rd_kafka_poll(handle.raw, 0)
        let failure = KafkaFailure(operation, error, detail)
        if failure.kind == .unavailable, let outage = handle.outage {
            return KafkaFailure(
                kind: outage.kind, operation: operation, code: outage.code, detail: outage.detail)
        }
        return failure
    }
}
