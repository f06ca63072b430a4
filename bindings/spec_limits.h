/* Limits in child specs and options of supervisors: what their fields may be. */
#ifndef DSL_SPEC_LIMITS_H
#define DSL_SPEC_LIMITS_H

#include "bindings/binding.h"

/* The value on top is a whole number >= 0. [-0, +0] */
bool dsl_count_read(lua_State *L, uint64_t *count_out);

/* The value on top is a number of seconds > 0, which are whole milliseconds, rounded up. [-0, +0]
 */
bool dsl_period_read(lua_State *L, uint64_t *period_ms_out);

/* Reads max_restarts or max_seconds, whose name is `field`; the value is on top. NULL, or what is
 * wrong with it. [-0, +0] */
const char *dsl_restart_limit_read(lua_State *L, const char *field, dynsup_restart_limit *limit);

#endif
