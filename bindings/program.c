/* Programs: how a child's body or start function is made again for each incarnation. */
#include "bindings/program.h"

#include "bindings/account.h"
#include "bindings/heap_program.h"
#include "bindings/server.h"
#include "bindings/worker.h"

#include <string.h>

typedef struct dsl_program {
    dsl_host *host;
    uint32_t function; /* in the vault */
    uint32_t args;     /* in the vault: a packed table; 0: none */
    bool guest;
    size_t max_memory; /* of each body's process, in bytes; 0: no limit */
} dsl_program;

/* ---- packed lists ---- */

/* -1 for what is no list. */
static lua_Integer list_length(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_pushliteral(L, "n");
    int type = lua_rawget(L, index);
    lua_Integer length = -1;
    int whole = true;
    if (type == LUA_TNIL)
        length = (lua_Integer)lua_rawlen(L, index);
    else if (type == LUA_TNUMBER)
        length = lua_tointegerx(L, -1, &whole);
    lua_pop(L, 1);
    return whole && length <= DSL_LIST_MAX ? length : -1;
}

bool dsl_is_list(lua_State *L, int index) {
    return lua_istable(L, index) && list_length(L, index) >= 0;
}

int dsl_list_length(lua_State *L, int index) {
    lua_Integer length = list_length(L, index);
    return length < 0 ? 0 : (int)length;
}

void dsl_list_copy(lua_State *L, int index) {
    index = lua_absindex(L, index);
    int count = dsl_list_length(L, index);
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

/* ---- bodies ---- */

dsl_body *dsl_program_body(lua_State *L, dsl_host *host, int function, int args, uint64_t arguments,
                           uint32_t slots) {
    int count = dsl_function_push(L, host, function);
    if (arguments) {
        dsl_object_push(L, host, arguments);
        int extra = lua_gettop(L);
        int extra_count = dsl_list_unpack(L, extra);
        lua_remove(L, extra);
        count += extra_count;
    }
    if (!lua_isnil(L, args))
        count += dsl_list_unpack(L, args);
    dsl_body *body = dsl_body_new(L, host, slots); /* last: nothing raises with a body in hand */
    dsl_body_load(L, body, count);
    return body;
}

typedef struct making {
    dsl_program *program;
    uint64_t arguments;
    const dynsup_body_ops *ops;
    void *body;
} making;

static void worker_make(lua_State *L, making *m) {
    m->body = dsl_worker_new(L, m->program->host, 2, 0);
    m->ops = &dsl_worker_body_ops;
}

static int make_protected(lua_State *L) {
    making *m = lua_touserdata(L, 1);
    const dsl_vault *vault = &m->program->host->vault;
    dsl_vault_push(L, vault, m->program->function);
    if (dsl_worker_name(L, 2)) {
        worker_make(L, m);
        return 0;
    }
    if (m->program->args)
        dsl_vault_push(L, vault, m->program->args);
    else
        lua_pushnil(L);
    dsl_body *body = dsl_program_body(L, m->program->host, 2, 3, m->arguments, 0);
    body->is_guest = m->program->guest;
    if (!dsl_account_limit(body, m->program->max_memory)) {
        dsl_body_discard(body);
        return luaL_error(L, "not enough memory");
    }
    m->body = body;
    m->ops = &dsl_body_ops;
    return 0;
}

static bool has_heap(const dsl_program *program) {
    const dsl_heap *heap = program->host->heap;
    return !heap || heap->state == DSL_HEAP_OPEN;
}

static int program_make(void *p, uint64_t arguments, const dynsup_body_ops **ops_out,
                        void **body_out, dynsup_reason *reason) {
    dsl_program *program = p;
    if (!has_heap(program)) { /* a lost heap takes its functions with it */
        *reason = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED);
        return DYNSUP_EREASON;
    }
    making m = {program, arguments, NULL, NULL};
    if (dsl_protect(program->host->L, make_protected, &m) != LUA_OK)
        return DYNSUP_ENOMEM;
    *ops_out = m.ops;
    *body_out = m.body;
    return 0;
}

static void program_release(void *p) {
    dsl_program *program = p;
    dsl_host *host = program->host;
    dsl_host *whole = host->whole;
    dsl_object_release(host, host->heap_base | program->function);
    if (program->args)
        dsl_object_release(host, host->heap_base | program->args);
    if (host->heap)
        dsl_heap_release(host->heap); /* the face may be gone from here on */
    whole->alloc(whole->alloc_ud, program, sizeof *program, 0);
}

void dsl_place_find(lua_State *L, int index, dsl_place *place) {
    place->line = 0;
    place->source = dsl_worker_name(L, index);
    if (lua_type(L, index) == LUA_TSTRING)
        place->source = lua_tostring(L, index);
    if (place->source)
        return;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &place->debug);
    place->source = place->debug.short_src;
    place->line = place->debug.linedefined;
}

void dsl_place_format(const char *source, int line, char *text, size_t size) {
    if (line > 0)
        snprintf(text, size, "%s:%d", source, line);
    else
        snprintf(text, size, "%s", source);
}

static void program_describe(void *p, char *text, size_t size) {
    const dsl_program *program = p;
    const dsl_vault *vault = &program->host->vault;
    lua_State *L = vault->L;
    dsl_place place;
    if (!L) { /* its heap is closed */
        snprintf(text, size, "?");
        return;
    }
    int top = lua_gettop(L);
    dsl_vault_push(L, vault, program->function);
    if (lua_iscfunction(L, -1) && program->args) {
        dsl_vault_push(L, vault, program->args);
        if (!dsl_server_init_push(L, program->host->runtime, top + 2))
            lua_pop(L, 1);
    }
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
    .make = program_make, .release = program_release, .describe = program_describe};

void *dsl_program_new(lua_State *L, dsl_host *host, int function, int args, const dsl_spec *spec) {
    dsl_program *program = host->alloc(host->alloc_ud, NULL, 0, sizeof *program);
    if (!program)
        return NULL;
    *program = (dsl_program){.host = host, .guest = spec->by_start, .max_memory = spec->max_memory};
    if (!lua_isnil(L, args)) {
        lua_pushvalue(L, args);
        program->args = dsl_vault_put(L, &host->vault);
    }
    lua_pushvalue(L, function);
    program->function = dsl_vault_put(L, &host->vault);
    if (host->heap)
        dsl_heap_retain(host->heap);
    return program;
}
