#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>

/// rd_kafka_producev with everything explicit. `headers` is owned by the message on success, else
/// stays the caller's. A nil key or value is a null one; an empty one needs a pointer.
static inline rd_kafka_resp_err_t crossdock_produce(
    rd_kafka_t *handle, rd_kafka_topic_t *topic, int32_t partition, const void *key,
    size_t key_length, const void *value, size_t value_length, int64_t timestamp,
    rd_kafka_headers_t *headers, void *tag) {
    if (headers)
        return rd_kafka_producev(
            handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_length),
            RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_TIMESTAMP(timestamp),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(tag), RD_KAFKA_V_END);
    return rd_kafka_producev(
        handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_length),
        RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_TIMESTAMP(timestamp),
        RD_KAFKA_V_OPAQUE(tag), RD_KAFKA_V_END);
}

/// What a client's requests tell; written by librdkafka's broker threads, read by the owner.
typedef struct crossdock_wire_s {
    int32_t end_txn_sent; // EndTxn requests (ApiKey 26) fully written to a socket
    int32_t interrupted;  // a Produce, AddPartitionsToTxn or EndTxn ended without a reply
    int32_t init_sent;    // correlation id + 1 of the last InitProducerId (ApiKey 22), 0 = none
    int32_t init_replied; // the same of its last reply
    int32_t outage;       // code of the last error event while unanswered, 0 = none
} crossdock_wire_t;

static inline crossdock_wire_t *crossdock_wire_new(void) {
    return (crossdock_wire_t *)calloc(1, sizeof(crossdock_wire_t));
}
static inline void crossdock_wire_free(crossdock_wire_t *wire) { free(wire); }
static inline int32_t crossdock_wire_end_txn_sent(crossdock_wire_t *wire) {
    return __atomic_load_n(&wire->end_txn_sent, __ATOMIC_ACQUIRE);
}
static inline void crossdock_wire_begin(crossdock_wire_t *wire) {
    __atomic_store_n(&wire->end_txn_sent, 0, __ATOMIC_RELEASE);
}
static inline int32_t crossdock_wire_interrupted(crossdock_wire_t *wire) {
    return __atomic_load_n(&wire->interrupted, __ATOMIC_ACQUIRE);
}
/// An InitProducerId was answered and none is on its way.
static inline int crossdock_wire_init_answered(crossdock_wire_t *wire) {
    int32_t replied = __atomic_load_n(&wire->init_replied, __ATOMIC_ACQUIRE);
    return replied != 0 && replied == __atomic_load_n(&wire->init_sent, __ATOMIC_ACQUIRE);
}
static inline int32_t crossdock_wire_outage(crossdock_wire_t *wire) {
    return __atomic_load_n(&wire->outage, __ATOMIC_ACQUIRE);
}
static inline void crossdock_wire_set_outage(crossdock_wire_t *wire, int32_t code) {
    __atomic_store_n(&wire->outage, code, __ATOMIC_RELEASE);
}

static rd_kafka_resp_err_t crossdock_on_request_sent(
    rd_kafka_t *handle, int socket, const char *broker, int32_t broker_id, int16_t api_key,
    int16_t api_version, int32_t correlation, size_t size, void *opaque) {
    (void)handle, (void)socket, (void)broker, (void)broker_id, (void)api_version;
    (void)size;
    if (api_key == 22)
        __atomic_store_n(&((crossdock_wire_t *)opaque)->init_sent, correlation + 1, __ATOMIC_RELEASE);
    if (api_key == 26)
        __atomic_add_fetch(&((crossdock_wire_t *)opaque)->end_txn_sent, 1, __ATOMIC_ACQ_REL);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/// Called once or twice a reply, and with an error where a request ends without one.
static rd_kafka_resp_err_t crossdock_on_response_received(
    rd_kafka_t *handle, int socket, const char *broker, int32_t broker_id, int16_t api_key,
    int16_t api_version, int32_t correlation, size_t size, int64_t rtt, rd_kafka_resp_err_t error,
    void *opaque) {
    (void)handle, (void)socket, (void)broker, (void)broker_id, (void)api_version;
    (void)size, (void)rtt;
    crossdock_wire_t *wire = (crossdock_wire_t *)opaque;
    if (!error) {
        // ApiVersions and the SASL exchange come before authentication has succeeded.
        if (api_key != 18 && api_key != 17 && api_key != 36)
            __atomic_store_n(&wire->outage, 0, __ATOMIC_RELEASE);
        if (api_key == 22)
            __atomic_store_n(&wire->init_replied, correlation + 1, __ATOMIC_RELEASE);
    } else if (error != RD_KAFKA_RESP_ERR__DESTROY &&
               (api_key == 0 || api_key == 24 || api_key == 26)) {
        __atomic_store_n(&wire->interrupted, 1, __ATOMIC_RELEASE);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t crossdock_on_new(
    rd_kafka_t *handle, const rd_kafka_conf_t *configuration, void *opaque, char *message,
    size_t message_size) {
    (void)configuration, (void)message, (void)message_size;
    rd_kafka_resp_err_t error = rd_kafka_interceptor_add_on_request_sent(
        handle, "crossdock", crossdock_on_request_sent, opaque);
    if (error)
        return error;
    return rd_kafka_interceptor_add_on_response_received(
        handle, "crossdock", crossdock_on_response_received, opaque);
}

/// Makes every handle created from this configuration report to `wire`, which must outlive it.
static inline rd_kafka_resp_err_t crossdock_watch(
    rd_kafka_conf_t *configuration, crossdock_wire_t *wire) {
    return rd_kafka_conf_interceptor_add_on_new(
        configuration, "crossdock", crossdock_on_new, wire);
}
