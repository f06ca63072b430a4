/* What the two files about a server's slices share: server_run.c and server_outcome.c. */
#ifndef DSL_SERVER_RUN_H
#define DSL_SERVER_RUN_H

#include "bindings/server/server.h"

#define DSL_CO_STACK 12 /* slots of a coroutine that are needed beside a message */

/* Makes room for count values beside a message; false without memory. Mostly there is room already.
 */
static inline bool dsl_server_has_room(lua_State *co, int count) {
    return count + DSL_CO_STACK <= LUA_MINSTACK || lua_checkstack(co, count + DSL_CO_STACK);
}

/* What a callback has led to. */
enum dsl_next {
    DSL_GO_ON,     /* wait for the next message */
    DSL_CALLBACK,  /* a callback is on the coroutine, ready to run */
    DSL_SLICE_ENDS /* the slice of the run says how */
};

/* A slice of a server, and the coroutine that it has at the moment. */
typedef struct dsl_server_run {
    dsl_server *server;
    dsl_host *host;
    dsl_body *body; /* or NULL */
    dynsup_outcome *outcome;
    enum dynsup_slice slice;
    uint64_t deadline_ns; /* of the idle time that the last callback asked for */
} dsl_server_run;

/* ---- server_run.c ---- */

/* take: gives the run a coroutine, unless it has one; false without memory. give: gives it back. */
bool dsl_server_body_take(dsl_server_run *r);
void dsl_server_body_give(dsl_server_run *r);

/* May the coroutine run the next callback as well? */
bool dsl_server_body_is_fresh(const dsl_body *body);

/* Frees the message that has been handled. */
void dsl_server_message_end(dsl_server *server);

/* ---- server_outcome.c ---- */

/* The callback has returned the values on its coroutine: decides what follows. */
enum dsl_next dsl_server_outcome(dsl_server_run *r);

/* Ends the server with the reason, which changes hands, after its terminate callback. Unless
 * `reply` is 0, the value at that index is the reply to the call being handled, sent last of all.
 */
enum dsl_next dsl_server_end_with(dsl_server_run *r, dynsup_reason reason, int reply);
enum dsl_next dsl_server_no_memory(dsl_server_run *r);

/* The process ends with this slice. */
enum dsl_next dsl_server_gone(dsl_server_run *r, dynsup_reason reason);

#endif
