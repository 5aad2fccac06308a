// Members of a JSON object that come as foreseen.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A member that is expected next.
typedef struct {
    // The first 32 bytes of `"name":`, padded with zeros.
    uint8_t text[32];
    // Bytes of `"name":`.
    uint32_t length;
    int32_t entry;
    int32_t slot;
    // Bit i is set where byte i of the text counts.
    uint32_t mask;
} crossdock_foreseen;

// A member name below the member that holds it.
typedef struct {
    // The name's first 32 bytes, padded with zeros.
    uint64_t words[4];
    // The last object (by serial number) that had this member.
    uint64_t stamp;
    // Bytes of the name.
    int32_t length;
    int32_t parent;
    // Where the scanner puts the member's value.
    int32_t slot;
    // Where it stands in its parent's `foreseen`, -1 = nowhere.
    int32_t position;
    // `"name":`, in padded memory.
    uint8_t *text;
    // What is expected in the object that this member holds.
    crossdock_foreseen *foreseen;
    uint16_t foreseen_count;
    // Names learnt below this member.
    uint16_t children;
    // Stands for the elements of the array that this member holds, -1 = none yet.
    int32_t elements;
} crossdock_entry;

// Names by their hashes.
typedef struct {
    crossdock_entry *entries;
    // Number of an entry, -1 = none.
    int32_t *buckets;
    // Of the buckets' numbers.
    uint64_t mask;
    // Random and odd.
    uint64_t multipliers[4];
} crossdock_names;

// Of a name's first 32 bytes, padded with zeros. It decides where a name is looked for, never what becomes of it.
static inline uint64_t crossdock_name_hash(const crossdock_names *names, const uint64_t *words, int32_t parent) {
    __uint128_t first = (__uint128_t)(words[0] ^ (uint64_t)(uint32_t)parent << 40) * names->multipliers[0];
    uint64_t rest = words[1] * names->multipliers[1] + words[2] * names->multipliers[2] + words[3] * names->multipliers[3];
    return (uint64_t)(first >> 64) ^ (uint64_t)first ^ rest >> 32;
}

// Where a value stands: laid out as the scanner's spans are.
typedef struct {
    const uint8_t *start;
    uint32_t count;
    uint8_t kind;
} crossdock_span;

// Kinds of values, as the scanner numbers them.
enum {
    crossdock_null = 1, crossdock_false = 2, crossdock_true = 3, crossdock_integer = 4, crossdock_number = 5,
    crossdock_string = 6
};

// Walks over a record's members, told by where they are likely to end.
typedef struct {
    const uint8_t *start, *end;
    // Bit i: the byte at `base + i` is a comma or a closing brace (or '{', '|', '~', DEL). Only those to come.
    const uint8_t *base;
    uint64_t bits;
} crossdock_walk;

void crossdock_walk_start(crossdock_walk *walk, const uint8_t *start, const uint8_t *end);

// Takes members from `*place` on as long as each has the name that is foreseen and a value that is plainly a valid
// short scalar, and notes where the values stand. Returns how many. `*place` is then behind the last comma, or behind
// the last value where no comma follows.
size_t crossdock_walk_foreseen(
    crossdock_walk *walk, const uint8_t **place, const crossdock_foreseen *foreseen, size_t count,
    crossdock_span *slots);

// The same in any order: members that `names` holds below `parent`, that this object, of serial number `stamp`, has not
// had yet, and that have a position among those foreseen. `*position` becomes the last one's.
size_t crossdock_walk_known(
    crossdock_walk *walk, const uint8_t **place, const crossdock_names *names, int32_t parent, uint64_t stamp,
    int32_t *position, crossdock_span *slots);
