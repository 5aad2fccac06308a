#pragma once
// jemalloc's settings for the service, read by the allocator before main (jemalloc(3), TUNING).
extern const char *malloc_conf;
