/* info: what is known about a process, as a table; and less of it, in rows for callers that look at
 * many processes. */
#include "bindings/observe/look.h"

#include "bindings/memory/account.h"
#include "bindings/process/body.h"
#include "bindings/child/field.h"
#include "bindings/heap/heap_look.h"
#include "bindings/module.h"
#include "bindings/child/program.h"
#include "bindings/child/spec_limits.h"

#include <limits.h>

#define TRACEBACK_MAX 4096 /* of a process of another heap */

static const char *status_text(enum dynsup_status status) {
    switch (status) {
    case DYNSUP_STATUS_RUNNABLE:
        return "runnable";
    case DYNSUP_STATUS_RUNNING:
        return "running";
    case DYNSUP_STATUS_WAITING:
        return "waiting";
    default:
        return "idle";
    }
}

typedef size_t (*related_fn)(const dynsup_host *core, dynsup_pid pid, dynsup_pid *pids_out,
                             size_t capacity);

/* Pushes a list of up to count related processes: making it may run finalizers, which may change
 * them. */
static void set_pids(lua_State *L, const char *field, dsl_host *host, dynsup_pid pid,
                     related_fn related, size_t count) {
    dynsup_pid *pids = lua_newuserdatauv(L, count * sizeof *pids, 0);
    lua_createtable(L, count > INT_MAX ? INT_MAX : (int)count, 0);
    count = related(host->core, pid, pids, count);
    for (size_t k = 0; k < count; k++) {
        dsl_id_push(L, pids[k]);
        lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
    lua_setfield(L, -3, field);
    lua_pop(L, 1);
}

/* Where the process is, innermost coroutine first. */
static void set_traceback(lua_State *L, dsl_host *host, const dynsup_process_info *info) {
    const dsl_body *body = info->ops == &dsl_body_ops ? info->body : NULL;
    if (!body && info->ops != &dsl_begin_ops)
        return;
    bool runs = body && host->current == body;
    if (body && body->host == host) {
        luaL_traceback(L, runs ? L : body->inner, NULL, runs ? 1 : 0);
    } else if (body) {
        char text[TRACEBACK_MAX];
        dsl_traceback_abroad(body, text, sizeof text);
        lua_pushstring(L, text);
    } else {
        lua_pushliteral(L, "stack traceback:"); /* it has not begun */
    }
    lua_setfield(L, -2, "traceback");
}

static bool is_server(const dynsup_process_info *info) {
    return info->ops == &dsl_body_ops && ((const dsl_body *)info->body)->serves;
}

static void set_label(lua_State *L, const dynsup_process_info *info) {
    if (info->label)
        lua_pushstring(L, info->label);
    else if (is_server(info))
        lua_pushliteral(L, "server");
    else
        lua_pushstring(L, info->is_supervisor ? "supervisor" : info->ops->name);
    lua_setfield(L, -2, "label");
}

size_t dsl_process_memory(const dynsup_process_info *info) {
    size_t memory = info->memory + dsl_account_in_use(info);
    if (info->ops == &dsl_body_ops)
        memory += sizeof(dsl_body) + 1024;
    else if (info->ops == &dsl_begin_ops)
        memory += sizeof(dsl_program);
    return memory;
}

/* The fields that cost nothing to look up. The name is first: a finalizer could unregister it. */
static void set_row(lua_State *L, dynsup_pid pid, const dynsup_process_info *info) {
    dsl_field_bytes(L, "name", info->name, info->name_length);
    dsl_field_pid(L, "pid", pid);
    dsl_field_text(L, "status", status_text(info->status));
    set_label(L, info);
    dsl_field_integer(L, "mailbox", info->message_count);
    dsl_field_integer(L, "memory", dsl_process_memory(info));
    dsl_field_integer(L, "slices", info->slices);
    dsl_field_number(L, "cpu_time", (double)info->cpu_ns / 1e6);
    dsl_field_pid(L, "parent", info->parent);
    dsl_field_pid(L, "supervisor", info->supervisor);
    dsl_field_number(L, "started_at", (double)info->started_ns / 1e6);
    dsl_field_integer(L, "incarnation", info->incarnation);
    dsl_field_flag(L, "trap_exit", info->trap_exit);
    dsl_field_flag(L, "paused", info->is_paused);
    dsl_heap_field(L, info);
    dsl_field_text(L, "type", info->is_supervisor ? "supervisor" : "worker");
}

/* For a child that has limits. They are read first, as a finalizer could end the child. */
static void set_limits(lua_State *L, dsl_host *host, dynsup_pid pid) {
    const dynsup_limits *found = dynsup_process_limits(host->core, pid);
    if (!found)
        return;
    dynsup_limits limits = *found;
    dsl_field_integer(L, "dropped", dynsup_process_dropped(host->core, pid));
    dsl_limits_push(L, &limits);
    lua_setfield(L, -2, "limits");
}

bool dsl_row_push(lua_State *L, dsl_host *host, dynsup_pid pid) {
    dynsup_process_info info;
    lua_createtable(L, 0, 20);
    if (!dynsup_process_glance(host->core, pid, &info)) {
        lua_pop(L, 1);
        return false;
    }
    set_row(L, pid, &info);
    return true;
}

bool dsl_info_push(lua_State *L, dsl_host *host, dynsup_pid pid, size_t max) {
    dynsup_process_info info;
    lua_createtable(L, 0, 24);
    if (!dynsup_process_glance(host->core, pid, &info)) {
        lua_pop(L, 1);
        return false;
    }
    set_row(L, pid, &info);
    set_pids(L, "links", host, pid, dynsup_process_links, max);
    set_pids(L, "monitors", host, pid, dynsup_process_monitors, max);
    set_traceback(L, host, &info);
    set_limits(L, host, pid);
    return true;
}

static int info(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_process_info info;
    dsl_check_count(L, 1, 1);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    lua_createtable(L, 0, 24);
    if (!dynsup_process_inspect(host->core, pid, &info))
        return dsl_fail(L, DYNSUP_NOPROC);
    set_row(L, pid, &info);
    set_pids(L, "links", host, pid, dynsup_process_links, info.link_count);
    set_pids(L, "monitors", host, pid, dynsup_process_monitors, info.monitor_count);
    dsl_field_integer(L, "monitored_by", info.monitored_by_count);
    set_traceback(L, host, &info);
    set_limits(L, host, pid);
    return 1;
}

const luaL_Reg dsl_info_functions[] = {{"info", info}, {NULL, NULL}};
