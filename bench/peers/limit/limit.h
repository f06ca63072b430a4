/*
 * The limit: bare loops over Lua coroutines, and over timers of libuv, without processes,
 * supervisors or anything else. The ratio shows what dynsup adds to these.
 *
 * Each question is a file of its own with one function; main.c lists them. The program ends when
 * something fails: nothing here is of use without its figures.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdbool.h>

/* How the program was called. */
typedef struct limit_ask {
    const char *question;
    char **kinds; /* the words of the command line */
    int kind_count;
    bool smoke; /* everything once, in small */
    bool arena; /* memory from dynsup's allocator, else from malloc */
} limit_ask;

/* One question in one size. */
typedef void limit_fn(const limit_ask *ask, int size);

limit_fn limit_start_child, limit_short_lived, limit_restart, limit_already_started,
    limit_terminate, limit_memory, limit_ping_pong, limit_server, limit_timers, limit_timers_uv,
    limit_step, limit_children, limit_compute, limit_codec, limit_growth;

/* Prints one figure in the form of bench/suite/harness.lua. */
void limit_figure(const limit_ask *ask, const char *kind, int size, double value, const char *unit);

/* Is this kind of figure wanted? */
bool limit_wants(const limit_ask *ask, const char *kind);

/* How often to do something: usual, or small in a smoke run. */
int limit_count(const limit_ask *ask, int usual, int small);

/* Prints the median, the 99th percentile and the greatest of the values, which it sorts. */
void limit_spread(const limit_ask *ask, const char *kind, int size, double *values, int count,
                  const char *unit);

double limit_now_ms(void);

/* The bytes of memory that the program has in use. */
double limit_resident(void);

/* count * size bytes, zeroed. */
void *limit_alloc(int count, size_t size);

/* A state with the standard libraries and the function receive, which gives way. */
lua_State *limit_open(const limit_ask *ask);
void limit_close(const limit_ask *ask, lua_State *L);

/* Runs a chunk, [-0, +n] its results. */
void limit_load(lua_State *L, const char *text);

/* Resumes co with nargs arguments on its stack; what it yields is dropped. The status. */
int limit_resume(lua_State *co, lua_State *from, int nargs);

/* Makes co fit for another function, whatever it was in the middle of. */
void limit_reset(lua_State *co, lua_State *from);

/* The function at index 1 in count new coroutines, each run to its first yield; a table at index 2
 * holds them. [-0, +1] when there was nothing at index 2. */
void limit_start_all(lua_State *L, int count);

/* The i-th of them, from 1. */
lua_State *limit_coroutine(lua_State *L, int i);

/* Loads the body of an idle child. [-0, +1] */
void limit_load_child(lua_State *L);

#endif
