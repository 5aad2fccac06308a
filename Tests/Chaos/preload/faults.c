/* Failpoints for a release binary, from outside: LD_PRELOAD puts these functions before those of
   librdkafka, SQLite and libc, and a plan says what happens at the n-th passage of a point.

   CROSSDOCK_FAULT="POINT:N:ACTION[:ARGUMENT];..."   N = which passage; "N+" = that and all later ones
     kill[:MS]    SIGKILL to the process, MS after the point was reached (the other threads go on)
     stop         SIGSTOP to the process; this thread goes on with the next SIGCONT
     hang[:MS]    this thread waits, for ever or so long
     fail:CODE    the call returns CODE: instead of being made (-before), or after it was made (-after)
   CROSSDOCK_FAULT_STATE=FILE   passages and hits by point, mapped: they survive the kill (struct slot)

   A point is a call and a side, "commit-before". Each producer's first transaction is its claim, and
   has points of its own. Points of the ledger are COMMITs, named by what they carry. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Calls: librdkafka's, EndTxn requests on the wire, the ledger's COMMITs, and writes to its files. */
#define CALLS(CALL)                                                                                \
    CALL(SURVEY, "survey") CALL(INIT, "init") CALL(SCAN, "scan") CALL(ASSIGN, "assign")            \
    CALL(CLAIM_BEGIN, "claim-begin") CALL(BEGIN, "begin")                                          \
    CALL(CLAIM_PRODUCE, "claim-produce") CALL(PRODUCE, "produce")                                  \
    CALL(CLAIM_FLUSH, "claim-flush") CALL(FLUSH, "flush")                                          \
    CALL(CLAIM_COMMIT, "claim-commit") CALL(COMMIT, "commit") CALL(ABORT, "abort")                 \
    CALL(CLAIM_END_TXN, "claim-end-txn") CALL(END_TXN, "end-txn")                                  \
    CALL(ABORT_END_TXN, "abort-end-txn")                                                           \
    CALL(SAVE, "save") CALL(NONCE, "nonce") CALL(START, "start") CALL(INTENT, "intent")            \
    CALL(MARK, "mark") CALL(DROP, "drop") CALL(WRITE, "write") CALL(SYNC, "sync")

#define CALL_NAME(call, name) call,
enum call { CALLS(CALL_NAME) CALL_COUNT };
enum side { BEFORE, AFTER };
#define CALL_TEXTS(call, name) name "-before", name "-after",
static const char *const point_names[] = {CALLS(CALL_TEXTS)};
enum { POINTS = 2 * CALL_COUNT, GO_ON = -1 };

/* The file's format: native byte order, "in-transaction" first (passages = transactions open now). */
struct slot {
    char name[24];
    _Atomic uint64_t passages, hits, hits_in_transaction;
};
static struct slot unmapped[1 + POINTS];
static struct slot *slots = unmapped;

enum action { KILL, STOP, HANG, FAIL };
static struct fault {
    int point;
    uint64_t passage;
    int and_later;
    enum action action;
    long argument;
} plan[32];
static int planned;

static void refuse(const char *text) {
    fprintf(stderr, "faults: cannot read '%s' in CROSSDOCK_FAULT\n", text);
    _exit(64);
}

static int point_named(const char *name) {
    for (int point = 0; point < POINTS; point++)
        if (strcmp(name, point_names[point]) == 0)
            return point;
    refuse(name);
    return 0;
}

static void read_fault(char *text) {
    static const char *const actions[] = {"kill", "stop", "hang", "fail"};
    char *rest = text;
    const char *point = strsep(&rest, ":"), *passage = strsep(&rest, ":"), *action = strsep(&rest, ":");
    if (!action || planned == 32)
        refuse(text);
    struct fault *fault = &plan[planned++];
    char *after;
    fault->point = point_named(point);
    fault->passage = strtoull(passage, &after, 10);
    fault->and_later = *after == '+';
    fault->argument = rest ? strtol(rest, NULL, 10) : 0;
    for (int at = 0; at < 4; at++)
        if (strcmp(action, actions[at]) == 0) {
            fault->action = (enum action)at;
            if (fault->passage > 0 && (fault->action != FAIL || rest))
                return;
        }
    refuse(action);
}

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("CROSSDOCK_FAULT_STATE");
    if (file) {
        int opened = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        void *mapped = MAP_FAILED;
        if (opened >= 0 && ftruncate(opened, sizeof unmapped) == 0)
            mapped = mmap(NULL, sizeof unmapped, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
        if (mapped == MAP_FAILED)
            refuse(file);
        close(opened);
        slots = mapped;
    }
    strcpy(slots[0].name, "in-transaction");
    for (int point = 0; point < POINTS; point++)
        strcpy(slots[1 + point].name, point_names[point]);
    const char *text = getenv("CROSSDOCK_FAULT");
    static char copy[2048];
    if (!text || !*text)
        return;
    if (strlen(text) >= sizeof copy)
        refuse(text);
    char *rest = strcpy(copy, text);
    for (char *one; (one = strsep(&rest, ";"));)
        read_fault(one);
}

static void sleep_for(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static void perform(const struct fault *fault) {
    switch (fault->action) {
    case KILL:
        sleep_for(fault->argument);
        kill(getpid(), SIGKILL);
        break;
    case STOP:
        // To this very thread: another one that takes the signal may let this one go on for a moment.
        raise(SIGSTOP);
        break;
    case HANG:
        do
            sleep_for(fault->argument ? fault->argument : 3600 * 1000);
        while (!fault->argument);
        break;
    case FAIL:
        break;
    }
}

/* Counts a passage and does what is planned for it. The code to fail with, or GO_ON. */
static long pass(enum call call, enum side side) {
    int point = 2 * call + side;
    uint64_t passage = atomic_fetch_add(&slots[1 + point].passages, 1) + 1;
    for (int at = 0; at < planned; at++) {
        const struct fault *fault = &plan[at];
        if (fault->point != point || passage < fault->passage ||
            (passage > fault->passage && !fault->and_later))
            continue;
        atomic_fetch_add(&slots[1 + point].hits, 1);
        if (atomic_load(&slots[0].passages) > 0)
            atomic_fetch_add(&slots[1 + point].hits_in_transaction, 1);
        perform(fault);
        if (fault->action == FAIL)
            return fault->argument;
    }
    return GO_ON;
}

/* The function that stands behind ours. */
#define REAL(function)                                                                             \
    static __typeof__(&function) real;                                                             \
    if (!real)                                                                                     \
    real = (__typeof__(&function))dlsym(RTLD_NEXT, #function)

/* librdkafka calls some of its own functions the way we do: these are no passages. */
static __thread int nested;

/* Producers. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct producer {
    rd_kafka_t *handle;
    int begun, open;
} producers[256];
/* Calls under way that end a transaction, by the kind of EndTxn that they send. */
static _Atomic int ending_claim, ending_batch, aborting;

static struct producer *producer_of(rd_kafka_t *handle) {
    struct producer *found = NULL;
    pthread_mutex_lock(&lock);
    for (int at = 0; at < 256 && !found; at++)
        if (producers[at].handle == handle)
            found = &producers[at];
    for (int at = 0; at < 256 && !found; at++)
        if (!producers[at].handle) {
            found = &producers[at];
            *found = (struct producer){handle, 0, 0};
        }
    pthread_mutex_unlock(&lock);
    if (!found)
        abort();
    return found;
}

static void set_open(struct producer *producer, int open) {
    if (producer->open != open)
        atomic_fetch_add(&slots[0].passages, open ? 1 : -1);
    producer->open = open;
}

static rd_kafka_error_t *failure(long code, rd_kafka_error_t *instead_of) {
    if (instead_of)
        rd_kafka_error_destroy(instead_of);
    return rd_kafka_error_new((rd_kafka_resp_err_t)code, "planned failure");
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *handle, int timeout) {
    REAL(rd_kafka_init_transactions);
    struct producer *producer = producer_of(handle);
    producer->begun = 0;
    set_open(producer, 0);
    long code = pass(INIT, BEFORE);
    if (code != GO_ON)
        return failure(code, NULL);
    rd_kafka_error_t *result = real(handle, timeout);
    code = pass(INIT, AFTER);
    return code == GO_ON ? result : failure(code, result);
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *handle) {
    REAL(rd_kafka_begin_transaction);
    struct producer *producer = producer_of(handle);
    enum call call = producer->begun ? BEGIN : CLAIM_BEGIN;
    long code = pass(call, BEFORE);
    if (code != GO_ON)
        return failure(code, NULL);
    rd_kafka_error_t *result = real(handle);
    producer->begun++;
    set_open(producer, result == NULL);
    code = pass(call, AFTER);
    return code == GO_ON ? result : failure(code, result);
}

rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *handle, ...) {
    static void (*real)();
    if (!real)
        real = (void (*)())dlsym(RTLD_NEXT, "rd_kafka_producev");
    long code = pass(producer_of(handle)->begun == 1 ? CLAIM_PRODUCE : PRODUCE, BEFORE);
    if (code != GO_ON)
        return (rd_kafka_resp_err_t)code;
    // Variable arguments travel on as they came: registers, and more stack than any call here takes.
    __builtin_return(__builtin_apply(real, __builtin_apply_args(), 512));
}

rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *handle, int timeout) {
    REAL(rd_kafka_flush);
    if (nested)
        return real(handle, timeout);
    enum call call = producer_of(handle)->begun == 1 ? CLAIM_FLUSH : FLUSH;
    long code = pass(call, BEFORE);
    if (code != GO_ON)
        return (rd_kafka_resp_err_t)code;
    rd_kafka_resp_err_t result = real(handle, timeout);
    code = pass(call, AFTER);
    return code == GO_ON ? result : (rd_kafka_resp_err_t)code;
}

static rd_kafka_error_t *end_transaction(
    rd_kafka_t *handle, int timeout, enum call call, _Atomic int *ending,
    rd_kafka_error_t *(*real)(rd_kafka_t *, int)) {
    long code = pass(call, BEFORE);
    if (code != GO_ON)
        return failure(code, NULL);
    atomic_fetch_add(ending, 1);
    nested++;
    rd_kafka_error_t *result = real(handle, timeout);
    nested--;
    atomic_fetch_sub(ending, 1);
    if (!result)
        set_open(producer_of(handle), 0);
    code = pass(call, AFTER);
    return code == GO_ON ? result : failure(code, result);
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *handle, int timeout) {
    REAL(rd_kafka_commit_transaction);
    int is_claim = producer_of(handle)->begun == 1;
    return end_transaction(
        handle, timeout, is_claim ? CLAIM_COMMIT : COMMIT, is_claim ? &ending_claim : &ending_batch,
        real);
}

rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *handle, int timeout) {
    REAL(rd_kafka_abort_transaction);
    return end_transaction(handle, timeout, ABORT, &aborting, real);
}

void rd_kafka_destroy_flags(rd_kafka_t *handle, int flags) {
    REAL(rd_kafka_destroy_flags);
    pthread_mutex_lock(&lock);
    for (int at = 0; at < 256; at++)
        if (producers[at].handle == handle) {
            set_open(&producers[at], 0);
            producers[at].handle = NULL;
        }
    pthread_mutex_unlock(&lock);
    real(handle, flags);
}

/* Reading. */

char *rd_kafka_clusterid(rd_kafka_t *handle, int timeout) {
    REAL(rd_kafka_clusterid);
    if (pass(SURVEY, BEFORE) != GO_ON)
        return NULL;
    return real(handle, timeout);
}

int rd_kafka_consume_start_queue(
    rd_kafka_topic_t *topic, int32_t partition, int64_t offset, rd_kafka_queue_t *queue) {
    REAL(rd_kafka_consume_start_queue);
    pass(SCAN, BEFORE);
    return real(topic, partition, offset, queue);
}

rd_kafka_resp_err_t rd_kafka_assign(
    rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *partitions) {
    REAL(rd_kafka_assign);
    long code = pass(ASSIGN, BEFORE);
    if (code != GO_ON)
        return (rd_kafka_resp_err_t)code;
    rd_kafka_resp_err_t result = real(handle, partitions);
    code = pass(ASSIGN, AFTER);
    return code == GO_ON ? result : (rd_kafka_resp_err_t)code;
}

/* Requests on the wire: 4 bytes of size, 2 of ApiKey. One this small leaves in one piece. */

static int is_end_txn(const struct msghdr *message) {
    unsigned char head[6];
    size_t length = 0, copied = 0;
    for (size_t at = 0; at < message->msg_iovlen; at++) {
        const struct iovec *part = &message->msg_iov[at];
        for (size_t byte = 0; byte < part->iov_len && copied < sizeof head; byte++)
            head[copied++] = ((const unsigned char *)part->iov_base)[byte];
        length += part->iov_len;
    }
    if (copied < sizeof head)
        return 0;
    uint32_t size;
    uint16_t key;
    memcpy(&size, head, 4);
    memcpy(&key, head + 4, 2);
    return ntohl(size) + 4 == length && ntohs(key) == 26;
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    if (!is_end_txn(message))
        return real(socket, message, flags);
    enum call call = atomic_load(&ending_batch)   ? END_TXN
                     : atomic_load(&ending_claim) ? CLAIM_END_TXN
                                                  : ABORT_END_TXN;
    long code = pass(call, BEFORE);
    if (code != GO_ON) {
        errno = (int)code;
        return -1;
    }
    ssize_t result = real(socket, message, flags);
    int problem = errno;
    pass(call, AFTER);
    errno = problem;
    return result;
}

/* The ledger: what a transaction carries shows in its statements. */

static __thread unsigned carried;

static unsigned bit(enum call call) { return 1u << call; }

static void note(const char *sql) {
    static const struct {
        const char *begins;
        enum call call;
    } statements[] = {
        {"INSERT INTO claim VALUES", NONCE},
        {"INSERT INTO partition (", START},
        {"INSERT INTO intent VALUES", INTENT},
        {"UPDATE lane SET pin = (SELECT next FROM intent", MARK},
        {"DELETE FROM intent WHERE", DROP},
    };
    for (size_t at = 0; at < sizeof statements / sizeof *statements; at++)
        if (strncmp(sql, statements[at].begins, strlen(statements[at].begins)) == 0)
            carried |= bit(statements[at].call);
}

static long pass_commit(enum side side) {
    unsigned calls = carried | bit(SAVE);
    // An intent and a mark remove the one before: only what does neither is a drop.
    if (calls & (bit(INTENT) | bit(MARK)))
        calls &= ~bit(DROP);
    long code = GO_ON;
    for (enum call call = SAVE; call <= DROP && code == GO_ON; call++)
        if (calls & bit(call))
            code = pass(call, side);
    return code;
}

int sqlite3_step(sqlite3_stmt *statement) {
    REAL(sqlite3_step);
    const char *sql = sqlite3_sql(statement);
    if (!sql)
        return real(statement);
    if (strncmp(sql, "BEGIN", 5) == 0)
        carried = 0;
    if (strcmp(sql, "COMMIT") != 0) {
        note(sql);
        return real(statement);
    }
    long code = pass_commit(BEFORE);
    if (code != GO_ON)
        return (int)code;
    int result = real(statement);
    code = pass_commit(AFTER);
    return code == GO_ON ? result : (int)code;
}

static int is_ledger(int file) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    return name && strncmp(name, "/ledger.db", 10) == 0;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    REAL(pwrite64);
    if (is_ledger(file)) {
        long code = pass(WRITE, BEFORE);
        if (code != GO_ON) {
            errno = (int)code;
            return -1;
        }
    }
    return real(file, bytes, count, offset);
}

int fdatasync(int file) {
    REAL(fdatasync);
    if (is_ledger(file)) {
        long code = pass(SYNC, BEFORE);
        if (code != GO_ON) {
            errno = (int)code;
            return -1;
        }
    }
    return real(file);
}
