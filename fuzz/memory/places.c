/* The places at which a process asks for memory.
 *
 * A place is the way there: the functions of C on the stack, up to FRAMES of them, and the line of
 * Lua that runs, where it is known. The line matters, for all of Lua comes through the same few
 * functions of C. It is known in a program with a shared library of Lua (fuzz/memory/lua.c), where
 * these lua_resume and lua_pcallk are called in place of Lua's own. Whatever leaves lua_pcallk by a
 * jump (a yield, or an error when it has a continuation) ends in the lua_resume of the same
 * coroutine, which sets right again which one runs.
 *
 * Addresses are counted from the beginning of their library, so that a place is the same number in
 * all processes. Two different places are one number by accident once in 2^64 pairs. */
#define _GNU_SOURCE
#include "fuzz/memory/places.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <unwind.h>

enum {
    FRAMES = 16, /* from a worker's own code through the core */
    SLOTS = 1 << 18,
};

static atomic_ullong seen[SLOTS]; /* open addressing; 0: free */
static int file = -1;
static _Thread_local lua_State *running;

/* ---- which coroutine runs ---- */

#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

int lua_resume(lua_State *L, lua_State *from, int count, int *results) {
    NEXT(lua_resume);
    lua_State *before = running;
    running = L;
    int status = next(L, from, count, results);
    running = before;
    return status;
}

int lua_pcallk(lua_State *L, int count, int results, int handler, lua_KContext context,
               lua_KFunction k) {
    NEXT(lua_pcallk);
    lua_State *before = running;
    running = L;
    int status = next(L, count, results, handler, context, k);
    running = before;
    return status;
}

/* ---- a place ---- */

typedef struct way {
    unsigned long long place;
    int depth;
} way;

static void add(way *w, unsigned long long part) {
    w->place = (w->place ^ part) * 0x9e3779b97f4a7c15ull;
    w->place ^= w->place >> 29;
}

static bool is_own(const struct dl_find_object *object) {
    return (uintptr_t)object->dlfo_map_start <= (uintptr_t)&seen &&
           (uintptr_t)&seen < (uintptr_t)object->dlfo_map_end;
}

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *data) {
    way *w = data;
    void *address = (void *)_Unwind_GetIP(context); // NOLINT(performance-no-int-to-ptr)
    struct dl_find_object found;
    if (_dl_find_object(address, &found) != 0)
        return _URC_END_OF_STACK;
    if (is_own(&found))
        return _URC_NO_REASON;
    add(w, (uintptr_t)address - (uintptr_t)found.dlfo_map_start);
    add(w, (uintptr_t)found.dlfo_map_end - (uintptr_t)found.dlfo_map_start);
    return ++w->depth < FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* Since Lua 5.4.5 what is read here is no address while a stack is made larger. */
#define HAS_LINES (LUA_VERSION_RELEASE_NUM < 50405)

static __typeof__(&lua_getstack) getstack;
static __typeof__(&lua_getinfo) getinfo;

static bool find_lua(void) {
    if (!getstack) {
        *(void **)&getinfo = dlsym(RTLD_DEFAULT, "lua_getinfo");
        *(void **)&getstack = dlsym(RTLD_DEFAULT, "lua_getstack");
    }
    return getinfo && getstack;
}

/* The line of the innermost function of Lua's. */
static void add_line(way *w) {
    lua_Debug at;
    for (int level = 0; getstack(running, level, &at); level++) {
        if (!getinfo(running, "Sl", &at) || at.currentline < 0)
            continue;
        for (const char *c = at.short_src; *c; c++)
            add(w, (unsigned char)*c);
        add(w, (unsigned)at.currentline);
        return;
    }
}

unsigned long long places_here(void) {
    way w = {.place = 1};
    _Unwind_Backtrace(add_frame, &w);
    if (HAS_LINES && running && find_lua())
        add_line(&w);
    return w.place | 1;
}

/* Is it the first time? A full table takes none any more, and the file says so. */
static bool is_new(unsigned long long p) {
    for (size_t i = 0; i < SLOTS; i++) {
        atomic_ullong *slot = &seen[(p + i) % SLOTS];
        unsigned long long there = 0;
        if (atomic_compare_exchange_strong(slot, &there, p))
            return true;
        if (there == p)
            return false;
    }
    dprintf(file, "full\n");
    return false;
}

void places_open(const char *path) {
    file = fcntl(open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666), F_DUPFD_CLOEXEC, 901);
}

void places_note(long n) {
    if (file < 0)
        return;
    unsigned long long p = places_here();
    if (is_new(p))
        dprintf(file, "%ld %llx\n", n, p);
}
