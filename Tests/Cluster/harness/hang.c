/* Preloaded into the service by the tests (harness/hangs.py): makes one call of the client library hang,
 * or a client fatal, where the test has put a file of that name into $CROSSDOCK_FAULTS.
 *
 *   hang-CALL   the next CALL hangs before it does anything
 *   late-CALL   the next CALL does its work and then hangs
 *   fatal-CALL  the client is made fatal at the next CALL
 *
 * The file becomes `hung-CALL` once a call hangs; the call goes on when that file is removed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int take(const char *kind, const char *call, char *hung, size_t size) {
    char asked[512];
    const char *directory = getenv("CROSSDOCK_FAULTS");
    if (!directory)
        return 0;
    snprintf(asked, sizeof asked, "%s/%s-%s", directory, kind, call);
    snprintf(hung, size, "%s/hung-%s", directory, call);
    return access(asked, F_OK) == 0 && rename(asked, hung) == 0;
}

static void maybe_hang(const char *kind, const char *call) {
    char hung[512];
    if (!take(kind, call, hung, sizeof hung))
        return;
    while (access(hung, F_OK) == 0)
        usleep(20000);
}

static void maybe_fatal(const char *call, rd_kafka_t *client) {
    char hung[512];
    if (!take("fatal", call, hung, sizeof hung))
        return;
    unlink(hung);
    rd_kafka_test_fatal_error(client, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "by the test");
}

#define WRAP(type, name, parameters, arguments, before)                                                 \
    type name parameters {                                                                              \
        typedef type (*real_t) parameters;                                                              \
        before;                                                                                         \
        maybe_hang("hang", #name);                                                                      \
        type result = ((real_t)dlsym(RTLD_NEXT, #name))arguments;                                       \
        maybe_hang("late", #name);                                                                      \
        return result;                                                                                  \
    }

WRAP(rd_kafka_error_t *, rd_kafka_commit_transaction, (rd_kafka_t * rk, int timeout), (rk, timeout),
     maybe_fatal("rd_kafka_commit_transaction", rk))
WRAP(rd_kafka_error_t *, rd_kafka_init_transactions, (rd_kafka_t * rk, int timeout), (rk, timeout), )
WRAP(rd_kafka_resp_err_t, rd_kafka_flush, (rd_kafka_t * rk, int timeout), (rk, timeout), )
WRAP(ssize_t, rd_kafka_consume_batch_queue,
     (rd_kafka_queue_t * queue, int timeout, rd_kafka_message_t **messages, size_t size),
     (queue, timeout, messages, size), )

void rd_kafka_destroy_flags(rd_kafka_t *rk, int flags) {
    maybe_hang("hang", "rd_kafka_destroy_flags");
    ((void (*)(rd_kafka_t *, int))dlsym(RTLD_NEXT, "rd_kafka_destroy_flags"))(rk, flags);
}
