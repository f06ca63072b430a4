/*
 * What is kept of a child for the next one, which mostly has the same function, id and module.
 *
 * Design notes.
 * Children that are started one after the other share a slot of the vault for such a value. The
 * host is an owner, too, as long as it keeps the value: so no other value gets its address, and
 * comparing addresses shows whether two are the same. A host releases what it keeps at the end of
 * each step, so that nothing lives on for it while the host is idle.
 */
#ifndef DSL_KEPT_H
#define DSL_KEPT_H

#include "bindings/binding.h"

/* Keeps the value at the index, a string, table, function or userdata, in place of the last one;
 * false: it is the same. The host owns kept->slot: a caller that keeps the value longer must retain
 * it. A slot of the vault must have been reserved. [-0, +0] */
bool dsl_keep(lua_State *L, dsl_host *host, dsl_kept *kept, int index);

/* The value at the index for the core, as dsl_value_get, in the kept slot if it needs one. [-0, +0]
 */
dynsup_value dsl_kept_value(lua_State *L, dsl_host *host, dsl_kept *kept, int index);

/* ---- functions ---- */

/* The slot of the function or name at the index, as dsl_keep. [-0, +0] */
uint32_t dsl_function_keep(lua_State *L, dsl_host *host, int function);

/* Did the child started last run the function at the index, too, by a shared program, and is the
 * function's place known? [-0, +0] */
static inline bool dsl_function_is_last(lua_State *L, const dsl_host *host, int index) {
    const dsl_function *last = &host->function;
    return last->program && last->has_origin && last->kept.address == lua_topointer(L, index);
}

/* forget: releases all values that the faces of the whole host keep; close: at a face's end, also
 * everything else that it keeps for its next child. */
void dsl_kept_forget(dsl_host *whole);
void dsl_kept_close(dsl_host *face);

#endif
