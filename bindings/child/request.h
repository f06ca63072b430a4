/*
 * Requests to supervisors: what the functions that make them share.
 *
 * A request that must wait goes on in a continuation, which finds the reply's raw values on top:
 * status, pid, existing, and three values. A reply that came at once is pushed in the same form.
 */
#ifndef DSL_REQUEST_H
#define DSL_REQUEST_H

#include "bindings/binding.h"

/* Places of the raw values, from the base on. */
enum { DSL_RAW_STATUS, DSL_RAW_PID, DSL_RAW_EXISTING, DSL_RAW_VALUE, DSL_RAW_DETAIL, DSL_RAW_ID };

typedef struct dsl_raw_reply {
    int base; /* the stack index of DSL_RAW_STATUS */
    int status;
} dsl_raw_reply;

/* The raw reply on top. */
dsl_raw_reply dsl_raw_get(lua_State *L);

/* nil, reason [, detail] of a reply that was refused at once, with a status other than
 * DYNSUP_EREASON, and owns nothing; raises for those that are misuse. [-0, +2|3] */
int dsl_refuse(lua_State *L, dsl_host *host, const dynsup_reply *reply);

/* nil, reason [, detail] of a reply that is a failure; raises for those that are misuse.
 * [-0, +2|3] */
int dsl_push_failure(lua_State *L, dsl_raw_reply raw);

/* Pushes the owner of a name that is taken: the pid; for a child without a process (pid 0),
 * "restarting" or "failed". [-0, +1] */
void dsl_holder_push(lua_State *L, const dsl_host *host, dynsup_pid pid, const char *name,
                     size_t length);

/* The continuation of a request that is done or fails: true, or why it failed. */
int dsl_done_k(lua_State *L, int status, lua_KContext context);

/* The continuation of a restart_child: pid [, info], or why it failed. */
int dsl_restarted_k(lua_State *L, int status, lua_KContext context);

/* Suspends the process until the reply comes to k, or the deadline (then k finds nil, "timeout").
 */
int dsl_wait_reply(lua_State *L, dsl_host *host, const dynsup_reply *reply, uint64_t deadline,
                   lua_KContext context, lua_KFunction k);

/* Hands the reply, present or future, to k. Raises when it would have to wait and cannot. */
int dsl_reply_to(lua_State *L, dsl_host *host, const dynsup_reply *reply, lua_KContext context,
                 lua_KFunction k);

#endif
