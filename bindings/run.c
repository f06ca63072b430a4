/*
 * Runs: a host from its main process's first slice to its orderly end.
 *
 * Design notes.
 * The host is a full userdata, so that an error on the way (no memory) frees it by the collector.
 * On the real clock libuv runs it; on the virtual clock a loop here sets the time to the next
 * deadline whenever nothing is ready. When nothing can happen any more the host is halted, which
 * stops what main has started, in order.
 */
#include "bindings/binding.h"

#include "bindings/dry.h"
#include "bindings/http.h"
#include "bindings/log.h"
#include "bindings/observe.h"
#include "bindings/program.h"
#include "bindings/signal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOST_NAME      "dynsup.host"
#define STEP_BUDGET_NS 1000000000u
#define STUCK_NS       100000000u /* from here on a slice that cannot be ended is worth a warning */
#define COUNT_PER_MS   100000     /* VM instructions taken for a millisecond by the count hook */

/* ---- main ---- */

typedef struct returned {
    dsl_body *body;
    int count;
} returned;

static int keep_results(lua_State *L) {
    returned *r = lua_touserdata(L, 1);
    dsl_host *host = r->body->host;
    luaL_checkstack(L, r->count + 4, NULL);
    lua_createtable(L, r->count, 1);
    lua_xmove(r->body->co, L, r->count);
    for (int i = r->count; i > 0; i--)
        lua_rawseti(L, 2, i);
    lua_pushinteger(L, r->count);
    lua_setfield(L, 2, "n");
    dsl_vault_reserve(L, &host->vault, 1);
    host->main_results = dsl_vault_put(L, &host->vault);
    return 0;
}

void dsl_main_returned(dsl_body *body, int count) {
    returned r = {body, count};
    dsl_service_ready(body->host);
    if (count > 0 && dsl_protect(body->host->L, keep_results, &r) != LUA_OK)
        dsl_log(body->host, DYNSUP_LEVEL_ERROR, "no memory for the results of the main process");
}

static bool main_waits(dsl_host *host) {
    dynsup_process_info info;
    return dynsup_process_inspect(host->core, host->main, &info) &&
           (info.status == DYNSUP_STATUS_WAITING || info.is_paused);
}

/* Where main waits: its traceback, kept for the end. */
static int note_deadlock(lua_State *L) {
    dsl_host *host = lua_touserdata(L, 1);
    dynsup_process_info info;
    if (!dynsup_process_inspect(host->core, host->main, &info))
        return 0;
    luaL_traceback(L, ((dsl_body *)info.body)->inner, NULL, 0);
    dsl_vault_reserve(L, &host->vault, 1);
    host->main_results = dsl_vault_put(L, &host->vault);
    return 0;
}

/* Nothing can happen any more: the orderly end begins. False when it has begun and is stuck. */
static bool settle(dsl_host *host) {
    if (dynsup_host_halting(host->core))
        return false;
    host->settled = true;
    const dynsup_reason *reason = dynsup_host_main_reason(host->core);
    host->main_failed = reason && reason->class != DYNSUP_REASON_NORMAL;
    host->deadlock = main_waits(host);
    if (host->deadlock)
        dsl_protect(host->L, note_deadlock, host);
    if (host->deadlock && host->config->dry)
        dsl_dry_end(host);
    dynsup_host_halt(host->core, 0);
    return true;
}

/* ---- the clocks ---- */

static uint64_t virtual_now(void *ud) {
    return ((dsl_host *)ud)->virtual_ns;
}

static const dynsup_port virtual_port = {.now = virtual_now};

static void after_step(void *ud) {
    dsl_log_flush(ud);
    dsl_service_look(ud);
}

/* Steps once; a dry run is still when its time is over. */
static enum dynsup_state step_virtual(dsl_host *host, uint64_t *deadline_ns_out) {
    enum dynsup_state state = dynsup_host_step(host->core, STEP_BUDGET_NS, deadline_ns_out);
    bool is_over = host->config->dry && !dynsup_host_halting(host->core) &&
                   state == DYNSUP_WAITING && *deadline_ns_out > DSL_DRY_NS;
    return is_over ? DYNSUP_STILL : state;
}

static void run_virtual(dsl_host *host) {
    uint64_t deadline_ns;
    for (;;) {
        enum dynsup_state state = step_virtual(host, &deadline_ns);
        after_step(host);
        dsl_signals_look(host);
        if (state == DYNSUP_WAITING)
            host->virtual_ns = deadline_ns;
        else if (state == DYNSUP_ENDED || (state == DYNSUP_STILL && !settle(host)))
            return;
    }
}

static void run_real(dsl_host *host) {
    while (dynsup_uv_run(host->uv) == DYNSUP_UV_STILL && settle(host))
        dsl_log_flush(host);
}

/* The core does not know of it: so observers are told here. */
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

/* ---- making and freeing ---- */

/* Ends what processes are left; their close handlers find the host that they belong to. */
static void core_close(dsl_host *host) {
    dsl_runtime *runtime = host->runtime;
    dsl_host *running = runtime->host;
    if (!host->core)
        return;
    runtime->host = host;
    dsl_cursors_close(host);
    dynsup_host_free(host->core);
    host->core = NULL;
    dsl_cursors_close(host); /* of those last handlers: there is nothing to close any more */
    runtime->host = running == host ? host->outer : running;
}

static void host_fini(dsl_host *host) {
    core_close(host);
    if (host->uv) {
        dsl_http_close(host);
        dynsup_uv_free(host->uv);
        if (!host->outer)
            dynsup_uv_loop_close_handles(host->runtime->loop);
    }
    host->uv = NULL;
    while (host->free_bodies) {
        dsl_body *next = host->free_bodies->next;
        host->alloc(host->alloc_ud, host->free_bodies, sizeof(dsl_body), 0);
        host->free_bodies = next;
    }
    dsl_origin_forget(host);
    dsl_observe_fini(host);
    dsl_log_finish(host);
    dsl_log_flush(host);
    if (host->vault.L)
        dsl_vault_fini(&host->vault);
}

static int host_gc(lua_State *L) {
    dsl_host *host = lua_touserdata(L, 1);
    host->L = L; /* the thread that called run may be gone */
    if (host->core || host->vault.L)
        host_fini(host);
    return 0;
}

static dsl_host *host_alloc(lua_State *L, dsl_runtime *runtime, const dynsup_lua_config *config) {
    dsl_host *host = lua_newuserdatauv(L, sizeof *host, 0);
    memset(host, 0, sizeof *host);
    host->runtime = runtime;
    host->L = L;
    host->own_config = *config;
    host->config = &host->own_config;
    host->number = ++runtime->runs;
    host->outer = runtime->host;
    host->alloc = lua_getallocf(L, &host->alloc_ud);
    if (luaL_newmetatable(L, HOST_NAME)) {
        lua_pushcfunction(L, host_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    dsl_vault_init(L, &host->vault);
    dsl_origin_init(L, host);
    return host;
}

static void slice_open(dsl_host *host) {
    const dynsup_lua_config *config = host->config;
    double ms = config->slice_ms > 0 ? config->slice_ms : 1;
    host->count_hook = !config->no_preempt && (config->count_hook || config->virtual_clock);
    host->slice_count = ms * COUNT_PER_MS < 1e9 ? (int)ceil(ms * COUNT_PER_MS) : 1000000000;
}

/* libuv's loop cannot be run by one of its callbacks. */
static void check_no_callback(lua_State *L, const dsl_host *outer) {
    for (; outer; outer = outer->outer) {
        if (outer->uv && !outer->current)
            dsl_error(L, "'run' on the real clock inside a callback of the loop: call it in a "
                         "process");
    }
}

static void uv_open(lua_State *L, dsl_host *host) {
    check_no_callback(L, host->outer);
    const dynsup_lua_config *config = host->config;
    dsl_runtime *runtime = host->runtime;
    int error = 0;
    if (!runtime->loop)
        runtime->loop = dynsup_uv_loop_new();
    dynsup_uv_config uv = {
        .loop = runtime->loop,
        .watchdog = !config->no_preempt && !config->count_hook,
        .slice_ns = (uint64_t)(config->slice_ms * 1e6),
        .on_stuck = on_stuck,
        .stuck_ud = host,
        .on_step = config->log == dsl_log_queue || config->service ? after_step : NULL,
        .step_ud = host,
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
    if (runtime->loop)
        host->uv = dynsup_uv_new(&uv, &error);
    if (!host->uv)
        dsl_error(L, "the event loop could not be made (libuv error %d)", error);
    if (config->signals)
        dsl_signals_open(runtime);
}

/* A virtual clock is for reproducible runs: its seed never varies by itself. */
static uint64_t seed_of(const dsl_host *host) {
    if (host->config->seed)
        return host->config->seed;
    return host->config->virtual_clock ? 1 : (uintptr_t)host ^ (uint64_t)time(NULL) << 20;
}

static void on_event(void *ud, const dynsup_event *event) {
    dsl_log_event(ud, event);
    dsl_observe_event(ud, event);
}

static void after_events(void *ud) {
    dsl_observe_tell(ud);
}

void dsl_events_want(dsl_host *host) {
    dynsup_host_want(host->core, dsl_log_events(host->config) | dsl_observe_events(host));
}

static void core_open(lua_State *L, dsl_host *host) {
    dynsup_host_config core = {
        .port = host->uv ? dynsup_uv_port(host->uv) : &virtual_port,
        .port_ud = host->uv ? (void *)host->uv : (void *)host,
        .objects = &dsl_object_ops,
        .objects_ud = host,
        .alloc = host->alloc,
        .alloc_ud = host->alloc_ud,
        .events = dsl_log_events(host->config),
        .on_event = on_event,
        .after_events = after_events,
        .event_ud = host,
        .seed = seed_of(host),
    };
    host->core = dynsup_host_new(&core);
    if (!host->core)
        dsl_error(L, "not enough memory");
    if (host->uv)
        dynsup_uv_attach(host->uv, host->core);
}

/* The function and its arguments, from index `function` up to the host's userdata on top. */
static void main_spawn(lua_State *L, dsl_host *host, int function, int nargs) {
    luaL_checkstack(L, nargs + 8, "too many arguments for a process");
    int named = dsl_function_push(L, host, function);
    for (int i = 1; i <= nargs; i++)
        lua_pushvalue(L, function + i);
    dsl_body *body = dsl_body_new(L, host, 0);
    dsl_body_load(L, body, nargs + named);
    body->is_main = true;
    dynsup_spawn_options options = {.main = true, .label = "main"};
    if (dynsup_spawn(host->core, &dsl_body_ops, body, &options, &host->main)) {
        dsl_body_discard(body);
        dsl_error(L, "not enough memory");
    }
}

/* ---- the end of a run ---- */

static int push_results(lua_State *L, dsl_host *host) {
    if (!host->main_results)
        return 0;
    dsl_vault_push(L, &host->vault, host->main_results);
    int table = lua_gettop(L);
    lua_getfield(L, table, "n");
    int count = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (!lua_checkstack(L, count))
        return -1;
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, table, i);
    lua_remove(L, table);
    return count;
}

/* Pushes main's results, or what is to be said in their place; returns how it ended. */
static enum dynsup_lua_end push_end(lua_State *L, dsl_host *host, int *count_out) {
    *count_out = 1;
    if (host->deadlock) {
        dsl_vault_push(L, &host->vault, host->main_results);
        return DYNSUP_LUA_DEADLOCK;
    }
    if (host->main_failed) {
        dsl_value_push(L, host, &dynsup_host_main_reason(host->core)->value);
        return DYNSUP_LUA_FAILED;
    }
    if (!host->settled) {
        lua_pushinteger(L, dynsup_host_code(host->core));
        return DYNSUP_LUA_HALTED;
    }
    int count = push_results(L, host);
    if (count < 0) {
        lua_pushliteral(L, "too many results of the main process");
        return DYNSUP_LUA_FAILED;
    }
    *count_out = count;
    return DYNSUP_LUA_DONE;
}

enum dynsup_lua_end dynsup_lua_run(lua_State *L, const dynsup_lua_config *config, int nargs,
                                   int *count_out) {
    int function = lua_gettop(L) - nargs;
    luaL_checkstack(L, 8, NULL);
    dsl_runtime *runtime = dsl_runtime_open(L);
    lua_pop(L, 1);
    dsl_host *host = host_alloc(L, runtime, config);
    slice_open(host);
    if (!config->virtual_clock)
        uv_open(L, host);
    core_open(L, host);
    host->innermost = L;
    main_spawn(L, host, function, nargs);
    runtime->host = host; /* only here: what raises leaves the outer host running */
    if (host->uv)
        run_real(host);
    else
        run_virtual(host);
    runtime->host = host->outer;
    enum dynsup_lua_end end = push_end(L, host, count_out);
    host_fini(host);
    lua_rotate(L, function, *count_out); /* the results go below what the run has used */
    lua_settop(L, function + *count_out - 1);
    return end;
}
