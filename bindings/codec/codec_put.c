/* Packing, its lowest part: bytes, numbers, strings and references into a block that grows. */
#include "bindings/codec/codec_pack.h"

#include <lauxlib.h>
#include <string.h>

/* ---- bytes ---- */

bool dsl_pack_fail_memory(dsl_packer *p) {
    p->status = DSL_CODEC_NOMEM;
    return false;
}

bool dsl_pack_admit(dsl_packer *p, size_t size) {
    size_t max = p->how->max_size;
    if (max == 0 || size <= max)
        return true;
    p->status = DSL_CODEC_TOO_BIG;
    return false;
}

void *dsl_pack_resize(dsl_packer *p, void *block, size_t old_size, size_t size) {
    void *resized = p->alloc(p->alloc_ud, block, old_size, size);
    if (!resized)
        p->status = DSL_CODEC_NOMEM;
    return resized;
}

dsl_parcel *dsl_pack_block(unsigned char *bytes) {
    return (dsl_parcel *)(void *)(bytes - sizeof(dsl_parcel));
}

bool dsl_pack_grow(dsl_packer *p, size_t size) {
    bool first = p->bytes == p->first_bytes;
    size_t capacity = (p->size + size) * 2;
    size_t sure = size > DSL_CODEC_VARINT_SIZE ? size : 0; /* of few, not all may be written */
    if (!dsl_pack_admit(p, p->size + sure))
        return false;
    dsl_parcel *block =
        dsl_pack_resize(p, first ? NULL : dsl_pack_block(p->bytes),
                        first ? 0 : sizeof *block + p->capacity, sizeof *block + capacity);
    if (!block)
        return false;
    if (first)
        memcpy(block->bytes, p->bytes, p->size);
    p->bytes = block->bytes;
    p->capacity = capacity;
    return true;
}

bool dsl_put_number(dsl_packer *p, enum dsl_codec_tag tag, uint64_t number, size_t size) {
    if (!dsl_pack_reserve(p, 1 + size))
        return false;
    p->bytes[p->size] = (unsigned char)tag;
    dsl_number_write(p->bytes + p->size + 1, number, size);
    p->size += 1 + size;
    return true;
}

bool dsl_put_varint(dsl_packer *p, uint64_t number) {
    if (!dsl_pack_reserve(p, DSL_CODEC_VARINT_SIZE))
        return false;
    p->size += dsl_varint_write(p->bytes + p->size, number);
    return true;
}

bool dsl_put_text(dsl_packer *p, enum dsl_codec_tag tag, const char *text, size_t size) {
    if (!dsl_put_byte(p, tag) || !dsl_put_varint(p, size) || !dsl_pack_reserve(p, size))
        return false;
    memcpy(p->bytes + p->size, text, size);
    p->size += size;
    return true;
}

/* ---- what is numbered ---- */

bool dsl_pack_remember(dsl_packer *p, const void *pointer) {
    return dsl_memo_add(p, pointer, p->size) || dsl_pack_fail_memory(p);
}

static void mark_shared(unsigned char *tag) {
    if (*tag == DSL_TAG_LONG || *tag == DSL_TAG_TABLE || *tag == DSL_TAG_TYPED)
        ++*tag;
}

bool dsl_put_reference(dsl_packer *p, uint32_t number) {
    mark_shared(&p->bytes[p->memo.seen[number].tag_at]);
    return dsl_put_byte(p, DSL_TAG_REFERENCE) && dsl_put_varint(p, number);
}

/* ---- plain values ---- */

static bool integer_put(dsl_packer *p, lua_Integer value) {
    if (value >= 0 && value < 0x80)
        return dsl_put_byte(p, DSL_TAG_SMALL + (unsigned)value);
    if (value == (int8_t)value)
        return dsl_put_number(p, DSL_TAG_INT8, (uint64_t)value, 1);
    if (value == (int16_t)value)
        return dsl_put_number(p, DSL_TAG_INT16, (uint64_t)value, 2);
    if (value == (int32_t)value)
        return dsl_put_number(p, DSL_TAG_INT32, (uint64_t)value, 4);
    return dsl_put_number(p, DSL_TAG_INT64, (uint64_t)value, 8);
}

static bool float_put(dsl_packer *p, lua_Number value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return dsl_put_number(p, DSL_TAG_FLOAT, bits, sizeof bits);
}

static bool long_put(dsl_packer *p, const char *text, size_t size) {
    uint32_t number = dsl_memo_find(&p->memo, text);
    if (number != DSL_MEMO_NONE)
        return dsl_put_reference(p, number);
    return dsl_pack_remember(p, text) && dsl_put_text(p, DSL_TAG_LONG, text, size);
}

static bool string_put(dsl_packer *p, int index) {
    size_t size;
    const char *text = lua_tolstring(p->L, index, &size);
    if (size >= DSL_CODEC_LONG_SIZE)
        return long_put(p, text, size);
    if (size >= DSL_CODEC_SHORT_SIZES)
        return dsl_put_text(p, DSL_TAG_STRING, text, size);
    if (!dsl_pack_reserve(p, 1 + size))
        return false;
    p->bytes[p->size] = (unsigned char)(DSL_TAG_SHORT + size);
    memcpy(p->bytes + p->size + 1, text, size);
    p->size += 1 + size;
    return true;
}

bool dsl_put_plain(dsl_packer *p, int index) {
    switch (lua_type(p->L, index)) {
    case LUA_TNIL:
        dsl_put_byte(p, DSL_TAG_NIL);
        return true;
    case LUA_TBOOLEAN:
        dsl_put_byte(p, lua_toboolean(p->L, index) ? DSL_TAG_TRUE : DSL_TAG_FALSE);
        return true;
    case LUA_TNUMBER:
        if (lua_isinteger(p->L, index))
            integer_put(p, lua_tointeger(p->L, index));
        else
            float_put(p, lua_tonumber(p->L, index));
        return true;
    case LUA_TSTRING:
        string_put(p, index);
        return true;
    default:
        return false;
    }
}
