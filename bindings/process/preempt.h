/* Preemption: making a running coroutine give way. */
#ifndef DSL_PREEMPT_H
#define DSL_PREEMPT_H

#include "bindings/host.h"

/* Sets the hook that a process's base coroutine has from its beginning. */
void dsl_hook_begin(dsl_host *host, lua_State *co);

/* Between hide and show co has no hook but the user's, and none is set. */
void dsl_hook_hide(dsl_host *host, lua_State *co);
void dsl_hook_show(dsl_host *host, lua_State *co);

/* Arms the preemption of the running coroutine; safe in a signal handler of its thread. */
void dsl_preempt(dsl_host *host);

/* The running slice is to end as soon as it can, since its process has exceeded a limit: even where
 * there is a count hook, which would fire later. Safe in an allocator. */
void dsl_preempt_now(dsl_host *host);

/* The coroutine no longer runs: what it was to be interrupted for is over. Inline, as few
 * coroutines are interrupted, and the others should not cost a call. */
void dsl_preempt_over(dsl_host *host, lua_State *co);
static inline void dsl_preempt_left(dsl_host *host, lua_State *co) {
    if (host->armed == co || host->exceeded)
        dsl_preempt_over(host, co);
}

#endif
