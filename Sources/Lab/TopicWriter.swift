internal import CRdKafka

/// Puts records into a topic, for demo, tests and bench: idempotent, no transaction. One owner, one thread.
package final class TopicWriter {
    private let handle: OpaquePointer
    /// Counted by delivery reports, which are served inside this object's own calls.
    private let failures: UnsafeMutablePointer<Int>
    private var isClosed = false

    package init(bootstrap: String) throws(LabFailure) {
        failures = .allocate(capacity: 1)
        failures.initialize(to: 0)
        let conf = try makeConfiguration([
            "bootstrap.servers": bootstrap, "enable.idempotence": "true", "linger.ms": "5",
            "compression.type": "lz4", "message.timeout.ms": "30000", "log_level": "0",
        ])
        rd_kafka_conf_set_opaque(conf, failures)
        rd_kafka_conf_set_dr_msg_cb(conf) { _, message, opaque in
            guard let message, message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
            opaque?.assumingMemoryBound(to: Int.self).pointee += 1
        }
        handle = try makeClient(RD_KAFKA_PRODUCER, conf)
    }

    /// Hands one record over; `flush` says whether all of them arrived. The header names and values are text.
    package func write(
        _ topic: String, partition: Int32, key: String, value: String,
        headers: [(name: String, value: String)]
    ) throws(LabFailure) {
        let list = rd_kafka_headers_new(headers.count)
        for (name, value) in headers {
            rd_kafka_header_add(list, name, -1, value, value.utf8.count)
        }
        var error = produce(topic, partition, key, value, list)
        while error == RD_KAFKA_RESP_ERR__QUEUE_FULL {
            rd_kafka_poll(handle, 50)
            error = produce(topic, partition, key, value, list)
        }
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            rd_kafka_headers_destroy(list)
            throw LabFailure("\(topic)[\(partition)]: \(text(of: error))")
        }
        rd_kafka_poll(handle, 0)
    }

    /// Waits until everything is acknowledged.
    package func flush() throws(LabFailure) {
        let error = rd_kafka_flush(handle, 30_000)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, failures.pointee == 0 else {
            throw LabFailure(
                "\(failures.pointee) records were not acknowledged: \(text(of: error))")
        }
    }

    /// Call it before the object goes: destroying a client blocks, which no deinit may.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        rd_kafka_destroy(handle)
        failures.deallocate()
    }

    private func produce(
        _ topic: String, _ partition: Int32, _ key: String, _ value: String,
        _ headers: OpaquePointer?
    ) -> rd_kafka_resp_err_t {
        var key = key
        var value = value
        return key.withUTF8 { key in
            value.withUTF8 { value in
                withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 6) { words in
                    var count = 0
                    func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t) -> Void) {
                        var word = rd_kafka_vu_t()
                        word.vtype = type
                        set(&word)
                        words.initializeElement(at: count, to: word)
                        count += 1
                    }
                    return topic.withCString { name in
                        add(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = name }
                        add(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition }
                        add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY }
                        add(RD_KAFKA_VTYPE_KEY) {
                            $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
                            $0.u.mem.size = key.count
                        }
                        add(RD_KAFKA_VTYPE_VALUE) {
                            $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: value.baseAddress)
                            $0.u.mem.size = value.count
                        }
                        add(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = headers }
                        let failed = rd_kafka_produceva(handle, words.baseAddress, count)
                        guard let failed else { return RD_KAFKA_RESP_ERR_NO_ERROR }
                        defer { rd_kafka_error_destroy(failed) }
                        return rd_kafka_error_code(failed)
                    }
                }
            }
        }
    }
}

/// A client configuration of its own: the lab shares no handle with the service.
func makeConfiguration(_ settings: [String: String]) throws(LabFailure) -> OpaquePointer {
    guard let conf = rd_kafka_conf_new() else { throw LabFailure("out of memory") }
    var message = [CChar](repeating: 0, count: 512)
    for (name, value) in settings {
        let result = rd_kafka_conf_set(conf, name, value, &message, message.count)
        guard result == RD_KAFKA_CONF_OK else {
            rd_kafka_conf_destroy(conf)
            throw LabFailure("\(name): \(text(message))")
        }
    }
    return conf
}

/// Takes the configuration over.
func makeClient(
    _ type: rd_kafka_type_t, _ conf: OpaquePointer
) throws(LabFailure) -> OpaquePointer {
    var message = [CChar](repeating: 0, count: 512)
    guard let handle = rd_kafka_new(type, conf, &message, message.count) else {
        rd_kafka_conf_destroy(conf)
        throw LabFailure(text(message))
    }
    return handle
}

func text(of error: rd_kafka_resp_err_t) -> String {
    rd_kafka_err2str(error).map { String(cString: $0) } ?? "error \(error.rawValue)"
}

private func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
