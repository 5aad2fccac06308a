// JSON text sixteen bytes at a time. SSE2 where the machine has it (every x86-64 does), else the same byte
// by byte. Bit i of a result speaks of byte i.
#pragma once
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>

// Bytes that end plain string text: quote, backslash, control character, not ASCII.
static inline uint32_t crossdock_string_stops(const uint8_t *text) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)text);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i stops = _mm_or_si128(_mm_or_si128(quote, backslash), _mm_or_si128(control, bytes));
    return (uint32_t)_mm_movemask_epi8(stops);
}

// Bytes that are neither a digit nor a point; above them, from bit 16 on, those that are a point.
static inline uint32_t crossdock_number_stops(const uint8_t *text) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)text);
    __m128i value = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value);
    __m128i points = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'));
    uint32_t inside = (uint32_t)_mm_movemask_epi8(_mm_or_si128(digits, points));
    return (inside ^ 0xFFFF) | (uint32_t)_mm_movemask_epi8(points) << 16;
}
#else
static inline uint32_t crossdock_string_stops(const uint8_t *text) {
    uint32_t stops = 0;
    for (int i = 0; i < 16; i++) {
        uint8_t byte = text[i];
        stops |= (uint32_t)(byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80) << i;
    }
    return stops;
}

static inline uint32_t crossdock_number_stops(const uint8_t *text) {
    uint32_t stops = 0;
    for (int i = 0; i < 16; i++) {
        uint8_t byte = text[i];
        if (byte == '.') stops |= (uint32_t)0x10000 << i;
        else stops |= (uint32_t)((uint8_t)(byte - '0') > 9) << i;
    }
    return stops;
}
#endif
