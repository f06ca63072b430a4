/* Programs: how each incarnation of a child runs its body or start function. */
#ifndef DSL_PROGRAM_H
#define DSL_PROGRAM_H

#include "bindings/binding.h"
#include "bindings/child/spec.h"

/* A list of arguments may hold nils if it has n. One with more items is refused: a supervisor's and
 * a child's must fit together on the stack of a coroutine. */
#define DSL_LIST_MAX 250000

/* The length of a list: its n, else its border; negative if it is no list: no table, too long, or n
 * is no count. [-0, +0] */
int dsl_list_length(lua_State *L, int index);

/* Pushes the list's values; returns their number. Raises when they are too many. [-0, +n] */
int dsl_list_unpack(lua_State *L, int index);

/* Pushes a copy of the list with n set. Raises without memory. [-0, +1] */
void dsl_list_copy(lua_State *L, int index);

/* How to run a child's function: also the body of its process until that begins. */
typedef struct dsl_program {
    dsl_host *host;
    uint32_t owners;   /* children and bodies */
    uint32_t function; /* in the vault */
    uint32_t env;      /* in the vault, as env_call: of a private environment; 0: none */
    uint32_t env_call; /* the name of the function that calls with it */
    uint32_t arg_count;
    bool is_guest;  /* a start function */
    bool is_worker; /* a worker in C: run by a body of its own */
    bool has_extra; /* behind the arguments is the parcel of the supervisor's extra arguments: see
                       extra.h */
    size_t max_memory; /* of each body's process, in bytes; 0: no limit */
    dynsup_value args[];
} dsl_program;

/* The supervisor's extra arguments where they come from another heap, or NULL. */
static inline dsl_parcel *dsl_program_extra(const dsl_program *program) {
    return program->has_extra ? dsl_object_parcel(program->args[program->arg_count].as.object)
                              : NULL;
}

/* A program with one owner, for the spec whose places begin at the index. extra (or NULL) changes
 * hands. dsl_spec_slots of the vault must have been reserved. NULL without memory: extra is the
 * caller's. [-0, +0] */
dsl_program *dsl_program_new(lua_State *L, dsl_host *host, int places, const dsl_spec *spec,
                             dsl_parcel *extra);

/* The same without arguments and limits, for a body that runs once: bodies of the same function
 * share it. */
dsl_program *dsl_program_share(lua_State *L, dsl_host *host, int places);

static inline dsl_program *dsl_program_retain(dsl_program *program) {
    program->owners++;
    return program;
}

/* Ends an owner's share in a program. */
void dsl_program_release(void *program);

extern const dynsup_program_ops dsl_program_ops;

/* ---- begin.c ---- */

/* A program without has_extra as the body of a process that has not begun; that body is an owner.
 */
extern const dynsup_body_ops dsl_begin_ops;

/* A body that is about to run the program. arguments: the supervisor's list, of the same heap; 0:
 * none, or the program has them. NULL without a body: the reason says why. Never raises. */
dsl_body *dsl_program_body(const dsl_program *program, uint64_t arguments,
                           dynsup_reason *reason_out);

/* ---- program.c ---- */

/* Pushes the name "module:function" that a child is started by. False, nothing pushed: it is
 * started by a function, or never again. host is the face of L's heap. [-0, +0|1] */
bool dsl_program_name_push(lua_State *L, dsl_host *host, const dynsup_child_info *child);

#endif
