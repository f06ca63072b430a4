/* What the host's side of attach needs of the runtime: the C half of scripts in dynsup/attach. */
#include "bindings/log/log.h"
#include "bindings/native.h"
#include "bindings/observe/observe.h"

/* stay(boolean): sets whether the run goes on until it is halted, even if nothing more can happen.
 * A handle that keeps the loop alive would do the same to runs inside the run. */
static int stay(lua_State *L) {
    dsl_host_of(L)->whole->until_halt = lua_toboolean(L, 1);
    return 0;
}

const luaL_Reg dsl_attach_functions[] = {{"here", dsl_here},
                                         {"undivided", dsl_undivided},
                                         {"tap", dsl_tap},
                                         {"stay", stay},
                                         {NULL, NULL}};
