/*
 * The C half of dynsup.observer: the processes with most of something.
 *
 * Design notes.
 * A walk over all processes keeps the best in a heap whose root is the least of them, so that a
 * process costs a reading, mostly one comparison, and no Lua value.
 */
#include "bindings/observe/look.h"
#include "core/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOP         "dynsup.top"
#define WALK_PLACES DSI_TINY(2048, 3) /* of the process table that one call looks at */

typedef double (*measure_fn)(const dynsup_process_info *info);

typedef struct entry {
    double value;
    dynsup_pid pid;
} entry;

typedef struct top {
    measure_fn measure;
    uint32_t cursor;
    size_t count, limit;
    entry heap[];
} top;

/* ---- what is measured ---- */

static double slices_of(const dynsup_process_info *info) {
    return (double)info->slices;
}

static double cpu_of(const dynsup_process_info *info) {
    return (double)info->cpu_ns;
}

static double mailbox_of(const dynsup_process_info *info) {
    return (double)info->message_count;
}

static double memory_of(const dynsup_process_info *info) {
    return (double)dsl_process_memory(info);
}

static const struct measure {
    const char *name;
    measure_fn measure;
} measures[] = {
    {"slices", slices_of},
    {"cpu_time", cpu_of},
    {"mailbox", mailbox_of},
    {"memory", memory_of},
};

static measure_fn measure_find(const char *name) {
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        if (strcmp(measures[i].name, name) == 0)
            return measures[i].measure;
    return NULL;
}

/* ---- the heap ---- */

/* Of equal processes the one made first counts as the greater: so the result is the same in every
 * run. */
static bool is_less(const entry *a, const entry *b) {
    return a->value < b->value || (a->value == b->value && a->pid > b->pid);
}

static void swap(entry *a, entry *b) {
    entry old = *a;
    *a = *b;
    *b = old;
}

static void sift_up(entry *heap, size_t i) {
    for (; i > 0 && is_less(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&heap[i], &heap[(i - 1) / 2]);
}

static void sift_down(entry *heap, size_t count) {
    size_t i = 0;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++)
            if (is_less(&heap[child], &heap[least]))
                least = child;
        if (least == i)
            return;
        swap(&heap[i], &heap[least]);
        i = least;
    }
}

static void add(top *t, const entry *new) {
    if (t->count < t->limit) {
        t->heap[t->count] = *new;
        sift_up(t->heap, t->count++);
    } else if (is_less(&t->heap[0], new)) {
        t->heap[0] = *new;
        sift_down(t->heap, t->count);
    }
}

/* ---- functions ---- */

/* top(measure, limit) -> userdata; nil for an unknown measure */
int dsl_look_top(lua_State *L) {
    measure_fn measure = measure_find(luaL_checkstring(L, 1));
    size_t limit = (size_t)luaL_checkinteger(L, 2);
    if (!measure)
        return 0;
    top *t = lua_newuserdatauv(L, sizeof *t + limit * sizeof *t->heap, 0);
    *t = (top){.measure = measure, .limit = limit};
    luaL_newmetatable(L, TOP);
    lua_setmetatable(L, -2);
    return 1;
}

/* top_walk(top) -> whether there is more to walk */
int dsl_look_top_walk(lua_State *L) {
    top *t = luaL_checkudata(L, 1, TOP);
    const dynsup_host *core = dsl_host_of(L)->core;
    dynsup_pid pids[WALK_PLACES];
    dynsup_process_info info;
    size_t count = dynsup_process_page(core, &t->cursor, WALK_PLACES, pids, WALK_PLACES);
    for (size_t i = 0; i < count; i++)
        if (dynsup_process_glance(core, pids[i], &info))
            add(t, &(entry){t->measure(&info), pids[i]});
    lua_pushboolean(L, t->cursor != 0);
    return 1;
}

static int by_rank(const void *a, const void *b) {
    return is_less(a, b) ? 1 : -1;
}

/* top_rows(top) -> the rows, the greatest first; those that have ended meanwhile are left out */
int dsl_look_top_rows(lua_State *L) {
    top *t = luaL_checkudata(L, 1, TOP);
    dsl_host *host = dsl_host_of(L);
    lua_Integer rows = 0;
    if (t->count > 0)
        qsort(t->heap, t->count, sizeof *t->heap, by_rank);
    lua_createtable(L, (int)t->count, 0);
    for (size_t i = 0; i < t->count; i++)
        if (dsl_row_push(L, host, t->heap[i].pid))
            lua_rawseti(L, -2, ++rows);
    return 1;
}
