/* What the parts of unpacking share: the state of one call of dsl_codec_unpack. */
#ifndef DSL_CODEC_UNPACK_H
#define DSL_CODEC_UNPACK_H

#include "bindings/codec/codec.h"
#include "bindings/codec/codec_format.h"
#include "core/tiny.h"

#define DSL_UNPACK_FRAMES DSI_TINY(16, 1)
#define DSL_FRAME_VALUES  8 /* on the stack: a frame's, and what is looked up for a moment */

/* Stack places from u->place on, below the values, as long as numbered values may come. */
enum { DSL_PLACE_FRAMES, DSL_PLACE_MEMO, DSL_PLACE_COUNT };

enum dsl_frame_kind {
    DSL_FRAME_TABLE,
    DSL_FRAME_NAMED, /* a typed value whose name has a metatable; on the stack: the metatable */
    DSL_FRAME_MADE   /* a typed value whose name has a function; on the stack: the function */
};

typedef struct dsl_unpack_frame {
    uint32_t items, pairs; /* still to be read; of a table */
    uint32_t next;         /* the key of its next item */
    uint32_t number;       /* of a typed value */
    int place;             /* of what is on the stack */
    uint8_t kind;
    bool has_key;   /* on the stack, without its value */
    bool has_table; /* a typed value travels as a table of its own */
    bool is_shared; /* a typed value is referred to */
} dsl_unpack_frame;

typedef struct dsl_unpacker {
    lua_State *L;
    const unsigned char *begin, *at, *end;
    dsl_unpack_frame *frames;
    uint32_t depth, capacity;
    uint32_t number;    /* of the next value that is numbered */
    uint32_t later;     /* tables whose contents are still to come */
    uint64_t announced; /* entries, of all tables */
    int place;
    bool is_flat;
    bool is_plain; /* no registered function is called */
    bool is_apart; /* those that are called find no host */
    dsl_codec_trouble *trouble;
    dsl_unpack_frame first_frames[DSL_UNPACK_FRAMES];
} dsl_unpacker;

/* ---- codec_read.c: from bytes; false: the trouble's text says what is wrong ---- */

/* Writes the text; returns false. */
bool dsl_unpack_malformed(const dsl_unpacker *unpacker, const char *what);

static inline bool dsl_unpack_has(const dsl_unpacker *unpacker, uint64_t size) {
    return (size_t)(unpacker->end - unpacker->at) >= size;
}

bool dsl_unpack_ends_early(const dsl_unpacker *unpacker);
bool dsl_read_varint(dsl_unpacker *unpacker, uint64_t *number_out);

/* A table's two counts, which are possible. */
bool dsl_read_counts(dsl_unpacker *unpacker, uint32_t *items_out, uint32_t *pairs_out);

/* Reads a number and pushes the value that it refers to. [-0, +1] */
bool dsl_read_reference(dsl_unpacker *unpacker);

/* The same for a table that was only named, which then no longer waits for its contents. Any other
 * number is refused: its value is complete, and a registered function may have made it.
 * [-0, +1] */
bool dsl_read_waiting(dsl_unpacker *unpacker);

/* Keeps the value on top by its number. [-0, +0] */
void dsl_unpack_remember(const dsl_unpacker *unpacker, uint32_t number);

/* Opens a frame for the value on top. [-0, +0] */
dsl_unpack_frame *dsl_unpack_open(dsl_unpacker *unpacker, enum dsl_frame_kind kind);

enum dsl_reading { DSL_READ_FAILED, DSL_READ_VALUE, DSL_READ_FRAME };

/* Pushes a value, or opens a frame for it, with what belongs to it on the stack. [-0, +1] */
enum dsl_reading dsl_read_value(dsl_unpacker *unpacker);

#endif
