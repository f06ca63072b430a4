/* What is shown of heaps: the function heaps, and where a process of another heap is. */
#include "bindings/heap/heap_look.h"

#include "bindings/child/field.h"
#include "bindings/heap/heap.h"
#include "bindings/protect.h"

#include <stdio.h>

/* ---- heaps ---- */

static size_t bytes_of(lua_State *L) {
    return (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB, 0);
}

/* Pushes the row of a heap. [-0, +1] */
static void push_row(lua_State *L, const dsl_heap *heap) {
    lua_createtable(L, 0, 5);
    dsl_field_integer(L, "heap", heap->number);
    dsl_field_integer(L, "processes", heap->processes);
    dsl_field_integer(L, "memory", bytes_of(heap->face.L));
    if (heap->max_bytes)
        dsl_field_integer(L, "limit", heap->max_bytes);
    dsl_field_flag(L, "lost", heap->state == DSL_HEAP_LOST);
}

static void push_first(lua_State *L, const dsl_host *whole) {
    lua_createtable(L, 0, 5);
    dsl_field_integer(L, "heap", 0);
    dsl_field_integer(L, "memory", bytes_of(whole->L));
    dsl_field_flag(L, "lost", false);
}

/* heaps() -> a list: the first heap, then the others that there are */
static int heaps(lua_State *L) {
    const dsl_host *whole = dsl_host_of(L)->whole;
    lua_Integer count = 1;
    dsl_check_count(L, 0, 0);
    lua_newtable(L);
    push_first(L, whole);
    lua_rawseti(L, -2, count);
    for (uint32_t i = 1; whole->heaps && i < whole->heaps->capacity; i++) {
        const dsl_heap *heap = dsl_heap_at(whole, i);
        if (!heap || heap->state == DSL_HEAP_CLOSED)
            continue;
        push_row(L, heap);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

const luaL_Reg dsl_heap_functions[] = {{"heaps", heaps}, {NULL, NULL}};

/* ---- processes ---- */

void dsl_heap_field(lua_State *L, const dynsup_process_info *info) {
    const dsl_host *face = dsl_face_in(info);
    if (!face)
        return;
    dsl_field_integer(L, "heap", face->heap ? face->heap->number : 0);
}

typedef struct tracing {
    lua_State *co;
    char *text;
    size_t size;
} tracing;

static int trace_protected(lua_State *L) {
    const tracing *t = lua_touserdata(L, 1);
    luaL_traceback(L, t->co, NULL, 0);
    snprintf(t->text, t->size, "%s", lua_tostring(L, -1));
    return 0;
}

void dsl_traceback_abroad(const dsl_body *body, char *text, size_t size) {
    tracing t = {body->inner, text, size};
    if (dsl_protect(body->host->L, trace_protected, &t) != LUA_OK)
        snprintf(text, size, "not enough memory");
}
