/* The C halves of scripts: tables of functions that dynsup/NAME.lua gets as its first argument. */
#ifndef DSL_NATIVE_H
#define DSL_NATIVE_H

#include "bindings/binding.h"

/* Pushes a new table with the C functions of the script ("dynsup.server"), each with the runtime as
 * its first upvalue. [-0, +1]; false and nothing pushed if the script has no C half. May raise
 * without memory. */
bool dsl_native_push(lua_State *L, dsl_runtime *runtime, const char *script);

/* undivided(f, ...): calls f undivided and returns its results. f may not wait, and it is not
 * preempted, as nothing is inside a C function that cannot be yielded across. For a few
 * instructions that read and change what several processes share. */
int dsl_undivided(lua_State *L);

/* check_wait(): raises where the caller cannot wait. For functions that would otherwise act before
 * they find out. */
int dsl_check_wait(lua_State *L);

/* runs() -> a list of the runs under way in the state, the outermost first: of each, the process
 * whose slice it is, or false. Nested runs have processes of their own, whose pids may be equal. */
int dsl_runs(lua_State *L);

/* receive_end(refs, ms): as receive_match(what, ms), for the first message that is `ref, ...` or
 * "DOWN", ref, ..., where ref is refs, or one of the keys of the table refs. */
int dsl_receive_end(lua_State *L);

/* The functions, by file. */
extern const luaL_Reg dsl_codec_functions[];
extern const luaL_Reg dsl_clock_functions[];
extern const luaL_Reg dsl_undivided_functions[];
extern const luaL_Reg dsl_task_functions[];
extern const luaL_Reg dsl_registry_functions[];
extern const luaL_Reg dsl_net_functions[];
extern const luaL_Reg dsl_server_functions[];
extern const luaL_Reg dsl_fs_functions[];
extern const luaL_Reg dsl_attach_functions[];
extern const luaL_Reg dsl_place_functions[];
extern const luaL_Reg dsl_saved_functions[];
extern const luaL_Reg dsl_reload_functions[];
extern const luaL_Reg dsl_log_functions[];
extern const luaL_Reg dsl_observe_functions[];
extern const luaL_Reg dsl_look_functions[];
extern const luaL_Reg dsl_line_functions[];

#endif
