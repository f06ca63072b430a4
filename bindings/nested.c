/* Runs inside one another. */
#include "bindings/nested.h"

#include "bindings/heap/heap.h"
#include "bindings/native.h"

typedef struct visiting {
    void (*visit)(dsl_host *run, void *ud);
    void *ud;
} visiting;

static void heaps_visit(const dsl_host *whole, const visiting *v);

/* Visits the runs of a state up to the host. A heap that is being closed has no face in its chain.
 */
static void chain_visit(dsl_runtime *runtime, const dsl_host *end, const visiting *v) {
    dsl_host *run = runtime ? runtime->host : NULL;
    for (; run && run != end; run = run->outer) {
        heaps_visit(run, v);
        v->visit(run, v->ud);
    }
}

static void heaps_visit(const dsl_host *whole, const visiting *v) {
    for (uint32_t i = 1; whole->heaps && i < whole->heaps->capacity; i++) {
        const dsl_heap *heap = dsl_heap_at(whole, i);
        if (heap && heap->state != DSL_HEAP_CLOSED)
            chain_visit(heap->face.runtime, &heap->face, v);
    }
}

void dsl_runs_inside(const dsl_host *host, void (*visit)(dsl_host *run, void *ud), void *ud) {
    visiting v = {visit, ud};
    chain_visit(host->whole->runtime, host->whole, &v);
    heaps_visit(host->whole, &v);
}

int dsl_runs(lua_State *L) {
    const dsl_runtime *runtime = dsl_runtime_of(L);
    const dsl_host *innermost = runtime->apart ? NULL : runtime->host;
    lua_Integer depth = 0;
    for (const dsl_host *host = innermost; host; host = host->outer)
        depth++;
    lua_createtable(L, (int)depth, 0);
    for (const dsl_host *host = innermost; host; host = host->outer) {
        if (host->core && dynsup_self(host->core))
            dsl_id_push(L, dynsup_self(host->core));
        else
            lua_pushboolean(L, 0);
        lua_rawseti(L, -2, depth--);
    }
    return 1;
}
