/*
 * Bodies: the coroutines of processes and guests (body.c), the pool that they come from (pool.c),
 * the coroutines nested in them (coroutine.c), and what they return (guest.c, run.c).
 */
#ifndef DSL_BODY_H
#define DSL_BODY_H

#include "bindings/binding.h"

/* ---- body.c ---- */

extern const dynsup_body_ops dsl_body_ops;

/* A new body without a process: a coroutine whose stack is empty. `slots` slots of the vault stay
 * reserved. Raises without memory. */
dsl_body *dsl_body_new(lua_State *L, dsl_host *host, uint32_t slots);

/* Moves the function and the count values above it from L's top into the body. Raises (the body is
 * freed then). [-(count+1), +0] */
void dsl_body_load(lua_State *L, dsl_body *body, int count);

/* Frees a body that never became a process's. */
void dsl_body_discard(dsl_body *body);

/* Frees the memory of the bodies that are kept for the next processes of the face. */
void dsl_bodies_free(dsl_host *face);

/* A new body, as dsl_body_new, outside of protected code: NULL without memory. */
dsl_body *dsl_body_take(dsl_host *host);

/* Runs the body's coroutine until it yields or ends; returns Lua's status. */
int dsl_body_run(dsl_body *body, int *count_out);

/* How the slice ends of a body that has yielded. */
enum dynsup_slice dsl_body_yielded(dsl_body *body, int count, dynsup_outcome *outcome);

/* Closes what is open in the body's coroutines. */
void dsl_body_close(dsl_body *body);

/* Suspends the running body; the caller returns its result. Before, one of the core's wait
 * functions must have been called (except for DSL_WAIT_NOTHING). k may be NULL: then the values
 * that the body is resumed with are what the calling function returns. */
int dsl_suspend(lua_State *L, dsl_body *body, enum dsl_wait wait, lua_KContext context,
                lua_KFunction k);

/* Ends the running body with the reason; never returns to the caller's code. */
int dsl_body_exit(lua_State *L, dsl_body *body, dynsup_reason reason);

/* Its result must be returned when the current process has been doomed by its own action. */
int dsl_body_stop_here(lua_State *L, dsl_body *body);

/* Raise in a process that is ending: it may neither link nor monitor. */
void dsl_check_linkable(lua_State *L, const dsl_body *body);
void dsl_check_monitorable(lua_State *L, const dsl_body *body);

/* For functions that send exit signals, which may doom the current process: their last call, whose
 * result they return. Suspends a doomed process; for any other it returns `results`. */
int dsl_go_on(lua_State *L, dsl_host *host, int results);

/* Is it a coroutine of a suspended body, which no other code may use? */
bool dsl_is_marked(lua_State *co);

/* ---- pool.c: finished coroutines, kept for the next bodies ---- */

/* Adds a new coroutine to the pool. Raises without memory. [-0, +0] */
void dsl_pool_add(lua_State *L, dsl_host *host);

/* Adds a few, outside of protected code. False: the pool is still empty, for want of memory. */
bool dsl_pool_fill(dsl_host *host);

/* Takes a coroutine, and its slot in the vault, from a pool that is not empty. */
lua_State *dsl_pool_take(dsl_host *host, uint32_t *anchor_out);

/* Puts the coroutine of a body that has ended back, or leaves it to the collector. */
void dsl_pool_return(dsl_host *host, const dsl_body *body);

/* ---- coroutine.c: levels ---- */

/* Puts co on top of the body's chain. Raises without memory. */
void dsl_level_push(lua_State *L, dsl_body *body, lua_State *co);

/* Closes the chain's coroutines from the top, after dsl_close_begin. */
void dsl_nest_close(dsl_host *host, dsl_body *body);

/* Runs that level, the one above L's, with the nargs values on top of its stack. True: it waits for
 * the scheduler, and so must L, by lua_yieldk. False: it has yielded to L, returned or failed. */
bool dsl_level_run(lua_State *L, dsl_host *host, dsl_body *body, int level, int nargs,
                   int *status_out, int *count_out);

/* ---- guest.c, run.c ---- */

/* The outcome of a start function that returned the count values on top of its coroutine. */
void dsl_guest_outcome(dsl_body *body, int count, dynsup_outcome *outcome);

/* Keeps the count values that the main function returned. */
void dsl_main_returned(dsl_body *body, int count);

#endif
