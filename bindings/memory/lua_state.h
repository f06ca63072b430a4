/* What belongs to a lua_State as a whole: its collector, its random numbers, and luv. */
#ifndef DSL_LUA_STATE_H
#define DSL_LUA_STATE_H

#include "bindings/host.h"

/* ---- the collector of the states that are made here ---- */

/* How finely it works: a step for each 2^8 bytes that are allocated, where Lua's default is 2^13. A
 * step stops every process; the additional steps cost less than 1 % of what allocates. */
#define DSL_GC_STEP 8

/* How far the heap grows before the next collection, in percent of what the last one left. Lua's
 * default is 200; a collection visits every coroutine twice, so it is to come less often. */
#define DSL_GC_PAUSE 250

/* ---- virtual.c: the state of math.random ---- */

typedef struct dsl_random {
    lua_Unsigned words[4];
} dsl_random;

/* begin: saves the state and seeds. False: math.random is not Lua's own, and nothing is done. end:
 * puts the saved state back, so that a run leaves no trace in the program around it. May raise. */
bool dsl_random_begin(lua_State *L, uint64_t seed, dsl_random *before_out);
void dsl_random_end(lua_State *L, const dsl_random *before);

/* ---- luv.c, luv_leave.c ---- */

/* Closes what a run of luv has left in the loop. */
void dsl_luv_close(dsl_runtime *runtime);

/* Before the state is closed: waits for threads that work for its scripts, as the program's exit
 * would, for they use what the state owns. Callbacks are dropped. Does nothing in a state without a
 * runtime. */
void dsl_luv_finish(lua_State *L);

/* At the end of a host in the program's loop: makes luv leave that loop before the lua_State, to
 * which its handles and requests point, can be closed. Turns the loop, and waits for requests in
 * threads. */
void dsl_luv_leave(dsl_host *host);

#endif
