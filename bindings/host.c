/*
 * Hosts in a lua_State: how they are made, run and ended, for the program or for a run.
 *
 * Design notes.
 * A host's struct is not Lua's memory: the program may hold it when the lua_State is gone. The
 * state holds its sentinel, a userdata. When that is collected (after an error on the way, or as
 * the state is closed before its host) the host ends there, while its values in Lua still exist;
 * later calls find the host closed. Everything except the struct is gone then, and the struct may
 * only be freed.
 * A host is open while it has a core.
 */
#include "bindings/host.h"

#include "bindings/memory/account.h"
#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/heap/heap.h"
#include "bindings/http/http.h"
#include "bindings/interrupt.h"
#include "bindings/child/kept.h"
#include "bindings/log/log.h"
#include "bindings/observe/look.h"
#include "bindings/memory/lua_state.h"
#include "bindings/lua/metatable.h"
#include "bindings/observe/observe.h"
#include "bindings/embed/post.h"
#include "bindings/service.h"
#include "bindings/signal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SENTINEL_NAME  "dynsup.host"
#define STEP_BUDGET_NS 1000000000u
#define STUCK_NS       100000000u /* from here on a slice that cannot be ended is worth a warning */
#define COUNT_PER_MS   100000     /* DSL_INSTRUCTION_NS each, on a virtual clock */
#define COUNT_LOOK     1000       /* on others: from one look at the time to the next */

/* ---- running ---- */

/* True: it may have given the core something to do. */
static bool step_finish(dsl_host *host) {
    dsl_kept_forget(host); /* before: it may keep a heap alive */
    bool acts = host->heaps && dsl_heaps_tend(host);
    dsl_log_flush(host);
    dsl_tap_flush(host);
    dsl_service_look(host);
    return acts;
}

/* The loop is woken by what the core gets to do. */
static void after_step(void *ud) {
    step_finish(ud);
}

/* Steps once; a dry run is still when its time is over. */
static enum dynsup_state step_virtual(dsl_host *host, uint64_t *deadline_ns_out) {
    enum dynsup_state state = dynsup_host_step(host->core, STEP_BUDGET_NS, deadline_ns_out);
    bool is_over = host->config->dry && !dynsup_host_halting(host->core) &&
                   state == DYNSUP_WAITING && *deadline_ns_out > DSL_DRY_NS;
    return is_over ? DYNSUP_STILL : state;
}

/* Some process is always ready, and the host waits for the end of all: the time that they have for
 * that passes with their work. */
static void end_nears(dsl_host *host) {
    if (dynsup_host_halting(host->core))
        dsl_virtual_reach(host, host->virtual_ns + STEP_BUDGET_NS);
}

static enum dynsup_state run_virtual(dsl_host *host) {
    uint64_t deadline_ns;
    enum dynsup_state state;
    do {
        dsl_posts_run(host);
        state = step_virtual(host, &deadline_ns);
        if (state == DYNSUP_READY)
            end_nears(host);
        if (step_finish(host) && state != DYNSUP_ENDED)
            state = DYNSUP_READY;
        dsl_signals_look(host);
        if (state == DYNSUP_WAITING)
            dsl_virtual_reach(host, deadline_ns);
    } while (state == DYNSUP_READY || state == DYNSUP_WAITING);
    return state;
}

enum dynsup_state dsl_host_run(dsl_host *host) {
    if (!host->uv)
        return run_virtual(host);
    return dynsup_uv_run(host->uv) == DYNSUP_UV_STILL ? DYNSUP_STILL : DYNSUP_ENDED;
}

enum dynsup_state dsl_host_step(dsl_host *host, uint64_t budget_ns, uint64_t *deadline_ns_out) {
    enum dynsup_state state;
    if (host->uv)
        return dynsup_uv_step(host->uv, budget_ns, deadline_ns_out);
    dsl_posts_run(host);
    state = dynsup_host_step(host->core, budget_ns, deadline_ns_out);
    return step_finish(host) && state != DYNSUP_ENDED ? DYNSUP_READY : state;
}

/* ---- what the loop reports ---- */

/* The core does not know of this event: so observers are notified here. */
static void observe_stuck(dsl_host *host, uint64_t stuck_ns) {
    dynsup_event event = {
        .kind = DYNSUP_EVENT_STUCK, .at_ns = dynsup_host_now(host->core), .delay_ns = stuck_ns};
    dsl_observe_event(host, &event);
    dsl_observe_tell(host);
}

static void on_stuck(void *ud, uint64_t stuck_ns) {
    enum dynsup_level level = stuck_ns >= STUCK_NS ? DYNSUP_LEVEL_WARNING : DYNSUP_LEVEL_DEBUG;
    if (stuck_ns >= STUCK_NS)
        observe_stuck(ud, stuck_ns);
    dsl_log(ud, level,
            "a process was stuck for %.0f ms where it cannot be preempted (a C function, a sort or "
            "gsub callback, a finalizer)",
            (double)stuck_ns / 1e6);
}

static void on_wake(void *ud) {
    dsl_host *host = ud;
    bool busy = host->busy;
    host->busy = true;
    dsl_posts_run(host);
    host->busy = busy;
}

/* ---- ending ---- */

/* Ends the processes that are left; their close handlers still find their host. */
static void core_close(dsl_host *host) {
    dsl_runtime *runtime = host->runtime;
    dsl_host *running = runtime->host;
    if (!host->core)
        return;
    runtime->host = host;
    dsl_cursors_close(host);
    dynsup_host_free(host->core);
    dsl_heaps_orphan(host);
    host->core = NULL;
    dsl_cursors_close(host); /* of those last handlers: there is nothing to close any more */
    runtime->host = running == host ? host->outer : running;
}

/* Empties a loop of the state's own, unless an outer host uses it. */
static void uv_close_runner(dsl_host *host) {
    if (!host->uv)
        return;
    dsl_http_close(host);
    dynsup_uv_free(host->uv);
    dsl_luv_leave(host);
    if (!host->outer && !host->runtime->loop_is_lent)
        dynsup_uv_loop_close_handles(host->runtime->loop);
    host->uv = NULL;
}

void dsl_host_end(dsl_host *host) {
    host->busy = true; /* for code that is called back; it stays so until it is freed */
    host->sentinel->host = NULL;
    host->sentinel = NULL;
    core_close(host);
    dsl_observe_fini(host); /* before the heaps: events not yet delivered may be in them */
    dsl_heaps_leave_loop(host);
    uv_close_runner(host);
    dsl_heaps_fini(host);
    dsl_posts_drop(host);
    dsl_bodies_free(host);
    dsl_kept_close(host);
    dsl_tap_fini(host);
    dsl_log_finish(host);
    dsl_log_flush(host);
    if (host->vault.L)
        dsl_vault_fini(&host->vault);
}

void dsl_host_free(dsl_host *host) {
    if (host->own_config.alloc)
        host->own_config.alloc(host->own_config.alloc_ud, host, sizeof *host, 0);
    else
        free(host);
}

static int sentinel_gc(lua_State *L) {
    dsl_sentinel *sentinel = lua_touserdata(L, 1);
    dsl_host *host = sentinel->host;
    if (!host)
        return 0;
    host->L = L; /* the thread that called run may be gone */
    host->state_closes = true;
    dsl_host_end(host);
    host->busy = false;
    if (host->owner == DSL_OWNER_RUN)
        dsl_host_free(host);
    return 0;
}

/* ---- making ---- */

static const luaL_Reg sentinel_meta[] = {{"__gc", sentinel_gc}, {NULL, NULL}};

dsl_sentinel *dsl_sentinel_push(lua_State *L) {
    dsl_sentinel *sentinel = lua_newuserdatauv(L, sizeof *sentinel, 0);
    sentinel->host = NULL;
    dsl_metatable_set(L, SENTINEL_NAME, sentinel_meta);
    return sentinel;
}

static dsl_host *struct_new(const dynsup_lua_config *config) {
    dsl_host *host = config->alloc ? config->alloc(config->alloc_ud, NULL, 0, sizeof *host)
                                   : malloc(sizeof *host);
    if (!host)
        return NULL;
    memset(host, 0, sizeof *host);
    host->own_config = *config;
    host->config = &host->own_config;
    return host;
}

/* Where the host's own blocks come from: by no account. */
static void alloc_open(lua_State *L, dsl_host *host) {
    const dynsup_lua_config *config = host->config;
    host->alloc = lua_getallocf(L, &host->alloc_ud);
    if (host->alloc == dsl_memory_alloc)
        host->alloc = dsl_memory_plain;
    if (config->alloc && host->owner != DSL_OWNER_STATE) {
        host->alloc = config->alloc;
        host->alloc_ud = config->alloc_ud;
    }
}

static dsl_host *host_begin(lua_State *L, dsl_sentinel *sentinel, const dynsup_lua_config *config,
                            enum dsl_owner owner) {
    dsl_runtime *runtime = dsl_runtime_open(L);
    lua_pop(L, 1);
    dsl_check_apart(L, runtime);
    dsl_host *host = struct_new(config);
    if (!host) {
        dsl_error(L, "not enough memory");
        return NULL;
    }
    host->runtime = runtime;
    host->whole = host;
    host->owner = owner;
    host->sentinel = sentinel;
    host->L = host->innermost = L;
    host->thread = pthread_self();
    host->number = ++runtime->runs;
    host->outer = runtime->host;
    alloc_open(L, host);
    sentinel->host = host; /* from here on an error ends it */
    return host;
}

static double slice_ms(const dynsup_lua_config *config) {
    return config->slice_ms > 0 ? config->slice_ms : 1;
}

static uint64_t slice_ns(const dynsup_lua_config *config) {
    double ms = slice_ms(config);
    return ms < 9e9 ? (uint64_t)(ms * 1e6) : DYNSUP_NEVER;
}

static void slice_open(dsl_host *host) {
    const dynsup_lua_config *config = host->config;
    double ms = slice_ms(config);
    bool signal = config->preempt == DYNSUP_LUA_PREEMPT_SIGNAL && host->uv;
    host->slice_ns = slice_ns(config);
    host->count_hook = config->preempt != DYNSUP_LUA_PREEMPT_NONE && !signal;
    host->slice_count = COUNT_LOOK;
    if (config->virtual_clock)
        host->slice_count = ms * COUNT_PER_MS < 1e9 ? (int)ceil(ms * COUNT_PER_MS) : 1000000000;
}

/* libuv's loop cannot be run by one of its callbacks. */
static void check_no_callback(lua_State *L, const dsl_host *outer) {
    for (; outer; outer = outer->outer) {
        if (outer->uv && (!outer->current || dynsup_uv_in_callback(outer->uv)))
            dsl_error(L, "'run' on the real clock inside a callback of the loop: call it in a "
                         "process");
    }
}

/* The state's loop: it has one for its life. */
static struct uv_loop_s *loop_of(lua_State *L, dsl_host *host) {
    dsl_runtime *runtime = host->runtime;
    struct uv_loop_s *lent = host->config->loop;
    host->loop_error = DYNSUP_ETAKEN;
    if (lent && runtime->loop && runtime->loop != lent)
        dsl_error(L, "the lua_State has another event loop already");
    host->loop_error = 0;
    if (!runtime->loop)
        runtime->loop = lent ? lent : dynsup_uv_loop_new();
    runtime->loop_is_lent = runtime->loop_is_lent || lent;
    return runtime->loop;
}

static dynsup_uv_config uv_config(lua_State *L, dsl_host *host) {
    const dynsup_lua_config *config = host->config;
    dynsup_uv_config uv = {
        .loop = loop_of(L, host),
        .watchdog = config->preempt == DYNSUP_LUA_PREEMPT_SIGNAL,
        .slice_ns = slice_ns(config),
        .turn_ns = config->turn_ns,
        .on_stuck = on_stuck,
        .stuck_ud = host,
        .on_step = after_step,
        .step_ud = host,
        .on_wake = on_wake,
        .wake_ud = host,
        .stays = dsl_host_stays,
        .stays_ud = host,
        .on_signal = config->signals ? dsl_signal_came : NULL,
        .signal_ud = host,
    };
    if (config->service) {
        uv.beat_ms = config->service->beat_ms;
        uv.on_beat = config->service->on_beat;
        uv.beat_ud = config->service->ud;
    }
    return uv;
}

static void uv_open(lua_State *L, dsl_host *host) {
    int error = 0;
    check_no_callback(L, host->outer);
    dynsup_uv_config uv = uv_config(L, host);
    if (host->config->signals)
        dsl_interrupt_prepare();
    if (uv.loop)
        host->uv = dynsup_uv_new(&uv, &error);
    if (error && error != -ENOMEM)
        host->loop_error = DYNSUP_ENO_LOOP;
    if (!host->uv && !host->loop_error)
        dsl_error(L, "not enough memory");
    if (!host->uv)
        dsl_error(L, "the event loop could not be made (libuv error %d)", error);
    if (host->config->signals)
        dsl_signals_open(host->runtime);
}

/* A virtual clock is for reproducible runs: its seed never varies by itself. */
static uint64_t seed_of(const dsl_host *host) {
    if (host->config->seed)
        return host->config->seed;
    return host->config->virtual_clock ? 1 : (uintptr_t)host ^ (uint64_t)time(NULL) << 20;
}

static void on_event(void *ud, const dynsup_event *event) {
    dsl_event_log(ud, event);
    dsl_log_event(ud, event);
    dsl_observe_event(ud, event);
}

static void after_events(void *ud) {
    dsl_observe_tell(ud);
}

static uint32_t events_of(const dsl_host *host) {
    uint32_t logged = host->config->event_log ? dsl_level_events(DYNSUP_LEVEL_DEBUG)
                                              : dsl_log_events(host->config);
    return logged | dsl_observe_events(host);
}

void dsl_events_want(dsl_host *host) {
    dynsup_host_want(host->core, events_of(host));
}

static void core_open(lua_State *L, dsl_host *host) {
    dynsup_host_config core = {
        .port = host->uv ? dynsup_uv_port(host->uv) : &host->port,
        .port_ud = host->uv ? (void *)host->uv : (void *)host,
        .objects = &dsl_object_ops,
        .objects_ud = host,
        .alloc = host->alloc,
        .alloc_ud = host->alloc_ud,
        .events = events_of(host),
        .on_event = on_event,
        .after_events = after_events,
        .event_ud = host,
        .seed = host->seed,
        .max_processes = host->config->max_processes,
    };
    host->core = dynsup_host_new(&core);
    if (!host->core)
        dsl_error(L, "not enough memory");
    if (host->uv)
        dynsup_uv_attach(host->uv, host->core);
}

static void accounts_open(lua_State *L, dsl_host *host) {
    int status = host->config->memory_accounts ? dsl_accounts_open(L, host) : 0;
    if (dsl_check_status(L, status))
        dsl_error(L, "accounts of memory are not possible: the lua_State's allocator is the "
                     "program's own");
}

dsl_host *dsl_host_open(lua_State *L, dsl_sentinel *sentinel, const dynsup_lua_config *config,
                        enum dsl_owner owner) {
    luaL_checkstack(L, 8, NULL);
    dsl_host *host = host_begin(L, sentinel, config, owner);
    accounts_open(L, host);
    dsl_vault_init(L, &host->vault);
    dsl_port_open(host);
    if (config->loop || config->own_loop)
        uv_open(L, host);
    slice_open(host);
    host->seed = seed_of(host);
    core_open(L, host);
    dsl_event_log_begin(host);
    return host;
}
