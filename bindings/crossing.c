/* Crossing: values on their way to a process of another heap. */
#include "bindings/crossing.h"

#include "core/dynsup_limits.h"

/* How to pack, and how many bytes are left for it; DYNSUP_NO_LIMIT: any number. */
typedef struct crossing {
    dsl_packing packing;
    uint64_t left;
} crossing;

/* The value at the index as a parcel, with its bytes taken off what is left. */
static enum dsl_codec_status pack_one(lua_State *L, crossing *c, int index, dsl_parcel **parcel) {
    dsl_codec_trouble trouble;
    if (c->left == 0)
        return DSL_CODEC_TOO_BIG;
    c->packing.max_size = c->left < SIZE_MAX ? (size_t)c->left : 0;
    enum dsl_codec_status status = dsl_codec_pack(L, index, 1, &c->packing, parcel, &trouble);
    if (status == DSL_CODEC_OK && c->left != DYNSUP_NO_LIMIT)
        c->left -= (*parcel)->size;
    return status;
}

/* Those before the one that failed are let go. */
static enum dsl_codec_status pack_each(lua_State *L, dsl_host *host, crossing c, int first,
                                       int count, dynsup_value *values_out) {
    for (int i = 0; i < count; i++) {
        dsl_parcel *parcel = NULL;
        values_out[i] = dsl_value_plain(L, first + i);
        if (values_out[i].kind != DYNSUP_OBJECT)
            continue;
        enum dsl_codec_status status = pack_one(L, &c, first + i, &parcel);
        if (status == DSL_CODEC_OK) {
            values_out[i].as.object = dsl_object_of_parcel(parcel);
            continue;
        }
        while (i-- > 0)
            dsl_value_release(host, &values_out[i]);
        return status;
    }
    return DSL_CODEC_OK;
}

/* Says what cannot travel, and where among all the values it is. */
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
    dynsup_value begin = dsl_value_plain(L, first);
    crossing c = {
        .packing = {.alloc = host->whole->alloc, .alloc_ud = host->whole->alloc_ud, .root = what},
        .left = dynsup_message_limit(host->core, pid, &begin)};
    int top = lua_gettop(L);
    enum dsl_codec_status status = pack_each(L, host, c, first, count, values_out);
    if (status == DSL_CODEC_ASKS) {
        dsl_codec_prepare(L, first, count);
        c.packing.prepared = lua_gettop(L);
        status = pack_each(L, host, c, first, count, values_out);
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
