/* Options of supervisors, from a table. */
#ifndef DSL_OPTIONS_H
#define DSL_OPTIONS_H

#include "bindings/binding.h"

typedef struct dsl_options {
    dynsup_supervisor_options core; /* name is borrowed from the table */
    dynsup_limits limits;           /* core.limits, if they are given */
    unsigned kinds;                 /* options that may be given */
    bool has_strategy, has_extra;
    int extra_count;    /* of extra_arguments */
    int extra_place;    /* on the stack: their copy */
    int name_place;     /* the name's text, and behind it its key and value */
    uint32_t heaps;     /* further heaps that its children live in; 0: none */
    size_t heap_memory; /* bytes that each of them may use; 0: no limit */
} dsl_options;

/* Which options may be given; NAME: name and clock. */
enum { DSL_OPTION_NAME = 1, DSL_OPTION_DYNAMIC = 2, DSL_OPTION_STATIC = 4 };

/* Reads the table at the index, raw. 0 with four values pushed (the places), or nil, reason, value
 * pushed and their number returned. Raises without memory, and what a __pack of extra arguments
 * raises. */
int dsl_options_read(lua_State *L, int index, unsigned kinds, dsl_options *out);

/* Keeps the extra arguments, and the group of heaps if there is to be one, as core.arguments: an
 * object. Leaves room in the vault for the name, so that nothing raises while the name has no owner
 * yet. Raises without memory, and then has kept nothing. */
void dsl_options_keep(lua_State *L, dsl_host *host, dsl_options *out);

/* Puts the name's key and value into the vault, for which there must be room; and releases them
 * once the core has been given them. Without a name they do nothing. [-0, +0] */
enum { DSL_NAME_SLOTS = 2 };
void dsl_options_name_keep(lua_State *L, dsl_host *host, dsl_options *out);
void dsl_options_name_release(dsl_host *host, const dsl_options *given);

/* Completes the reply of a start whose name is taken, perhaps by a child that has failed. */
void dsl_options_taken(const dsl_host *host, const dsl_options *given, dynsup_reply *reply);

/* start_link(module, arg, { name = }), with the arguments at 1 to 3: the module's init runs as a
 * guest of the new supervisor, and k finds the raw reply. */
int dsl_start_module(lua_State *L, dsl_host *host, enum dsl_init init, lua_KFunction k);

#endif
