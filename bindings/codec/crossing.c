/* Crossing: values on their way to a process of another heap. */
#include "bindings/codec/crossing.h"

#include "core/dynsup_limits.h"

/* Tables and userdata of one message may share something: if there are several they are packed
 * together. Every other value, and a single one, is packed by itself. */
typedef struct crossing {
    dsl_packing packing;
    uint64_t left; /* bytes that may still be packed; DYNSUP_NO_LIMIT: any number */
    int first, count;
    int compounds;      /* of the values that are packed together; 0: none are */
    dsl_parcel *parcel; /* the parcel of those, NULL: not made yet; the values made of it own it */
    uint32_t parts;     /* that came out */
} crossing;

/* Packs the count values at the index as a parcel, and subtracts its bytes from those left. */
static enum dsl_codec_status pack(lua_State *L, crossing *c, int index, int count,
                                  dsl_parcel **parcel_out) {
    dsl_codec_trouble trouble;
    if (c->left == 0)
        return DSL_CODEC_TOO_BIG;
    c->packing.max_size = c->left < SIZE_MAX ? (size_t)c->left : 0;
    enum dsl_codec_status status =
        dsl_codec_pack(L, index, count, &c->packing, parcel_out, &trouble);
    if (status == DSL_CODEC_OK && c->left != DYNSUP_NO_LIMIT)
        c->left -= (*parcel_out)->size;
    return status;
}

static enum dsl_codec_status pack_one(lua_State *L, crossing *c, int index, uint64_t *object_out) {
    dsl_parcel *parcel = NULL;
    enum dsl_codec_status status = pack(L, c, index, 1, &parcel);
    if (status == DSL_CODEC_OK)
        *object_out = dsl_object_of_parcel(parcel);
    return status;
}

/* Returns the next compound; the first call packs all of them. */
static enum dsl_codec_status pack_part(lua_State *L, crossing *c, uint64_t *object_out) {
    if (c->parcel) {
        dsl_parcel_retain(c->parcel);
    } else {
        c->packing.compounds = c->compounds;
        enum dsl_codec_status status = pack(L, c, c->first, c->count, &c->parcel);
        c->packing.compounds = 0;
        if (status != DSL_CODEC_OK)
            return status;
    }
    *object_out = dsl_object_of_part(c->parcel, ++c->parts);
    return DSL_CODEC_OK;
}

static enum dsl_codec_status pack_object(lua_State *L, crossing *c, int index,
                                         uint64_t *object_out) {
    if (c->compounds && dsl_is_compound(L, index))
        return pack_part(L, c, object_out);
    return pack_one(L, c, index, object_out);
}

/* Packs the objects among the values. If one fails, those before it are released. */
static enum dsl_codec_status pack_each(lua_State *L, dsl_host *host, crossing c,
                                       dynsup_value *values_out) {
    for (int i = 0; i < c.count; i++) {
        if (values_out[i].kind != DYNSUP_OBJECT)
            continue;
        enum dsl_codec_status status = pack_object(L, &c, c.first + i, &values_out[i].as.object);
        if (status == DSL_CODEC_OK)
            continue;
        while (i-- > 0)
            dsl_value_release(host, &values_out[i]);
        return status;
    }
    return DSL_CODEC_OK;
}

/* Reads the plain values; returns how many others are to be packed together. */
static int plain_get(lua_State *L, int first, int count, dynsup_value *values_out) {
    int objects = 0, compounds = 0;
    for (int i = 0; i < count; i++) {
        values_out[i] = dsl_value_plain(L, first + i);
        objects += values_out[i].kind == DYNSUP_OBJECT;
    }
    for (int i = 0; i < count && objects > 1; i++)
        compounds += dsl_is_compound(L, first + i);
    return compounds > 1 && compounds <= (int)DSL_OBJECT_PARTS ? compounds : 0;
}

/* Raises: says what cannot travel, and where among all the values it is. */
static void refuse(lua_State *L, const dsl_packing *packing, int first, int count) {
    dsl_parcel *parcel = NULL;
    dsl_codec_trouble trouble;
    if (dsl_codec_pack(L, first, count, packing, &parcel, &trouble) == DSL_CODEC_OK)
        dsl_parcel_release(parcel);
    else
        dsl_error(L, "%s to another heap", trouble.text);
    dsl_error(L, "not enough memory"); /* there was none when each was packed */
}

int dsl_values_pack(lua_State *L, dsl_host *host, dynsup_pid pid, const char *what, int first,
                    int count, dynsup_value *values_out) {
    int compounds = plain_get(L, first, count, values_out);
    crossing c = {
        .packing = {.alloc = host->whole->alloc, .alloc_ud = host->whole->alloc_ud, .root = what},
        .left = dynsup_message_limit(host->core, pid, &values_out[0]),
        .first = first,
        .count = count,
        .compounds = compounds};
    int top = lua_gettop(L);
    enum dsl_codec_status status = pack_each(L, host, c, values_out);
    if (status == DSL_CODEC_ASKS) {
        dsl_codec_prepare(L, first, count);
        c.packing.prepared = lua_gettop(L);
        status = pack_each(L, host, c, values_out);
    }
    if (status == DSL_CODEC_REFUSED)
        refuse(L, &c.packing, first, count);
    if (status == DSL_CODEC_NOMEM)
        dsl_error(L, "not enough memory");
    lua_settop(L, top);
    return status == DSL_CODEC_TOO_BIG ? DYNSUP_EMESSAGE_TOO_BIG : 0;
}

int dsl_request_for(lua_State *L, dsl_host *host, dynsup_pid pid, int index,
                    dynsup_value *value_out) {
    if (dsl_is_abroad(host, pid))
        return dsl_values_pack(L, host, pid, "request", index, 1, value_out);
    dsl_vault_reserve(L, &host->vault, 1);
    *value_out = dsl_value_get(L, host, index);
    return 0;
}
