internal import CRdKafka

/// What the callbacks of one client reach. They run on the client library's threads and only append.
final class ClientContext: Sendable {
    let sink: ClientLogSink
    let redactor: Redactor
    // Plain memory, written and read with atomic operations only (shim.h).
    nonisolated(unsafe) let wire: UnsafeMutablePointer<crossdock_wire_t>
    // Touched by the owner's thread only: delivery reports are served inside its own calls.
    nonisolated(unsafe) let tally: UnsafeMutablePointer<DeliveryTally>?

    init?(
        sink: @escaping ClientLogSink, secrets: [String],
        tally: UnsafeMutablePointer<DeliveryTally>?
    ) {
        guard let wire = crossdock_wire_new() else { return nil }
        self.wire = wire
        self.sink = sink
        redactor = Redactor(secrets)
        self.tally = tally
    }

    // The handle is destroyed before its context goes: no callback can come any more.
    deinit { crossdock_wire_free(wire) }

    static func of(_ opaque: UnsafeMutableRawPointer) -> ClientContext {
        Unmanaged<ClientContext>.fromOpaque(opaque).takeUnretainedValue()
    }
}

/// One `rd_kafka_t` with one owner. `close` blocks until the library's threads have ended; it is
/// never called from a deinit, which may run on any thread.
final class ClientHandle {
    private(set) var raw: OpaquePointer
    let context: ClientContext
    private(set) var isClosed = false
    private let loginRemark: String?

    init(
        _ role: ClientRole, _ configuration: ClientConfiguration, _ extra: [(String, String)],
        sink: @escaping ClientLogSink, tally: UnsafeMutablePointer<DeliveryTally>? = nil
    ) throws(KafkaFailure) {
        guard
            let context = ClientContext(sink: sink, secrets: configuration.secrets, tally: tally)
        else { throw KafkaFailure("rd_kafka_new", RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE) }
        let conf = try configuration.make(role, extra)
        let opaque = Unmanaged.passRetained(context)
        rd_kafka_conf_set_opaque(conf, opaque.toOpaque())
        rd_kafka_conf_set_log_cb(conf, forwardLog)
        rd_kafka_conf_set_error_cb(conf, forwardError)
        if tally != nil { rd_kafka_conf_set_dr_msg_cb(conf, takeDeliveryReport) }
        let watched = crossdock_watch(conf, context.wire)
        guard watched == RD_KAFKA_RESP_ERR_NO_ERROR else {
            rd_kafka_conf_destroy(conf)
            opaque.release()
            throw KafkaFailure("rd_kafka_conf_interceptor_add_on_new", watched)
        }
        var message = [CChar](repeating: 0, count: 512)
        let type = role == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
        guard let handle = rd_kafka_new(type, conf, &message, message.count) else {
            let error = rd_kafka_last_error()
            rd_kafka_conf_destroy(conf)
            opaque.release()
            let text = message.withUnsafeBufferPointer { text in
                text.baseAddress.map { String(cString: $0) } ?? ""
            }
            throw KafkaFailure(
                kind: .fatal, operation: "rd_kafka_new", code: KafkaFailure.name(of: error),
                detail: context.redactor.clean(text))
        }
        raw = handle
        self.context = context
        loginRemark = configuration.loginRemark
    }

    /// Messages taken from this handle must be destroyed before.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        rd_kafka_destroy_flags(raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        Unmanaged.passUnretained(context).release()
    }

    /// The fetcher of librdkafka 2.0.2 sleeps up to 1 s once its queue is full, however soon there is
    /// room again, and before the first fetch of a partition, unless something wakes it. Setting the
    /// credentials that are set already is the one call that does so without a request, a wait or an
    /// effect.
    func wakeFetcher(_ configuration: ClientConfiguration) {
        let result = rd_kafka_sasl_set_credentials(
            raw, configuration.value("sasl.username") ?? "",
            configuration.value("sasl.password") ?? "")
        if let result { rd_kafka_error_destroy(result) }
    }

    /// The library has given this client up (`rd_kafka_fatal_error`): only a new one helps.
    var isFatal: Bool { rd_kafka_fatal_error(raw, nil, 0) != RD_KAFKA_RESP_ERR_NO_ERROR }

    /// The last error event that no reply has followed since: the cluster cannot be reached.
    var outage: KafkaFailure? {
        let code = crossdock_wire_outage(context.wire)
        guard code != 0 else { return nil }
        let error = rd_kafka_resp_err_t(rawValue: code)
        let remark = error == RD_KAFKA_RESP_ERR__AUTHENTICATION ? loginRemark : nil
        return KafkaFailure(
            "broker connection", error, remark.map { "\(KafkaFailure.text(of: error)); \($0)" })
    }
}

extension Duration {
    /// Milliseconds as the C interface takes them: finite, at least 0.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}

/// A point in time up to which to wait.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(_ timeout: Duration) { end = ContinuousClock.now.advanced(by: timeout) }

    var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: end)) }
    var isOver: Bool { ContinuousClock.now >= end }
}

private let forwardLog:
    @convention(c) (
        OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?
    ) -> Void = { handle, level, facility, text in
        guard let handle, let opaque = rd_kafka_opaque(handle) else { return }
        let context = ClientContext.of(opaque)
        let line = ClientLogLine(
            level: Int(level), facility: facility.map { String(cString: $0) } ?? "",
            text: context.redactor.clean(text.map { String(cString: $0) } ?? ""))
        context.sink(line)
    }

private let forwardError:
    @convention(c) (
        OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafeMutableRawPointer?
    ) -> Void = { _, error, reason, opaque in
        guard let opaque else { return }
        let context = ClientContext.of(opaque)
        let code = rd_kafka_resp_err_t(rawValue: error)
        switch code {
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
            // A refused login stays the better reason.
            let before = rd_kafka_resp_err_t(rawValue: crossdock_wire_outage(context.wire))
            if KafkaFailure.kind(of: before) != .denied {
                crossdock_wire_set_outage(context.wire, error)
            }
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL:
            crossdock_wire_set_outage(context.wire, error)
        default: break
        }
        let text = reason.map { String(cString: $0) } ?? ""
        context.sink(
            ClientLogLine(
                level: 4, facility: "EVENT",
                text: context.redactor.clean("\(KafkaFailure.name(of: code)): \(text)")))
    }
