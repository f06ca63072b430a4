/*
 * The records of the binding (a runtime for each lua_State, a host for each run, coroutines as
 * bodies), and how a host is made, run and ended.
 *
 * Design notes.
 * Each lua_State has one dsl_runtime, for its life. Each run has one dsl_host and, where it has
 * further heaps (heap.h), one more for each: its face, the host as that heap's lua_State sees it.
 * All faces of a host have its core, loop and config. Bodies know the face of their heap; what is
 * the host's alone (main, observers, taps, the log's limit, the posts, how it was made and how it
 * ended) is in the first face only, and reached by `whole`. Lua errors longjmp, so whatever may
 * raise is done on the running lua_State before the core is entered. What the core calls back
 * (dsl_body_ops, program and object ops) never raises: it works on values that are already in
 * place, or in a protected call. dsl_body is a process's (or guest's) coroutine. Where user
 * coroutines are nested, `nest` holds the chain below the base, outermost first; `inner` is the
 * coroutine that is suspended for the scheduler, and values for it are moved to its stack.
 * host->switching, never a value, says whether a yield is meant for the scheduler or for the user's
 * own resume.
 */
#ifndef DSL_HOST_H
#define DSL_HOST_H

#include "bindings/dynsup_lua.h"
#include "bindings/vault.h"
#include "bindings/child/word.h"
#include "core/dynsup.h"
#include "core/dynsup_limits.h"
#include "core/dynsup_report.h"
#include "core/dynsup_uv.h"
#include "core/tiny.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct dsl_runtime dsl_runtime;
typedef struct dynsup_lua_host dsl_host;
typedef struct dsl_body dsl_body;
typedef struct dsl_server dsl_server;

/* One user coroutine of a chain, resumed on behalf of a process. */
typedef struct dsl_level {
    lua_State *co;
    lua_Hook hook; /* the user's, while the level is marked as suspended for the scheduler */
    int hook_mask;
    int hook_count;
    union { /* of a line: what is notified when its wait is given up */
        struct dsl_pending *pending;
        dynsup_ref call;
    };
} dsl_level;

/* The coroutines that user code has or sees in a process: most processes have none. */
typedef struct dsl_nest {
    uint16_t depth, capacity;
    dsl_level base; /* its co: the body's, once user code has seen it: it is not recycled */
    dsl_level levels[];
} dsl_nest;

/* What a suspended body waits for: how its next slice begins. */
enum dsl_wait {
    DSL_WAIT_START,   /* not begun: the function and its arguments are on the stack */
    DSL_WAIT_NOTHING, /* preempted, or it gave way: goes on with no values */
    DSL_WAIT_MESSAGE, /* receive: goes on with a message's values */
    DSL_WAIT_MATCH,   /* receive_match: its continuation looks for itself */
    DSL_WAIT_TIME,    /* sleep: no values */
    DSL_WAIT_VALUES,  /* await or a request: the values are on inner's stack */
    DSL_WAIT_PENDING, /* the same, fulfilled by libuv, which is notified when the wait is given up
                       */
    DSL_WAIT_CALL,    /* the same, for the reply to a call, or for a server's start */
    DSL_WAIT_FOREVER  /* halt: never */
};

/* What a guest is for. */
enum dsl_init {
    DSL_INIT_NONE,    /* to start a child */
    DSL_INIT_DYNAMIC, /* to initialise its supervisor */
    DSL_INIT_STATIC
};

struct dsl_body {
    dsl_host *host; /* the fields up to init are read to deliver a message: half a cache line */
    lua_State *inner;
    lua_State *co;
    int nargs;    /* values on inner's stack for its next resume */
    uint8_t wait; /* enum dsl_wait */
    bool timed_out : 1;
    bool exiting : 1; /* exit(reason) was called: host->exit_reason is set */
    bool closing : 1;
    bool closed : 1;
    bool is_main : 1;
    bool is_guest : 1;
    bool failed : 1;    /* by an error */
    bool has_line : 1;  /* its first level is a line of a session: see line.c */
    bool unwinding : 1; /* and that is to be unwound */
    bool serves : 1;    /* it runs a server's callback */
    uint8_t init;       /* enum dsl_init */
    union {
        dsl_nest *nest; /* NULL: user code has, and has seen, no coroutine: there is none to mark */
        dsl_body *next; /* in host->free_bodies */
    };
    struct dsl_account *account; /* of its process's memory; NULL: none yet, or none is kept */
    union {
        dsl_server *server; /* with `serves`: which keeps the dictionary */
        uint32_t dict;      /* in the vault, 0: none */
    };
    uint32_t anchor; /* of co, in the vault */
    uint32_t takes;  /* messages taken so far: a selective receive sees that others were taken */
};

_Static_assert(sizeof(dsl_body) <= 64,
               "one line of a cache: a million idle children have one each");

/* How many coroutines are nested in the body's own. */
static inline int dsl_body_depth(const dsl_body *body) {
    return body->nest ? body->nest->depth : 0;
}

/* Has user code seen the body's own coroutine? */
static inline bool dsl_body_is_seen(const dsl_body *body) {
    return body->nest && body->nest->base.co;
}

/* The callback, or log function, that runs in a state: see callback.c. */
struct dsl_callback_time {
    bool runs, over;
    bool counts;          /* instructions are its time */
    const dsl_body *body; /* in whose slice it was called; mostly NULL */
    uint64_t instructions_left;
    uint64_t deadline_ns;
};

struct dsl_runtime {
    lua_State *L;           /* the main thread */
    dsl_host *host;         /* the one that runs, or is attached; or NULL */
    struct uv_loop_s *loop; /* made by the first host that needs one, or the program's */
    bool loop_is_lent;      /* the program's */
    uint64_t runs;          /* so far */
    bool os_exit_open, os_time_open;
    bool is_further; /* the state is a further heap's */
    bool has_luv;    /* luv has been loaded */
    unsigned apart;  /* > 0: its code finds no host: see dsl_apart_begin */
    bool finishing;  /* the state is about to be closed: callbacks of the loop are dropped */
    struct dsl_callback_time callback;
    int hups;          /* how many SIGHUPs had come when one was last acted upon */
    bool generational; /* the collector's mode, as far as is known */
    bool hooked;       /* debug.sethook has been used: a hook may fail, which switches hooks off */
    int crash_meta;    /* registry references */
    int crash_keys;    /* a list: "error", "traceback", "callback", "last_message" */
    uintptr_t names_mark; /* traceback.c: of the modules whose functions' names are known */
    unsigned names_age;   /* tracebacks since they were read */
    int atoms;
    int codec_words;  /* a list: names of the fields that the codec reads of metatables */
    int codec_types;  /* a table: names of types, and what is registered for them */
    int server_words; /* a list: names of callbacks and fields; 0: not made yet */
    int named;        /* the function that calls another by its name: see process.c */
    int require;      /* the function made by scripts/dynsup/require.lua */
    int normalize;    /* normalize of scripts/dynsup/init.lua */
    int dry;          /* a table of functions: see dry.h; 0: none yet */
    uint64_t specs;   /* child specs that were read so far */
    uint64_t idle;    /* processes of dry runs that do not run, so far */
    const char *atom_texts[DYNSUP_ATOM_COUNT]; /* interned: strings compare by pointer */
    dsl_words words;
};

/* A value kept in the vault, as the next child mostly has the same one: see kept.h. */
typedef struct dsl_kept {
    const void *address; /* NULL: none */
    uint32_t slot;
} dsl_kept;

/* The function of the child started last, or its name. */
typedef struct dsl_function {
    dsl_kept kept;
    bool has_origin;             /* the host's origin is its own */
    struct dsl_program *program; /* runs the function without arguments; or NULL */
} dsl_function;

/* What a host is for. */
enum dsl_owner {
    DSL_OWNER_RUN,     /* dynsup_lua_run: it lives as long as the call */
    DSL_OWNER_PROGRAM, /* in the program's lua_State */
    DSL_OWNER_STATE    /* the program's, in a lua_State of its own */
};

#define DSL_POOL_MAX   DSI_TINY(1024, 1)
#define DSL_ERROR_SIZE 256

struct dynsup_lua_host {
    dsl_runtime *runtime;
    dsl_host *whole;         /* the first heap's face; in the first heap, the host itself */
    struct dsl_heap *heap;   /* whose face it is; NULL: the first heap's */
    struct dsl_heaps *heaps; /* of the whole host; NULL: there never was a further one */
    uint64_t heap_base;      /* the heap's part of its objects: see object.h */
    dsl_host
        *keepers; /* of the whole host: the faces that keep something, by next_keeper: see kept.h */
    dsl_host *next_keeper;
    struct dsl_pending *pendings; /* of a further heap's face: see pending.c */
    bool has_kept;                /* it is one of them */
    dsl_host *outer;
    lua_State *L; /* that called run; protected work outside of slices is done on it */
    dynsup_host *core;
    dynsup_uv *uv;    /* NULL: without a loop */
    dynsup_port port; /* without uv */
    uint64_t virtual_ns;
    uint64_t counted_ns; /* what work has taken, on a virtual clock */
    uint64_t seed;
    dsl_vault vault;
    lua_Alloc alloc; /* the state's; also for the core's memory and for bodies */
    void *alloc_ud;
    bool has_accounts;         /* of the whole host, in each of its heaps */
    struct dsl_memory *memory; /* the state's, once processes have accounts in it; or NULL */

    dsl_body *current;             /* whose slice runs */
    lua_State *volatile innermost; /* the coroutine that runs; read by a signal handler */
    lua_State *volatile armed;     /* the coroutine whose hook was set to preempt it */
    dsl_level saved;               /* armed's own hook */
    volatile bool hold;            /* the user's hooks are being looked at: do not arm */
    volatile uint64_t asked_slice; /* the number of the slice that was last asked to give way, */
    volatile dynsup_pid asked_pid; /* its process (one slice may run inside another), */
    volatile uint64_t asked_ns;    /* and when it was asked, in the time of work */
    dynsup_pid exceeded;           /* the last process to exceed its max_slice */
    bool switching;                /* this yield is for the scheduler */
    dynsup_reason exit_reason;     /* with which `current` exits, once it is exiting */
    bool chain_ok;                 /* all levels below the running one can yield */
    bool count_hook;
    int slice_count; /* instructions from one count hook to the next */
    uint64_t slice_ns;
    uint64_t close_deadline_ns;
    uint32_t close_left;                  /* calls of the hook that are left, on a virtual clock */
    bool close_over;                      /* that time is over: every instruction raises */
    bool service_ready, service_stopping; /* the service manager has been notified */
    bool releasing;    /* what an ended process owned is being closed, by Lua's closers */
    uint32_t holdings; /* in the vault: which process owns which Lua value; 0: nothing is owned */

    lua_State *pool[DSL_POOL_MAX]; /* finished coroutines, for the next processes */
    uint32_t pool_anchors[DSL_POOL_MAX];
    int pool_count;
    uint32_t pool_left; /* coroutines left to the collector: see pool.c */
    uint32_t cycle;     /* in the vault: the table that shows that a collection has passed; or 0 */
    dsl_body *free_bodies;
    dsl_function function; /* of the child started last, like the two that follow */
    dsl_kept child_id;
    dsl_kept server_module;
    struct dsl_origin *origin; /* of the last temporary child; or NULL */

    const dynsup_lua_config *config; /* own_config */
    dynsup_lua_config own_config;
    uint64_t number; /* of the run in its state; what belongs to another run has another number */
    struct dsl_cursor *cursors;      /* open ones */
    struct dsl_http *http;           /* made by the first request, or NULL */
    struct dsl_http_load *http_load; /* a thread is loading libcurl; or NULL */
    dynsup_limit limit;
    uint32_t last_messages; /* in the vault: a table from bodies to their last messages; or 0 */
    struct dsl_observer *observers;
    bool telling;           /* observers are being notified: none of their records is freed */
    struct dsl_note *notes; /* events that observers have not received yet, oldest first */
    struct dsl_note **last_note;
    uint32_t note_count;
    uint64_t note_number, observer_number;
    bool until_halt;                /* the run goes on until it is halted, as a user may attach */
    struct dsl_tap *taps;           /* processes that receive the log's lines */
    struct dsl_tap_line *tap_lines; /* that they have not received yet, oldest first */
    struct dsl_tap_line **last_tap_line;
    uint32_t tap_line_count;
    uint64_t events_lost; /* to the program's on_event */
    dynsup_pid main;
    uint32_t main_results; /* in the vault: a packed table, or where main waits */
    bool settled;          /* nothing more could happen, before any halt */
    bool deadlock;         /* and main was waiting */
    bool main_failed;      /* and main had ended abnormally */

    struct dsl_sentinel *sentinel; /* in L's state; NULL: the host has ended */
    enum dsl_owner owner;
    bool state_closes; /* so the host ends, too: what is made now has no finalizer */
    bool busy;         /* being stepped, run or closed */
    int loop_error;    /* why there is no loop, as a code; 0: for want of memory */
    bool never_waits;  /* C asks for something to be done at once: "would_wait" is no error */
    bool on_application_loop;                /* the program's loop steps it */
    int thread_ref;                          /* of L, in the registry; unless it is a run's */
    char error_text[DSL_ERROR_SIZE];         /* what dynsup_lua_host_error says */
    pthread_t thread;                        /* whose the host is */
    _Atomic(struct dynsup_lua_post *) posts; /* newest first; from any thread */
    atomic_bool woken;                       /* since the last look at posts */
};

/* ---- host.c ---- */

/* A userdata in a host's state. When it is collected it ends the host, and frees a run's host. push
 * makes one without a host, and raises without memory. [-0, +1] */
typedef struct dsl_sentinel {
    dsl_host *host; /* NULL: there is none yet, or it has ended */
} dsl_sentinel;
dsl_sentinel *dsl_sentinel_push(lua_State *L);

/* A new host in L's state, for the sentinel; it runs inside the host that runs there, if any.
 * Raises without memory, for misuse, and when the loop cannot be made: the sentinel may already
 * have the host then. [-0, +0] */
dsl_host *dsl_host_open(lua_State *L, dsl_sentinel *sentinel, const dynsup_lua_config *config,
                        enum dsl_owner owner);

/* Ends the host, once: processes that are left, the loop's handles, everything except the struct
 * itself. */
void dsl_host_end(dsl_host *host);

/* Frees the struct; the host must have ended. */
void dsl_host_free(dsl_host *host);

/* Steps or runs until nothing more can happen, or the host has ended. Blocks. */
enum dynsup_state dsl_host_run(dsl_host *host);

/* One step, as dynsup_host_step, with what was posted, and with the loop if the host has one. */
enum dynsup_state dsl_host_step(dsl_host *host, uint64_t budget_ns, uint64_t *deadline_ns_out);

/* Makes the core report the events that the log and observers want, and no others. */
void dsl_events_want(dsl_host *host);

/* ---- port.c ---- */

/* The clock and wake-up that the host has without a loop. */
void dsl_port_open(dsl_host *host);

/* What an instruction takes on a virtual clock, in ns: about as long as on a current machine. */
#define DSL_INSTRUCTION_NS 10u

/* Moves a virtual clock forward to this time, unless it has passed it already. */
void dsl_virtual_reach(dsl_host *host, uint64_t time_ns);

/* The system's monotonic clock, in ns. */
uint64_t dsl_real_now(void);

#endif
