/*
 * dynsup in Lua, for C programs: hosts that the program steps, or that run by themselves.
 *
 * Host. A dynsup_lua_host is processes and supervisors in one lua_State, the program's or its own.
 * The library has no global state: hosts in one program are independent of each other, also in
 * several threads. A lua_State has one host at a time; in its processes the Lua function dynsup.run
 * runs others inside it.
 * Threads. A host and its lua_State belong to one thread, at first the one that made it. Functions
 * that another thread may call say so; there are three: dynsup_lua_host_post and _wake at any time,
 * and _adopt while nobody uses the host.
 * Re-entrancy. Callbacks of the program's (workers, events, replies, posts) may call every function
 * here except those that step, run, close or free the host. Log sinks, clocks, allocators and
 * `wake` may call none.
 * Lua. No function here raises an error or needs protection, unless it says so. Those with a
 * lua_State and [-n, +m] take n values from its stack and leave m; the thread may be any of the
 * host's state. Errors leave nothing there; misuse and DYNSUP_ECLOSED leave the stack as it was.
 * Errors. Functions return 0 (or what they say) or a negative code, of which
 * dynsup_atom_text(-code) is the name. DYNSUP_ENOMEM leaves everything as it was. DYNSUP_ECLOSED:
 * the lua_State was closed before its host; while the host ends in it, from the host's own
 * finalizer on, functions that take a worker's argument or a `done` return it, too. Finalizers that
 * lua_close calls earlier, of objects younger than the host, get no such error, though a `done` or
 * `drop` that they pass may never be called, whatever is said below. So close the host first.
 * Misuse (the wrong thread, a call from a forbidden place, NULL where a value is needed) asserts in
 * debug builds; in release builds functions that return a code return DYNSUP_EMISUSE. Nothing
 * prints, exits or aborts.
 *
 * A step in which nothing happens allocates nothing.
 *
 * It includes dynsup_lua_child.h: workers in C, supervisors and children. docs/embedding.md is the
 * guide; examples/embed/ has small programs.
 */
#ifndef DYNSUP_LUA_H
#define DYNSUP_LUA_H

#include "core/dynsup.h"

#ifdef __cplusplus
extern "C" {
#endif
#include <lua.h>
#ifdef __cplusplus
}
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DYNSUP_DECLARATIONS_BEGIN

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

/* Notifications for a service manager about a run. They are called in the host's thread, between
 * slices or in the loop; they may not call Lua or dynsup. */
typedef struct dynsup_lua_service {
    void (*on_ready)(void *ud);    /* once: main has called ready, or its function has returned */
    void (*on_stopping)(void *ud); /* once: the orderly end begins */
    void (*on_beat)(void *ud);     /* every beat_ms, as long as the loop turns */
    uint64_t beat_ms;              /* 0: never; real clock only */
    void *ud;
} dynsup_lua_service;

struct uv_loop_s;

typedef struct dynsup_lua_host dynsup_lua_host;

/* What ends the slices of Lua code that does not give way. */
enum dynsup_lua_preempt {
    /* A count hook in each process looks at the time every 1,000 instructions (on a virtual clock:
     * ends a slice after 100,000 instructions a millisecond). No thread, no signal; a tight loop
     * takes two to three times as long as without it. */
    DYNSUP_LUA_PREEMPT_COUNT,
    /* A watchdog thread sends SIGURG to the host's thread when a slice runs too long; its handler
     * calls the previous one, which is restored with the last such host. Code that gives way in
     * time pays nothing. Needs the real clock and a loop; otherwise the same as COUNT. */
    DYNSUP_LUA_PREEMPT_SIGNAL,
    DYNSUP_LUA_PREEMPT_NONE /* slices end only where bodies wait: an endless loop never does */
};

/*
 * How a host is made. All zero is a host for embedding: no loop, the system's monotonic clock,
 * preemption by a count hook, no log, no limits; it starts no thread, touches no signal and reads
 * no environment. The struct is copied; what its pointers lead to must outlive the host.
 */
typedef struct dynsup_lua_config {
    /* ---- clock and loop ---- */

    /* Time stands still while anything is ready. A run lets it jump to the next deadline; a program
     * that steps moves it by dynsup_lua_host_advance. It begins at 0. Excludes a loop and `now`. */
    bool virtual_clock;
    /* Mirrors the virtual time in ns; must outlive the host; dates dynsup_lua_log's lines. NULL:
     * they have the system's time. */
    uint64_t *virtual_ns;
    /* The time in ns, which never decreases; NULL: the system's monotonic clock. A game that stops
     * this clock stops its workers' timers; slices, budgets of steps and the time of close handlers
     * are real time. Called often. Excludes a loop: a host with one has the monotonic clock,
     * by which its loop waits. */
    uint64_t (*now)(void *ud);
    void *now_ud;
    /* An event loop of the host's own, which dynsup.net, dynsup.http and luv need. The program
     * steps the host and waits with dynsup_lua_host_backend_fd, or lets it run. */
    bool own_loop;
    /* The program's own libuv loop, in place of own_loop; NULL: none. Running it then runs the
     * host, too. It must exist until the host is freed and, where scripts use luv, until the
     * lua_State is closed and the loop has turned once more. luv's handles in it are closed with
     * the host. A lua_State has one loop for its life. */
    struct uv_loop_s *loop;
    /* How long the host may run in one turn of a loop, in ns; 0: 1 ms. */
    uint64_t turn_ns;
    /* Called when a host that is not being stepped has something to do: after a post, from the
     * thread that posts; after a send, a timer or a start by the program, in the host's own. Called
     * once until the next step, which should come soon. It may not call dynsup. NULL: the program
     * steps the host anyway. Without a loop only: a loop is woken by itself. */
    void (*wake)(void *ud);
    void *wake_ud;

    /* ---- slices ---- */

    enum dynsup_lua_preempt preempt;
    double slice_ms; /* how long a slice may last; 0: 1 ms */

    /* ---- memory and limits ---- */

    /* The allocator, as lua_Alloc; blocks aligned to 16 bytes, as malloc's are (a few are tried
     * when the host is made; less is misuse); NULL: the lua_State's own allocator, and the C
     * library's for the host itself. Also the allocator of a lua_State that the host makes. Used in
     * the host's thread only. What libuv, luv, libcurl and requests in their threads need is
     * malloc's in every case. */
    dynsup_alloc_fn alloc;
    void *alloc_ud;
    /* How many bytes may be in use by a lua_State that the host makes, including all of the host's
     * own. Beyond that, allocations fail, except for what luv hands to its callbacks, where a
     * failure could not be reported. 0: no limit. Misuse with a lua_State of the program's, whose
     * allocator is the program's business. */
    size_t max_bytes;
    /* How many processes there may be; one more fails as for want of memory. 0: no limit. */
    size_t max_processes;
    /* Each process has an account of its memory from the beginning, which info shows; code that
     * does nothing but allocate takes 10 to 25 % more instructions. Otherwise accounts begin with
     * the first child that has `max_memory`. Not with a lua_State of the program's that has an
     * allocator of the program's. */
    bool memory_accounts;

    /* Called when a further heap has been made, with its lua_State L, which has Lua's libraries and
     * the module: to add the program's functions. heap is the host as that state sees it, for
     * functions that take a lua_State of that heap. Runs protected; after an error there is no
     * heap. It may not call dynsup. NULL: nothing is added. */
    void (*open_heap)(void *ud, dynsup_lua_host *heap, lua_State *L);
    void *open_heap_ud;

    /* ---- events ---- */

    /* A bit (1 << kind) for each kind of event that on_event is called for, soon after it happened,
     * between two slices. The event and what it leads to are borrowed for the call. It may call
     * what callbacks may. */
    uint32_t events;
    void (*on_event)(void *ud, dynsup_lua_host *host, const dynsup_event *event);
    void *event_ud;

    /* ---- what must be asked for ---- */

    /* SIGINT and SIGTERM halt the host, SIGHUP where no observer asks for it (with a loop only); a
     * second SIGINT ends the program. A SIGHUP ends it when the loop has not handled it after 5 s
     * and no observer has ever asked; it does nothing if the program was started with SIGHUP
     * ignored.
     * After the last such host the signals have their default actions: the program must set its own
     * handlers again. */
    bool signals;
    /* SIGPIPE is caught once a socket is made, where the program leaves it at its default, which
     * ends the program when a peer goes away. */
    bool sigpipe;
    /* dynsup.fs, dynsup.http and look-ups of host names may use libuv's pool of threads. Otherwise
     * files are read and written in the caller's slice, and the other two are refused. */
    bool threads;
    /* A lua_State that the host makes takes its search paths from LUA_PATH and LUA_CPATH. */
    bool environment;

    /* ---- runs ---- */

    bool stays; /* a run on the real clock ends only when it is halted */
    /* With a virtual clock: only main and start functions run, all other processes are idle;
     * dynsup.check gets what is refused. */
    bool dry;
    bool copy_messages; /* tables in messages are copied, also within a heap: to find senders that
                           change them */
    uint64_t seed;      /* of all randomness; 0: from the system (1 with a virtual clock) */
    const dynsup_lua_service *service; /* NULL: none */

    /* ---- log ---- */

    enum dynsup_level level; /* 0: nothing is logged */
    enum dynsup_log_format format;
    /* One line or report, without a final newline; NULL: none. In all formats except text the line
     * has its level and the wall clock's time. May not call Lua or dynsup. */
    void (*log)(void *ud, enum dynsup_level level, const char *text, size_t size);
    void *log_ud;
    /* Each event of the run as a line of fields (logfmt), as log; NULL: none. With a virtual clock
     * the lines are the same, byte for byte, in each run with the same seed and inputs. */
    void (*event_log)(void *ud, enum dynsup_level level, const char *text, size_t size);
    void *event_log_ud;
} dynsup_lua_config;

enum dynsup_lua_end {
    DYNSUP_LUA_DONE,     /* nothing more can happen; the results were pushed */
    DYNSUP_LUA_FAILED,   /* the main process ended abnormally; its reason was pushed */
    DYNSUP_LUA_DEADLOCK, /* the main process waits for what cannot come; the place was pushed */
    DYNSUP_LUA_HALTED    /* by halt or by a signal; the code was pushed */
};

/* ---- hosts ----------------------------------------------------------------------------------- */

/* A new host in the lua_State, which is the program's and must be closed after the host; or, with L
 * NULL, in one of its own, with all of Lua's libraries. The program's lua_State needs the base and
 * package libraries, and what dynsup's modules and scripts use: best all, by luaL_openlibs. Opens
 * the module dynsup, as luaopen_dynsup does. config may be NULL. From here on the program's Lua
 * code outside of processes may call the functions that need no process: start_child, send, spawn,
 * observe. 0; DYNSUP_EALREADY_STARTED: the lua_State has a host; DYNSUP_ETAKEN: it has another
 * loop; DYNSUP_ENO_LOOP: libuv could not make what is needed; DYNSUP_EMISUSE: the config
 * contradicts itself, or its alloc aligns to less than 16 bytes; DYNSUP_EREASON: the lua_State
 * lacks a library, has another library's module dynsup (a script has required it before), or cannot
 * keep the accounts of memory that config asks for, as a line of level error in config's log says;
 * DYNSUP_ENOMEM. With an error *host_out is NULL. */
int dynsup_lua_host_new(lua_State *L, const dynsup_lua_config *config, dynsup_lua_host **host_out);

/* Ends what is left at once (processes as by "kill", their close handlers included) and frees the
 * host, and its lua_State if that is its own. Not from a callback of the host's or its loop's. The
 * program's loop may be turned, without blocking, to close the host's handles and luv's; requests
 * of luv's that threads work on and that cannot be cancelled are waited for. Also works when the
 * lua_State was closed before: then the processes ended there, and the loop was turned. NULL is
 * allowed. */
void dynsup_lua_host_free(dynsup_lua_host *host);

/* The orderly end: halts the host, unless that has been done, lets it run until it has ended, for
 * at most patience_ns of real time, and frees it. Blocks; between two steps it sleeps, or waits in
 * the loop. 0: all ended in order. DYNSUP_ETIMEOUT: what was left has been killed. DYNSUP_ECLOSED:
 * only the host had to be freed. With DYNSUP_EMISUSE the host is as it was. */
int dynsup_lua_host_close(dynsup_lua_host *host, uint64_t patience_ns);

/* Begins the orderly end; steps do the work, until they return DYNSUP_ENDED. Supervisors started by
 * no process, and those of a main process, stop first, the last one started first; then all other
 * processes get "shutdown", and 5 s later "kill". Whatever is started after all have ended is
 * killed in the next step. The first call decides the code. */
int dynsup_lua_host_halt(dynsup_lua_host *host, int code);

/* Runs what is ready, until nothing is or budget_ns have passed (0: one batch, of at most 16
 * slices). The budget is real time, also where `now` stands still; on a virtual clock it is
 * counted, the same in each run: 100,000 instructions are a millisecond, charged when a slice is
 * ended, and each slice and each exit is a microsecond. The budget can be overrun by the interval
 * of the count hook (1,000 instructions; on a virtual clock a slice), by a C function that runs
 * long, a step of Lua's collector, or what dynsup_host_step names. Every ready process has a turn
 * before any has a second one, over as many steps as that takes. With a loop it checks what has
 * arrived there, without blocking. Returns an enum dynsup_state: DYNSUP_READY: there is work left;
 * DYNSUP_WAITING: none before *deadline_ns_out on the host's clock, which may have passed
 * meanwhile; DYNSUP_STILL; DYNSUP_ENDED. deadline_ns_out may be NULL; it is DYNSUP_NEVER in the
 * other cases. Not where the program's loop runs the host. */
int dynsup_lua_host_step(dynsup_lua_host *host, uint64_t budget_ns, uint64_t *deadline_ns_out);

/* Runs until nothing more can happen (DYNSUP_STILL) or the host has ended (DYNSUP_ENDED). Blocks.
 * DYNSUP_ENO_LOOP: without a loop only a host with a virtual clock can run. Not from a callback of
 * the loop. */
int dynsup_lua_host_run(dynsup_lua_host *host);

/* The time of the host's clock in ns. */
uint64_t dynsup_lua_host_now(dynsup_lua_host *host);

/* Moves a virtual clock on, to the end of time at most. */
int dynsup_lua_host_advance(dynsup_lua_host *host, uint64_t ns);

/* For poll, epoll and other loops: the descriptor of the host's loop, which stays the same. When it
 * is readable it is time for a step. DYNSUP_ENO_LOOP. */
int dynsup_lua_host_backend_fd(dynsup_lua_host *host);

/* How many ms to wait for the descriptor at most (-1: without limit); after that it is also time
 * for a step. Ask again after each step, and after anything else was done to the host. An error is
 * less than -1: DYNSUP_ENO_LOOP. */
int dynsup_lua_host_timeout_ms(dynsup_lua_host *host);

/* The host belongs to the calling thread from now on. From any thread; but no thread may be using
 * the host or its lua_State, and all that the former thread did to them must happen before. */
void dynsup_lua_host_adopt(dynsup_lua_host *host);

/* The core's host, for all that dynsup.h offers, under its contracts; NULL when the lua_State has
 * been closed. Its values that are objects (DYNSUP_OBJECT) belong to the host here. */
dynsup_host *dynsup_lua_host_core(dynsup_lua_host *host);

/* The lua_State that the host works in: a thread of its own in the program's state, or the one that
 * it made. NULL when it has been closed. */
lua_State *dynsup_lua_host_state(dynsup_lua_host *host);

/* The explanation, for people, of the last call that failed with DYNSUP_EREASON; valid until the
 * next such call. "" if there is none. */
const char *dynsup_lua_host_error(const dynsup_lua_host *host);

/* ---- processes and messages ------------------------------------------------------------------ */

/* A simple value of C's. Made by the functions below; a text is borrowed for the call it is made
 * for. */
typedef struct dynsup_lua_value {
    dynsup_value value; /* a text's is nil */
    const char *text;   /* or NULL */
    size_t size;
} dynsup_lua_value;

static inline dynsup_lua_value dynsup_lua_integer(int64_t integer) {
    dynsup_lua_value v = {{DYNSUP_INTEGER, {0}}, NULL, 0};
    v.value.as.integer = integer;
    return v;
}

static inline dynsup_lua_value dynsup_lua_number(double number) {
    dynsup_lua_value v = {{DYNSUP_NUMBER, {0}}, NULL, 0};
    v.value.as.number = number;
    return v;
}

static inline dynsup_lua_value dynsup_lua_boolean(bool boolean) {
    dynsup_lua_value v = {{DYNSUP_BOOLEAN, {0}}, NULL, 0};
    v.value.as.boolean = boolean;
    return v;
}

/* nil for 0. */
static inline dynsup_lua_value dynsup_lua_pid(dynsup_pid pid) {
    dynsup_lua_value v = {{pid ? DYNSUP_ID : DYNSUP_NIL, {0}}, NULL, 0};
    v.value.as.id = pid;
    return v;
}

static inline dynsup_lua_value dynsup_lua_text(const char *text, size_t size) {
    dynsup_lua_value v = {{DYNSUP_NIL, {0}}, text, size};
    return v;
}

/* Sends a message of count simple values (at least 1, the first not nil) to the process; for a dead
 * one it is dropped. 0, DYNSUP_ENOMEM, DYNSUP_EMAILBOX_FULL (its child's max_mailbox), or
 * DYNSUP_EMESSAGE_TOO_BIG (its child's max_message, where it lives in another heap). */
int dynsup_lua_send(dynsup_lua_host *host, dynsup_pid pid, const dynsup_lua_value *values,
                    int count);

/* The same with the count values on top of L: tables go by reference, as from Lua. Also
 * DYNSUP_EREASON, explained by dynsup_lua_host_error: a value that cannot go to another heap (a
 * function), or an error of a type's `__pack`. [-count, +0] */
int dynsup_lua_send_stack(dynsup_lua_host *host, lua_State *L, dynsup_pid pid, int count);

/* Pushes a pid as Lua code sees it, nil for 0. [-0, +1] */
void dynsup_lua_pid_push(lua_State *L, dynsup_pid pid);

/* The pid at the index; 0 if the value there is no pid. [-0, +0] */
dynsup_pid dynsup_lua_pid_at(lua_State *L, int index);

/* A new process that runs the Lua function below its nargs arguments. Its first slice comes with a
 * step. *pid_out may be left out (NULL). [-(nargs+1), +0] 0 or DYNSUP_ENOMEM. */
int dynsup_lua_spawn(dynsup_lua_host *host, lua_State *L, int nargs, dynsup_pid *pid_out);

/* The same for the main process, of which a host has at most one. When its function returns the
 * process stays, as the parent of what it has started. To run a script as `dynsup run` does, load
 * it (luaL_loadfile) and spawn it this way. */
int dynsup_lua_spawn_main(dynsup_lua_host *host, lua_State *L, int nargs, dynsup_pid *pid_out);

/* ---- events ---------------------------------------------------------------------------------- */

/* Writes an event as a report, in several lines; cut to size, 0-terminated. Returns its length. */
size_t dynsup_lua_event_text(dynsup_lua_host *host, const dynsup_event *event, char *text,
                             size_t size);

/* Writes a reason of any kind in a few words; cut to size, 0-terminated. */
void dynsup_lua_reason_text(dynsup_lua_host *host, const dynsup_reason *reason, char *text,
                            size_t size);

/* How many events on_event did not get, for want of memory. */
uint64_t dynsup_lua_host_lost(const dynsup_lua_host *host);

/* ---- other threads --------------------------------------------------------------------------- */

/* A piece of work for a host's thread, in memory of the program's. `call` is called once, in the
 * host's thread, at the beginning of a step or in the loop; host is NULL if the host has ended
 * instead. From then on the struct is the program's again: call may free it or post it. */
typedef struct dynsup_lua_post {
    void (*call)(struct dynsup_lua_post *post, dynsup_lua_host *host);
    struct dynsup_lua_post *next; /* the host's, until call */
} dynsup_lua_post;

/* From any thread, as long as the host exists, and not while its lua_State is being closed: hands
 * the post over and wakes the host. Posts of one thread are called in order. Takes no lock and
 * allocates nothing. */
void dynsup_lua_host_post(dynsup_lua_host *host, dynsup_lua_post *post);

/* From any thread or signal handler, under the same conditions: the host is to be stepped soon,
 * without a post. */
void dynsup_lua_host_wake(dynsup_lua_host *host);

/* ---- states and runs ------------------------------------------------------------------------- */

/* A new Lua state with an allocator made for many coroutines: their memory comes from the system on
 * huge pages and in blocks without headers. A host in this state, as in any other, uses its state's
 * allocator. NULL without memory. The caller closes it by dynsup_lua_close. Like lua_newstate it
 * opens no library and sets no function for panics and warnings. */
lua_State *dynsup_lua_newstate(void);

/* Closes a state that dynsup_lua_newstate has made, and frees its memory. */
void dynsup_lua_close(lua_State *L);

/* Pushes a value as text: as tostring, but for a table without __tostring what it holds, in short:
 * { code = 404, message = not found }. Calls __tostring; raises what that raises. [-0, +1] */
void dynsup_lua_text_push(lua_State *L, int index);

/* Writes a line that belongs to no run into config's log, if its level is wanted. event is its name
 * in the structured formats. */
void dynsup_lua_log(const dynsup_lua_config *config, enum dynsup_level level, const char *event,
                    const char *text, size_t size);

/* Opens the module: [-0, +1] its table. It also replaces the coroutine library, require and os.exit
 * by versions that behave the same outside a host. */
int luaopen_dynsup(lua_State *L);

/* For a program that is dynsup's as a whole: sets preemption by signal, the pool of threads,
 * SIGPIPE and the environment; the rest of *config stays as it is. */
void dynsup_lua_config_program(dynsup_lua_config *config);

/* Runs the function below its nargs arguments on the stack as the main process of a new host, until
 * nothing more can happen or it is halted; then everything is stopped in order. Unless config says
 * otherwise the run has a loop of its own. [-(nargs+1), +n] results by the end returned; *count_out
 * is n. Blocks. Raises on misuse and without memory. */
enum dynsup_lua_end dynsup_lua_run(lua_State *L, const dynsup_lua_config *config, int nargs,
                                   int *count_out);

DYNSUP_DECLARATIONS_END

#include "bindings/dynsup_lua_child.h"

#endif
