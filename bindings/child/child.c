/* Children: start_child and ensure_child. */
#include "bindings/memory/account.h"
#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/heap/extra.h"
#include "bindings/heap/heap_program.h"
#include "bindings/child/kept.h"
#include "bindings/module.h"
#include "bindings/child/origin.h"
#include "bindings/child/program.h"
#include "bindings/protect.h"
#include "bindings/child/request.h"
#include "bindings/server/server.h"
#include "bindings/child/spec.h"
#include "bindings/embed/worker.h"

#include <string.h>

/* Stack of start_child: 1 supervisor, 2 child, 3.. the spec's places. */
enum {
    CHILD_SUPERVISOR = 1,
    CHILD_CHILD,
    CHILD_PLACES,
    CHILD_FUNCTION = CHILD_PLACES + DSL_SPEC_FUNCTION,
    CHILD_ARGS = CHILD_PLACES + DSL_SPEC_ARGS
};

enum { ENSURE = 1 };

static int start_told(lua_State *L, dsl_host *host, bool ensure, int count) {
    return dsl_told(L, host, ensure ? "ensure_child" : "start_child", count);
}

static int start_replied(lua_State *L, bool ensure) {
    dsl_raw_reply raw = dsl_raw_get(L);
    if (raw.status)
        return dsl_push_failure(L, raw);
    lua_pushvalue(L, raw.base + DSL_RAW_PID);
    if (ensure) {
        lua_pushstring(L, lua_toboolean(L, raw.base + DSL_RAW_EXISTING) ? "existing" : "started");
        return 2;
    }
    lua_pushvalue(L, raw.base + DSL_RAW_VALUE);
    return lua_isnil(L, -1) ? (lua_pop(L, 1), 1) : 2;
}

static int start_child_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    int count = start_replied(L, context == ENSURE);
    return start_told(L, dsl_host_of(L), context == ENSURE, count);
}

/* The body of a child that does not begin as a program: of a worker in C, and of a server that can
 * be started without a guest. */
static void body_prepare(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                         bool may_start) {
    dynsup_child_spec *core = &spec->core;
    if (spec->is_worker) {
        core->body = dsl_worker_new(L, host, CHILD_FUNCTION, dsl_spec_slots(spec));
        core->body_ops = &dsl_worker_body_ops;
    } else if (may_start && spec->by_start && !dynsup_supervisor_arguments(host->core, pid)) {
        core->body = dsl_server_child(L, host, CHILD_FUNCTION, CHILD_ARGS, spec->arg_count,
                                      dsl_spec_slots(spec));
        core->body_ops = &dsl_body_ops;
        core->starting = core->body;
        if (core->body && !dsl_account_limit(core->body, spec->max_memory)) {
            dsl_body_discard(core->body);
            dsl_error(L, "not enough memory");
        }
    }
}

static dsl_program *program_new(lua_State *L, dsl_host *host, const dsl_spec *spec) {
    return dsl_program_new(L, host, CHILD_PLACES, spec, NULL);
}

/* Can the first body be that of all temporary children that run the function? */
static bool is_shared(const dsl_spec *spec) {
    return spec->core.restart == DYNSUP_TEMPORARY && spec->arg_count == 0 && !spec->by_start &&
           !spec->max_memory && !dsl_spec_has(spec, DSL_SPEC_ENV);
}

/* The first body of all other children. */
static dsl_program *first_program(lua_State *L, dsl_host *host, const dsl_spec *spec) {
    return is_shared(spec) ? dsl_program_share(L, host, CHILD_PLACES) : program_new(L, host, spec);
}

/* How a child is started again; for a temporary one, only what reports say of it. */
static void *next_program(lua_State *L, dsl_host *host, const dsl_spec *spec) {
    if (spec->core.restart == DYNSUP_TEMPORARY)
        return dsl_origin_new(L, host, CHILD_FUNCTION);
    if (spec->core.body_ops == &dsl_begin_ops)
        return dsl_program_retain(spec->core.body);
    return program_new(L, host, spec);
}

/* Body and program, which need nothing in Lua but the reserved slots. False without memory. */
static bool programs_prepare(lua_State *L, dsl_host *host, dsl_spec *spec) {
    dynsup_child_spec *core = &spec->core;
    if (!core->body && is_shared(spec) && dsl_function_is_last(L, host, CHILD_FUNCTION)) {
        core->body = dsl_program_retain(host->function.program);
        core->body_ops = &dsl_begin_ops;
        core->program = dsl_origin_again(host);
        core->program_ops = &dsl_origin_ops;
        return true;
    }
    if (!core->body) {
        core->body = first_program(L, host, spec);
        core->body_ops = &dsl_begin_ops;
    }
    if (!core->body)
        return false;
    core->program = next_program(L, host, spec);
    core->program_ops = core->restart == DYNSUP_TEMPORARY ? &dsl_origin_ops : &dsl_program_ops;
    if (!core->program)
        core->body_ops->fini(core->body);
    return core->program;
}

static void value_prepare(lua_State *L, dsl_host *host, const dsl_spec *spec, int place,
                          dynsup_value *value_out) {
    if (dsl_spec_has(spec, place))
        *value_out = dsl_value_get(L, host, CHILD_PLACES + place);
}

/* The spec's parts that may raise, before the core is entered; the first body is made already. With
 * may_start a server is started without a guest. */
static void spec_prepare(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                         bool may_start) {
    dynsup_child_spec *core = &spec->core;
    body_prepare(L, host, pid, spec, may_start);
    if (!core->body)
        dsl_vault_reserve(L, &host->vault, dsl_spec_slots(spec));
    if (!programs_prepare(L, host, spec))
        dsl_error(L, "not enough memory");
}

/* ---- children in other heaps ---- */

/* Is the child to be in another heap, and in which? */
static bool plan_read(lua_State *L, dsl_host *host, dynsup_pid pid, const dsl_spec *spec,
                      dsl_heap_plan *plan) {
    if (spec->is_worker)
        return false;
    *plan = (dsl_heap_plan){.max_bytes = spec->max_memory, .guest = spec->by_start};
    if (dsl_spec_has(spec, DSL_SPEC_ENV))
        plan->env = CHILD_PLACES + DSL_SPEC_ENV;
    if (spec->own_heap)
        return true;
    if (host->config->dry)
        return dsl_dry_spreads(L, host, pid);
    plan->group = dsl_heap_group_of(dynsup_supervisor_arguments(host->core, pid));
    return plan->group;
}

/* nil, reason [, detail] for a first body that could not be made. */
static int make_failed(lua_State *L, dsl_host *host, int status, const dynsup_reason *reason) {
    if (status == DYNSUP_ENOMEM)
        dsl_error(L, "not enough memory");
    lua_pushnil(L);
    dsl_value_push(L, host, &reason->value);
    dsl_value_release(host, &reason->value);
    return 2;
}

/* The supervisor's extra arguments for a program with a heap of its own. 0, or the number of values
 * pushed: then the program is gone. */
static int own_lead(lua_State *L, dsl_host *host, dynsup_pid pid, const dynsup_child_spec *core) {
    dsl_extra extra;
    if (dsl_extra_pack(host, NULL, pid, &extra)) {
        dsl_heap_program_lead(core->program, extra.parcel);
        return 0;
    }
    core->program_ops->release(core->program);
    return dsl_extra_failed(L, &extra);
}

/* The program. 0, or the number of values pushed. */
static int abroad_program(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                          const dsl_heap_plan *plan) {
    dynsup_child_spec *core = &spec->core;
    dsl_codec_trouble trouble;
    if (lua_type(L, CHILD_FUNCTION) != LUA_TSTRING) {
        lua_pushliteral(L, DSL_SPEC_NEEDS_NAME);
        return dsl_spec_fail(L, "invalid_mfa");
    }
    core->program_ops = &dsl_heap_program_ops;
    core->program = dsl_heap_program_new(L, host, CHILD_FUNCTION, CHILD_ARGS, plan, &trouble);
    if (!core->program)
        return dsl_heap_program_refused(L, &trouble);
    return spec->own_heap ? own_lead(L, host, pid, core) : 0;
}

/* A dry run opens no heaps: it checks whether the child could be in another one, and goes on with
 * the child in the supervisor's own. 0, or the number of values pushed. */
static int abroad_check(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                        const dsl_heap_plan *plan, bool may_start) {
    int failed = abroad_program(L, host, pid, spec, plan);
    if (failed)
        return failed;
    spec->core.program_ops->release(spec->core.program);
    if (spec->own_heap)
        spec->max_memory = 0; /* the heap's */
    spec_prepare(L, host, pid, spec, may_start);
    return 0;
}

/* Makes the first body of the spec's program, of which a temporary child keeps only what reports
 * say, and room in the vault. 0, or the number of values pushed. */
static int made_prepare(lua_State *L, dsl_host *host, dsl_spec *spec) {
    dynsup_child_spec *core = &spec->core;
    dynsup_reason reason;
    int status = core->program_ops->make(core->program, 0, &core->body_ops, &core->body, &reason);
    if (status) {
        core->program_ops->release(core->program);
        return make_failed(L, host, status, &reason);
    }
    bool done = dsl_reserve(host, dsl_spec_slots(spec));
    if (core->restart == DYNSUP_TEMPORARY || !done)
        core->program_ops->release(core->program);
    if (core->restart == DYNSUP_TEMPORARY && done) {
        core->program_ops = &dsl_origin_ops;
        core->program = dsl_origin_new(L, host, CHILD_FUNCTION);
        done = core->program;
    }
    if (done)
        return 0;
    core->body_ops->fini(core->body);
    dsl_error(L, "not enough memory");
    return 0;
}

static int abroad_prepare(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                          const dsl_heap_plan *plan) {
    int failed = abroad_program(L, host, pid, spec, plan);
    return failed ? failed : made_prepare(L, host, spec);
}

/* A child in the caller's heap: extra arguments of its supervisor that are in another one come with
 * its program. 0, or the number of values pushed. */
static int here_prepare(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                        bool may_start) {
    dynsup_child_spec *core = &spec->core;
    dsl_extra extra;
    if (spec->is_worker || !dsl_extra_travels(host, host, pid)) {
        spec_prepare(L, host, pid, spec, may_start);
        return 0;
    }
    dsl_vault_reserve(L, &host->vault, dsl_spec_slots(spec));
    if (!dsl_extra_pack(host, host, pid, &extra))
        return dsl_extra_failed(L, &extra);
    core->program_ops = &dsl_program_ops;
    core->program = dsl_program_new(L, host, CHILD_PLACES, spec, extra.parcel);
    if (core->program)
        return made_prepare(L, host, spec);
    dsl_parcel_release(extra.parcel);
    dsl_error(L, "not enough memory");
    return 0;
}

static void values_keep(lua_State *L, dsl_host *host, dsl_spec *spec) {
    dynsup_child_spec *core = &spec->core;
    if (dsl_spec_has(spec, DSL_SPEC_ID))
        core->id = dsl_kept_value(L, host, &host->child_id, CHILD_PLACES + DSL_SPEC_ID);
    value_prepare(L, host, spec, DSL_SPEC_MODULES, &core->modules);
    value_prepare(L, host, spec, DSL_SPEC_NAME_KEY, &core->name_key);
    value_prepare(L, host, spec, DSL_SPEC_NAME_VALUE, &core->name_value);
}

/* The first body and the program, here or in another heap, and the values: all that may raise. 0,
 * or the number of values pushed. */
static int parts_prepare(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                         bool may_start) {
    dsl_heap_plan plan;
    int failed = 0;
    if (!plan_read(L, host, pid, spec, &plan))
        failed = here_prepare(L, host, pid, spec, may_start);
    else if (host->config->dry)
        failed = abroad_check(L, host, pid, spec, &plan, may_start);
    else
        failed = abroad_prepare(L, host, pid, spec, &plan);
    if (failed == 0)
        values_keep(L, host, spec);
    return failed;
}

/* What start_child returns, or waits for. */
static int start_answer(lua_State *L, dsl_host *host, const dynsup_child_spec *core,
                        const dynsup_reply *reply, bool ensure) {
    if (reply->status != 0 || ensure || reply->values[0].kind != DYNSUP_NIL)
        return dsl_reply_to(L, host, reply, ensure, start_child_k);
    dsl_id_push(L, reply->pid);
    start_told(L, host, ensure, 1);
    return core->starting ? dsl_go_on(L, host, 1) : 1;
}

/* A function, or what may be the name of one. */
static bool is_bare(lua_State *L) {
    int type = lua_type(L, CHILD_CHILD);
    return type == LUA_TFUNCTION ||
           (type == LUA_TSTRING && strchr(lua_tostring(L, CHILD_CHILD), ':'));
}

/* A static supervisor's child has an id; a bare function or name is its own id. The supervisor is
 * one whose answer is waited for, as a static one's always is; where a child is to be ensured by
 * its name, that comes first. 0, or the number of values pushed. */
static int id_settle(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec, bool ensure) {
    enum dynsup_auto_shutdown when;
    bool is_given = dsl_spec_has(spec, DSL_SPEC_ID) || (ensure && spec->core.name);
    if (is_given || !dynsup_static_is(host->core, pid, &when))
        return 0;
    lua_pushvalue(L, CHILD_CHILD);
    if (!is_bare(L))
        return dsl_spec_fail(L, "missing_id");
    lua_replace(L, CHILD_PLACES + DSL_SPEC_ID);
    spec->given |= 1u << DSL_SPEC_ID;
    return 0;
}

/* Checks whether the supervisor has a use for `significant`: 0, or the number of values pushed. */
static int significant_check(lua_State *L, dsl_host *host, dynsup_pid pid, const dsl_spec *spec) {
    enum dynsup_auto_shutdown when = DYNSUP_NEVER_SHUTDOWN;
    bool is_static = spec->core.significant && dynsup_static_is(host->core, pid, &when);
    return dsl_spec_check_significant(L, spec, is_static, when);
}

/* With a spec that has been read: its places are on the stack. The supervisor is what it will be.
 */
static int start_settled(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec,
                         bool ensure) {
    dynsup_reply reply = {0};
    dynsup_child_spec *core = &spec->core;
    int failed = significant_check(L, host, pid, spec);
    if (failed)
        return start_told(L, host, ensure, failed);
    int status = dynsup_admits(host->core, pid, core->name, core->name_length, ensure, &reply);
    bool waits = status == DYNSUP_PENDING || core->guest || core->ready;
    if (status && status != DYNSUP_PENDING)
        return start_told(L, host, ensure, dsl_refuse(L, host, &reply));
    if (status == 0 && reply.existing)
        return dsl_reply_to(L, host, &reply, ensure, start_child_k);
    failed = status == DYNSUP_PENDING ? id_settle(L, host, pid, spec, ensure) : 0;
    if (failed)
        return start_told(L, host, ensure, failed);
    if (waits && !dsl_can_wait(L, host))
        return host->never_waits ? dsl_fail(L, DYNSUP_WOULD_WAIT) : dsl_cannot_wait(L, host);
    failed = parts_prepare(L, host, pid, spec, status == 0 && !ensure);
    if (failed)
        return start_told(L, host, ensure, failed);
    dynsup_start_child(host->core, pid, core, ensure && waits, waits, &reply);
    host->switching = false; /* what has run inside may have waited */
    return start_answer(L, host, core, &reply, ensure);
}

/* Reads what the caller gave, or what a module has made of it. Returns as dsl_spec_read. */
static int given_read(lua_State *L, const dsl_host *host, dsl_spec *spec) {
    return is_bare(L) ? dsl_spec_bare(L, CHILD_CHILD, spec)
                      : dsl_spec_read(L, host->runtime, CHILD_CHILD, spec);
}

static int start_turn_k(lua_State *L, int status, lua_KContext context);

/* Only when the supervisor's init function is done is it known whether it is static, and what heaps
 * and arguments it has: then the child's spec is read again. */
static int start_read(lua_State *L, dsl_host *host, dynsup_pid pid, dsl_spec *spec, bool ensure) {
    dynsup_reply reply;
    if (!dynsup_supervisor_in_init(host->core, pid))
        return start_settled(L, host, pid, spec, ensure);
    dynsup_supervisor_turn(host->core, pid, dsl_can_wait(L, host), &reply);
    lua_settop(L, CHILD_CHILD);
    return dsl_reply_to(L, host, &reply, ensure, start_turn_k);
}

static int start_spec(lua_State *L, dsl_host *host, bool ensure) {
    dsl_spec spec;
    lua_settop(L, CHILD_CHILD);
    int failed = dsl_spec_read(L, host->runtime, CHILD_CHILD, &spec);
    if (failed)
        return start_told(L, host, ensure, failed);
    return start_read(L, host, dsl_check_dest(L, host, CHILD_SUPERVISOR), &spec, ensure);
}

static int start_turn_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    bool ensure = context == ENSURE;
    dsl_host *host = dsl_host_of(L);
    dsl_raw_reply raw = dsl_raw_get(L);
    if (raw.status)
        return start_told(L, host, ensure, dsl_push_failure(L, raw));
    dsl_spec spec;
    lua_settop(L, CHILD_CHILD);
    int failed = given_read(L, host, &spec);
    if (failed)
        return start_told(L, host, ensure, failed);
    return start_read(L, host, dsl_check_dest(L, host, CHILD_SUPERVISOR), &spec, ensure);
}

static int normalized_k(lua_State *L, int status, lua_KContext ensure) {
    (void)status;
    lua_replace(L, CHILD_CHILD);
    return start_spec(L, dsl_host_of(L), ensure == ENSURE);
}

/* True when the table at CHILD_CHILD has the field itself. */
static bool has_raw(lua_State *L, const char *field) {
    lua_pushstring(L, field);
    bool has = lua_rawget(L, CHILD_CHILD) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

/* What is no spec by itself: a module or { module, arg }. */
static bool is_module_child(lua_State *L) {
    return lua_istable(L, CHILD_CHILD) && !has_raw(L, "body") && !has_raw(L, "start");
}

/* Is it { module, arg } for sure? Then it is not read as a spec in vain. */
static bool is_pair(lua_State *L) {
    if (!lua_istable(L, CHILD_CHILD))
        return false;
    bool has_module = lua_rawgeti(L, CHILD_CHILD, 1) == LUA_TTABLE;
    lua_pop(L, 1);
    return has_module && is_module_child(L);
}

/* start_child and ensure_child: the second upvalue turns a module or { module, arg } into a spec.
 */
static int start_any(lua_State *L, bool ensure) {
    dsl_spec spec;
    dsl_host *host = dsl_host_of(L);
    dsl_check_count(L, 2, 2);
    dynsup_pid pid = dsl_check_dest(L, host, CHILD_SUPERVISOR);
    host->runtime->specs++;
    if (!is_pair(L)) {
        int failed = given_read(L, host, &spec);
        if (failed == 0)
            return start_read(L, host, pid, &spec, ensure);
        if (!is_module_child(L))
            return start_told(L, host, ensure, failed);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->runtime->normalize);
    lua_pushvalue(L, CHILD_CHILD);
    lua_callk(L, 1, 1, ensure ? ENSURE : 0, normalized_k);
    return normalized_k(L, LUA_OK, ensure ? ENSURE : 0);
}

static int start_child(lua_State *L) {
    return start_any(L, false);
}

static int ensure_child(lua_State *L) {
    return start_any(L, true);
}

const luaL_Reg dsl_child_functions[] = {
    {"start_child", start_child},
    {"ensure_child", ensure_child},
    {NULL, NULL},
};
