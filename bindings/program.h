/* Programs: how a child's body or start function is made again for each incarnation. */
#ifndef DSL_PROGRAM_H
#define DSL_PROGRAM_H

#include "bindings/binding.h"

/* A list of arguments may hold nils if it has n. One with more items is refused: a supervisor's and
 * a child's must fit together on the stack of a coroutine. */
#define DSL_LIST_MAX 250000

/* Is it a table that can be such a list: without n, or with a whole number as n? [-0, +0] */
bool dsl_is_list(lua_State *L, int index);

/* The length of a list: its n, else its border. [-0, +0] */
int dsl_list_length(lua_State *L, int index);

/* Pushes the list's values; returns their number. Raises when they are too many. [-0, +n] */
int dsl_list_unpack(lua_State *L, int index);

/* Pushes a copy of the list with n set. Raises without memory. [-0, +1] */
void dsl_list_copy(lua_State *L, int index);

/* A body that runs the function at one index with the supervisor's arguments (an object of the
 * vault, 0: none) and those of the list, or nil, at the other; that many slots of the vault stay
 * reserved. Raises without memory. [-0, +0] */
dsl_body *dsl_program_body(lua_State *L, dsl_host *host, int function, int args, uint64_t arguments,
                           uint32_t slots);

/* A program that makes such bodies again, as the spec says; it keeps the function and the list,
 * which the caller has copied. Two slots of the vault must have been reserved. NULL without memory.
 * [-0, +0] */
enum { DSL_PROGRAM_SLOTS = 2 };
void *dsl_program_new(lua_State *L, dsl_host *host, int function, int args, const dsl_spec *spec);
extern const dynsup_program_ops dsl_program_ops;

/* Pushes the name "module:function" that a child is started by; false, and nothing pushed, when it
 * is started by a function, or never again. host is the face of L's heap. [-0, +0|1] */
bool dsl_program_name_push(lua_State *L, dsl_host *host, const dynsup_child_info *child);

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

/* Raises without memory. [-0, +0] */
void dsl_origin_init(lua_State *L, dsl_host *host);

/* What is kept of a temporary child's function, which is never made again: its place. Those that
 * come from one place, one after the other, share it. Makes nothing in Lua. NULL without memory.
 * [-0, +0] */
void *dsl_origin_new(lua_State *L, dsl_host *host, int function);
extern const dynsup_program_ops dsl_origin_ops;

/* Lets go of the origin kept for the next child. */
void dsl_origin_forget(dsl_host *host);

#endif
