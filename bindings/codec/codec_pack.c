/*
 * Packing: from values on a stack to a parcel.
 *
 * Design notes.
 * Depth first, without recursion: for each table that is being written there is a frame, and on
 * L's stack the table, its key and its value, which may be the next frame's table. From
 * DSL_CODEC_LEVELS on a table is only named, and waits on the stack below the frames until the
 * values are written: so a chain of tables may have any length. Tables inside a typed value are not
 * put off, as unpacking needs it whole: there the stack is the limit.
 * A function that fails sets the packer's status and returns false, up to the top.
 */
#include "bindings/codec/codec_pack.h"

#include "bindings/binding.h"
#include "bindings/codec/codec_format.h"
#include "bindings/codec/codec_type.h"
#include "bindings/memory/source.h"

#include <stdlib.h>

/* ---- typed values ---- */

static bool top_put(dsl_packer *p, uint32_t typed);

/* Writes the name on top: the type of the value at the pointer. [-1, +0] */
static bool type_put(dsl_packer *p, const void *pointer) {
    size_t size;
    const char *name = lua_tolstring(p->L, -1, &size);
    bool put = dsl_pack_remember(p, pointer) && dsl_put_text(p, DSL_TAG_TYPED, name, size);
    lua_pop(p->L, 1);
    return put;
}

/* The value on top is typed, and so is the value that travels in its place. [-1, +0] */
static bool refuse_twice(dsl_packer *p) {
    return dsl_pack_refuse(p, "it has a __pack, and was given by a __pack: put it into a table");
}

/* Writes the value below the top as the result of its __pack, the pair on top. [-2, +0|1] */
static bool prepared_put(dsl_packer *p) {
    const void *pointer = lua_topointer(p->L, -2);
    uint32_t number = p->memo.count;
    lua_rawgeti(p->L, -1, DSL_PREPARED_VALUE);
    lua_rawgeti(p->L, -2, DSL_PREPARED_NAME);
    if (!type_put(p, pointer))
        return false;
    p->memo.seen[number].is_open = true;
    lua_replace(p->L, -3);
    lua_pop(p->L, 1);
    return top_put(p, number);
}

/* The value on top has a function __pack. [-1, +0|1] */
static bool called_put(dsl_packer *p) {
    if (p->how->prepared) {
        lua_pushvalue(p->L, -1);
        if (lua_rawget(p->L, p->how->prepared) == LUA_TTABLE)
            return prepared_put(p);
        lua_pop(p->L, 1);
        return dsl_pack_refuse(p, "it came in while __pack functions were called");
    }
    dsl_pack_refuse(p, "its __pack is a function, which cannot be called here");
    p->status = DSL_CODEC_ASKS;
    return false;
}

/* Writes the table below the top, whose __pack is the name on top. [-2, +0|1] */
static bool named_put(dsl_packer *p) {
    const void *pointer = lua_topointer(p->L, -2);
    uint32_t number = p->memo.count;
    return type_put(p, pointer) && dsl_pack_table_open(p, number);
}

/* Writes the value below the top, whose metatable is on top (nil: a userdata without one). typed:
 * the number of the value that it travels for. [-2, +0|1] */
static bool typed_put(dsl_packer *p, uint32_t typed) {
    bool is_table = lua_istable(p->L, -2);
    int type = dsl_type_pack_push(p->L);
    bool is_bare = type == LUA_TBOOLEAN && lua_toboolean(p->L, -1);
    if (is_table && (is_bare || p->how->lenient) && type != LUA_TSTRING)
        return lua_pop(p->L, 1), dsl_pack_table_open(p, typed);
    if (type == LUA_TSTRING && is_table && typed == DSL_MEMO_NONE)
        return named_put(p);
    lua_pop(p->L, 1);
    if (typed != DSL_MEMO_NONE && (type == LUA_TSTRING || type == LUA_TFUNCTION))
        return refuse_twice(p);
    if (type == LUA_TFUNCTION && !p->how->lenient)
        return called_put(p);
    return dsl_pack_refuse(p, "its metatable has no __pack that says how");
}

/* ---- values with parts ---- */

static bool again_put(dsl_packer *p, uint32_t number) {
    if (p->memo.seen[number].is_open)
        return dsl_pack_refuse(p, "what its __pack gave refers to it");
    lua_pop(p->L, 1);
    return dsl_put_reference(p, number);
}

static bool compound_put(dsl_packer *p, uint32_t typed) {
    uint32_t number = dsl_memo_find(&p->memo, lua_topointer(p->L, -1));
    if (number != DSL_MEMO_NONE && typed == DSL_MEMO_NONE)
        return again_put(p, number);
    if (lua_getmetatable(p->L, -1))
        return typed_put(p, typed);
    if (lua_istable(p->L, -1))
        return dsl_pack_table_open(p, typed);
    return dsl_pack_refuse(p, "it has no metatable with a __pack that says how");
}

static bool light_put(dsl_packer *p) {
    const void *pointer = lua_touserdata(p->L, -1);
    if (pointer && !dsl_is_id(pointer))
        return dsl_pack_refuse(p, "it is an address");
    lua_pop(p->L, 1);
    if (!pointer)
        return dsl_put_byte(p, DSL_TAG_NULL);
    return dsl_put_number(p, DSL_TAG_ID, (uintptr_t)pointer, sizeof(uint64_t));
}

static bool object_put(dsl_packer *p, uint32_t typed) {
    switch (lua_type(p->L, -1)) {
    case LUA_TTABLE:
    case LUA_TUSERDATA:
        return compound_put(p, typed);
    case LUA_TLIGHTUSERDATA:
        return light_put(p);
    default:
        return dsl_pack_refuse(p, NULL);
    }
}

/* Writes the value on top, or begins to. typed: the number of the value that it travels for, or
 * none. [-1, +0]; or a table gets a frame, and its first key is on top [-0, +1] */
static bool top_put(dsl_packer *p, uint32_t typed) {
    uint32_t depth = p->depth;
    if (dsl_put_plain(p, -1))
        lua_pop(p->L, 1);
    else if (!object_put(p, typed))
        return false;
    if (typed != DSL_MEMO_NONE && p->depth == depth)
        p->memo.seen[typed].is_open = false;
    return p->status == DSL_CODEC_OK;
}

/* ---- entries ---- */

static bool is_next_item(const dsl_packer *p, const dsl_pack_frame *frame) {
    return frame->is_list && lua_isinteger(p->L, -2) &&
           lua_tointeger(p->L, -2) == (lua_Integer)frame->items + 1;
}

/* The key and the value on top. [-1, +0]; if a frame was opened, that of the key or the value. */
static bool entry_put(dsl_packer *p, dsl_pack_frame *frame) {
    if (is_next_item(p, frame)) {
        frame->items++;
        return top_put(p, DSL_MEMO_NONE);
    }
    frame->is_list = false;
    frame->pairs++;
    if (dsl_put_plain(p, -2))
        return p->status == DSL_CODEC_OK && top_put(p, DSL_MEMO_NONE);
    frame->value_next = true;
    lua_pushvalue(p->L, -2);
    return object_put(p, DSL_MEMO_NONE);
}

/* Writes what the frames hold, until there are none. */
static bool frames_put(dsl_packer *p) {
    bool good = true;
    while (good && p->depth > 0) {
        dsl_pack_frame *frame = &p->frames[p->depth - 1];
        bool value_next = frame->value_next;
        frame->value_next = false;
        if (value_next)
            good = top_put(p, DSL_MEMO_NONE);
        else if (lua_next(p->L, frame->table))
            good = entry_put(p, frame);
        else
            dsl_pack_frame_close(p);
    }
    return good;
}

/* ---- the whole ---- */

static bool values_put(dsl_packer *p, int first, int count) {
    for (p->number = 1; p->number <= count; p->number++) {
        int index = first + p->number - 1;
        if (p->how->compounds && !dsl_is_compound(p->L, index))
            continue;
        if (dsl_put_plain(p, index)) {
            if (p->status)
                return false;
            continue;
        }
        lua_pushvalue(p->L, index);
        if (!object_put(p, DSL_MEMO_NONE) || !frames_put(p))
            return false;
    }
    p->number = 0;
    return true;
}

/* Writes the tables that wait on the stack, the last one first; more may be put off meanwhile. */
static bool later_put(dsl_packer *p) {
    while (p->later > 0) {
        lua_pop(p->L, p->room);
        p->room = 0;
        p->later--;
        uint32_t number = dsl_memo_find(&p->memo, lua_topointer(p->L, -1));
        if (!dsl_put_varint(p, number) || !dsl_pack_frame_open(p, DSL_MEMO_NONE) || !frames_put(p))
            return false;
    }
    return true;
}

/* How many of the values are packed? */
static int put_count(const dsl_packer *p, int count) {
    return p->how->compounds ? p->how->compounds : count;
}

static bool all_put(dsl_packer *p, int first, int count) {
    return dsl_put_byte(p, DSL_CODEC_VERSION) && dsl_put_byte(p, 0) &&
           dsl_put_varint(p, (uint64_t)put_count(p, count)) && values_put(p, first, count) &&
           later_put(p);
}

/* The bytes as a parcel, or NULL. */
static dsl_parcel *parcel_make(dsl_packer *p) {
    size_t size = sizeof(dsl_parcel) + p->size;
    if (p->bytes != p->first_bytes)
        return dsl_pack_resize(p, dsl_pack_block(p->bytes), sizeof(dsl_parcel) + p->capacity, size);
    dsl_parcel *parcel = dsl_pack_resize(p, NULL, 0, size);
    if (parcel)
        memcpy(parcel->bytes, p->bytes, p->size);
    return parcel;
}

static dsl_parcel *parcel_new(dsl_packer *p, int count) {
    if (p->memo.count == 0)
        p->bytes[1] = DSL_CODEC_FLAT;
    dsl_parcel *parcel = parcel_make(p);
    if (!parcel)
        return NULL;
    parcel->alloc = p->alloc;
    parcel->alloc_ud = p->alloc_ud;
    parcel->owners = 1;
    parcel->count = (uint32_t)count;
    parcel->size = p->size;
    p->bytes = p->first_bytes;
    return parcel;
}

/* Not all at once: most of a packer needs no value. */
static void packer_init(dsl_packer *p, lua_State *L, const dsl_packing *how,
                        dsl_codec_trouble *trouble) {
    p->L = L;
    p->how = how;
    p->alloc = how->alloc ? how->alloc : dsl_malloc_alloc;
    p->alloc_ud = how->alloc_ud;
    p->bytes = p->first_bytes;
    p->size = 0;
    p->capacity = DSL_PACK_BYTES;
    p->frames = p->first_frames;
    p->frame_capacity = DSL_PACK_FRAMES;
    p->depth = 0;
    p->later = p->room = 0;
    p->base = lua_gettop(L);
    p->status = DSL_CODEC_OK;
    p->trouble = trouble;
    p->memo.seen = NULL;
    p->memo.slots = NULL;
    p->memo.count = p->memo.slot_count = 0;
}

static void packer_fini(dsl_packer *p) {
    lua_settop(p->L, p->base);
    dsl_memo_fini(p);
    if (p->frames != p->first_frames)
        p->alloc(p->alloc_ud, p->frames, p->frame_capacity * sizeof *p->frames, 0);
    if (p->bytes != p->first_bytes)
        p->alloc(p->alloc_ud, dsl_pack_block(p->bytes), sizeof(dsl_parcel) + p->capacity, 0);
}

enum dsl_codec_status dsl_codec_pack(lua_State *L, int first, int count, const dsl_packing *packing,
                                     dsl_parcel **parcel_out, dsl_codec_trouble *trouble_out) {
    dsl_packer p;
    *parcel_out = NULL;
    *trouble_out->text = '\0';
    packer_init(&p, L, packing, trouble_out);
    if (!lua_checkstack(L, DSL_PACK_FRAME_VALUES))
        p.status = DSL_CODEC_NOMEM;
    else if (all_put(&p, first, count) && dsl_pack_admit(&p, p.size))
        *parcel_out = parcel_new(&p, put_count(&p, count));
    packer_fini(&p);
    if (p.status == DSL_CODEC_NOMEM)
        snprintf(trouble_out->text, sizeof trouble_out->text, "not enough memory");
    else if (p.status == DSL_CODEC_TOO_BIG)
        snprintf(trouble_out->text, sizeof trouble_out->text, "too many bytes");
    return p.status;
}

enum dsl_codec_status dsl_codec_pack_calling(lua_State *L, int first, int count,
                                             dsl_packing packing, dsl_parcel **parcel_out,
                                             dsl_codec_trouble *trouble_out) {
    enum dsl_codec_status status =
        dsl_codec_pack(L, first, count, &packing, parcel_out, trouble_out);
    if (status != DSL_CODEC_ASKS)
        return status;
    dsl_codec_prepare(L, first, count);
    packing.prepared = lua_gettop(L);
    status = dsl_codec_pack(L, first, count, &packing, parcel_out, trouble_out);
    lua_pop(L, 1);
    return status;
}
