/*
 * Dry runs: what a script declares is checked, and no worker runs.
 *
 * Only the main process and start functions (guests) run. Every other process is there, with its
 * pid, name and links, but idle from its first slice on: a child with `ready` counts as ready, a
 * server as started. Who calls one waits for ever; a server that is stopped ends. Of a body
 * "module:function" the module is loaded and the function looked for. Time limits of calls that
 * wait do not pass, for what they wait for would come from workers, and nobody knows which of the
 * two it would have been; sleeping and timers go by the virtual clock, up to DSL_DRY_NS, and giving
 * way takes some of it, so that a loop that waits for a worker comes to an end. No further heap is
 * opened: a supervisor with `heaps` has what tells so, and its children, which are looked at as if
 * they were to travel, in its own heap. When main waits for what cannot come, it ends there, before
 * the orderly end. What is declared and refused is told to the functions that dynsup.check has
 * given to `begin`.
 */
#ifndef DSL_DRY_H
#define DSL_DRY_H

#include "bindings/binding.h"

#define DSL_DRY_NS 3600000000000u

/* Is the body that of a process which does not run? */
static inline bool dsl_dry_idles(const dsl_body *body) {
    return body->host->config->dry && !body->is_main && !body->is_guest;
}

/* The first slice of such a body. False: it is idle from now on. True: it is to look for its
 * function, and is idle then. */
bool dsl_dry_begin(dsl_body *body);

/* It has not found it: the error is on top of its coroutine. */
void dsl_dry_missing(dsl_body *body);

/* Is that, in a dry run, a process that does not run? It answers nobody. False for the current one.
 */
bool dsl_dry_is_idle(const dsl_host *host, dynsup_pid pid);

/* In a dry run: ends a server that does not run, with the reason at the index, as it would end if
 * it were asked to; it is down after the slice. Else returns false. Raises without memory. [-0, +0]
 */
bool dsl_dry_stop(lua_State *L, dsl_host *host, dynsup_pid pid, int reason);

/* Tells, in a dry run, what the function of that name is about to return, the count values on top.
 * Returns count. [-0, +0] */
int dsl_dry_tell(lua_State *L, const dsl_host *host, const char *function, int count);
static inline int dsl_told(lua_State *L, const dsl_host *host, const char *function, int count) {
    return host->config->dry ? dsl_dry_tell(L, host, function, count) : count;
}

/* Main waits for what cannot come: tells which start functions do, too, and ends main. */
void dsl_dry_end(dsl_host *host);

/* Tells that the script halts the dry run with the code. */
void dsl_dry_halt(lua_State *L, const dsl_host *host, int code);

/* In a dry run, what needs the world outside waits for ever here, and does not return to its
 * caller; in others, and where the running code cannot wait, it does nothing. */
void dsl_dry_wait(lua_State *L, dsl_host *host);

/* In a dry run: pushes a listener, for the address and port from the index on, to which one
 * connection comes that says nothing; nothing is bound. Else returns false. [-0, +0|1] */
bool dsl_dry_listener_push(lua_State *L, const dsl_host *host, int address);

/* Marks the list of a supervisor's extra arguments, or nil in its place, at the absolute index: its
 * children would live in other heaps. Raises without memory. [-0, +0] */
void dsl_dry_spread_mark(lua_State *L, int list);

/* Would, but for the dry run, the children of this supervisor live in other heaps? Needs two stack
 * slots. [-0, +0] */
bool dsl_dry_spreads(lua_State *L, dsl_host *host, dynsup_pid supervisor);

/* The C half of dynsup.check. */
extern const luaL_Reg dsl_dry_functions[];

#endif
