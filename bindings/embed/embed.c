/*
 * Hosts for C programs: made, stepped, run and ended from outside.
 *
 * Design notes.
 * Code that may raise in Lua runs protected, on a thread of the host's own, so that the program's
 * stack is not touched; steps do not raise. The sentinel is put at the bottom of that thread's
 * stack before the host is made: a host that cannot be completed is ended at once, and not by the
 * collector.
 */
#include "bindings/embed/embed.h"

#include "bindings/log/log.h"
#include "bindings/memory/memory.h"
#include "bindings/memory/own_state.h"
#include "bindings/embed/post.h"
#include "bindings/protect.h"

#include <poll.h>

#define SLEEP_MS  10 /* of a close on the program's clock, which may be slower than the real one */
#define BUDGET_NS 1000000u
#define MS_NS     1000000u

/* ---- making ---- */

typedef struct opening {
    const dynsup_lua_config *config;
    enum dsl_owner owner;
    dsl_sentinel *sentinel;
    dsl_host *host;
    lua_State *thread;
    int thread_ref;
    bool is_taken;
} opening;

static int thread_open(lua_State *L) {
    opening *o = lua_touserdata(L, 1);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    const dsl_runtime *runtime = dsl_runtime_of_thread(L);
    if (!runtime)
        return luaL_error(L, "package.loaded.dynsup is another library's module, which a script "
                             "has required: make the host before scripts run");
    o->is_taken = runtime->host;
    lua_State *thread = lua_newthread(L);
    o->thread_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    o->thread = thread; /* last: now there is something to let go of */
    return 0;
}

static int sentinel_open(lua_State *L) {
    opening *o = lua_touserdata(L, 1);
    o->sentinel = dsl_sentinel_push(L);
    return 1;
}

/* Calls fn protected. As there is no host yet to keep the text, an error other than for want of
 * memory is logged. */
static int attempt(lua_State *L, lua_CFunction fn, opening *o, int results) {
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, o);
    int status = lua_pcall(L, 1, results, 0);
    if (status == LUA_OK)
        return 0;
    int code = dsl_is_memory_error(L, status) ? DYNSUP_ENOMEM : DYNSUP_EREASON;
    if (o->sentinel && o->sentinel->host && o->sentinel->host->loop_error)
        code = o->sentinel->host->loop_error;
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    if (code == DYNSUP_EREASON && text)
        dynsup_lua_log(o->config, DYNSUP_LEVEL_ERROR, "host", text, size);
    lua_pop(L, 1);
    return code;
}

static int host_open(lua_State *L) {
    opening *o = lua_touserdata(L, 1);
    o->host = dsl_host_open(o->thread, o->sentinel, o->config, o->owner);
    return 0;
}

/* The sentinel stays on the thread's stack. */
static int thread_fill(opening *o) {
    int status = attempt(o->thread, sentinel_open, o, 1);
    return status ? status : attempt(o->thread, host_open, o, 0);
}

static void opening_undo(lua_State *L, opening *o) {
    dsl_host *host = o->sentinel ? o->sentinel->host : NULL;
    if (host) {
        dsl_host_end(host);
        dsl_host_free(host);
    }
    if (o->thread)
        luaL_unref(L, LUA_REGISTRYINDEX, o->thread_ref);
}

/* luv's callbacks begin on the main thread, between slices, outside of any protected call. */
static bool may_refuse(void *ud) {
    const dsl_host *host = ud;
    lua_Debug ar;
    return host->current || lua_getstack(host->L, 0, &ar) || lua_getstack(host->runtime->L, 0, &ar);
}

static void memory_heed(lua_State *L, dsl_host *host) {
    dsl_memory *memory = host->owner == DSL_OWNER_STATE ? dsl_memory_of(L) : NULL;
    if (!memory)
        return;
    memory->may_refuse = may_refuse;
    memory->refuse_ud = host;
}

static int host_make(lua_State *L, opening *o) {
    int status = lua_checkstack(L, 4) ? attempt(L, thread_open, o, 0) : DYNSUP_ENOMEM;
    if (status == 0)
        status = o->is_taken ? DYNSUP_EALREADY_STARTED : thread_fill(o);
    if (status) {
        opening_undo(L, o);
        return status;
    }
    o->host->thread_ref = o->thread_ref;
    o->host->runtime->host = o->host;
    memory_heed(L, o->host);
    if (o->config->loop) {
        o->host->on_application_loop = true;
        dynsup_uv_start(o->host->uv);
    }
    return 0;
}

static bool config_is_sound(const dynsup_lua_config *config, bool own_state) {
    bool loops = config->loop || config->own_loop;
    return dsl_expect(!config->loop || !config->own_loop, "one loop") &&
           dsl_expect(!loops || !config->virtual_clock, "no loop with a virtual clock") &&
           dsl_expect(!config->now || (!config->virtual_clock && !loops), "one clock") &&
           dsl_expect(own_state || !config->max_bytes,
                      "max_bytes with a lua_State of the host's") &&
           dsl_expect(!config->alloc || dsl_check_alloc(config->alloc, config->alloc_ud),
                      "blocks of alloc that are aligned to 16 bytes");
}

int dynsup_lua_host_new(lua_State *L, const dynsup_lua_config *config, dynsup_lua_host **host_out) {
    static const dynsup_lua_config plain;
    opening o = {.config = config ? config : &plain, .owner = DSL_OWNER_PROGRAM};
    if (!dsl_expect(host_out, "a place for the host"))
        return DYNSUP_EMISUSE;
    *host_out = NULL;
    if (!config_is_sound(o.config, !L))
        return DYNSUP_EMISUSE;
    lua_State *state = L;
    if (!state) {
        state = dsl_own_state_new(o.config);
        o.owner = DSL_OWNER_STATE;
    }
    int status = state ? host_make(state, &o) : DYNSUP_ENOMEM;
    if (status && state && !L)
        dsl_own_state_close(state);
    *host_out = status ? NULL : o.host;
    return status;
}

/* ---- ending ---- */

/* The lua_State is there still. */
static void state_leave(dsl_host *host) {
    lua_State *main = host->runtime->L;
    lua_State *thread = host->L;
    dsl_host_end(host);
    lua_settop(thread, 0);
    if (host->owner == DSL_OWNER_STATE)
        dsl_own_state_leave(main);
    luaL_unref(thread, LUA_REGISTRYINDEX, host->thread_ref);
    if (host->owner == DSL_OWNER_STATE)
        dsl_own_state_close(main);
}

void dynsup_lua_host_free(dynsup_lua_host *host) {
    if (!host || dsl_check_outside(host) == DYNSUP_EMISUSE)
        return;
    host->busy = true; /* whoever is called back now may not free it again */
    if (host->core)
        state_leave(host);
    dsl_posts_drop(host); /* what has come since its end */
    dsl_host_free(host);
}

/* For how many ms there is nothing to do: until the deadline, rounded up, or as the loop says. */
static int idle_ms(dsl_host *host, enum dynsup_state state, uint64_t deadline_ns) {
    if (state == DYNSUP_READY)
        return 0;
    if (host->uv)
        return dynsup_uv_timeout_ms(host->uv);
    uint64_t now_ns = dynsup_host_now(host->core);
    uint64_t left_ms = deadline_ns > now_ns ? (deadline_ns - now_ns) / MS_NS + 1 : 0;
    if (host->config->now || state == DYNSUP_STILL)
        return left_ms < SLEEP_MS ? (int)left_ms : SLEEP_MS;
    return left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
}

static void sleep_until_due(dsl_host *host, enum dynsup_state state, uint64_t deadline_ns,
                            uint64_t left_ns) {
    int left_ms = left_ns / MS_NS < INT32_MAX ? (int)(left_ns / MS_NS) + 1 : INT32_MAX;
    int ms = idle_ms(host, state, deadline_ns);
    struct pollfd fd = {.fd = host->uv ? dynsup_uv_fd(host->uv) : -1, .events = POLLIN};
    if (ms != 0)
        poll(&fd, 1, ms < 0 || ms > left_ms ? left_ms : ms);
}

/* False: the time is over. */
static bool run_to_end(dsl_host *host, uint64_t patience_ns) {
    uint64_t begun_ns = dsl_real_now();
    for (;;) {
        uint64_t deadline_ns, past_ns;
        enum dynsup_state state = dsl_host_step(host, BUDGET_NS, &deadline_ns);
        if (state == DYNSUP_ENDED)
            return true;
        past_ns = dsl_real_now() - begun_ns;
        if (past_ns >= patience_ns)
            return false;
        if (state == DYNSUP_WAITING && host->config->virtual_clock)
            dsl_virtual_reach(host, deadline_ns);
        else
            sleep_until_due(host, state, deadline_ns, patience_ns - past_ns);
    }
}

int dynsup_lua_host_close(dynsup_lua_host *host, uint64_t patience_ns) {
    int status = dsl_check_outside(host);
    if (status == DYNSUP_EMISUSE)
        return status;
    if (status == 0) {
        if (host->on_application_loop)
            dynsup_uv_stop(host->uv);
        host->busy = true;
        dynsup_host_halt(host->core, 0);
        status = run_to_end(host, patience_ns) ? 0 : DYNSUP_ETIMEOUT;
        host->busy = false;
    }
    dynsup_lua_host_free(host);
    return status;
}

int dynsup_lua_host_halt(dynsup_lua_host *host, int code) {
    int status = dsl_check_host(host);
    if (status == 0)
        dynsup_host_halt(host->core, code);
    return status;
}

/* ---- running ---- */

int dynsup_lua_host_step(dynsup_lua_host *host, uint64_t budget_ns, uint64_t *deadline_ns_out) {
    uint64_t deadline_ns;
    int status = dsl_check_outside(host);
    if (status)
        return status;
    if (!dsl_expect(!host->on_application_loop, "a host that no loop of the program's runs"))
        return DYNSUP_EMISUSE;
    host->busy = true;
    enum dynsup_state state = dsl_host_step(host, budget_ns, &deadline_ns);
    host->busy = false;
    if (deadline_ns_out)
        *deadline_ns_out = deadline_ns;
    return (int)state;
}

int dynsup_lua_host_run(dynsup_lua_host *host) {
    int status = dsl_check_outside(host);
    if (status)
        return status;
    if (!host->uv && !host->config->virtual_clock)
        return DYNSUP_ENO_LOOP;
    host->busy = true;
    enum dynsup_state state = dsl_host_run(host);
    host->busy = false;
    return (int)state;
}

uint64_t dynsup_lua_host_now(dynsup_lua_host *host) {
    return dsl_check_host(host) ? 0 : dynsup_host_now(host->core);
}

int dynsup_lua_host_advance(dynsup_lua_host *host, uint64_t ns) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    host = host->whole;
    if (!dsl_expect(host->config->virtual_clock, "a host with a virtual clock"))
        return DYNSUP_EMISUSE;
    uint64_t most_ns = DYNSUP_NEVER - 1 - host->virtual_ns;
    dsl_virtual_reach(host, host->virtual_ns + (ns < most_ns ? ns : most_ns));
    return 0;
}

int dynsup_lua_host_backend_fd(dynsup_lua_host *host) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    return host->uv ? dynsup_uv_fd(host->uv) : DYNSUP_ENO_LOOP;
}

int dynsup_lua_host_timeout_ms(dynsup_lua_host *host) {
    int status = dsl_check_host(host);
    if (status)
        return status;
    return host->uv ? dynsup_uv_timeout_ms(host->uv) : DYNSUP_ENO_LOOP;
}

void dynsup_lua_host_adopt(dynsup_lua_host *host) {
    if (dsl_expect(host, "a host"))
        host->whole->thread = pthread_self();
}

dynsup_host *dynsup_lua_host_core(dynsup_lua_host *host) {
    return dsl_check_host(host) == DYNSUP_EMISUSE ? NULL : host->core;
}

size_t dynsup_lua_event_text(dynsup_lua_host *host, const dynsup_event *event, char *text,
                             size_t size) {
    return size > 0 ? dynsup_report_write(event, &dsl_object_ops, host, text, size) : 0;
}

void dynsup_lua_reason_text(dynsup_lua_host *host, const dynsup_reason *reason, char *text,
                            size_t size) {
    if (size > 0)
        dynsup_value_write(&reason->value, &dsl_object_ops, host, text, size);
}

lua_State *dynsup_lua_host_state(dynsup_lua_host *host) {
    return dsl_check_host(host) ? NULL : host->L;
}
