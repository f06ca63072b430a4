/* Programs of children that live in further heaps. */
#include "bindings/heap/heap_program.h"

#include "bindings/memory/account.h"
#include "bindings/process/body.h"
#include "bindings/heap/heap.h"
#include "bindings/process/process.h"
#include "bindings/child/program.h"
#include "bindings/protect.h"
#include "bindings/child/spec.h"
#include "bindings/child/spec_env.h"

#include <stdio.h>
#include <string.h>

#define NOWHERE UINT32_MAX /* in place of a place: none has been chosen yet */

struct dsl_heap_program {
    dsl_host *whole;
    dsl_heap_group *group; /* or NULL */
    dsl_parcel *extra;     /* the supervisor's extra arguments, if that has no group; or NULL */
    dsl_parcel *args;      /* or NULL */
    dsl_parcel *env;       /* or NULL */
    size_t max_bytes;
    lua_Alloc alloc; /* the host's: a box whose program was not taken may outlive the host */
    void *alloc_ud;
    uint32_t place;
    bool guest;
    size_t name_size; /* with the final 0 */
    char name[];
};

/* ---- making a body ---- */

typedef struct making {
    const dsl_heap_program *program;
    dsl_heap *heap;
    dsl_body *body;
    dynsup_reason *reason;
    bool is_refused; /* reason is set */
} making;

static int refuse(lua_State *L, making *m, const char *text) {
    dsl_host *face = &m->heap->face;
    lua_pushstring(L, text);
    dsl_vault_reserve(L, &face->vault, 1);
    *m->reason = dsl_reason_get(L, face, -1);
    m->is_refused = true;
    return 0;
}

/* Pushes a parcel's values and adds their number to *count. False: the parcel was refused. */
static bool parcel_push(lua_State *L, making *m, const dsl_parcel *parcel, int *count) {
    dsl_codec_trouble trouble;
    int pushed = 0;
    if (!parcel)
        return true;
    luaL_checkstack(L, (int)parcel->count + 8, "too many arguments for a process");
    if (dsl_parcel_unpack(L, parcel, &pushed, &trouble) != DSL_CODEC_OK) {
        refuse(L, m, trouble.text);
        return false;
    }
    *count += pushed;
    return true;
}

/* Pushes the function by its name, or what calls it in an environment of its own; as parcel_push.
 */
static bool code_push(lua_State *L, making *m, int *count) {
    const dsl_heap_program *program = m->program;
    lua_pushstring(L, program->env ? DSL_ENV_CALL : program->name);
    *count = dsl_function_push(L, &m->heap->face, -1);
    if (!program->env)
        return true;
    lua_pushstring(L, program->name);
    ++*count;
    return parcel_push(L, m, program->env, count);
}

/* Sets the process's own limit, among others in its heap. False without memory. */
static bool limit(lua_State *L, dsl_host *face, dsl_body *body, size_t bytes) {
    return bytes == 0 || (dsl_accounts_open(L, face) == 0 && dsl_account_limit(body, bytes));
}

static int make_protected(lua_State *L) {
    making *m = lua_touserdata(L, 1);
    const dsl_heap_program *program = m->program;
    dsl_host *face = &m->heap->face;
    int count = 0;
    if (!code_push(L, m, &count))
        return 0;
    if (!parcel_push(L, m, program->group ? program->group->extra : program->extra, &count))
        return 0;
    if (!parcel_push(L, m, program->args, &count))
        return 0;
    dsl_body *body = dsl_body_new(L, face, 0); /* last: nothing raises with a body in hand */
    dsl_body_load(L, body, count);
    body->is_guest = program->guest;
    m->body = body;
    if (!program->group || limit(L, face, body, program->max_bytes))
        return 0;
    m->body = NULL;
    dsl_body_discard(body);
    return luaL_error(L, "not enough memory");
}

/* The heap for the next incarnation, with one owner more; or NULL. */
static dsl_heap *heap_take(dsl_heap_program *program) {
    dsl_heap_group *group = program->group;
    if (!group)
        return dsl_heap_open(program->whole, program->max_bytes);
    if (program->place == NOWHERE)
        program->place = dsl_heap_group_choose(group);
    dsl_heap *heap = dsl_heap_group_heap(group, program->place);
    if (heap)
        dsl_heap_retain(heap);
    return heap;
}

/* 0; DYNSUP_ENOMEM, with *lost_out: because the heap was lost; DYNSUP_EREASON. */
static int make_once(dsl_heap_program *program, making *m, bool *lost_out) {
    *lost_out = false;
    m->heap = heap_take(program);
    if (!m->heap)
        return DYNSUP_ENOMEM;
    int status = dsl_protect(m->heap->face.L, make_protected, m);
    if (m->heap->state == DSL_HEAP_LOST) {
        *lost_out = true;
        dsl_heap_group_part(m->heap);
    }
    dsl_heap_release(m->heap);
    if (m->is_refused)
        return DYNSUP_EREASON;
    return status == LUA_OK && m->body ? 0 : DYNSUP_ENOMEM;
}

static int program_make(void *p, uint64_t arguments, const dynsup_body_ops **ops_out,
                        void **body_out, dynsup_reason *reason) {
    (void)arguments; /* they are in the group */
    bool is_lost;
    making m = {.program = p, .reason = reason};
    int status = make_once(p, &m, &is_lost);
    if (status == DYNSUP_ENOMEM && is_lost)
        status = make_once(p, &m, &is_lost);
    *ops_out = &dsl_body_ops;
    *body_out = m.body;
    return status;
}

/* ---- programs ---- */

static void program_release(void *p) {
    dsl_heap_program *program = p;
    if (program->group)
        dsl_heap_group_release(program->group);
    dsl_parcel_release(program->extra);
    dsl_parcel_release(program->args);
    dsl_parcel_release(program->env);
    program->alloc(program->alloc_ud, program, sizeof *program + program->name_size, 0);
}

static void program_describe(void *p, char *text, size_t size) {
    snprintf(text, size, "%s", ((const dsl_heap_program *)p)->name);
}

const dynsup_program_ops dsl_heap_program_ops = {
    .make = program_make, .release = program_release, .describe = program_describe};

static dsl_packing packing_as(const dsl_host *whole, const char *root) {
    return (dsl_packing){.alloc = whole->alloc, .alloc_ud = whole->alloc_ud, .root = root};
}

/* Packs the list's values as one parcel. False: they cannot travel. */
static bool args_pack(lua_State *L, const dsl_host *whole, int args, dsl_parcel **parcel_out,
                      dsl_codec_trouble *trouble_out) {
    int top = lua_gettop(L);
    *parcel_out = NULL;
    if (lua_isnil(L, args))
        return true;
    int count = dsl_list_unpack(L, args);
    enum dsl_codec_status status = dsl_codec_pack_calling(
        L, top + 1, count, packing_as(whole, "args"), parcel_out, trouble_out);
    lua_settop(L, top);
    if (status == DSL_CODEC_NOMEM)
        dsl_error(L, "not enough memory");
    return status == DSL_CODEC_OK;
}

/* Packs the environment, if there is one: it is made of texts, so it can travel. False without
 * memory. */
static bool env_pack(lua_State *L, const dsl_host *whole, int env, dsl_parcel **parcel_out) {
    dsl_codec_trouble trouble;
    dsl_packing packing = packing_as(whole, "env");
    *parcel_out = NULL;
    return !env || dsl_codec_pack(L, env, 1, &packing, parcel_out, &trouble) == DSL_CODEC_OK;
}

static dsl_heap_program *program_alloc(dsl_host *whole, const char *name, size_t length) {
    size_t size = sizeof(dsl_heap_program) + length + 1;
    dsl_heap_program *program = whole->alloc(whole->alloc_ud, NULL, 0, size);
    if (!program)
        return NULL;
    *program = (dsl_heap_program){.whole = whole,
                                  .alloc = whole->alloc,
                                  .alloc_ud = whole->alloc_ud,
                                  .place = NOWHERE,
                                  .name_size = length + 1};
    memcpy(program->name, name, length + 1);
    return program;
}

dsl_heap_program *dsl_heap_program_new(lua_State *L, dsl_host *host, int function, int args,
                                       const dsl_heap_plan *plan, dsl_codec_trouble *trouble_out) {
    size_t length;
    dsl_parcel *parcel, *env;
    const char *name = lua_tolstring(L, function, &length);
    luaL_checkstack(L, 8, NULL);
    if (!args_pack(L, host->whole, args, &parcel, trouble_out))
        return NULL;
    bool packed = env_pack(L, host->whole, plan->env, &env);
    dsl_heap_program *program = packed ? program_alloc(host->whole, name, length) : NULL;
    if (!program) {
        dsl_parcel_release(parcel);
        dsl_parcel_release(env);
        dsl_error(L, "not enough memory");
        return NULL;
    }
    program->args = parcel;
    program->env = env;
    program->max_bytes = plan->max_bytes;
    program->guest = plan->guest;
    program->group = plan->group;
    if (program->group)
        dsl_heap_group_retain(program->group);
    return program;
}

void dsl_heap_program_lead(dsl_heap_program *program, dsl_parcel *extra) {
    program->extra = extra;
}

/* ---- boxes ---- */

#define BOX_NAME "dynsup.heap_program"

static int box_gc(lua_State *L) {
    dsl_heap_program *program = dsl_heap_program_box_take(L, 1);
    if (program)
        program_release(program);
    return 0;
}

bool dsl_heap_program_box_push(lua_State *L, dsl_host *host, int function, int args,
                               const dsl_heap_plan *plan, dsl_codec_trouble *trouble_out) {
    dsl_heap_program **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    if (luaL_newmetatable(L, BOX_NAME)) {
        lua_pushcfunction(L, box_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    *box = dsl_heap_program_new(L, host, function, args, plan, trouble_out);
    if (*box)
        return true;
    lua_pop(L, 1);
    return false;
}

dsl_heap_program *dsl_heap_program_box_take(lua_State *L, int index) {
    dsl_heap_program **box = lua_touserdata(L, index);
    dsl_heap_program *program = *box;
    *box = NULL;
    return program;
}

int dsl_heap_program_refused(lua_State *L, const dsl_codec_trouble *trouble) {
    lua_pushfstring(L, "%s to another heap", trouble->text);
    return dsl_spec_fail(L, "invalid_mfa");
}

const char *dsl_heap_program_name(const dsl_heap_program *program) {
    return program->name;
}
