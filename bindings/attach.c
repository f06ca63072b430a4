/* What the host's side of attach needs of the runtime: the C half of scripts in dynsup/attach. */
#include "bindings/log.h"
#include "bindings/native.h"
#include "bindings/observe.h"

const luaL_Reg dsl_attach_functions[] = {
    {"here", dsl_here}, {"undivided", dsl_undivided}, {"tap", dsl_tap}, {NULL, NULL}};
