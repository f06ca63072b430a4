/* Crash objects, and the tracebacks in them. */
#ifndef DSL_CRASH_H
#define DSL_CRASH_H

#include "bindings/host.h"

/* ---- crash.c ---- */

/* Makes the crash object of a coroutine that failed: its error value is on top of co's stack. For a
 * body (else NULL) the object has its last message, if that was kept. Protected: without memory the
 * reason is the atom. */
dynsup_reason dsl_crash_reason(dsl_host *host, lua_State *co, const dsl_body *body, int status);

/* Defines the metatable of crash objects. [-0, +0] */
void dsl_crash_open(lua_State *L, dsl_runtime *runtime);

/* ---- traceback.c ---- */

/* Pushes the traceback of a coroutine that does not run, and is not L, in the form of
 * luaL_traceback. co has room for one value. May raise. [-0, +1] */
void dsl_traceback_push(lua_State *L, dsl_runtime *runtime, lua_State *co);

#endif
