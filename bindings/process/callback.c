/* How long code may run that is called between slices, where it cannot be preempted. */
#include "bindings/process/callback.h"

#include "bindings/process/preempt.h"

#define CALLBACK_MS    1000
#define CALLBACK_NS    (CALLBACK_MS * UINT64_C(1000000))
#define CALLBACK_COUNT 1000000 /* instructions between two looks at the time */
#define ENTRY_COUNT    1000 /* the same in what it resumes, where they count; and what that costs */

static const dsl_body *current_body(const dsl_runtime *runtime) {
    return runtime->host ? runtime->host->current : NULL;
}

/* So many instructions have been executed since the last look. */
static bool time_is_over(struct dsl_callback_time *callback, uint64_t instructions) {
    if (!callback->counts)
        return dsl_real_now() >= callback->deadline_ns;
    uint64_t left = callback->instructions_left;
    callback->instructions_left = left > instructions ? left - instructions : 0;
    return callback->instructions_left == 0;
}

/* A coroutine that a callback has made or run goes on elsewhere. */
static void hook_leave(lua_State *L, dsl_runtime *runtime) {
    if (runtime->host)
        dsl_hook_begin(runtime->host, L);
    else
        lua_sethook(L, NULL, 0, 0);
}

bool dsl_in_callback(const dsl_runtime *runtime) {
    return runtime->callback.runs && runtime->callback.body == current_body(runtime);
}

bool dsl_callback_is_over(const dsl_runtime *runtime) {
    return dsl_in_callback(runtime) && runtime->callback.over;
}

static void callback_hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    dsl_runtime *runtime = dsl_runtime_of_thread(L);
    struct dsl_callback_time *callback = &runtime->callback;
    if (!dsl_in_callback(runtime)) {
        hook_leave(L, runtime);
        return;
    }
    int count = lua_gethookcount(L);
    if (!callback->over && !time_is_over(callback, (uint64_t)count)) {
        lua_sethook(L, callback_hook, LUA_MASKCOUNT, count > 1 ? count : ENTRY_COUNT);
        return;
    }
    callback->over = true;
    lua_sethook(L, callback_hook, LUA_MASKCOUNT, 1);
    dsl_error(L, "a callback ran for longer than %d ms: long work belongs into a process",
              CALLBACK_MS);
}

/* The callback may run on the coroutine of a process that has called a run. That process's host
 * must not preempt it meanwhile, as the callback's hook takes the place of its own. */
static dsl_host *host_hold(lua_State *L, const dsl_runtime *runtime) {
    dsl_host *host = runtime->host;
    while (host && !(host->current && host->innermost == L))
        host = host->outer;
    if (!host || host->hold)
        return NULL;
    host->hold = true;
    return host;
}

/* Replaces the coroutine's hook by the callback's, which checks the time after so many
 * instructions. */
static dsl_level hook_take(lua_State *co, int count) {
    dsl_level user = {.co = co,
                      .hook = lua_gethook(co),
                      .hook_mask = lua_gethookmask(co),
                      .hook_count = lua_gethookcount(co)};
    lua_sethook(co, callback_hook, LUA_MASKCOUNT, count);
    return user;
}

void dsl_callback_leave(const dsl_level *user) {
    if (user->co && lua_gethook(user->co) == callback_hook)
        lua_sethook(user->co, user->hook, user->hook_mask, user->hook_count);
}

/* A coroutine that gives way before its hook fires must not go on for ever: so the time is also
 * checked each time that it is resumed. */
void dsl_callback_enter(dsl_runtime *runtime, lua_State *co, dsl_level *user_out) {
    struct dsl_callback_time *callback = &runtime->callback;
    *user_out = (dsl_level){0};
    if (!dsl_in_callback(runtime))
        return;
    callback->over = callback->over || time_is_over(callback, ENTRY_COUNT);
    *user_out = hook_take(co, callback->over ? 1 : ENTRY_COUNT);
}

void dsl_callback_begin(lua_State *L, dsl_runtime *runtime, bool counts,
                        dsl_callback_frame *frame_out) {
    struct dsl_callback_time *callback = &runtime->callback;
    frame_out->outer = *callback;
    if (!callback->runs) {
        callback->counts = counts;
        callback->instructions_left = CALLBACK_NS / DSL_INSTRUCTION_NS;
        callback->deadline_ns = dsl_real_now() + CALLBACK_NS;
    }
    callback->runs = true;
    callback->body = current_body(runtime);
    frame_out->held = host_hold(L, runtime);
    frame_out->user = hook_take(L, callback->over ? 1 : CALLBACK_COUNT);
}

void dsl_callback_end(dsl_runtime *runtime, const dsl_callback_frame *frame) {
    dsl_callback_leave(&frame->user);
    if (frame->held)
        frame->held->hold = false;
    runtime->callback = frame->outer;
}
