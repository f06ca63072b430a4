/*
 * Programs of children that live in further heaps: what is started is named "module:function", and
 * its arguments are packed.
 *
 * Design notes.
 * Such a program belongs to no heap itself, so that it outlives those of its incarnations. It
 * starts them in its place of the supervisor's group, which is chosen at its first start, or each
 * in a new heap of its own. When the heap is lost while a body is made in it, another is opened,
 * once.
 */
#ifndef DSL_HEAP_PROGRAM_H
#define DSL_HEAP_PROGRAM_H

#include "bindings/binding.h"
#include "bindings/heap/heap_group.h"

typedef struct dsl_heap_program dsl_heap_program;

/* What is known of a program before it is made. */
typedef struct dsl_heap_plan {
    dsl_heap_group *group; /* NULL: a heap of its own */
    size_t max_bytes;      /* of that, or else of the process; 0: no limit */
    bool guest;            /* it is a start function */
    int env;               /* the index of its environment: see spec_env.h; 0: none */
} dsl_heap_plan;

/* A program for the name at one index with the list of arguments (or nil) at the other. NULL when
 * the arguments cannot travel: trouble_out says why. Raises without memory, and what a __pack
 * raises. [-0, +0] */
dsl_heap_program *dsl_heap_program_new(lua_State *L, dsl_host *host, int function, int args,
                                       const dsl_heap_plan *plan, dsl_codec_trouble *trouble_out);

/* Gives the program its supervisor's extra arguments, which come before its own; they change hands.
 * For a program with a heap of its own; a group holds them itself. */
void dsl_heap_program_lead(dsl_heap_program *program, dsl_parcel *extra);

/* Pushes nil, "invalid_mfa" and the trouble as a detail; returns their number. [-0, +3] */
int dsl_heap_program_refused(lua_State *L, const dsl_codec_trouble *trouble);

/* A program as dsl_heap_program_new makes it, in a box that owns it until it is taken out. True:
 * pushed; false: refused. [-0, +1|0] */
bool dsl_heap_program_box_push(lua_State *L, dsl_host *host, int function, int args,
                               const dsl_heap_plan *plan, dsl_codec_trouble *trouble_out);
dsl_heap_program *dsl_heap_program_box_take(lua_State *L, int index);

extern const dynsup_program_ops dsl_heap_program_ops;

/* The name that it starts; 0-terminated, borrowed. */
const char *dsl_heap_program_name(const dsl_heap_program *program);

#endif
