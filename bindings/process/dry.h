/*
 * Dry runs: what a script declares is checked, and no worker runs.
 *
 * Only the main process and start functions (guests) run. Every other process is there, with its
 * pid, name and links, but idle from its first slice on: a child with `ready` counts as ready, a
 * server as started. A call to one waits for ever; a server that is stopped ends. For a body
 * "module:function" the module is loaded and the function looked up. Time limits of calls that wait
 * do not expire: what they wait for would come from workers, and whether it or the limit would have
 * come first is unknown. Sleeping and timers follow the virtual clock, up to DSL_DRY_NS; giving way
 * takes some of that time, so that a loop that waits for a worker ends. No further heap is opened:
 * a supervisor with `heaps` is marked as such, and its children, which are checked as if they were
 * to travel, are in its own heap. When main waits for what cannot come, it ends there, before the
 * orderly end. What is declared or refused is reported to the functions that dynsup.check has given
 * to `begin`.
 */
#ifndef DSL_DRY_H
#define DSL_DRY_H

#include "bindings/binding.h"

#define DSL_DRY_NS 3600000000000u

/* Does the body belong to a process that does not run? */
static inline bool dsl_dry_idles(const dsl_body *body) {
    return body->host->config->dry && !body->is_main && !body->is_guest;
}

/* The first slice of such a body. False: it is idle from now on. True: it is to look for its
 * function, and is idle then. */
bool dsl_dry_begin(dsl_body *body);

/* The body has not found its function: the error is on top of its coroutine. */
void dsl_dry_missing(dsl_body *body);

/* Is this a dry run, and the pid that of a process that does not run, and so never answers? False
 * for the current process. */
bool dsl_dry_is_idle(const dsl_host *host, dynsup_pid pid);

/* In a dry run: ends a server that does not run, with the reason at the index, as if it had been
 * asked to end; it is down after the slice. Otherwise returns false. Raises without memory. [-0,
 * +0] */
bool dsl_dry_stop(lua_State *L, dsl_host *host, dynsup_pid pid, int reason);

/* Reports, in a dry run, the count values on top, which the function of that name is about to
 * return. Returns count. [-0, +0] */
int dsl_dry_tell(lua_State *L, const dsl_host *host, const char *function, int count);
static inline int dsl_told(lua_State *L, const dsl_host *host, const char *function, int count) {
    return host->config->dry ? dsl_dry_tell(L, host, function, count) : count;
}

/* Main waits for what cannot come: reports which start functions do, too, and ends main. */
void dsl_dry_end(dsl_host *host);

/* Reports that the script halts the dry run with the code. */
void dsl_dry_halt(lua_State *L, const dsl_host *host, int code);

/* For functions that need the outside world: in a dry run it waits for ever, and does not return to
 * its caller. In other runs, and where the running code cannot wait, it does nothing. */
void dsl_dry_wait(lua_State *L, dsl_host *host);

/* In a dry run: pushes a listener for the address and port from the index on. Nothing is bound; it
 * gets one connection, which stays silent. Otherwise returns false. [-0, +0|1] */
bool dsl_dry_listener_push(lua_State *L, const dsl_host *host, int address);

/* Marks the list of a supervisor's extra arguments, or nil in its place, at the absolute index: its
 * children would live in other heaps. Raises without memory. [-0, +0] */
void dsl_dry_spread_mark(lua_State *L, int list);

/* If the run were not dry, would this supervisor's children live in other heaps? Needs two stack
 * slots. [-0, +0] */
bool dsl_dry_spreads(lua_State *L, dsl_host *host, dynsup_pid supervisor);

/* The C half of dynsup.check. */
extern const luaL_Reg dsl_dry_functions[];

#endif
