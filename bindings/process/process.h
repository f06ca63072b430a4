/* Spawning processes, and functions that are given by their names. */
#ifndef DSL_PROCESS_H
#define DSL_PROCESS_H

#include "bindings/host.h"

/* A new process that runs the function (or name) at the index with the nargs values behind it; with
 * `main` it becomes the host's main process. Raises without memory. [-0, +0] */
dynsup_pid dsl_process_spawn(lua_State *L, dsl_host *host, int function, int nargs, bool main);

/* Makes the function that finds and calls another by its name. [-0, +0] */
void dsl_named_open(lua_State *L, dsl_runtime *runtime);

/* Readies what is on top for a call. Below a name "module:function" it puts the function that calls
 * by name, whose first argument the name becomes, and returns 1: the number of such arguments. A
 * function stays as it is, and 0 is returned. Allocates nothing in Lua. [-0, +0|1] */
int dsl_function_call(lua_State *L, const dsl_runtime *runtime);

/* Pushes the function or name at the index, ready to be called like that. [-0, +1|2] */
int dsl_function_push(lua_State *L, const dsl_host *host, int index);

/* Is what is loaded on a body's coroutine such a call by name? */
bool dsl_function_is_named(lua_State *co);

#endif
