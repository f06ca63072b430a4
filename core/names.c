/* Names: linear hashing over SipHash-1-3; if memory to grow is missing, chains get longer. */
#include "names.h"

#include <assert.h>
#include <string.h>

#define SEGMENT_SIZE  256u
#define SEGMENT_BYTES (SEGMENT_SIZE * sizeof(dsi_name *))

typedef struct siphash {
    uint64_t v0, v1, v2, v3;
} siphash;

static uint64_t rotate_left(uint64_t x, unsigned bits) {
    return x << bits | x >> (64 - bits);
}

static inline void siphash_round(siphash *s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32) + s->v3;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
}

static void siphash_word(siphash *s, uint64_t word) {
    s->v3 ^= word;
    siphash_round(s);
    s->v0 ^= word;
}

static uint64_t siphash_end(siphash *s) {
    s->v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        siphash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Reads words in the machine's byte order, which is safe since the hash never leaves the process.
 */
static uint64_t text_hash(uint64_t seed, const char *text, size_t length) {
    uint64_t key = rotate_left(seed, 32) * UINT64_C(0x9e3779b97f4a7c15);
    siphash s = {seed ^ UINT64_C(0x736f6d6570736575), key ^ UINT64_C(0x646f72616e646f6d),
                 seed ^ UINT64_C(0x6c7967656e657261), key ^ UINT64_C(0x7465646279746573)};
    uint64_t word;
    for (size_t left = length; left >= sizeof word; left -= sizeof word, text += sizeof word) {
        memcpy(&word, text, sizeof word);
        siphash_word(&s, word);
    }
    word = 0;
    memcpy(&word, text, length % sizeof word);
    siphash_word(&s, word ^ (uint64_t)length << 56);
    return siphash_end(&s);
}

static size_t name_bytes(size_t length) {
    return sizeof(dsi_name) + length + 1;
}

static size_t segment_count(const dsi_names *names) {
    return (names->bucket_count + SEGMENT_SIZE - 1) / SEGMENT_SIZE;
}

static dsi_name **bucket_at(const dsi_names *names, size_t index) {
    return &names->segments[index / SEGMENT_SIZE][index % SEGMENT_SIZE];
}

/* The highest power of two <= bucket_count: the size with which this round of splits began. */
static size_t round_size(size_t bucket_count) {
    return (size_t)1 << (63 - __builtin_clzll(bucket_count));
}

static dsi_name **bucket_of(const dsi_names *names, uint64_t hash) {
    size_t round = round_size(names->bucket_count);
    size_t index = hash & (round * 2 - 1);
    return bucket_at(names, index < names->bucket_count ? index : index - round);
}

static bool directory_reserve(dsi_names *names) {
    if (segment_count(names) < names->segment_capacity)
        return true;
    size_t capacity = names->segment_capacity ? names->segment_capacity * 2 : 4;
    dsi_name ***segments =
        dsi_memory_resize(names->memory, names->segments,
                          names->segment_capacity * sizeof *segments, capacity * sizeof *segments);
    if (segments == NULL)
        return false;
    names->segments = segments;
    names->segment_capacity = capacity;
    return true;
}

/* Makes sure that there is memory for one more bucket, number bucket_count. */
static bool bucket_reserve(dsi_names *names) {
    if (names->bucket_count % SEGMENT_SIZE != 0)
        return true;
    if (!directory_reserve(names))
        return false;
    dsi_name **segment = dsi_memory_new(names->memory, SEGMENT_BYTES);
    names->segments[segment_count(names)] = segment;
    return segment != NULL;
}

static void bucket_split(dsi_names *names) {
    size_t index = names->bucket_count++;
    dsi_name **old = bucket_at(names, index - round_size(index));
    dsi_name **added = bucket_at(names, index);
    for (dsi_name *name = *old, *next; name; name = next) {
        next = name->next;
        if (bucket_of(names, name->hash) != added) {
            old = &name->next;
            continue;
        }
        *old = next;
        name->next = *added;
        *added = name;
    }
}

static bool table_reserve(dsi_names *names) {
    if (names->bucket_count > 0)
        return true;
    if (!bucket_reserve(names))
        return false;
    names->bucket_count = SEGMENT_SIZE;
    return true;
}

/* Equal names of different registries have different hashes. */
static uint64_t name_hash(const dsi_names *names, uint64_t registry, const char *text,
                          size_t length) {
    return text_hash(names->seed + registry * UINT64_C(0xff51afd7ed558ccd), text, length);
}

static dsi_name *name_new(dsi_names *names, uint64_t registry, const char *text, size_t length) {
    dsi_name *name = dsi_memory_new(names->memory, name_bytes(length));
    if (name == NULL)
        return NULL;
    name->hash = name_hash(names, registry, text, length);
    name->registry = registry;
    name->length = length;
    memcpy(name->text, text, length);
    return name;
}

static void bucket_free(dsi_names *names, dsi_name *name) {
    while (name) {
        dsi_name *next = name->next;
        dsi_memory_free(names->memory, name, name_bytes(name->length));
        name = next;
    }
}

void dsi_names_init(dsi_names *names, dsi_memory *memory, uint64_t seed) {
    *names = (dsi_names){.memory = memory, .seed = seed};
}

void dsi_names_fini(dsi_names *names) {
    for (size_t i = 0; i < names->bucket_count; i++)
        bucket_free(names, *bucket_at(names, i));
    for (size_t i = 0; i < segment_count(names); i++)
        dsi_memory_free(names->memory, names->segments[i], SEGMENT_BYTES);
    dsi_memory_free(names->memory, names->segments,
                    names->segment_capacity * sizeof *names->segments);
    dsi_names_init(names, names->memory, names->seed);
}

static bool is_same(const dsi_name *name, uint64_t registry, const char *text, size_t length) {
    return name->registry == registry && name->length == length &&
           memcmp(name->text, text, length) == 0;
}

dsi_name *dsi_names_find_in(const dsi_names *names, uint64_t registry, const char *text,
                            size_t length) {
    if (names->count == 0)
        return NULL;
    uint64_t hash = name_hash(names, registry, text, length);
    dsi_name *name = *bucket_of(names, hash);
    while (name && (name->hash != hash || !is_same(name, registry, text, length)))
        name = name->next;
    return name;
}

dsi_name *dsi_names_add_in(dsi_names *names, uint64_t registry, const char *text, size_t length) {
    assert(!dsi_names_find_in(names, registry, text, length) && "the name is not there yet");
    if (!table_reserve(names))
        return NULL;
    dsi_name *name = name_new(names, registry, text, length);
    if (name == NULL)
        return NULL;
    dsi_name **bucket = bucket_of(names, name->hash);
    name->next = *bucket;
    *bucket = name;
    if (++names->count > names->bucket_count && bucket_reserve(names))
        bucket_split(names);
    return name;
}

void dsi_names_remove(dsi_names *names, dsi_name *name) {
    dsi_name **link = bucket_of(names, name->hash);
    while (*link != name) {
        assert(*link != NULL && "the name is in the table");
        link = &(*link)->next;
    }
    *link = name->next;
    names->count--;
    dsi_memory_free(names->memory, name, name_bytes(name->length));
}
