/* Limits in child specs and options of supervisors: what their fields may be. */
#ifndef DSL_SPEC_LIMITS_H
#define DSL_SPEC_LIMITS_H

#include "bindings/binding.h"
#include "core/dynsup_limits.h"

/* The value on top is a whole number >= 0. [-0, +0] */
bool dsl_count_read(lua_State *L, uint64_t *count_out);

/* The value on top is a number of seconds > 0, which are whole milliseconds, rounded up. [-0, +0]
 */
bool dsl_period_read(lua_State *L, uint64_t *period_ms_out);

/* Reads max_restarts or max_seconds, whose name is `field`; the value is on top. NULL, or what is
 * wrong with it. [-0, +0] */
const char *dsl_restart_limit_read(lua_State *L, const char *field, dynsup_restart_limit *limit);

/* Reads a limit of what a child may use (max_slice, max_cpu, deadline, max_memory, max_mailbox,
 * max_message), whose name is `field`; the value is on top. NULL, or what is wrong with it. [-0,
 * +0] */
const char *dsl_limit_read(lua_State *L, const char *field, dynsup_limits *limits);

/* The same for a table of limits; a value in it that is wrong then replaces it on top. [-0, +0] */
const char *dsl_limits_read(lua_State *L, dynsup_limits *limits);

/* Pushes such a table, without those that are not limited. Raises without memory. [-0, +1] */
void dsl_limits_push(lua_State *L, const dynsup_limits *limits);

/* The limit of memory in bytes; 0: there is none. */
size_t dsl_limits_memory(const dynsup_limits *limits);

/* Begins to keep accounts of memory, if there is a limit on it. NULL, or why that is not possible.
 * Raises without memory. [-0, +0] */
const char *dsl_limits_account(lua_State *L, const dynsup_limits *limits);

#endif
