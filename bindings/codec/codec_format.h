/* The bytes of the codec: tags, limits, and how numbers are written. See codec.h for the whole. */
#ifndef DSL_CODEC_FORMAT_H
#define DSL_CODEC_FORMAT_H

#include <stdint.h>
#include <string.h>

#define DSL_CODEC_VERSION 1

enum dsl_codec_flags {
    DSL_CODEC_FLAT = 1 /* no value is numbered: nothing has to be kept while it is read */
};

/* Of a value; what follows it. u32, u64: of fixed size. varint: 7 bits a byte, the lowest first,
 * the highest bit set in all bytes but the last. */
enum dsl_codec_tag {
    DSL_TAG_NIL,
    DSL_TAG_FALSE,
    DSL_TAG_TRUE,
    DSL_TAG_INT8, /* a number of that many bits, two's complement */
    DSL_TAG_INT16,
    DSL_TAG_INT32,
    DSL_TAG_INT64,
    DSL_TAG_FLOAT,        /* IEEE 754, 64 bits */
    DSL_TAG_ID,           /* u64: of a pid, ref or timer */
    DSL_TAG_NULL,         /* the light userdata NULL */
    DSL_TAG_STRING,       /* varint size, bytes */
    DSL_TAG_LONG,         /* the same; numbered */
    DSL_TAG_LONG_SHARED,  /* and referred to later */
    DSL_TAG_TABLE,        /* u32 items, u32 pairs, the items, the pairs; numbered */
    DSL_TAG_TABLE_SHARED, /* and referred to later */
    DSL_TAG_TYPED,        /* varint size of the type's name, its bytes, the value; numbered */
    DSL_TAG_TYPED_SHARED, /* and referred to later */
    DSL_TAG_LATER,     /* a table; numbered; its contents follow behind the values: varint number,
                          u32 items, u32 pairs, the items, the pairs; as many as there are tags */
    DSL_TAG_REFERENCE, /* varint: a number */
    DSL_TAG_COUNT,
    DSL_TAG_SHORT = 0x40, /* and up: a string of 0 to 63 bytes, which follow */
    DSL_TAG_SMALL = 0x80  /* and up: an integer of 0 to 127 */
};

enum {
    DSL_CODEC_SHORT_SIZES = DSL_TAG_SMALL - DSL_TAG_SHORT,
    DSL_CODEC_LONG_SIZE = 128, /* from here on a string is numbered */
    DSL_CODEC_LEVELS = 2000,   /* a table below that many others is written later */
    DSL_CODEC_VARINT_SIZE = 10 /* at most */
};

static inline uint64_t dsl_little_endian(uint64_t number) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(number);
#else
    return number;
#endif
}

/* The lowest size bytes of the number, at most 8. */
static inline void dsl_number_write(unsigned char *at, uint64_t number, size_t size) {
    number = dsl_little_endian(number);
    memcpy(at, &number, size);
}

static inline uint64_t dsl_number_read(const unsigned char *at, size_t size) {
    uint64_t number = 0;
    memcpy(&number, at, size);
    return dsl_little_endian(number);
}

/* Returns how many bytes it took. */
static inline size_t dsl_varint_write(unsigned char *at, uint64_t number) {
    size_t size = 0;
    while (number >= 0x80) {
        at[size++] = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    at[size++] = (unsigned char)number;
    return size;
}

#endif
