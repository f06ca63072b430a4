/* Looks at a supervisor's children: their numbers, their list, and one after the other. */
#include "bindings/child/field.h"
#include "bindings/observe/look.h"
#include "bindings/lua/metatable.h"
#include "bindings/module.h"
#include "bindings/child/request.h"

static dynsup_pid turn_pid(lua_State *L) {
    return dsl_check_dest(L, dsl_host_of(L), 1);
}

/* Lets k go on when it is the supervisor's turn; the raw reply is on top. */
static int take_turn(lua_State *L, lua_KFunction k) {
    dsl_host *host = dsl_host_of(L);
    dynsup_reply reply;
    dsl_check_count(L, 1, 1);
    dynsup_supervisor_turn(host->core, turn_pid(L), dsl_can_wait(L, host), &reply);
    return dsl_reply_to(L, host, &reply, 0, k);
}

static int count_children_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_raw_reply raw = dsl_raw_get(L);
    dynsup_counts counts;
    if (raw.status == 0)
        raw.status = dynsup_count_children(dsl_host_of(L)->core, turn_pid(L), &counts);
    if (raw.status)
        return dsl_push_failure(L, raw);
    lua_createtable(L, 0, 4);
    dsl_field_integer(L, "specs", counts.specs);
    dsl_field_integer(L, "active", counts.active);
    dsl_field_integer(L, "supervisors", counts.supervisors);
    dsl_field_integer(L, "workers", counts.workers);
    return 1;
}

static int count_children(lua_State *L) {
    return take_turn(L, count_children_k);
}

/* A cursor as a full userdata: the collector closes what an iteration left open. */
#define CURSOR "dynsup.cursor"

struct dsl_cursor {
    dsl_host *host;
    dynsup_cursor *cursor;   /* NULL: closed */
    struct dsl_cursor *next; /* in host->cursors while it is open */
    struct dsl_cursor **link;
};

static void cursor_end(dsl_cursor *c) {
    if (!c->cursor)
        return;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    if (c->host->core)
        dynsup_cursor_close(c->host->core, c->cursor);
    c->cursor = NULL;
}

void dsl_cursors_close(dsl_host *host) {
    while (host->cursors)
        cursor_end(host->cursors);
}

static int cursor_close(lua_State *L) {
    cursor_end(luaL_checkudata(L, 1, CURSOR));
    return 0;
}

static void cursor_begin(dsl_cursor *c, dsl_host *host, dynsup_pid pid) {
    c->host = host;
    c->cursor = dynsup_cursor_open(host->core, pid);
    if (!c->cursor)
        return;
    c->next = host->cursors;
    c->link = &host->cursors;
    if (c->next)
        c->next->link = &c->next;
    host->cursors = c;
}

static const luaL_Reg cursor_meta[] = {
    {"__close", cursor_close}, {"__gc", cursor_close}, {NULL, NULL}};

dsl_cursor *dsl_cursor_push(lua_State *L, dsl_host *host, dynsup_pid pid) {
    dsl_cursor *c = lua_newuserdatauv(L, sizeof *c, 0);
    c->cursor = NULL;
    dsl_metatable_set(L, CURSOR, cursor_meta);
    cursor_begin(c, host, pid);
    if (!c->cursor && dynsup_count_children(host->core, pid, &(dynsup_counts){0}) == 0)
        dsl_error(L, "not enough memory");
    return c;
}

/* Sets the pid, or why there is none; neither for a child that is down and has not failed. */
static void set_pid(lua_State *L, const char *field, dynsup_pid pid, const char *why) {
    if (pid)
        dsl_id_push(L, pid);
    else if (why)
        lua_pushstring(L, why);
    else
        return;
    lua_setfield(L, -2, field);
}

static const char *why_down(const dynsup_child_info *child) {
    if (child->state == DYNSUP_CHILD_FAILED)
        return "failed";
    return child->state == DYNSUP_CHILD_RESTARTING ? "restarting" : NULL;
}

/* The name as it may be given: a string, or { registry, key }. */
static void set_name(lua_State *L, dsl_host *host, const dynsup_child_info *child) {
    if (!child->name)
        return;
    if (child->name_registry) {
        dsl_value_push(L, host, &child->name_key);
        lua_createtable(L, 2, 0);
        dsl_id_push(L, child->name_registry);
        lua_rawseti(L, -2, 1);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 2);
    } else {
        lua_pushlstring(L, child->name, child->name_length);
    }
    lua_setfield(L, -2, "name");
}

/* Fills the table on top. What is borrowed from the child comes first: a finalizer could end it. */
static void set_child(lua_State *L, dsl_host *host, const dynsup_child_info *child) {
    dsl_field_value(L, host, "id", &child->id);
    dsl_field_value(L, host, "modules", &child->modules);
    set_name(L, host, child);
    set_pid(L, "pid", child->pid, why_down(child));
    set_pid(L, "last_pid", child->last_pid, why_down(child));
    dsl_field_text(L, "type", child->is_supervisor ? "supervisor" : "worker");
}

/* The next child's table; false, with nothing pushed, behind the last. [-0, +0|1] */
static bool push_next(lua_State *L, dsl_cursor *c) {
    dynsup_child_info child;
    lua_createtable(L, 0, 6);
    if (c->cursor && dynsup_cursor_next(c->cursor, &child)) {
        set_child(L, c->host, &child);
        return true;
    }
    lua_pop(L, 1);
    return false;
}

bool dsl_cursor_next(lua_State *L, int index, dynsup_child_info *child_out) {
    dsl_cursor *c = luaL_checkudata(L, index, CURSOR);
    return c->cursor && dynsup_cursor_next(c->cursor, child_out);
}

static int which_children_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_host *host = dsl_host_of(L);
    dsl_raw_reply raw = dsl_raw_get(L);
    dynsup_counts counts;
    if (raw.status == 0)
        raw.status = dynsup_count_children(host->core, turn_pid(L), &counts);
    if (raw.status)
        return dsl_push_failure(L, raw);
    dsl_cursor *c = dsl_cursor_push(L, host, turn_pid(L));
    lua_createtable(L, (int)counts.specs, 0);
    for (lua_Integer i = 1; push_next(L, c); i++)
        lua_rawseti(L, -2, i);
    cursor_end(c);
    return 1;
}

static int which_children(lua_State *L) {
    return take_turn(L, which_children_k);
}

/* The iterator: children's state is the cursor. */
static int children_next(lua_State *L) {
    return push_next(L, luaL_checkudata(L, 1, CURSOR));
}

static int children_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_raw_reply raw = dsl_raw_get(L);
    dsl_host *host = dsl_host_of(L);
    dynsup_counts counts;
    if (raw.status == 0) /* the child may have ended since its turn */
        raw.status = dynsup_count_children(host->core, turn_pid(L), &counts);
    if (raw.status)
        return dsl_push_failure(L, raw);
    lua_pushcfunction(L, children_next);
    dsl_cursor_push(L, host, turn_pid(L));
    lua_pushnil(L);
    lua_pushvalue(L, -2);
    return 4;
}

static int children(lua_State *L) {
    return take_turn(L, children_k);
}

const luaL_Reg dsl_children_functions[] = {
    {"which_children", which_children},
    {"children", children},
    {"count_children", count_children},
    {NULL, NULL},
};
