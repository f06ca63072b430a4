/* What functions that use the loop share: its checks, their deadlines, and libuv's errors. */
#ifndef DSL_LOOP_H
#define DSL_LOOP_H

#include "bindings/binding.h"

#include <uv.h>

/* Raises where the host has no loop, and says that these need one. */
void dsl_check_loop(lua_State *L, const dsl_host *host, const char *who);

/* The loop for sockets; raises where there is none, and in a dry run waits for ever. */
uv_loop_t *dsl_loop_of(lua_State *L, dsl_host *host);

/* A time in ms at the index as a deadline that leaves the loop time for one look at least. */
uint64_t dsl_check_io_deadline(lua_State *L, dsl_host *host, int index);

/* Deadlines as integers on the stack: -1 is never. */
void dsl_deadline_push(lua_State *L, uint64_t deadline_ns);
uint64_t dsl_deadline_to(lua_State *L, int index);

/* [-0, +2] nil, the name of libuv's error in lower case ("econnrefused"). Returns 2. */
int dsl_fail_uv(lua_State *L, int error);

#endif
