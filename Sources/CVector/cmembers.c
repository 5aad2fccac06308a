#include "cmembers.h"
#include "cvector.h"

// A record's ends are looked up ahead, 64 bytes at once, and are a guess: a comma may stand inside a string. What is
// before one is taken only where it is one whole value. So the place of the next member is known before this one's
// value has been looked at, and the processor works on several members at a time.

void crossdock_walk_start(crossdock_walk *walk, const uint8_t *start, const uint8_t *end) {
    walk->start = start;
    walk->end = end;
    walk->base = start - 64;
    walk->bits = 0;
}

// Forgets the ends before `place`.
static inline void skip(crossdock_walk *walk, const uint8_t *place) {
    ptrdiff_t distance = place - walk->base;
    if (distance < 64) {
        walk->bits &= ~(uint64_t)0 << (distance < 0 ? 0 : distance);
    } else {
        walk->base = place - 64;
        walk->bits = 0;
    }
}

// Ends among the last bytes of a record, less than 64.
static __attribute__((noinline)) uint64_t last_ends(const uint8_t *text, const uint8_t *end) {
    uint64_t ends = 0;
    for (int offset = 0; offset < 64 && text + offset < end; offset += 16) {
        const uint8_t *place = text + offset;
        ptrdiff_t over = place - (end - 16);
        if (over < 0) over = 0;
        ends |= (uint64_t)(crossdock_member_ends(place - over) >> over) << offset;
    }
    return ends;
}

// Ends in the next 64 bytes behind `*base` that have one; 0 where there is none.
static inline uint64_t next_ends(const uint8_t *start, const uint8_t *end, const uint8_t **base) {
    while (end - *base >= 128) {
        *base += 64;
        uint64_t ends = crossdock_member_ends_64(*base);
        if (ends != 0) return ends;
    }
    if (end - *base <= 64 || end - start < 16) return 0;
    *base += 64;
    return last_ends(*base, end);
}

static __attribute__((noinline)) const uint8_t *behind_space(const uint8_t *p, const uint8_t *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}

// `digits`: which of the 16 bytes before `stop` are some. No branch depends on a sign or a point.
static inline uint8_t plain_number(const uint8_t *p, const uint8_t *stop, uint32_t digits) {
    uint32_t length = (uint32_t)(stop - p);
    uint32_t first = (uint32_t)0x10000 >> length;
    uint32_t sign = *p == '-';
    uint32_t digit = first << sign;
    // What is no digit and no leading minus. One point may be.
    uint32_t odd = (~digits & (0x10000 - first)) ^ (digit - first);
    uint32_t is_point = stop[__builtin_ctz(odd | 0x10000) - 16] == '.';
    // No digit at all; two of them, the last byte, the first one, no point; a zero and more digits.
    uint32_t wrong = (length == sign) | (odd & (odd - 1)) | odd >> 15 | (odd & digit) | ((odd != 0) & !is_point)
        | ((p[sign] == '0') & (odd != digit << 1) & (length > sign + 1));
    uint8_t kind = odd != 0 ? crossdock_number : crossdock_integer;
    return wrong ? 0 : kind;
}

static inline uint8_t plain_word(const uint8_t *p, size_t length) {
    uint32_t word;
    if (length == 4) {
        __builtin_memcpy(&word, p, 4);
        if (word == 0x6C6C756E) return crossdock_null;
        if (word == 0x65757274) return crossdock_true;
    } else if (length == 5 && *p == 'f') {
        __builtin_memcpy(&word, p + 1, 4);
        if (word == 0x65736C61) return crossdock_false;
    }
    return 0;
}

// `found`: quotes and other stops among the 16 bytes before `stop`.
static inline uint8_t plain_string(const uint8_t *p, const uint8_t *stop, uint32_t found) {
    uint32_t first = (uint32_t)0x10000 >> (stop - p);
    uint32_t inside = 0x10000 - first;
    // A quote that is first and last at once is none.
    uint32_t wrong = (found & inside) ^ (first + 0x8000);
    return (wrong | (found >> 16 & inside)) == 0 ? crossdock_string : 0;
}

// 17 to 32 bytes.
static inline uint8_t long_string(const uint8_t *p, const uint8_t *stop) {
    uint32_t wrong = (crossdock_quotes(p) ^ 1) | (crossdock_quotes(stop - 16) ^ 0x8000);
    return wrong == 0 ? crossdock_string : 0;
}

// At most 16 bytes that end among the first 15 of a record, so that 16 before the end are not all there; 16 from `p` on
// are.
static inline uint8_t plain_first(const uint8_t *p, const uint8_t *stop) {
    uint32_t missing = 16 - (uint32_t)(stop - p);
    if (*p != '"') return plain_number(p, stop, crossdock_digits(p) << missing);
    uint32_t found = crossdock_quotes(p);
    return plain_string(p, stop, (found << missing & 0xFFFF) | (found & 0xFFFF0000) << missing);
}

// The kind of the value that is just what stands from `p` to `stop`, 0 where that is not plain to see.
static inline uint8_t plain(const crossdock_walk *walk, const uint8_t *p, const uint8_t *stop) {
    size_t length = (size_t)(stop - p);
    if (length - 1 >= 16) return length - 17 < 16 ? long_string(p, stop) : 0;
    if (stop - walk->start < 16) return walk->end - p >= 16 ? plain_first(p, stop) : 0;
    if (*p == '"') return plain_string(p, stop, crossdock_quotes(stop - 16));
    uint8_t kind = plain_number(p, stop, crossdock_digits(stop - 16));
    return kind ? kind : plain_word(p, length);
}

// The same without a branch that tells strings from numbers, for values that come in any order.
static inline uint8_t plain_any(const crossdock_walk *walk, const uint8_t *p, const uint8_t *stop) {
    size_t length = (size_t)(stop - p);
    if (length - 1 >= 16) return length - 17 < 16 ? long_string(p, stop) : 0;
    if (stop - walk->start < 16) return walk->end - p >= 16 ? plain_first(p, stop) : 0;
    uint8_t kind = plain_number(p, stop, crossdock_digits(stop - 16))
        | plain_string(p, stop, crossdock_quotes(stop - 16));
    return kind ? kind : plain_word(p, length);
}

// Whether the name that is foreseen stands at `p`. Something stands behind it then.
static inline int stands(const crossdock_foreseen *foreseen, const uint8_t *p, const uint8_t *end) {
    if (end - p <= 16) return 0;
    uint32_t mask = foreseen->mask;
    if (foreseen->length <= 16) return (~crossdock_equal(p, foreseen->text) & mask) == 0;
    if (foreseen->length > 32 || end - p <= 32) return 0;
    uint32_t same = crossdock_equal(p, foreseen->text) | crossdock_equal(p + 16, foreseen->text + 16) << 16;
    return (~same & mask) == 0;
}

size_t crossdock_walk_foreseen(
    crossdock_walk *walk, const uint8_t **place, const crossdock_foreseen *foreseen, size_t count,
    crossdock_span *slots) {
    const crossdock_foreseen *next = foreseen, *last = foreseen + count;
    const uint8_t *p = *place, *end = walk->end;
    skip(walk, p);
    const uint8_t *base = walk->base;
    uint64_t bits = walk->bits;
    while (next < last) {
        if (bits == 0 && (bits = next_ends(walk->start, end, &base)) == 0) break;
        const uint8_t *stop = base + __builtin_ctzll(bits);
        const uint8_t *name = end - p > 16 && *p <= ' ' ? behind_space(p, end) : p;
        if (!stands(next, name, end)) break;
        const uint8_t *value = name + next->length;
        if (*value <= ' ') value = behind_space(value, end);
        uint8_t kind = plain(walk, value, stop);
        if (kind == 0) break;
        slots[next->slot] = (crossdock_span){value, (uint32_t)(stop - value), kind};
        bits &= bits - 1;
        next++;
        p = stop;
        if (*p != ',') break;
        p++;
    }
    walk->base = base;
    walk->bits = bits;
    *place = p;
    return (size_t)(next - foreseen);
}

// From 32 - n on stands the mask for n bytes.
static const uint8_t masks[64] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

// The entry of a name of up to 8 * `count` bytes below `parent`, NULL if there is none. As many can be read.
static inline __attribute__((always_inline)) crossdock_entry *find(
    const crossdock_names *names, const uint8_t *text, uint32_t length, int32_t parent, int count) {
    uint64_t words[4] = {0}, mask[4];
    __builtin_memcpy(words, text, 8 * (size_t)count);
    __builtin_memcpy(mask, masks + 32 - length, 8 * (size_t)count);
    for (int i = 0; i < count; i++) words[i] &= mask[i];
    uint64_t bucket = crossdock_name_hash(names, words, parent);
    for (;; bucket++) {
        int32_t number = names->buckets[bucket & names->mask];
        if (number < 0) return NULL;
        crossdock_entry *entry = names->entries + number;
        uint64_t other = (uint32_t)((entry->length ^ (int32_t)length) | (entry->parent ^ parent));
        for (int i = 0; i < count; i++) other |= entry->words[i] ^ words[i];
        if (other == 0) return entry;
    }
}

// Mostly a name is short, and half of the words need not be compared.
static inline crossdock_entry *find_16(
    const crossdock_names *names, const uint8_t *text, uint32_t length, int32_t parent) {
    return find(names, text, length, parent, 2);
}

static __attribute__((noinline)) crossdock_entry *find_32(
    const crossdock_names *names, const uint8_t *text, uint32_t length, int32_t parent) {
    return find(names, text, length, parent, 4);
}

// The entry of the name at `p`, from its quote on, and how long it is; NULL where that is not plain to see. An entry
// with a position needs no escape, so that a backslash or a control character is found in no such name. 36 bytes can
// be read.
static inline crossdock_entry *name_at(
    const crossdock_names *names, const uint8_t *p, int32_t parent, uint32_t *length) {
    if (*p != '"') return NULL;
    crossdock_entry *entry;
    uint32_t quotes = crossdock_equal_to(p + 1, '"');
    if (quotes != 0) {
        *length = (uint32_t)__builtin_ctz(quotes);
        entry = find_16(names, p + 1, *length, parent);
    } else {
        quotes = crossdock_equal_to(p + 17, '"');
        if (quotes == 0) return NULL;
        *length = (uint32_t)__builtin_ctz(quotes) + 16;
        entry = find_32(names, p + 1, *length, parent);
    }
    return p[*length + 2] == ':' && entry && entry->position >= 0 ? entry : NULL;
}

// The same where a record has less than 36 bytes left.
static __attribute__((noinline)) crossdock_entry *last_name_at(
    const crossdock_names *names, const uint8_t *p, const uint8_t *end, int32_t parent, uint32_t *length) {
    uint8_t copy[40] = {0};
    __builtin_memcpy(copy, p, (size_t)(end - p));
    return name_at(names, copy, parent, length);
}

size_t crossdock_walk_known(
    crossdock_walk *walk, const uint8_t **place, const crossdock_names *names, int32_t parent, uint64_t stamp,
    int32_t *position, crossdock_span *slots) {
    const uint8_t *p = *place, *end = walk->end;
    size_t taken = 0;
    skip(walk, p);
    const uint8_t *base = walk->base;
    uint64_t bits = walk->bits;
    while (p < end) {
        if (bits == 0 && (bits = next_ends(walk->start, end, &base)) == 0) break;
        const uint8_t *stop = base + __builtin_ctzll(bits);
        const uint8_t *name = *p <= ' ' ? behind_space(p, end) : p;
        uint32_t length = 0;
        crossdock_entry *entry = end - name > 36
            ? name_at(names, name, parent, &length) : last_name_at(names, name, end, parent, &length);
        if (!entry || entry->stamp == stamp) break;
        const uint8_t *value = name + length + 3;
        if (value >= end) break;
        if (*value <= ' ') value = behind_space(value, end);
        uint8_t kind = plain_any(walk, value, stop);
        if (kind == 0) break;
        entry->stamp = stamp;
        *position = entry->position;
        slots[entry->slot] = (crossdock_span){value, (uint32_t)(stop - value), kind};
        bits &= bits - 1;
        taken++;
        p = stop;
        if (*p != ',') break;
        p++;
    }
    walk->base = base;
    walk->bits = bits;
    *place = p;
    return taken;
}
