#pragma once
// RE2 behind a C header: the engine of CEL's `matches` and of `pattern`. Linear time, UTF-8.
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_pattern cre2_pattern;

/// Compiles `length` bytes of pattern. On failure returns NULL and writes a message of at most
/// `capacity - 1` bytes and a NUL into `error`.
cre2_pattern *cre2_compile(const char *pattern, size_t length, char *error, size_t capacity);

/// Whether the pattern matches anywhere in the `length` bytes of `text` (unanchored). Thread-safe.
bool cre2_search(const cre2_pattern *pattern, const char *text, size_t length);

void cre2_free(cre2_pattern *pattern);

#ifdef __cplusplus
}
#endif
