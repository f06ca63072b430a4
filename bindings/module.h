/* What the module consists of (module.c): its functions, by file, and what it replaces in Lua. */
#ifndef DSL_MODULE_H
#define DSL_MODULE_H

#include "bindings/host.h"

extern const luaL_Reg dsl_process_functions[];
extern const luaL_Reg dsl_message_functions[];
extern const luaL_Reg dsl_relation_functions[];
extern const luaL_Reg dsl_wait_functions[];
extern const luaL_Reg dsl_info_functions[];
extern const luaL_Reg dsl_dynamic_functions[];
extern const luaL_Reg dsl_child_functions[];
extern const luaL_Reg dsl_children_functions[];
extern const luaL_Reg dsl_run_functions[];
extern const luaL_Reg dsl_own_functions[];

/* Replaces the coroutine library's functions. [-0, +0] */
void dsl_coroutine_open(lua_State *L, dsl_runtime *runtime);

/* Makes debug.sethook and debug.gethook see the user's hooks only. [-0, +0] */
void dsl_debug_open(lua_State *L, dsl_runtime *runtime);

/* Sets package.preload.luv, and replaces os.exit. [-0, +0] */
void dsl_luv_open(lua_State *L, dsl_runtime *runtime);

/* Replaces os.time, os.date and os.clock. [-0, +0] */
void dsl_virtual_open(lua_State *L, dsl_runtime *runtime);

/* Replaces collectgarbage. [-0, +0] */
void dsl_collect_open(lua_State *L, dsl_runtime *runtime);

/* Replaces xpcall. [-0, +0] */
void dsl_xpcall_open(lua_State *L);

#endif
