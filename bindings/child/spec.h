/* Child specs: what a pass over a spec's table has found, and where its values are. */
#ifndef DSL_SPEC_H
#define DSL_SPEC_H

#include "bindings/host.h"

typedef struct dsl_spec {
    dynsup_child_spec core;
    bool by_start;     /* start, not body */
    bool is_worker;    /* the body is a worker in C */
    bool own_heap;     /* each incarnation has a heap of its own */
    size_t max_memory; /* bytes, of that heap or of the process; 0: no limit */
    unsigned given;    /* the places that hold a value: see dsl_spec_has */
    int arg_count;
    dynsup_backoff backoff;
    dynsup_restart_limit restart_limit;
    dynsup_limits limits;
} dsl_spec;

/* Stack places of a spec's values, from `base` on; made by dsl_spec_read. */
enum {
    DSL_SPEC_FUNCTION,
    DSL_SPEC_ARGS,
    DSL_SPEC_ID,
    DSL_SPEC_NAME,
    DSL_SPEC_MODULES,
    DSL_SPEC_NAME_KEY,
    DSL_SPEC_NAME_VALUE,
    DSL_SPEC_ENV,
    DSL_SPEC_ENV_CALL, /* the name of the function that runs the child's function in it */
    DSL_SPEC_PLACES
};

/* Why a function value is refused where a name is needed. */
#define DSL_SPEC_NEEDS_NAME                                                                        \
    "what runs in another heap is named \"module:function\": a function value belongs to its own"

enum { DSL_SPEC_STACK = DSL_SPEC_PLACES + 8 }; /* free stack slots that reading a spec takes */

/* Slots of the vault for what is kept of a spec: the function, its arguments and environment, id,
 * modules, and the name's key and value. */
static inline uint32_t dsl_spec_slots(const dsl_spec *spec) {
    return (uint32_t)spec->arg_count + 7;
}

/* Does this place hold a value? */
static inline bool dsl_spec_has(const dsl_spec *spec, int place) {
    return spec->given >> place & 1;
}

/* Pushes what a failed reading returns: nil, what is wrong, and the offending value from the top of
 * the stack.
 * [-1, +3] */
int dsl_spec_fail(lua_State *L, const char *what);

/* The name of the spec's n-th field, from 0 on; NULL: there are no more. */
const char *dsl_spec_field(size_t number);

/* Checks whether the spec's `significant` is allowed: 0, or the number of values pushed. */
int dsl_spec_check_significant(lua_State *L, const dsl_spec *spec, bool is_static,
                               enum dynsup_auto_shutdown auto_shutdown);

/* Reads the spec table at the index. 0 and DSL_SPEC_PLACES values pushed, or the number of values
 * pushed for the caller to return (nil, reason, detail). Raises only without memory. Needs
 * DSL_SPEC_STACK free slots. */
int dsl_spec_read(lua_State *L, const dsl_runtime *runtime, int index, dsl_spec *spec);

/* The same for the spec of a temporary worker that runs the function or "module:function" at the
 * index. */
int dsl_spec_bare(lua_State *L, int index, dsl_spec *spec);

#endif
