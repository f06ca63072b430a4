/*
 * The beginning of a child's process.
 *
 * Until its first slice the body of a child's process is what it is to run, a program. Then it gets
 * a coroutine: of those that are started and have ended before others begin, few are ever needed.
 */
#include "bindings/account.h"
#include "bindings/heap.h"
#include "bindings/heap_group.h"
#include "bindings/program.h"

#include <assert.h>

#define STACK 4 /* slots that are needed beside the arguments */

/* Pushes the values of the supervisor's list, and adds their number; false without memory.
 * [-0, +n] */
static bool list_push(lua_State *co, dsl_host *host, uint64_t list_object, int *count) {
    if (!list_object)
        return true;
    dsl_object_push(co, host, list_object);
    int list = lua_gettop(co);
    int length = dsl_list_length(co, list);
    if (!lua_checkstack(co, length + STACK))
        return false;
    for (int i = 1; i <= length; i++)
        lua_rawgeti(co, list, i);
    lua_remove(co, list);
    *count += length;
    return true;
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
static bool program_load(const dsl_program *program, dsl_body *body, uint64_t arguments) {
    dsl_host *host = program->host;
    function_push(program, body);
    return list_push(body->co, host, arguments, &body->nargs) &&
           args_push(body->co, program, &body->nargs);
}

static dsl_body *body_make(const dsl_program *program, uint64_t arguments) {
    dsl_body *body = dsl_body_take(program->host);
    if (!body ||
        (program_load(program, body, arguments) && dsl_account_limit(body, program->max_memory)))
        return body;
    dsl_body_discard(body);
    return NULL;
}

/* It cannot begin: there is no memory for its coroutine. */
static enum dynsup_slice refused(const dsl_program *program, dynsup_outcome *outcome) {
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_NOMEM);
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
    dsl_body *body = body_make(program, arguments);
    if (!body)
        return refused(program, outcome);
    body->is_guest = program->is_guest;
    dynsup_body_set(core, &dsl_body_ops, body);
    dsl_program_release(program);
    return dsl_body_ops.step(body, core, self, wake, outcome);
}

const dynsup_body_ops dsl_begin_ops = {
    .name = "coroutine",
    .step = begin_step,
    .fini = dsl_program_release,
};
