/* Programs: how a child's body or start function is made again for each incarnation. */
#include "bindings/child/program.h"

#include "bindings/process/body.h"
#include "bindings/heap/heap.h"
#include "bindings/heap/heap_program.h"
#include "bindings/child/kept.h"
#include "bindings/child/origin.h"
#include "bindings/protect.h"
#include "bindings/server/server.h"
#include "bindings/embed/worker.h"

#include <string.h>

/* ---- packed lists ---- */

int dsl_list_length(lua_State *L, int index) {
    lua_Integer length;
    int whole = true;
    if (!lua_istable(L, index))
        return -1;
    index = lua_absindex(L, index);
    lua_pushstring(L, "n"); /* found by its address, which is less than its hash */
    if (lua_rawget(L, index) == LUA_TNIL)
        length = (lua_Integer)lua_rawlen(L, index);
    else
        length = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : -1;
    lua_pop(L, 1);
    return whole && length >= 0 && length <= DSL_LIST_MAX ? (int)length : -1;
}

void dsl_list_copy(lua_State *L, int index) {
    index = lua_absindex(L, index);
    int length = dsl_list_length(L, index);
    int count = length < 0 ? 0 : length; /* a finalizer could have spoilt it */
    lua_createtable(L, count, 1);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        lua_rawseti(L, -2, i);
    }
    lua_pushinteger(L, count);
    lua_setfield(L, -2, "n");
}

int dsl_list_unpack(lua_State *L, int index) {
    int count = dsl_list_length(L, index);
    luaL_checkstack(L, count + 4, "too many arguments for a process");
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, index, i);
    return count;
}

/* ---- programs ---- */

/* Of a worker in C. */
typedef struct making {
    const dsl_program *program;
    void *body;
    dynsup_reason reason; /* without a body */
} making;

static int worker_make(lua_State *L) {
    making *m = lua_touserdata(L, 1);
    dsl_host *host = m->program->host;
    dsl_vault_push(L, &host->vault, m->program->function);
    if (dsl_worker_name(L, -1)) {
        m->body = dsl_worker_new(L, host, -1, 0);
        return 0;
    }
    lua_pushliteral(L, "invalid_mfa"); /* as for a spec with such a body */
    dsl_vault_reserve(L, &host->vault, 1);
    m->reason = dsl_reason_get(L, host, -1);
    return 0;
}

static bool has_heap(const dsl_program *program) {
    const dsl_heap *heap = program->host->heap;
    return !heap || heap->state == DSL_HEAP_OPEN;
}

static int worker_body(const dsl_program *program, const dynsup_body_ops **ops_out, void **body_out,
                       dynsup_reason *reason) {
    making m = {.program = program};
    int status = dsl_protect(program->host->L, worker_make, &m);
    if (status != LUA_OK)
        return DYNSUP_ENOMEM;
    *ops_out = &dsl_worker_body_ops;
    *body_out = m.body;
    *reason = m.reason;
    return m.body ? 0 : DYNSUP_EREASON;
}

/* With arguments from another heap the body is made at once, so that a failure is the start's. */
static int made_body(const dsl_program *program, const dynsup_body_ops **ops_out, void **body_out,
                     dynsup_reason *reason) {
    *ops_out = &dsl_body_ops;
    *body_out = dsl_program_body(program, 0, reason);
    if (*body_out)
        return 0;
    bool is_nomem = reason->value.kind == DYNSUP_ATOM && reason->value.as.atom == DYNSUP_NOMEM;
    return is_nomem ? DYNSUP_ENOMEM : DYNSUP_EREASON;
}

/* The supervisor's arguments in the same heap are read when the body begins. */
static int program_make(void *p, uint64_t arguments, const dynsup_body_ops **ops_out,
                        void **body_out, dynsup_reason *reason) {
    (void)arguments;
    dsl_program *program = p;
    if (!has_heap(program)) { /* a lost heap takes its functions with it */
        *reason = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED);
        return DYNSUP_EREASON;
    }
    if (program->is_worker)
        return worker_body(program, ops_out, body_out, reason);
    if (program->has_extra)
        return made_body(program, ops_out, body_out, reason);
    *ops_out = &dsl_begin_ops;
    *body_out = dsl_program_retain(program);
    return 0;
}

static size_t program_size(uint32_t value_count) {
    return sizeof(dsl_program) + value_count * sizeof(dynsup_value);
}

/* The arguments, and the parcel of those that come before. */
static uint32_t value_count(const dsl_program *program) {
    return program->arg_count + program->has_extra;
}

/* The program's heap may be closed by now: so the whole host is asked, and not the face. */
static void slot_release(const dsl_host *host, uint32_t slot) {
    if (slot)
        dsl_object_release(host->whole, host->heap_base | slot);
}

void dsl_program_release(void *p) {
    dsl_program *program = p;
    dsl_host *host = program->host;
    dsl_host *whole = host->whole;
    if (--program->owners > 0)
        return;
    slot_release(host, program->function);
    slot_release(host, program->env);
    slot_release(host, program->env_call);
    for (uint32_t i = 0; i < value_count(program); i++)
        dsl_value_release(whole, &program->args[i]);
    if (host->heap)
        dsl_heap_release(host->heap); /* the face may be gone from here on */
    whole->alloc(whole->alloc_ud, program, program_size(value_count(program)), 0);
}

/* Pushes the function that shows where the code is: for a server's child the module's init, as all
 * servers have the same start function. [-0, +1] */
static void code_push(lua_State *L, const dsl_program *program) {
    dsl_host *host = program->host;
    dsl_vault_push(L, &host->vault, program->function);
    if (!lua_iscfunction(L, -1) || program->arg_count == 0)
        return;
    dsl_value_push(L, host, &program->args[0]);
    if (!dsl_server_init_push(L, host->runtime, -1))
        lua_pop(L, 1);
}

static void program_describe(void *p, char *text, size_t size) {
    const dsl_program *program = p;
    lua_State *L = program->host->vault.L;
    dsl_place place;
    if (!L) { /* its heap is closed */
        snprintf(text, size, "?");
        return;
    }
    int top = lua_gettop(L);
    code_push(L, program);
    dsl_place_find(L, -1, &place);
    dsl_place_format(place.source, place.line, text, size);
    lua_settop(L, top);
}

/* Is it a name? Its heap must be there still. */
static bool is_named(const dsl_program *program) {
    const dsl_vault *vault = &program->host->vault;
    if (!vault->L)
        return false;
    dsl_vault_push(vault->L, vault, program->function);
    bool is_string = lua_type(vault->L, -1) == LUA_TSTRING;
    lua_pop(vault->L, 1);
    return is_string;
}

bool dsl_program_name_push(lua_State *L, dsl_host *host, const dynsup_child_info *child) {
    if (child->program_ops == &dsl_heap_program_ops) {
        lua_pushstring(L, dsl_heap_program_name(child->program));
        return true;
    }
    if (child->program_ops != &dsl_program_ops || !is_named(child->program))
        return false;
    const dsl_program *program = child->program;
    dsl_object_push(L, host, program->host->heap_base | program->function);
    return true;
}

const dynsup_program_ops dsl_program_ops = {
    .make = program_make, .release = dsl_program_release, .describe = program_describe};

static void arg_keep(lua_State *L, dsl_program *program, int args, int i) {
    lua_rawgeti(L, args, i + 1);
    program->args[i] = dsl_value_get(L, program->host, -1);
    lua_pop(L, 1);
}

static uint32_t place_keep(lua_State *L, dsl_host *host, int index) {
    lua_pushvalue(L, index);
    return dsl_vault_put(L, &host->vault);
}

dsl_program *dsl_program_new(lua_State *L, dsl_host *host, int places, const dsl_spec *spec,
                             dsl_parcel *extra) {
    size_t size = program_size((uint32_t)spec->arg_count + (extra != NULL));
    dsl_host *whole = host->whole;
    dsl_program *program = whole->alloc(whole->alloc_ud, NULL, 0, size);
    if (!program)
        return NULL;
    *program = (dsl_program){.host = host,
                             .owners = 1,
                             .arg_count = (uint32_t)spec->arg_count,
                             .is_guest = spec->by_start,
                             .has_extra = extra,
                             .max_memory = spec->max_memory};
    program->is_worker = dsl_worker_name(L, places + DSL_SPEC_FUNCTION);
    program->function = dsl_function_keep(L, host, places + DSL_SPEC_FUNCTION);
    dsl_vault_retain(&host->vault, program->function);
    for (int i = 0; i < spec->arg_count; i++)
        arg_keep(L, program, places + DSL_SPEC_ARGS, i);
    if (extra)
        program->args[spec->arg_count] =
            (dynsup_value){DYNSUP_OBJECT, {.object = dsl_object_of_parcel(extra)}};
    if (host->heap)
        dsl_heap_retain(host->heap);
    if (!dsl_spec_has(spec, DSL_SPEC_ENV))
        return program;
    program->env = place_keep(L, host, places + DSL_SPEC_ENV);
    program->env_call = place_keep(L, host, places + DSL_SPEC_ENV_CALL);
    return program;
}

dsl_program *dsl_program_share(lua_State *L, dsl_host *host, int places) {
    static const dsl_spec plain;
    dsl_function_keep(L, host, places + DSL_SPEC_FUNCTION);
    if (!host->function.program)
        host->function.program = dsl_program_new(L, host, places, &plain, NULL);
    return host->function.program ? dsl_program_retain(host->function.program) : NULL;
}
