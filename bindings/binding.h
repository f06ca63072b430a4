/*
 * What nearly every file of the binding needs: how the running code finds its runtime, host and
 * body, how arguments are checked, and how failures are returned or raised (runtime.c).
 */
#ifndef DSL_BINDING_H
#define DSL_BINDING_H

#include "bindings/host.h"
#include "bindings/value.h"

/* ---- the runtime, the host and the body ---- */

/* The runtime of the lua_State that the thread belongs to, or NULL. */
dsl_runtime *dsl_runtime_of_thread(lua_State *L);

/* The running host of the lua_State that the thread belongs to, or NULL; for hooks. */
dsl_host *dsl_host_of_thread(lua_State *L);

/* Pushes the runtime of a lua_State; makes it first if there is none. [-0, +1] */
dsl_runtime *dsl_runtime_open(lua_State *L);

/* The runtime of the lua_State: the first upvalue of every function of the module. */
static inline dsl_runtime *dsl_runtime_of(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Between begin and end the collector is stopped, so that no finalizer runs in L's state, and the
 * state's code finds no host: either could change what is being worked on. begin returns whether
 * the collector was running; passed to end, which then starts it again. Neither raises. */
bool dsl_apart_begin(lua_State *L, dsl_runtime *runtime);
void dsl_apart_end(lua_State *L, dsl_runtime *runtime, bool runs);

/* Raises between dsl_apart_begin and dsl_apart_end. */
void dsl_check_apart(lua_State *L, const dsl_runtime *runtime);

/* The running host. Raises when there is none, and as dsl_check_apart. */
dsl_host *dsl_host_of(lua_State *L);

/* The same, but NULL when there is none: for functions that also work without a host. Raises as
 * dsl_check_apart. */
dsl_host *dsl_host_or_null(lua_State *L);

/* Raises: the code runs in a callback or outside of a process. */
_Noreturn void dsl_no_process(lua_State *L);

/* The running body, for functions that need a process. Raises in a callback and outside. */
static inline dsl_body *dsl_body_of(lua_State *L, dsl_host **host_out) {
    dsl_host *host = *host_out = dsl_host_of(L);
    if (!host->current)
        dsl_no_process(L);
    return host->current;
}

/* The running body, for functions that wait. Raises where the running code cannot wait. */
dsl_body *dsl_waiter_of(lua_State *L, dsl_host **host_out);

/* True where dsl_waiter_of would not raise. */
bool dsl_can_wait(lua_State *L, const dsl_host *host);

/* Raises: the running code cannot wait, and why. */
int dsl_cannot_wait(lua_State *L, const dsl_host *host);

/* ---- arguments ---- */

/* Raises unless min <= number of arguments <= max; returns the number. */
int dsl_check_count(lua_State *L, int min, int max);

/* A time in ms at this index; HUGE_VAL for nil, none and "infinity". check_deadline: as
 * dsl_deadline_of. Both raise. */
double dsl_check_ms(lua_State *L, int index);
uint64_t dsl_check_deadline(lua_State *L, dsl_host *host, int index);

#define DSL_FOREVER_MS 9e12 /* from here on a time is DYNSUP_NEVER: in ns it would not fit */

/* Deadlines for a time in ms. of: of a wait (never, in a dry run); time_in: of an action; both by
 * the current process's clock. from: by any clock, whose time is now_ns. */
uint64_t dsl_deadline_of(dsl_host *host, double ms);
uint64_t dsl_time_in(dsl_host *host, double ms);
uint64_t dsl_deadline_from(uint64_t now_ns, double ms);

/* Raises unless the value at this index is a function or "module:function". */
void dsl_check_function(lua_State *L, int index);

/* The process of a registered name or of { registry, key } (0 when there is none). Raises for
 * anything else. */
dynsup_pid dsl_check_name(lua_State *L, dsl_host *host, int index);

/* The same, or a pid, which is found without a call. */
static inline dynsup_pid dsl_check_dest(lua_State *L, dsl_host *host, int index) {
    uint64_t id = (uintptr_t)lua_touserdata(L, index);
    return id >> 62 == 1 ? id : dsl_check_name(L, host, index);
}

/* A pid alone. Raises for anything else. */
dynsup_pid dsl_check_pid(lua_State *L, int index);

/* ---- failures ---- */

/* Raises as luaL_error does, but names the line that called dynsup: dynsup's scripts are skipped.
 */
_Noreturn void dsl_error(lua_State *L, const char *format, ...);

/* Push nil and the atom's text, or the reason; return 2. [-0, +2] */
int dsl_fail(lua_State *L, enum dynsup_atom atom);
int dsl_fail_text(lua_State *L, const char *reason);

/* Raises for DYNSUP_ENOMEM and the like; returns any other status, which dsl_fail can report. */
int dsl_check_status(lua_State *L, int status);

#endif
