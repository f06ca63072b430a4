/*
 * The beginning of a child's process.
 *
 * Until its first slice a child's process has its program as body; then it gets a coroutine. So
 * children that start and end one after the other need few coroutines.
 */
#include "bindings/memory/account.h"
#include "bindings/process/body.h"
#include "bindings/heap/heap.h"
#include "bindings/heap/heap_group.h"
#include "bindings/process/process.h"
#include "bindings/child/program.h"
#include "bindings/protect.h"

#include <assert.h>

#define STACK 4 /* slots needed in addition to the arguments */

/* Pushes the values of the supervisor's list, and adds their number; false without memory.
 * [-0, +n] */
static bool list_push(lua_State *co, dsl_host *host, uint64_t list_object, int *count) {
    if (!list_object)
        return true;
    assert(dsl_object_is_own(host, list_object) && "of another heap a program has a parcel");
    dsl_object_push(co, host, list_object);
    int list = lua_gettop(co);
    int length = dsl_list_length(co, list);
    if (length < 0 || !lua_checkstack(co, length + STACK))
        return false;
    for (int i = 1; i <= length; i++)
        lua_rawgeti(co, list, i);
    lua_remove(co, list);
    *count += length;
    return true;
}

typedef struct loading {
    dsl_host *host;
    const dsl_parcel *parcel;
    dsl_body *body;
    dynsup_reason *reason;
    bool done;
} loading;

/* Moves what has come from the supervisor's heap into the body. */
static int extra_push_protected(lua_State *L) {
    loading *l = lua_touserdata(L, 1);
    dsl_codec_trouble trouble;
    int count = 0;
    luaL_checkstack(L, (int)l->parcel->count + STACK, NULL);
    if (dsl_parcel_unpack(L, l->parcel, &count, &trouble) != DSL_CODEC_OK) {
        lua_pushstring(L, trouble.text);
        dsl_vault_reserve(L, &l->host->vault, 1);
        *l->reason = dsl_reason_get(L, l->host, -1);
        return 0;
    }
    l->done = lua_checkstack(l->body->co, count + STACK);
    if (!l->done)
        return 0;
    lua_xmove(L, l->body->co, count);
    l->body->nargs += count;
    return 0;
}

/* As list_push, for the program's own arguments; if it fails the reason says why. */
static bool extra_push(const dsl_program *program, dsl_body *body, dynsup_reason *reason) {
    const dsl_parcel *parcel = dsl_program_extra(program);
    if (!parcel)
        return true;
    dsl_host *host = program->host;
    loading l = {host, parcel, body, reason, false};
    dsl_account *outer =
        dsl_memory_enter(host->memory, NULL); /* like a message's copies: charged to no account */
    dsl_protect(host->L, extra_push_protected, &l);
    dsl_memory_enter(host->memory, outer);
    return l.done;
}

static bool args_push(lua_State *co, const dsl_program *program, int *count) {
    if (!lua_checkstack(co, (int)program->arg_count + STACK))
        return false;
    for (uint32_t i = 0; i < program->arg_count; i++)
        dsl_value_push(co, program->host, &program->args[i]);
    *count += (int)program->arg_count;
    return true;
}

/* Pushes the function, or what calls it in an environment of its own. */
static void function_push(const dsl_program *program, dsl_body *body) {
    const dsl_vault *vault = &program->host->vault;
    dsl_vault_push(body->co, vault, program->env ? program->env_call : program->function);
    body->nargs = dsl_function_call(body->co, program->host->runtime);
    if (!program->env)
        return;
    dsl_vault_push(body->co, vault, program->function);
    dsl_vault_push(body->co, vault, program->env);
    body->nargs += 2;
}

/* Pushes the function and its arguments, those of the supervisor first. */
static bool program_load(const dsl_program *program, dsl_body *body, uint64_t arguments,
                         dynsup_reason *reason) {
    dsl_host *host = program->host;
    function_push(program, body);
    return list_push(body->co, host, arguments, &body->nargs) &&
           extra_push(program, body, reason) && args_push(body->co, program, &body->nargs);
}

dsl_body *dsl_program_body(const dsl_program *program, uint64_t arguments,
                           dynsup_reason *reason_out) {
    *reason_out = dynsup_reason_atom(DYNSUP_NOMEM);
    dsl_body *body = dsl_body_take(program->host);
    if (!body)
        return NULL;
    body->is_guest = program->is_guest;
    if (program_load(program, body, arguments, reason_out) &&
        dsl_account_limit(body, program->max_memory))
        return body;
    dsl_body_discard(body);
    return NULL;
}

/* The program cannot begin. */
static enum dynsup_slice refused(const dsl_program *program, dynsup_reason reason,
                                 dynsup_outcome *outcome) {
    if (program->is_guest) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = reason.value;
    } else {
        outcome->reason = reason;
    }
    return DYNSUP_SLICE_EXIT;
}

static enum dynsup_slice begin_step(void *p, dynsup_host *core, dynsup_pid self,
                                    enum dynsup_wake wake, dynsup_outcome *outcome) {
    dsl_program *program = p;
    dsl_heap *heap = program->host->heap;
    if (heap && dsl_heap_ends(heap, program->is_guest, outcome))
        return DYNSUP_SLICE_EXIT;
    dynsup_pid supervisor = program->is_guest ? self : dynsup_parent(core);
    uint64_t arguments = dynsup_supervisor_arguments(core, supervisor);
    assert(!dsl_heap_group_of(arguments) && "a start waits until its supervisor's heaps are known");
    dynsup_reason reason;
    dsl_body *body = dsl_program_body(program, arguments, &reason);
    if (!body)
        return refused(program, reason, outcome);
    dynsup_body_set(core, &dsl_body_ops, body);
    dsl_program_release(program);
    return dsl_body_ops.step(body, core, self, wake, outcome);
}

const dynsup_body_ops dsl_begin_ops = {
    .name = "coroutine",
    .step = begin_step,
    .fini = dsl_program_release,
};
