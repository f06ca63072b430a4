/* Unpacking, its lower part: a value from bytes, or the beginning of one that has parts. */
#include "bindings/codec/codec_unpack.h"

#include "bindings/binding.h"
#include "bindings/codec/codec_type.h"

#include <limits.h>

#define COUNTS_SIZE (2 * sizeof(uint32_t))

/* ---- what is wrong ---- */

bool dsl_unpack_malformed(const dsl_unpacker *u, const char *what) {
    snprintf(u->trouble->text, sizeof u->trouble->text, "malformed at byte %zu: %s",
             (size_t)(u->at - u->begin), what);
    return false;
}

bool dsl_unpack_ends_early(const dsl_unpacker *u) {
    return dsl_unpack_malformed(u, "the bytes end early");
}

/* ---- bytes ---- */

bool dsl_read_varint(dsl_unpacker *u, uint64_t *number_out) {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (!dsl_unpack_has(u, 1))
            return dsl_unpack_ends_early(u);
        uint64_t byte = *u->at++;
        number |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *number_out = number;
            return true;
        }
    }
    return dsl_unpack_malformed(u, "a number without an end");
}

static bool text_push(dsl_unpacker *u, uint64_t size) {
    if (!dsl_unpack_has(u, size))
        return dsl_unpack_ends_early(u);
    lua_pushlstring(u->L, (const char *)u->at, size);
    u->at += size;
    return true;
}

static bool sized_text_push(dsl_unpacker *u) {
    uint64_t size;
    return dsl_read_varint(u, &size) && text_push(u, size);
}

/* ---- what is numbered ---- */

void dsl_unpack_remember(const dsl_unpacker *u, uint32_t number) {
    lua_State *L = u->L;
    if (lua_isnil(L, u->place + DSL_PLACE_MEMO)) {
        lua_newtable(L);
        lua_replace(L, u->place + DSL_PLACE_MEMO);
    }
    /* the memo itself stands for a nil, which a function has made */
    lua_pushvalue(L, lua_isnil(L, -1) ? u->place + DSL_PLACE_MEMO : -1);
    lua_rawseti(L, u->place + DSL_PLACE_MEMO, number);
}

static bool memo_push(dsl_unpacker *u, uint64_t number) {
    if (number >= u->number || lua_isnil(u->L, u->place + DSL_PLACE_MEMO))
        return dsl_unpack_malformed(u, "a reference to nothing");
    if (lua_rawgeti(u->L, u->place + DSL_PLACE_MEMO, (lua_Integer)number) == LUA_TNIL)
        return dsl_unpack_malformed(
            u, "a reference to what is not complete, or was not announced as shared");
    if (lua_rawequal(u->L, -1, u->place + DSL_PLACE_MEMO)) {
        lua_pop(u->L, 1);
        lua_pushnil(u->L);
    }
    return true;
}

bool dsl_read_reference(dsl_unpacker *u) {
    uint64_t number;
    return dsl_read_varint(u, &number) && memo_push(u, number);
}

static bool long_push(dsl_unpacker *u, bool is_shared) {
    uint32_t number = u->number++;
    if (!sized_text_push(u))
        return false;
    if (is_shared)
        dsl_unpack_remember(u, number);
    return true;
}

/* ---- frames ---- */

static void frames_grow(dsl_unpacker *u) {
    size_t size = u->capacity * sizeof *u->frames;
    dsl_unpack_frame *frames = lua_newuserdatauv(u->L, size * 2, 0);
    memcpy(frames, u->frames, size);
    lua_replace(u->L, u->place + DSL_PLACE_FRAMES);
    u->frames = frames;
    u->capacity *= 2;
}

static bool stack_reserve(const dsl_unpacker *u) {
    if (lua_checkstack(u->L, DSL_FRAME_VALUES))
        return true;
    if (lua_gettop(u->L) < LUAI_MAXSTACK - DSL_FRAME_VALUES)
        luaL_error(u->L, "not enough memory");
    return dsl_unpack_malformed(u, "tables are nested too deeply");
}

dsl_unpack_frame *dsl_unpack_open(dsl_unpacker *u, enum dsl_frame_kind kind) {
    if (u->depth == u->capacity)
        frames_grow(u);
    dsl_unpack_frame *f = &u->frames[u->depth++];
    *f = (dsl_unpack_frame){.kind = (uint8_t)kind, .place = lua_gettop(u->L)};
    return f;
}

bool dsl_read_counts(dsl_unpacker *u, uint32_t *items_out, uint32_t *pairs_out) {
    if (!dsl_unpack_has(u, COUNTS_SIZE))
        return dsl_unpack_ends_early(u);
    *items_out = (uint32_t)dsl_number_read(u->at, sizeof(uint32_t));
    *pairs_out = (uint32_t)dsl_number_read(u->at + sizeof(uint32_t), sizeof(uint32_t));
    u->announced += *items_out + 2 * (uint64_t)*pairs_out;
    if (u->announced > (uint64_t)(u->end - u->begin))
        return dsl_unpack_malformed(u, "a table with more entries than there are bytes");
    u->at += COUNTS_SIZE;
    return true;
}

static int hint(uint32_t count) {
    return count < INT_MAX ? (int)count : INT_MAX;
}

/* The table on top belongs to the named value of the last frame; parts of it may refer to it. */
static void named_begin(dsl_unpacker *u, dsl_unpack_frame *f) {
    f->has_table = true;
    if (f->kind == DSL_FRAME_NAMED && f->is_shared)
        dsl_unpack_remember(u, f->number);
}

static bool table_open(dsl_unpacker *u, bool is_shared) {
    uint32_t items, pairs, number = u->number++;
    if (!stack_reserve(u) || !dsl_read_counts(u, &items, &pairs))
        return false;
    lua_createtable(u->L, hint(items), hint(pairs));
    if (is_shared)
        dsl_unpack_remember(u, number);
    if (u->depth > 0 && u->frames[u->depth - 1].kind != DSL_FRAME_TABLE)
        named_begin(u, &u->frames[u->depth - 1]);
    dsl_unpack_frame *f = dsl_unpack_open(u, DSL_FRAME_TABLE);
    f->items = items;
    f->pairs = pairs;
    f->next = 1;
    return true;
}

/* A negative number in the memo: the table waits for its contents. */
static lua_Integer waiting_key(uint64_t number) {
    return -1 - (lua_Integer)number;
}

static bool later_push(dsl_unpacker *u) {
    uint32_t number = u->number++;
    lua_newtable(u->L);
    dsl_unpack_remember(u, number);
    lua_pushboolean(u->L, true);
    lua_rawseti(u->L, u->place + DSL_PLACE_MEMO, waiting_key(number));
    u->later++;
    return true;
}

bool dsl_read_waiting(dsl_unpacker *u) {
    uint64_t number;
    if (!dsl_read_varint(u, &number) || !memo_push(u, number))
        return false;
    bool waits = lua_rawgeti(u->L, u->place + DSL_PLACE_MEMO, waiting_key(number)) != LUA_TNIL;
    lua_pop(u->L, 1);
    if (!waits)
        return dsl_unpack_malformed(u, "contents of what does not wait for them");
    lua_pushnil(u->L);
    lua_rawseti(u->L, u->place + DSL_PLACE_MEMO, waiting_key(number));
    return true;
}

/* ---- typed values ---- */

static bool unknown_type(const dsl_unpacker *u) {
    snprintf(u->trouble->text, sizeof u->trouble->text,
             "the type %.100s is not known in this heap: see dynsup.codec.register",
             lua_tostring(u->L, -2));
    return false;
}

static bool typed_open(dsl_unpacker *u, bool is_shared) {
    uint32_t number = u->number++;
    if (!stack_reserve(u) || !sized_text_push(u))
        return false;
    int type = dsl_type_find(u->L, -1);
    if (type == LUA_TNIL)
        return unknown_type(u);
    lua_remove(u->L, -2);
    dsl_unpack_frame *f = dsl_unpack_open(u, type == LUA_TTABLE ? DSL_FRAME_NAMED : DSL_FRAME_MADE);
    f->is_shared = is_shared;
    f->number = number;
    return true;
}

/* ---- values ---- */

static enum dsl_reading outcome(bool good, enum dsl_reading reading) {
    return good ? reading : DSL_READ_FAILED;
}

/* Sign-extends a number of size bytes. */
static bool integer_push(dsl_unpacker *u, size_t size) {
    if (!dsl_unpack_has(u, size))
        return dsl_unpack_ends_early(u);
    unsigned unused = 64 - 8 * (unsigned)size;
    uint64_t number = dsl_number_read(u->at, size) << unused;
    lua_pushinteger(u->L, (int64_t)number >> unused);
    u->at += size;
    return true;
}

static bool float_push(dsl_unpacker *u) {
    if (!dsl_unpack_has(u, sizeof(uint64_t)))
        return dsl_unpack_ends_early(u);
    uint64_t bits = dsl_number_read(u->at, sizeof bits);
    lua_Number number;
    memcpy(&number, &bits, sizeof number);
    lua_pushnumber(u->L, number);
    u->at += sizeof bits;
    return true;
}

static bool id_push(dsl_unpacker *u) {
    if (!dsl_unpack_has(u, sizeof(uint64_t)))
        return dsl_unpack_ends_early(u);
    uint64_t id = dsl_number_read(u->at, sizeof id);
    if (!dsl_is_id((void *)(uintptr_t)id)) // NOLINT(performance-no-int-to-ptr)
        return dsl_unpack_malformed(u, "an id that is none");
    dsl_id_push(u->L, id);
    u->at += sizeof id;
    return true;
}

static enum dsl_reading numbered_read(dsl_unpacker *u, enum dsl_codec_tag tag) {
    if (u->is_flat)
        return outcome(dsl_unpack_malformed(u, "a numbered value where none was announced"),
                       DSL_READ_FAILED);
    switch (tag) {
    case DSL_TAG_LONG:
    case DSL_TAG_LONG_SHARED:
        return outcome(long_push(u, tag == DSL_TAG_LONG_SHARED), DSL_READ_VALUE);
    case DSL_TAG_TABLE:
    case DSL_TAG_TABLE_SHARED:
        return outcome(table_open(u, tag == DSL_TAG_TABLE_SHARED), DSL_READ_FRAME);
    case DSL_TAG_TYPED:
    case DSL_TAG_TYPED_SHARED:
        return outcome(typed_open(u, tag == DSL_TAG_TYPED_SHARED), DSL_READ_FRAME);
    case DSL_TAG_LATER:
        return outcome(stack_reserve(u) && later_push(u), DSL_READ_VALUE);
    default:
        return outcome(dsl_read_reference(u), DSL_READ_VALUE);
    }
}

static enum dsl_reading tagged_read(dsl_unpacker *u, enum dsl_codec_tag tag) {
    switch (tag) {
    case DSL_TAG_NIL:
        lua_pushnil(u->L);
        return DSL_READ_VALUE;
    case DSL_TAG_FALSE:
    case DSL_TAG_TRUE:
        lua_pushboolean(u->L, tag == DSL_TAG_TRUE);
        return DSL_READ_VALUE;
    case DSL_TAG_INT8:
    case DSL_TAG_INT16:
    case DSL_TAG_INT32:
    case DSL_TAG_INT64:
        return outcome(integer_push(u, (size_t)1 << (tag - DSL_TAG_INT8)), DSL_READ_VALUE);
    case DSL_TAG_FLOAT:
        return outcome(float_push(u), DSL_READ_VALUE);
    case DSL_TAG_ID:
        return outcome(id_push(u), DSL_READ_VALUE);
    case DSL_TAG_NULL:
        lua_pushlightuserdata(u->L, NULL);
        return DSL_READ_VALUE;
    case DSL_TAG_STRING:
        return outcome(sized_text_push(u), DSL_READ_VALUE);
    default:
        if (tag < DSL_TAG_COUNT)
            return numbered_read(u, tag);
        u->at--;
        return outcome(dsl_unpack_malformed(u, "no tag of a value"), DSL_READ_FAILED);
    }
}

enum dsl_reading dsl_read_value(dsl_unpacker *u) {
    if (!dsl_unpack_has(u, 1))
        return outcome(dsl_unpack_ends_early(u), DSL_READ_FAILED);
    unsigned tag = *u->at++;
    if (tag >= DSL_TAG_SMALL) {
        lua_pushinteger(u->L, (lua_Integer)tag - DSL_TAG_SMALL);
        return DSL_READ_VALUE;
    }
    if (tag >= DSL_TAG_SHORT)
        return outcome(text_push(u, tag - DSL_TAG_SHORT), DSL_READ_VALUE);
    return tagged_read(u, (enum dsl_codec_tag)tag);
}
