#pragma once
#include <stdint.h>

// jemalloc's settings for the service, read by the allocator before main (jemalloc(3), TUNING).
extern const char *malloc_conf;

// Bytes that the calling thread has ever allocated (jemalloc(3), thread.allocated).
uint64_t crossdock_thread_allocated(void);
