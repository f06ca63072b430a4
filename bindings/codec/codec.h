/*
 * The codec: Lua values to bytes and back, between heaps and, later, between nodes.
 *
 * Design notes.
 * What travels: nil, booleans, integers, floats (each bit of them), strings, ids (pids, refs and
 * timers), the null pointer, and tables of these, raw, with shared and cyclic references kept. A
 * long string that occurs twice is written once. A table with a metatable, and a full userdata,
 * travel when the metatable's field __pack says how:
 *   a string    a table's fields travel with this name. Where they arrive, the name's registered
 *               metatable is set, or its registered function makes the value of them;
 *   a function  __pack(value) returns such a name, and the value that travels in its stead.
 * Everything else is refused, with its kind and place ("a function at message[2].callback"). So is
 * a table whose metatable has no __pack: it would arrive without the metatable, as something else.
 *
 * Packing reads raw, runs no Lua code, and takes no memory of the state, except that its stack
 * grows where tables are nested deeper than its free slots; it never raises. __pack functions are
 * called before, by dsl_codec_prepare, where the caller may run Lua code. Nothing is recursive.
 * Unpacking trusts no byte: whatever the input, the outcome is values or a text that says what is
 * wrong, and memory stays in proportion to the input's size.
 *
 * The bytes (all numbers little-endian) are the same on every machine:
 *   version, 1 byte; flags, 1 byte; the count of values, a varint; the values.
 * A value begins with a tag: codec_format.h lists them. A table is its number of items (keys 1, 2,
 * 3 ...), its number of pairs, the items, the pairs. Tables, long strings and what has a __pack are
 * numbered in the order of their tags; the tag of one that is referred to later says so.
 */
#ifndef DSL_CODEC_H
#define DSL_CODEC_H

#include "core/dynsup_base.h"

#include <lua.h>
#include <stdint.h>

typedef struct dsl_runtime dsl_runtime;

/* Packed values: immutable, belonging to no lua_State, used in the host's thread only. */
typedef struct dsl_parcel {
    dynsup_alloc_fn alloc; /* where it comes from, and goes back to */
    void *alloc_ud;
    uint32_t owners;
    uint32_t count; /* of values */
    size_t size;    /* of bytes */
    unsigned char bytes[];
} dsl_parcel;

/* One owner more, or fewer; the last one frees it. release: NULL is allowed. */
void dsl_parcel_retain(dsl_parcel *parcel);
void dsl_parcel_release(dsl_parcel *parcel);

enum dsl_codec_status {
    DSL_CODEC_OK,
    DSL_CODEC_NOMEM,   /* nothing was made; the text says so too */
    DSL_CODEC_REFUSED, /* something cannot travel, or the bytes are malformed */
    DSL_CODEC_ASKS,    /* packing only: there is a __pack function, and nothing was prepared */
    DSL_CODEC_TOO_BIG  /* packing only: it would be more bytes than max_size */
};

#define DSL_CODEC_TEXT 256

/* What went wrong: a short text without a final full stop; "" after DSL_CODEC_OK. */
typedef struct dsl_codec_trouble {
    char text[DSL_CODEC_TEXT];
} dsl_codec_trouble;

typedef struct dsl_packing {
    dynsup_alloc_fn alloc; /* of the parcel and of what packing needs; NULL: the C library's */
    void *alloc_ud;
    const char *root; /* in texts, what the values are: "message" for "message[2].x" */
    int prepared;     /* the index of what dsl_codec_prepare has pushed; 0: nothing */
    bool lenient;     /* see dsl_codec_pack */
    size_t max_size;  /* of the parcel; 0: none */
    int compounds;    /* 0: all values; else only the compounds, of which there are so many */
} dsl_packing;

/* Is the value a compound, which others may refer to: a table or a full userdata? [-0, +0] */
static inline bool dsl_is_compound(lua_State *L, int index) {
    int type = lua_type(L, index);
    return type == LUA_TTABLE || type == LUA_TUSERDATA;
}

/*
 * Packs the count values from index first (absolute) on; *parcel_out then has one owner, the
 * caller. Never raises, runs no Lua code and starts no collection. Values may be preceded and
 * followed by others on the stack. L needs no free slots.
 * Strict: a value that cannot travel gives DSL_CODEC_REFUSED (a __pack function that was not called
 * DSL_CODEC_ASKS), and trouble_out says what and where. More than max_size bytes give
 * DSL_CODEC_TOO_BIG: packing stops as soon as that is known, with about that much memory used.
 * Lenient, for reasons and the like, which must arrive somehow: a table whose metatable cannot
 * travel arrives without it, and everything else that cannot as a string, its type's name; the only
 * failure is DSL_CODEC_NOMEM.
 * [-0, +0]
 */
enum dsl_codec_status dsl_codec_pack(lua_State *L, int first, int count, const dsl_packing *packing,
                                     dsl_parcel **parcel_out, dsl_codec_trouble *trouble_out);

/*
 * Calls the __pack functions of everything that the count values from index first on reach, and
 * pushes a table of their results, for packing->prepared. Runs Lua code, which may not wait. Raises
 * without memory, and with a text that names the type when a __pack fails or returns something
 * other than a name and a value. Needed after DSL_CODEC_ASKS only. [-0, +1]
 */
void dsl_codec_prepare(lua_State *L, int first, int count);

/*
 * Both in one, for callers that may raise and run Lua code: packs, with __pack functions. Raises
 * without memory and when a __pack fails; DSL_CODEC_REFUSED is returned. [-0, +0]
 */
enum dsl_codec_status dsl_codec_pack_calling(lua_State *L, int first, int count,
                                             dsl_packing packing, dsl_parcel **parcel_out,
                                             dsl_codec_trouble *trouble_out);

/*
 * Unpacks bytes, of any origin. DSL_CODEC_OK: pushes the values and sets *count_out.
 * DSL_CODEC_REFUSED: pushes nothing; trouble_out says at which byte what was wrong, or that a
 * type's name is not registered in this state, or that its function failed. Raises without memory,
 * as Lua does (call it by dsl_protect or the like where it must not raise). Functions that were
 * registered for types are called in protected mode and may not wait. [-0, +count|0]
 */
enum dsl_codec_status dsl_codec_unpack(lua_State *L, const void *bytes, size_t size, int *count_out,
                                       dsl_codec_trouble *trouble_out);

/* The same for a parcel. The caller keeps it alive meanwhile. It comes from another heap:
 * registered functions find no host (see dsl_apart_begin), whichever process unpacks it. */
enum dsl_codec_status dsl_parcel_unpack(lua_State *L, const dsl_parcel *parcel, int *count_out,
                                        dsl_codec_trouble *trouble_out);

/* The same, but registered functions are not called: their values stay as they travelled. */
enum dsl_codec_status dsl_parcel_unpack_plain(lua_State *L, const dsl_parcel *parcel,
                                              int *count_out, dsl_codec_trouble *trouble_out);

/* Makes what the codec needs in a state: its words and the table of types. Raises without memory.
 * [-0, +0] */
void dsl_codec_open(lua_State *L, dsl_runtime *runtime);

#endif
