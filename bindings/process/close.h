/* Close handlers: how coroutines are closed, and the time limit on those of an ending process. */
#ifndef DSL_CLOSE_H
#define DSL_CLOSE_H

#include "bindings/host.h"

/* Closes a coroutine's to-be-closed variables and resets it; an error is left on its stack. `from`
 * is the coroutine that closes it, whose C calls count towards Lua's limit: so a close handler that
 * closes a coroutine, whose handler closes another, cannot go on for ever. */
static inline int dsl_thread_close(lua_State *co, lua_State *from) {
#if LUA_VERSION_RELEASE_NUM >= 50406
    return lua_closethread(co, from);
#else
    (void)from;
    return lua_resetthread(co);
#endif
}

/* Do the close handlers of an ending process run, or the closers of what it owned? */
bool dsl_is_closing(const dsl_host *host);

/* Starts the time that close handlers have. */
void dsl_close_begin(dsl_host *host);

/* Closes the to-be-closed variables of a coroutine, within what is left of that time, and resets
 * it. An error in a handler is logged. */
void dsl_close_thread(dsl_host *host, lua_State *co);

/* Calls the function below the nargs values on top of host->L within the same limit. False: it
 * failed, and the error has been logged. [-(nargs + 1), +0] */
bool dsl_close_call(dsl_host *host, int nargs);

/* Puts a coroutine that is about to run in a close handler of an ending process under the limit;
 * does nothing elsewhere. host may be NULL. */
void dsl_close_watch(dsl_host *host, lua_State *co);

#endif
