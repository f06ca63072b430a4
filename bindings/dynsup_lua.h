/*
 * dynsup in Lua: how a C program runs Lua code as the main process of a host.
 *
 * A lua_State has at most one host running at a time on top; a run inside a run is a host of its
 * own. All functions belong to the thread that uses the state.
 */
#ifndef DYNSUP_LUA_H
#define DYNSUP_LUA_H

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dynsup_level {
    DYNSUP_LEVEL_OFF,
    DYNSUP_LEVEL_ERROR,
    DYNSUP_LEVEL_WARNING,
    DYNSUP_LEVEL_INFO,
    DYNSUP_LEVEL_DEBUG
};

/* How lines of the log are written. */
enum dynsup_log_format {
    DYNSUP_LOG_TEXT,   /* for people: a sentence, reports in several lines */
    DYNSUP_LOG_LOGFMT, /* one line of fields each: key=value */
    DYNSUP_LOG_JSON    /* one line of fields each: a JSON object */
};

/* Who is told how a run fares: a service manager's side. Calls come in the host's thread, between
 * slices or in the loop; they may not call Lua or dynsup. */
typedef struct dynsup_lua_service {
    void (*on_ready)(void *ud);    /* once: main has called ready, or its function has returned */
    void (*on_stopping)(void *ud); /* once: the orderly end begins */
    void (*on_beat)(void *ud);     /* every beat_ms, as long as the loop turns */
    uint64_t beat_ms;              /* 0: never; real clock only */
    void *ud;
} dynsup_lua_service;

/* All zero is a host on the real clock that logs nothing. Pointers are borrowed for the run. */
typedef struct dynsup_lua_config {
    bool virtual_clock; /* time jumps to the next deadline when nothing is ready */
    bool no_preempt;    /* slices end only where bodies wait */
    bool count_hook;    /* preempt by a count hook in place of a watchdog thread and SIGURG; always
                           so with a virtual clock */
    bool signals;       /* SIGINT and SIGTERM halt the host, SIGHUP where no observer asks for it; a
                           second SIGINT ends the program */
    bool stays;         /* a run on the real clock ends when it is halted only */
    bool copy_messages; /* tables in messages are copied, also within a heap: to find violations */
    bool dry;        /* with a virtual clock: only main and start functions run, all other processes
                        are idle; what is refused is told to dynsup.check */
    double slice_ms; /* 0: 1 ms */
    uint64_t seed;   /* 0: from the system (1 with a virtual clock) */
    enum dynsup_level level;
    enum dynsup_log_format format;
    /* One line or report, without a final newline; NULL: none. In the other formats than text its
     * level is in the line, and the wall clock's time. May not call Lua or dynsup. */
    void (*log)(void *ud, enum dynsup_level level, const char *text, size_t size);
    void *log_ud;
    const dynsup_lua_service *service; /* NULL: nobody is told */
} dynsup_lua_config;

enum dynsup_lua_end {
    DYNSUP_LUA_DONE,     /* nothing can happen any more; results were pushed */
    DYNSUP_LUA_FAILED,   /* the main process ended abnormally; its reason was pushed */
    DYNSUP_LUA_DEADLOCK, /* the main process waits for what cannot come; where was pushed */
    DYNSUP_LUA_HALTED    /* by halt or by a signal; the code was pushed */
};

/* A new Lua state with an allocator made for many coroutines: their memory comes from the system on
 * huge pages and in blocks without headers. A host in the state, and in any other, allocates by its
 * state's allocator. NULL without memory. The caller closes it by dynsup_lua_close. Like
 * lua_newstate it opens no library and sets no function for panics and warnings. */
lua_State *dynsup_lua_newstate(void);

/* Closes a state that dynsup_lua_newstate has made, and frees its memory. */
void dynsup_lua_close(lua_State *L);

/* Pushes a value as text: as tostring, but what a table without a text of its own holds, in short:
 * { code = 404, message = not found }. Calls __tostring; raises what that raises. [-0, +1] */
void dynsup_lua_text_push(lua_State *L, int index);

/* Writes a line that comes from nobody's run into config's log, if its level is wanted. event is
 * its name in the structured formats. */
void dynsup_lua_log(const dynsup_lua_config *config, enum dynsup_level level, const char *event,
                    const char *text, size_t size);

/* Opens the module: [-0, +1] its table. It also replaces the coroutine library, require and os.exit
 * by versions that behave the same outside a host. */
int luaopen_dynsup(lua_State *L);

/* Runs the function below its nargs arguments on the stack as the main process of a new host, until
 * nothing can happen any more or it is halted; then everything is stopped in order. [-(nargs+1),
 * +n] results by the end returned; *count_out is n. Blocks. Raises on misuse and without memory. */
enum dynsup_lua_end dynsup_lua_run(lua_State *L, const dynsup_lua_config *config, int nargs,
                                   int *count_out);

#endif
