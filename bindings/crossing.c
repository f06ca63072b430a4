/* Crossing: values on their way to a process of another heap. */
#include "bindings/crossing.h"

/* Those before the one that failed are let go. */
static enum dsl_codec_status pack_each(lua_State *L, dsl_host *host, const dsl_packing *packing,
                                       int first, int count, dynsup_value *values_out) {
    dsl_codec_trouble trouble;
    for (int i = 0; i < count; i++) {
        dsl_parcel *parcel = NULL;
        values_out[i] = dsl_value_plain(L, first + i);
        if (values_out[i].kind != DYNSUP_OBJECT)
            continue;
        enum dsl_codec_status status = dsl_codec_pack(L, first + i, 1, packing, &parcel, &trouble);
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

void dsl_values_pack(lua_State *L, dsl_host *host, const char *what, int first, int count,
                     dynsup_value *values_out) {
    dsl_packing packing = {
        .alloc = host->whole->alloc, .alloc_ud = host->whole->alloc_ud, .root = what};
    int top = lua_gettop(L);
    enum dsl_codec_status status = pack_each(L, host, &packing, first, count, values_out);
    if (status == DSL_CODEC_ASKS) {
        dsl_codec_prepare(L, first, count);
        packing.prepared = lua_gettop(L);
        status = pack_each(L, host, &packing, first, count, values_out);
    }
    if (status == DSL_CODEC_REFUSED)
        refuse(L, &packing, first, count);
    if (status != DSL_CODEC_OK)
        dsl_error(L, "not enough memory");
    lua_settop(L, top);
}

dynsup_value dsl_value_for(lua_State *L, dsl_host *host, dynsup_pid pid, const char *what,
                           int index) {
    dynsup_value value;
    if (dsl_is_abroad(host, pid)) {
        dsl_values_pack(L, host, what, index, 1, &value);
        return value;
    }
    dsl_vault_reserve(L, &host->vault, 1);
    return dsl_value_get(L, host, index);
}
