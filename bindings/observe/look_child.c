/* The C half of dynsup.observer: supervisors and their children. */
#include "bindings/child/field.h"
#include "bindings/observe/look.h"

#define FUNCTION_MAX 160

/* ---- children ---- */

static const char *const states[] = {
    [DYNSUP_CHILD_STARTING] = "starting",
    [DYNSUP_CHILD_RUNNING] = "running",
    [DYNSUP_CHILD_RESTARTING] = "restarting",
    [DYNSUP_CHILD_STOPPING] = "stopping",
    [DYNSUP_CHILD_DOWN] = "down",
    [DYNSUP_CHILD_FAILED] = "failed",
};

static void set_spec(lua_State *L, const dynsup_child_info *child, const char *function) {
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    dsl_field_text(L, "state", states[child->state]);
    dsl_field_text(L, "restart", restarts[child->restart]);
    dsl_field_text(L, "type", child->is_supervisor ? "supervisor" : "worker");
    dsl_field_shutdown(L, child->shutdown_ms);
    dsl_field_integer(L, "incarnation", child->incarnation);
    if (*function)
        dsl_field_text(L, "func", function);
    dsl_id_push(L, child->last_pid);
    lua_setfield(L, -2, child->pid ? "pid" : "last_pid");
    dsl_field_pid(L, "ref", child->ref);
}

/* Pushes a table of the child and its process. Fields borrowed from the child come first, as a
 * finalizer could end it. [-0, +1] */
static void push_child(lua_State *L, dsl_host *host, const dynsup_child_info *child) {
    char function[FUNCTION_MAX + 1] = "";
    if (child->program_ops)
        child->program_ops->describe(child->program, function, sizeof function);
    dsl_value_push(L, host, &child->id);
    if (child->name)
        lua_pushlstring(L, child->name, child->name_length);
    else
        lua_pushnil(L);
    if (!child->pid || !dsl_row_push(L, host, child->pid))
        lua_createtable(L, 0, 12);
    lua_insert(L, -3);
    if (lua_isnil(L, -1)) /* the process may have one by itself */
        lua_pop(L, 1);
    else
        lua_setfield(L, -3, "name");
    lua_setfield(L, -2, "id");
    set_spec(L, child, function);
}

/* children(pid) -> cursor; nil when there is no such supervisor */
int dsl_look_children(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_supervisor_info info;
    dynsup_pid pid = (uintptr_t)lua_touserdata(L, 1);
    if (!dynsup_supervisor_inspect(host->core, pid, &info))
        return 0;
    dsl_cursor_push(L, host, pid);
    return 1;
}

/* next_child(cursor) -> table; nil behind the last */
int dsl_look_next_child(lua_State *L) {
    dynsup_child_info child;
    if (!dsl_cursor_next(L, 1, &child))
        return 0;
    push_child(L, dsl_host_of(L), &child);
    return 1;
}

/* child(pid or ref) -> table; nil if it is no child, or no longer one */
int dsl_look_child(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_child_info child;
    uint64_t id = (uintptr_t)lua_touserdata(L, 1);
    bool found = dsl_is_pid(L, 1) ? dynsup_child_of(host->core, id, &child)
                                  : dynsup_child_find(host->core, id, &child);
    if (!found)
        return 0;
    push_child(L, host, &child);
    return 1;
}

/* ---- supervisors ---- */

/* supervisor(pid, table) -> whether the process is one; fills the table. */
int dsl_look_supervisor(lua_State *L) {
    dynsup_supervisor_info info;
    dynsup_pid pid = (uintptr_t)lua_touserdata(L, 1);
    bool is_one = dynsup_supervisor_inspect(dsl_host_of(L)->core, pid, &info);
    if (is_one) {
        lua_settop(L, 2);
        dsl_field_integer(L, "specs", info.counts.specs);
        dsl_field_integer(L, "active", info.counts.active);
        dsl_field_integer(L, "supervisors", info.counts.supervisors);
        dsl_field_integer(L, "workers", info.counts.workers);
        dsl_field_integer(L, "restarts", info.restarts);
        dsl_field_limit(L, "max_restarts", info.max_restarts);
        dsl_field_number(L, "max_seconds", (double)info.period_ms / 1000);
        dsl_field_limit(L, "max_children", info.max_children);
        dsl_field_flag(L, "stopping", info.is_stopping);
        dsl_field_flag(L, "starting", info.has_guest);
    }
    lua_pushboolean(L, is_one);
    return 1;
}
