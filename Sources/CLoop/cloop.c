// The floor that Bench measures against: librdkafka's consumer and transactional producer in a loop, exactly
// once, nothing decided, nothing written down but a marker a partition.
//
//   CLoop SOURCE PARTNER FROM TO MARKERS RECORDS
//
// Copies FROM's partitions, as far as they reach now, to the same partitions of TO, in transactions of RECORDS.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct partition {
    int64_t end;
    int64_t next;
    int64_t marked;
};

struct deliveries {
    long acknowledged, failed;
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "CLoop: %s: %s\n", what, why);
    exit(1);
}

static void check(const char *what, rd_kafka_error_t *error) {
    if (error) fail(what, rd_kafka_error_string(error));
}

static rd_kafka_t *client(
    rd_kafka_type_t type, const char *const settings[][2], size_t count, struct deliveries *deliveries,
    void (*report)(rd_kafka_t *, const rd_kafka_message_t *, void *)) {
    char reason[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof reason))
            fail(settings[i][0], reason);
    if (report) {
        rd_kafka_conf_set_opaque(conf, deliveries);
        rd_kafka_conf_set_dr_msg_cb(conf, report);
    }
    rd_kafka_t *handle = rd_kafka_new(type, conf, reason, sizeof reason);
    if (!handle) fail("client", reason);
    return handle;
}

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    (void)producer;
    struct deliveries *deliveries = opaque;
    if (message->err) deliveries->failed++;
    else deliveries->acknowledged++;
}

static void copy(rd_kafka_t *producer, rd_kafka_topic_t *to, rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers = NULL, *kept = NULL;
    if (!rd_kafka_message_headers(message, &headers)) kept = rd_kafka_headers_copy(headers);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_RKT(to), RD_KAFKA_V_PARTITION(message->partition),
        RD_KAFKA_V_KEY(message->key, message->key_len),
        RD_KAFKA_V_VALUE(message->payload, message->len), RD_KAFKA_V_MSGFLAGS(0),
        RD_KAFKA_V_TIMESTAMP(rd_kafka_message_timestamp(message, NULL)),
        RD_KAFKA_V_HEADERS(kept), RD_KAFKA_V_END);
    if (error) fail("produce", rd_kafka_err2str(error));
}

// One marker for every partition that moved; returns how many.
static long mark(rd_kafka_t *producer, rd_kafka_topic_t *markers, struct partition *all, int count) {
    long written = 0;
    for (int i = 0; i < count; i++) {
        if (all[i].next == all[i].marked) continue;
        char key[16], value[32];
        int keyLength = snprintf(key, sizeof key, "%d", i);
        int valueLength = snprintf(value, sizeof value, "%lld", (long long)all[i].next);
        rd_kafka_resp_err_t error = rd_kafka_producev(
            producer, RD_KAFKA_V_RKT(markers), RD_KAFKA_V_PARTITION(0),
            RD_KAFKA_V_KEY(key, (size_t)keyLength), RD_KAFKA_V_VALUE(value, (size_t)valueLength),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (error) fail("marker", rd_kafka_err2str(error));
        all[i].marked = all[i].next;
        written++;
    }
    return written;
}

int main(int argc, char **argv) {
    if (argc != 7) fail("usage", "SOURCE PARTNER FROM TO MARKERS RECORDS");
    long limit = atol(argv[6]);
    const char *const reading[][2] = {
        {"bootstrap.servers", argv[1]}, {"group.id", "cloop"}, {"enable.auto.commit", "false"},
        {"isolation.level", "read_committed"}, {"check.crcs", "true"},
        {"queued.min.messages", "1000000"}, {"queued.max.messages.kbytes", "65536"},
        {"fetch.message.max.bytes", "4194304"}, {"fetch.wait.max.ms", "50"},
        {"auto.offset.reset", "error"},
    };
    const char *const writing[][2] = {
        {"bootstrap.servers", argv[2]}, {"transactional.id", "cloop"}, {"compression.codec", "lz4"},
        {"linger.ms", "5"}, {"batch.size", "1000000"}, {"queue.buffering.max.messages", "2000000"},
        {"queue.buffering.max.kbytes", "1048576"},
    };
    struct deliveries deliveries = {0, 0};
    rd_kafka_t *consumer =
        client(RD_KAFKA_CONSUMER, reading, sizeof reading / sizeof *reading, NULL, NULL);
    rd_kafka_t *producer = client(
        RD_KAFKA_PRODUCER, writing, sizeof writing / sizeof *writing, &deliveries, delivered);
    rd_kafka_topic_t *to = rd_kafka_topic_new(producer, argv[4], NULL);
    rd_kafka_topic_t *markers = rd_kafka_topic_new(producer, argv[5], NULL);

    rd_kafka_topic_t *from = rd_kafka_topic_new(consumer, argv[3], NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t error = rd_kafka_metadata(consumer, 0, from, &metadata, 10000);
    if (error) fail(argv[3], rd_kafka_err2str(error));
    int count = metadata->topics[0].partition_cnt;
    struct partition *partitions = calloc((size_t)count, sizeof *partitions);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    int64_t left = 0;
    for (int i = 0; i < count; i++) {
        int64_t low;
        error = rd_kafka_query_watermark_offsets(
            consumer, argv[3], i, &low, &partitions[i].end, 10000);
        if (error) fail(argv[3], rd_kafka_err2str(error));
        partitions[i].next = partitions[i].marked = low;
        left += partitions[i].end - low;
        rd_kafka_topic_partition_list_add(list, argv[3], i)->offset = low;
    }
    check("init_transactions", rd_kafka_init_transactions(producer, 30000));
    error = rd_kafka_assign(consumer, list);
    if (error) fail("assign", rd_kafka_err2str(error));
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);

    // What is copied stays in the consumer's memory until its transaction is over.
    rd_kafka_message_t **held = malloc(sizeof *held * (size_t)limit);
    long expected = 0;
    while (left > 0) {
        check("begin", rd_kafka_begin_transaction(producer));
        long taken = 0;
        while (taken < limit && left > 0) {
            size_t room = (size_t)(limit - taken < 10000 ? limit - taken : 10000);
            ssize_t got = rd_kafka_consume_batch_queue(queue, 100, held + taken, room);
            for (ssize_t i = 0; i < got; i++) {
                rd_kafka_message_t *message = held[taken++];
                if (message->err) fail("consume", rd_kafka_message_errstr(message));
                if (message->offset >= partitions[message->partition].end) continue;
                copy(producer, to, message);
                left -= message->offset + 1 - partitions[message->partition].next;
                partitions[message->partition].next = message->offset + 1;
                expected++;
            }
        }
        expected += mark(producer, markers, partitions, count);
        check("commit", rd_kafka_commit_transaction(producer, 60000));
        rd_kafka_poll(producer, 0);
        if (deliveries.failed || deliveries.acknowledged != expected)
            fail("commit", "not every record was acknowledged");
        for (long i = 0; i < taken; i++) rd_kafka_message_destroy(held[i]);
    }
    printf("%ld records and markers\n", expected);
    fflush(stdout);
    _Exit(0);
}
