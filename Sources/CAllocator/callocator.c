#include "callocator.h"

#include <jemalloc/jemalloc.h>
#include <stdlib.h>

// librdkafka allocates a message on one thread and frees it on another: one arena and a large
// thread cache keep that cheap and the resident set small.
const char *malloc_conf = "narenas:1,tcache_max:65536,background_thread:true,dirty_decay_ms:2000";

uint64_t crossdock_thread_allocated(void) {
    uint64_t bytes = 0;
    size_t size = sizeof bytes;
    if (mallctl("thread.allocated", &bytes, &size, NULL, 0) != 0) abort();
    return bytes;
}
