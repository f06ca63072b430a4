/* What the parts of packing share: the state of one call of dsl_codec_pack. */
#ifndef DSL_CODEC_PACK_H
#define DSL_CODEC_PACK_H

#include "bindings/codec/codec.h"
#include "bindings/codec/codec_format.h"
#include "core/tiny.h"

/* A numbered value: where its tag is, which is rewritten once the value proves to be shared. */
typedef struct dsl_seen {
    const void *pointer; /* NULL: nothing can refer to it */
    size_t tag_at;
    bool is_open; /* the result of its __pack is being written: nothing in that may refer to it */
} dsl_seen;

/* A memo from pointers to numbers. Its first blocks are part of it. */
typedef struct dsl_memo {
    dsl_seen *seen; /* by number */
    uint32_t *slots;
    uint32_t count, slot_count; /* a power of two, at least twice the count; 0: nothing yet */
    dsl_seen first_seen[16];
    uint32_t first_slots[32]; /* a number + 1; 0: free */
} dsl_memo;

/* A table whose contents are being written. */
typedef struct dsl_pack_frame {
    size_t counts_at; /* of its two counts, in the bytes */
    uint32_t items, pairs;
    uint32_t typed;  /* the number of the value that is complete with it, or DSL_MEMO_NONE */
    uint32_t lent;   /* the table has a number for this frame only: that one, or DSL_MEMO_NONE, */
    uint32_t before; /* and which it had, or DSL_MEMO_NONE */
    int table;       /* on the stack; above it the key, and the value */
    bool is_list;    /* so far, keys were 1, 2, 3 ... */
    bool value_next; /* the key is a table, which is being written: then the value */
    bool is_whole;   /* part of a typed value: nothing of it is written later */
} dsl_pack_frame;

#define DSL_PACK_FRAMES DSI_TINY(16, 1)
#define DSL_PACK_BYTES  DSI_TINY(512, 16)

typedef struct dsl_packer {
    lua_State *L;
    const dsl_packing *how;
    dynsup_alloc_fn alloc;
    void *alloc_ud;
    unsigned char *bytes; /* first_bytes, or in a block of the allocator behind room for a parcel */
    size_t size, capacity;
    dsl_pack_frame *frames;
    uint32_t depth, frame_capacity;
    int number; /* of the value of the caller's, from 1 on; 0: of a table that is written later */
    int later;  /* tables on the stack that are still to be written, above the caller's values */
    int room;   /* places between those and the frames, for more of them */
    int base;   /* the stack's top at the beginning */
    enum dsl_codec_status status;
    dsl_codec_trouble *trouble;
    dsl_memo memo;
    dsl_pack_frame first_frames[DSL_PACK_FRAMES];
    unsigned char first_bytes[DSL_PACK_BYTES];
} dsl_packer;

/* ---- codec_memo.c ---- */

#define DSL_MEMO_NONE UINT32_MAX

/* The number of a pointer, or DSL_MEMO_NONE. */
uint32_t dsl_memo_find(const dsl_memo *memo, const void *pointer);

/* Gives the next number; the pointer, unless it is NULL, must be new. False: no memory. */
bool dsl_memo_add(dsl_packer *packer, const void *pointer, size_t tag_at);

/* The pointer with this number is not found until it is given back; another one may have the
 * pointer meanwhile, and must have been hidden then. At most as often as numbers are given. */
void dsl_memo_hide(dsl_memo *memo, uint32_t number);
void dsl_memo_give_back(dsl_memo *memo, uint32_t number, const void *pointer);

void dsl_memo_fini(dsl_packer *packer);

/* ---- codec_put.c: what puts returns false without memory, and the status says so ---- */

/* Sets the status; returns false. */
bool dsl_pack_fail_memory(dsl_packer *packer);

/* May there be so many bytes? Otherwise sets the status. */
bool dsl_pack_admit(dsl_packer *packer, size_t size);

/* The allocator's, with the status set when there is no memory. */
void *dsl_pack_resize(dsl_packer *packer, void *block, size_t old_size, size_t size);

/* The block that bytes outside of first_bytes are in. */
dsl_parcel *dsl_pack_block(unsigned char *bytes);

bool dsl_pack_grow(dsl_packer *packer, size_t size);

/* Makes sure that so many bytes can be written behind the others. */
static inline bool dsl_pack_reserve(dsl_packer *packer, size_t size) {
    return packer->capacity - packer->size >= size || dsl_pack_grow(packer, size);
}

static inline bool dsl_put_byte(dsl_packer *packer, unsigned byte) {
    if (!dsl_pack_reserve(packer, 1))
        return false;
    packer->bytes[packer->size++] = (unsigned char)byte;
    return true;
}

bool dsl_put_varint(dsl_packer *packer, uint64_t number);
bool dsl_put_number(dsl_packer *packer, enum dsl_codec_tag tag, uint64_t number, size_t size);

/* A tag, the size as a varint, the bytes. */
bool dsl_put_text(dsl_packer *packer, enum dsl_codec_tag tag, const char *text, size_t size);

/* Gives the next number to what the next tag begins. */
bool dsl_pack_remember(dsl_packer *packer, const void *pointer);
bool dsl_put_reference(dsl_packer *packer, uint32_t number);

/* True: the value at the index has no parts; it was put, unless the status says otherwise. */
bool dsl_put_plain(dsl_packer *packer, int index);

/* ---- codec_refuse.c ---- */

/* The value on top cannot travel: fails, with a text that says what it is, where, and (unless NULL)
 * why; or, where packing is lenient, puts its type's name. [-1, +0] */
bool dsl_pack_refuse(dsl_packer *packer, const char *why);

/* ---- codec_table.c: false as what puts, or when the table was refused ---- */

/* On the stack: a frame's, and what is looked up for a moment. */
#define DSL_PACK_FRAME_VALUES 8

/* Begins to write the table on top as one without a metatable, or leaves it for later. typed: the
 * number of the value that it travels for, or none. [-1, +0]; or it gets a frame, and its first key
 * is on top [-0, +1] */
bool dsl_pack_table_open(dsl_packer *packer, uint32_t typed);

/* Begins to write the contents of the table on top. [-0, +1] */
bool dsl_pack_frame_open(dsl_packer *packer, uint32_t typed);

/* Ends the last frame, whose table is on top. [-1, +0] */
void dsl_pack_frame_close(dsl_packer *packer);

#endif
