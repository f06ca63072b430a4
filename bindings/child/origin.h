/*
 * Where the functions of children are in the source, and what is kept of a temporary child's.
 *
 * Design notes.
 * A temporary child's function is never called again, so only its place is kept, as an origin, for
 * reports. Children whose functions are from one place share an origin when they start one after
 * the other: the host keeps the last one as well.
 */
#ifndef DSL_ORIGIN_H
#define DSL_ORIGIN_H

#include "bindings/binding.h"

/* Where a function was written, for humans. */
typedef struct dsl_place {
    lua_Debug debug;
    const char *source; /* in debug, or the name "module:function" on the stack */
    int line;           /* 0 or less: source says all */
} dsl_place;

/* Finds the place of the function or name at the index. [-0, +0] */
void dsl_place_find(lua_State *L, int index, dsl_place *place);

/* Writes a place ("worker.lua:12"); cut to size, 0-terminated. */
void dsl_place_format(const char *source, int line, char *text, size_t size);

/* The origin of the function or name at the index, for dsl_origin_ops. Allocates nothing in Lua; a
 * slot of the vault must have been reserved. NULL without memory. [-0, +0] */
void *dsl_origin_new(lua_State *L, dsl_host *host, int function);
extern const dynsup_program_ops dsl_origin_ops;

/* What dsl_origin_new returned for that function, once more. */
void *dsl_origin_again(const dsl_host *host);

/* Lets go of the host's last origin. */
void dsl_origin_forget(dsl_host *host);

#endif
