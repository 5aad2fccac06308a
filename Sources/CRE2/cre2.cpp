#include "cre2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <new>

struct cre2_pattern {
    re2::RE2 expression;
    cre2_pattern(const re2::StringPiece &text, const re2::RE2::Options &options)
        : expression(text, options) {}
};

extern "C" cre2_pattern *cre2_compile(const char *pattern, size_t length, char *error,
                                      size_t capacity) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto *compiled =
        new (std::nothrow) cre2_pattern(re2::StringPiece(pattern, length), options);
    if (compiled != nullptr && compiled->expression.ok()) return compiled;
    if (error != nullptr && capacity > 0) {
        const char *message =
            compiled == nullptr ? "out of memory" : compiled->expression.error().c_str();
        size_t count = std::min(capacity - 1, std::strlen(message));
        std::memcpy(error, message, count);
        error[count] = '\0';
    }
    delete compiled;
    return nullptr;
}

extern "C" bool cre2_search(const cre2_pattern *pattern, const char *text, size_t length) {
    return re2::RE2::PartialMatch(re2::StringPiece(text, length), pattern->expression);
}

extern "C" void cre2_free(cre2_pattern *pattern) { delete pattern; }
