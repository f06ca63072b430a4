/*
 * What is kept of a child for the next one, which mostly has the same function, id and module.
 *
 * Design notes.
 * Children that are started one after the other share a slot of the vault for such a value. The
 * host is an owner of it, too, as long as it is kept: so its address is its own, and comparing two
 * addresses tells whether it is the same. With its step a host lets go of what it keeps: nothing
 * lives on because of that while there is nothing to do.
 */
#ifndef DSL_KEPT_H
#define DSL_KEPT_H

#include "bindings/binding.h"

/* Keeps the value at the index, a string, table, function or userdata, in the place of the last
 * one; false: it is that. kept->slot is the host's: who keeps the value longer retains it. A slot
 * of the vault must have been reserved. [-0, +0] */
bool dsl_keep(lua_State *L, dsl_host *host, dsl_kept *kept, int index);

/* The value at the index for the core, as dsl_value_get, in the kept slot if it needs one. [-0, +0]
 */
dynsup_value dsl_kept_value(lua_State *L, dsl_host *host, dsl_kept *kept, int index);

/* ---- functions ---- */

/* The slot of the function or name at the index, as dsl_keep. [-0, +0] */
uint32_t dsl_function_keep(lua_State *L, dsl_host *host, int function);

/* Has the child started last run the function at the index, too, as a program that is shared, and
 * is its place known? [-0, +0] */
static inline bool dsl_function_is_last(lua_State *L, const dsl_host *host, int index) {
    const dsl_function *last = &host->function;
    return last->program && last->has_origin && last->kept.address == lua_topointer(L, index);
}

/* Lets go of all values that the faces of the whole host keep; at a face's end also of all else
 * that is for its next child. */
void dsl_kept_forget(dsl_host *whole);
void dsl_kept_close(dsl_host *face);

#endif
