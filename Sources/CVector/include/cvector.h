// JSON text sixteen bytes at a time. SSE2 where the machine has it (every x86-64 does), else the same byte
// by byte. Bit i of a result speaks of byte i.
#pragma once
#include <stdint.h>
#include <string.h>

static inline void crossdock_copy_16(uint8_t *target, const uint8_t *source) { memcpy(target, source, 16); }

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

// Quotes; above them, from bit 16 on, the other bytes that end plain string text.
static inline uint32_t crossdock_quotes(const uint8_t *text) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)text);
    __m128i control = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    uint32_t quotes = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    return quotes | (uint32_t)_mm_movemask_epi8(_mm_or_si128(control, backslash)) << 16;
}

// Two hexadecimal digits, in lower case, for each of 16 bytes.
static inline void crossdock_hex_16(const uint8_t *bytes, uint8_t *digits) {
    __m128i all = _mm_loadu_si128((const __m128i *)bytes), low = _mm_set1_epi8(15);
    __m128i first = _mm_and_si128(_mm_srli_epi16(all, 4), low), second = _mm_and_si128(all, low);
    __m128i halves[2] = {_mm_unpacklo_epi8(first, second), _mm_unpackhi_epi8(first, second)};
    for (int i = 0; i < 2; i++) {
        // 39 lie between '9' and 'a'.
        __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(halves[i], _mm_set1_epi8(9)), _mm_set1_epi8(39));
        __m128i text = _mm_add_epi8(_mm_add_epi8(halves[i], letters), _mm_set1_epi8('0'));
        _mm_storeu_si128((__m128i *)(digits + 16 * i), text);
    }
}

// Digits.
static inline uint32_t crossdock_digits(const uint8_t *text) {
    __m128i value = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)text), _mm_set1_epi8('0'));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value));
}

// Bytes that are the same in both.
static inline uint32_t crossdock_equal(const uint8_t *text, const uint8_t *other) {
    __m128i one = _mm_loadu_si128((const __m128i *)text), two = _mm_loadu_si128((const __m128i *)other);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(one, two));
}

static inline uint32_t crossdock_equal_to(const uint8_t *text, char byte) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)text);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)));
}

// Commas and braces; '|', '~' and DEL are among them.
static inline uint32_t crossdock_member_ends(const uint8_t *text) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)text);
    __m128i commas = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(','));
    __m128i braces = _mm_cmpgt_epi8(bytes, _mm_set1_epi8('z'));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(commas, braces));
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

static inline uint32_t crossdock_quotes(const uint8_t *text) {
    uint32_t found = 0;
    for (int i = 0; i < 16; i++) {
        uint8_t byte = text[i];
        if (byte == '"') found |= (uint32_t)1 << i;
        else found |= (uint32_t)(byte == '\\' || byte < 0x20 || byte >= 0x80) << 16 << i;
    }
    return found;
}

static inline void crossdock_hex_16(const uint8_t *bytes, uint8_t *digits) {
    for (int i = 0; i < 32; i++) digits[i] = (uint8_t)"0123456789abcdef"[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

static inline uint32_t crossdock_digits(const uint8_t *text) {
    uint32_t digits = 0;
    for (int i = 0; i < 16; i++) digits |= (uint32_t)((uint8_t)(text[i] - '0') <= 9) << i;
    return digits;
}

static inline uint32_t crossdock_equal(const uint8_t *text, const uint8_t *other) {
    uint32_t same = 0;
    for (int i = 0; i < 16; i++) same |= (uint32_t)(text[i] == other[i]) << i;
    return same;
}

static inline uint32_t crossdock_equal_to(const uint8_t *text, char byte) {
    uint32_t same = 0;
    for (int i = 0; i < 16; i++) same |= (uint32_t)(text[i] == (uint8_t)byte) << i;
    return same;
}

static inline uint32_t crossdock_member_ends(const uint8_t *text) {
    uint32_t ends = 0;
    for (int i = 0; i < 16; i++) ends |= (uint32_t)(text[i] == ',' || (text[i] > 'z' && text[i] < 0x80)) << i;
    return ends;
}
#endif

// The same of the next 64 bytes.
static inline uint64_t crossdock_member_ends_64(const uint8_t *text) {
    uint64_t low = crossdock_member_ends(text) | (uint64_t)crossdock_member_ends(text + 16) << 16;
    uint64_t high = crossdock_member_ends(text + 32) | (uint64_t)crossdock_member_ends(text + 48) << 16;
    return low | high << 32;
}
