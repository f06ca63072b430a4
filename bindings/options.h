/* Options of supervisors, from a table. */
#ifndef DSL_OPTIONS_H
#define DSL_OPTIONS_H

#include "bindings/binding.h"

typedef struct dsl_options {
    dynsup_supervisor_options core; /* name is borrowed from the table */
    bool may_have_name;
    bool has_strategy, has_extra;
    int extra_count; /* of extra_arguments */
    int extra_place; /* on the stack: their copy */
} dsl_options;

/* Reads the table at the index, raw. 0 with one value pushed (extra_place), or nil, reason, value
 * pushed and their number returned. Raises only without memory. */
int dsl_options_read(lua_State *L, int index, bool may_have_name, dsl_options *out);

/* Puts the extra arguments into the vault, as core.arguments. Raises without memory. */
void dsl_options_keep(lua_State *L, dsl_host *host, dsl_options *out);

#endif
