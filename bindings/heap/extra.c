/* Extra arguments of a supervisor whose children are in another heap than the arguments. */
#include "bindings/heap/extra.h"

#include "bindings/process/callback.h"
#include "bindings/heap/heap_group.h"
#include "bindings/child/program.h"
#include "bindings/protect.h"
#include "bindings/child/spec.h"

typedef struct packing {
    dsl_host *face; /* of the heap in which the arguments are */
    uint64_t arguments;
    dsl_extra *out;
} packing;

/* Packs the list's values as a parcel; or what stands in place of a list that could not be copied.
 */
static int list_pack(lua_State *L) {
    const packing *p = lua_touserdata(L, 1);
    dsl_extra *out = p->out;
    const dsl_host *whole = p->face->whole;
    dsl_packing how = {
        .alloc = whole->alloc, .alloc_ud = whole->alloc_ud, .root = "extra_arguments"};
    dsl_object_push(L, p->face, p->arguments);
    int list = lua_gettop(L);
    if (dsl_list_length(L, list) < 0)
        return luaL_error(L, "%s", luaL_tolstring(L, list, NULL));
    int count = dsl_list_unpack(L, list);
    out->status = dsl_codec_pack_calling(L, list + 1, count, how, &out->parcel, &out->trouble);
    return 0;
}

static int pack_protected(lua_State *L) {
    const packing *p = lua_touserdata(L, 1);
    lua_pushcfunction(L, list_pack);
    lua_pushvalue(L, 1);
    int status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_OK || status == LUA_ERRMEM)
        return 0;
    p->out->status = DSL_CODEC_REFUSED;
    p->out->is_raised = true;
    dsl_description_write(L, -1, p->out->trouble.text, sizeof p->out->trouble.text);
    return 0;
}

bool dsl_extra_travels(const dsl_host *host, const dsl_host *to, dynsup_pid supervisor) {
    uint64_t arguments = dynsup_supervisor_arguments(host->core, supervisor);
    return arguments && !dsl_heap_group_of(arguments) && !(to && dsl_object_is_own(to, arguments));
}

bool dsl_extra_pack(dsl_host *host, const dsl_host *to, dynsup_pid supervisor, dsl_extra *out) {
    uint64_t arguments = dynsup_supervisor_arguments(host->core, supervisor);
    const dsl_heap_group *group = dsl_heap_group_of(arguments);
    *out = (dsl_extra){.status = DSL_CODEC_OK};
    if (group && group->extra && !to) {
        dsl_parcel_retain(group->extra);
        out->parcel = group->extra;
    }
    if (!dsl_extra_travels(host, to, supervisor))
        return true;
    packing p = {dsl_object_face(host, arguments), arguments, out};
    lua_State *L = p.face->L;
    out->status = DSL_CODEC_NOMEM;
    dsl_callback_frame frame; /* the time of a callback: its coroutine is not the caller's */
    bool runs = dsl_apart_begin(L, p.face->runtime);
    dsl_callback_begin(L, p.face->runtime, host->config->virtual_clock, &frame);
    dsl_protect(L, pack_protected, &p);
    dsl_callback_end(p.face->runtime, &frame);
    dsl_apart_end(L, p.face->runtime, runs);
    return out->status == DSL_CODEC_OK;
}

int dsl_extra_failed(lua_State *L, const dsl_extra *extra) {
    if (extra->is_raised)
        dsl_error(L, "%s", extra->trouble.text);
    if (extra->status != DSL_CODEC_REFUSED)
        dsl_error(L, "not enough memory");
    lua_pushfstring(L, "%s to another heap", extra->trouble.text);
    return dsl_spec_fail(L, "invalid_extra_arguments");
}
