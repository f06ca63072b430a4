/*
 * Unpacking: from bytes of any origin to values on a stack.
 *
 * Design notes.
 * Without recursion: for each table and typed value that is being read there is a frame, and on L's
 * stack the table and the key that waits for its value, or the type's name. Frames beyond the first
 * ones are in a userdata: as unpacking may raise at any time, nothing here may have to be freed.
 * Every value takes a byte at least, so neither a table nor all of them together (`announced`) may
 * announce more entries than there are bytes: memory stays in proportion.
 * A function that finds something wrong sets the trouble's text and returns false, up to the top.
 */
#include "bindings/codec/codec_unpack.h"

#include "bindings/binding.h"

#include <math.h>

/* ---- typed values ---- */

/* The table on top gets the metatable below it. [-1, +0] */
static bool named_close(const dsl_unpacker *u, const dsl_unpack_frame *f) {
    if (!f->has_table)
        return dsl_unpack_malformed(u, "a type that has a metatable, and no table of its own");
    lua_insert(u->L, -2);
    lua_setmetatable(u->L, -2);
    return true;
}

/* [-2, +1] */
static int made_call(const dsl_unpacker *u) {
    if (!u->is_apart)
        return lua_pcall(u->L, 1, 1, 0);
    dsl_runtime *runtime = dsl_runtime_of_thread(u->L);
    bool runs = dsl_apart_begin(u->L, runtime);
    int status = lua_pcall(u->L, 1, 1, 0);
    dsl_apart_end(u->L, runtime, runs);
    return status;
}

/* Makes the typed value: the result of the function below the top, called with the value on top;
 * where functions are not called, that value itself. False: it failed. [-1, +0] */
static bool made_close(const dsl_unpacker *u) {
    lua_State *L = u->L;
    if (u->is_plain) {
        lua_remove(L, -2);
        return true;
    }
    int status = made_call(u);
    if (status == LUA_OK)
        return true;
    if (status == LUA_ERRMEM)
        lua_error(L);
    bool is_text = lua_type(L, -1) == LUA_TSTRING;
    snprintf(u->trouble->text, sizeof u->trouble->text, "the function of a type failed: %.150s",
             is_text ? lua_tostring(L, -1) : luaL_typename(L, -1));
    return false;
}

static bool typed_close(dsl_unpacker *u) {
    dsl_unpack_frame f = u->frames[--u->depth];
    if (f.kind == DSL_FRAME_NAMED ? !named_close(u, &f) : !made_close(u))
        return false;
    if (f.is_shared)
        dsl_unpack_remember(u, f.number);
    return true;
}

/* ---- where values go ---- */

static bool can_be_key(lua_State *L) {
    if (lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1))
        return !isnan(lua_tonumber(L, -1));
    return !lua_isnil(L, -1);
}

/* The value on top is an item, a key or a pair's value. */
static bool entry_settle(dsl_unpacker *u, dsl_unpack_frame *f) {
    if (f->items > 0) {
        f->items--;
        lua_rawseti(u->L, f->place, f->next++);
        return true;
    }
    if (!f->has_key) {
        f->has_key = true;
        return can_be_key(u->L) || dsl_unpack_malformed(u, "a key that is nil or not a number");
    }
    f->has_key = false;
    f->pairs--;
    lua_rawset(u->L, f->place);
    return true;
}

/* The value on top is complete. */
static bool settle(dsl_unpacker *u) {
    while (u->depth > 0) {
        dsl_unpack_frame *f = &u->frames[u->depth - 1];
        if (f->kind == DSL_FRAME_TABLE)
            return entry_settle(u, f);
        if (!typed_close(u))
            return false;
    }
    return true;
}

/* Reads the next value of the last frame, or ends the frame if it is complete. */
static bool frame_step(dsl_unpacker *u) {
    const dsl_unpack_frame *f = &u->frames[u->depth - 1];
    if (f->kind == DSL_FRAME_TABLE && f->items == 0 && f->pairs == 0) {
        u->depth--;
        return settle(u);
    }
    enum dsl_reading reading = dsl_read_value(u);
    return reading == DSL_READ_VALUE ? settle(u) : reading == DSL_READ_FRAME;
}

static bool frames_read(dsl_unpacker *u) {
    while (u->depth > 0)
        if (!frame_step(u))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool values_read(dsl_unpacker *u, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        enum dsl_reading reading = dsl_read_value(u);
        if (reading == DSL_READ_FAILED || (reading == DSL_READ_FRAME && !frames_read(u)))
            return false;
    }
    return true;
}

/* The contents of a table that was only named. */
static bool contents_read(dsl_unpacker *u) {
    if (!dsl_read_waiting(u))
        return false;
    dsl_unpack_frame *f = dsl_unpack_open(u, DSL_FRAME_TABLE);
    f->next = 1;
    if (!dsl_read_counts(u, &f->items, &f->pairs) || !frames_read(u))
        return false;
    lua_pop(u->L, 1);
    return true;
}

static bool later_read(dsl_unpacker *u) {
    for (; u->later > 0; u->later--)
        if (!contents_read(u))
            return false;
    return u->at == u->end || dsl_unpack_malformed(u, "bytes behind the last value");
}

static bool head_read(dsl_unpacker *u, uint64_t *count_out) {
    if (!dsl_unpack_has(u, 3))
        return dsl_unpack_ends_early(u);
    if (*u->at != DSL_CODEC_VERSION)
        return dsl_unpack_malformed(u, "no version that is known");
    unsigned flags = u->at[1];
    if (flags > DSL_CODEC_FLAT)
        return dsl_unpack_malformed(u, "flags that are not known");
    u->is_flat = flags & DSL_CODEC_FLAT;
    u->at += 2;
    if (!dsl_read_varint(u, count_out))
        return false;
    if (*count_out > (uint64_t)(u->end - u->at))
        return dsl_unpack_malformed(u, "more values than there are bytes");
    return true;
}

static bool stack_prepare(dsl_unpacker *u, uint64_t count) {
    if (count >= LUAI_MAXSTACK)
        return dsl_unpack_malformed(u, "too many values");
    if (!lua_checkstack(u->L, (int)count + DSL_FRAME_VALUES))
        return dsl_unpack_malformed(u, "too many values for the stack");
    u->place = lua_gettop(u->L) + 1;
    for (int i = 0; !u->is_flat && i < DSL_PLACE_COUNT; i++)
        lua_pushnil(u->L);
    return true;
}

static bool all_read(dsl_unpacker *u, int *count_out) {
    uint64_t count = 0;
    if (!head_read(u, &count) || !stack_prepare(u, count))
        return false;
    *count_out = (int)count;
    return values_read(u, count) && later_read(u);
}

enum calling { CALL_HERE, CALL_APART, CALL_NONE };

static enum dsl_codec_status unpack(lua_State *L, const void *bytes, size_t size,
                                    enum calling calling, int *count_out,
                                    dsl_codec_trouble *trouble_out) {
    dsl_unpacker u;
    int top = lua_gettop(L);
    u.L = L;
    u.begin = u.at = bytes;
    u.end = u.begin + size;
    u.frames = u.first_frames;
    u.capacity = DSL_UNPACK_FRAMES;
    u.depth = u.number = u.later = 0;
    u.announced = 0;
    u.place = top;
    u.is_flat = false;
    u.is_plain = calling == CALL_NONE;
    u.is_apart = calling == CALL_APART;
    u.trouble = trouble_out;
    *trouble_out->text = '\0';
    if (!all_read(&u, count_out)) {
        lua_settop(L, top);
        return DSL_CODEC_REFUSED;
    }
    if (!u.is_flat) {
        lua_rotate(L, u.place, -DSL_PLACE_COUNT);
        lua_pop(L, DSL_PLACE_COUNT);
    }
    return DSL_CODEC_OK;
}

enum dsl_codec_status dsl_codec_unpack(lua_State *L, const void *bytes, size_t size, int *count_out,
                                       dsl_codec_trouble *trouble_out) {
    return unpack(L, bytes, size, CALL_HERE, count_out, trouble_out);
}

enum dsl_codec_status dsl_parcel_unpack(lua_State *L, const dsl_parcel *parcel, int *count_out,
                                        dsl_codec_trouble *trouble_out) {
    return unpack(L, parcel->bytes, parcel->size, CALL_APART, count_out, trouble_out);
}

enum dsl_codec_status dsl_parcel_unpack_plain(lua_State *L, const dsl_parcel *parcel,
                                              int *count_out, dsl_codec_trouble *trouble_out) {
    return unpack(L, parcel->bytes, parcel->size, CALL_NONE, count_out, trouble_out);
}
