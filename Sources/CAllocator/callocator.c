#include "callocator.h"

// librdkafka allocates a message on one thread and frees it on another: one arena and a large
// thread cache keep that cheap and the resident set small.
const char *malloc_conf = "narenas:1,tcache_max:65536,background_thread:true,dirty_decay_ms:2000";
