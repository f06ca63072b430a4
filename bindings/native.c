/* Which script has a C half. */
#include "bindings/native.h"

#include "bindings/process/dry.h"
#include "bindings/http/http.h"
#include "bindings/child/static.h"

#include <string.h>

static const struct native {
    const char *script;
    const luaL_Reg *functions;
} natives[] = {
    {"dynsup.check", dsl_dry_functions},
    {"dynsup.log", dsl_log_functions},
    {"dynsup.clock", dsl_clock_functions},
    {"dynsup.codec", dsl_codec_functions},
    {"dynsup.http", dsl_http_functions},
    {"dynsup.observation", dsl_observe_functions},
    {"dynsup.observer", dsl_look_functions},
    {"dynsup.loading", dsl_undivided_functions},
    {"dynsup.task", dsl_task_functions},
    {"dynsup.supervisor", dsl_static_functions},
    {"dynsup.server", dsl_server_functions},
    {"dynsup.registry", dsl_registry_functions},
    {"dynsup.saving", dsl_saved_functions},
    {"dynsup.reloading", dsl_reload_functions},
    {"dynsup.reloading_code", dsl_reload_functions},
    {"dynsup.reloading_heaps", dsl_reload_functions},
    {"dynsup.fs", dsl_fs_functions},
    {"dynsup.net", dsl_net_functions},
    {"dynsup.repl.session", dsl_line_functions},
    {"dynsup.attach.host", dsl_attach_functions},
    {"dynsup.attach.place", dsl_place_functions},
    {"dynsup.attach.outbox", dsl_attach_functions},
    {"dynsup.attach.watch", dsl_attach_functions},
    {NULL, NULL},
};

bool dsl_native_push(lua_State *L, dsl_runtime *runtime, const char *script) {
    const struct native *native = natives;
    while (native->script && strcmp(native->script, script) != 0)
        native++;
    if (!native->script)
        return false;
    lua_newtable(L);
    lua_pushlightuserdata(L, runtime);
    luaL_setfuncs(L, native->functions, 1);
    return true;
}
