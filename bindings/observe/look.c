/* The C half of dynsup.observer: processes in pages, single ones, and pausing them. */
#include "bindings/observe/look.h"

#include "bindings/process/body.h"
#include "bindings/native.h"
#include "core/tiny.h"

#define PAGE_PLACES DSI_TINY(1024, 3) /* of the process table that one call looks at */
#define LINKS_MAX   100

static dynsup_pid pid_at(lua_State *L, int index) {
    return (uintptr_t)lua_touserdata(L, index);
}

/* dest(v) -> pid; nil for a name that no process has; raises for what is no dest */
int dsl_look_dest(lua_State *L) {
    dynsup_pid pid = dsl_check_dest(L, dsl_host_of(L), 1);
    if (pid == 0)
        return 0;
    dsl_id_push(L, pid);
    return 1;
}

/* page(cursor, limit) -> list of rows, the next cursor (0 at the end) */
static int page(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    uint32_t cursor = (uint32_t)lua_tointeger(L, 1);
    lua_Integer limit = lua_tointeger(L, 2);
    dynsup_pid pids[PAGE_PLACES];
    size_t capacity = limit < PAGE_PLACES ? (size_t)limit : PAGE_PLACES;
    size_t count = dynsup_process_page(host->core, &cursor, PAGE_PLACES, pids, capacity);
    lua_Integer rows = 0;
    lua_newtable(L);
    for (size_t i = 0; i < count; i++)
        if (dsl_row_push(L, host, pids[i]))
            lua_rawseti(L, -2, ++rows);
    lua_pushinteger(L, cursor);
    return 2;
}

static bool is_root(const dsl_host *host, dynsup_pid pid) {
    dynsup_process_info info;
    return dynsup_process_glance(host->core, pid, &info) && info.is_supervisor && !info.supervisor;
}

/* roots(cursor) -> list of pids, the next cursor: supervisors that are not children themselves */
static int roots(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    uint32_t cursor = (uint32_t)lua_tointeger(L, 1);
    dynsup_pid pids[PAGE_PLACES];
    size_t count = dynsup_process_page(host->core, &cursor, PAGE_PLACES, pids, PAGE_PLACES);
    lua_Integer found = 0;
    lua_newtable(L);
    for (size_t i = 0; i < count; i++)
        if (is_root(host, pids[i])) {
            dsl_id_push(L, pids[i]);
            lua_rawseti(L, -2, ++found);
        }
    lua_pushinteger(L, cursor);
    return 2;
}

/* row(pid) -> table, or nil for the dead */
static int row(lua_State *L) {
    return dsl_row_push(L, dsl_host_of(L), pid_at(L, 1));
}

/* info(pid) -> table, or nil for the dead */
static int info(lua_State *L) {
    return dsl_info_push(L, dsl_host_of(L), pid_at(L, 1), LINKS_MAX);
}

/* pause(pid), resume(pid) -> whether it is done */
static int pause_process(lua_State *L) {
    lua_pushboolean(L, dynsup_pause(dsl_host_of(L)->core, pid_at(L, 1)));
    return 1;
}

static int resume_process(lua_State *L) {
    lua_pushboolean(L, dynsup_resume(dsl_host_of(L)->core, pid_at(L, 1)));
    return 1;
}

/* give_way(): lets others have their turn, if the caller can wait; a walk that does so now and then
 * never takes whole slices. */
static int give_way(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    if (!dsl_can_wait(L, host))
        return 0;
    dynsup_round_end(host->core);
    return dsl_suspend(L, host->current, DSL_WAIT_NOTHING, 0, NULL);
}

const luaL_Reg dsl_look_functions[] = {
    {"give_way", give_way},
    {"check_wait", dsl_check_wait},
    {"runs", dsl_runs},
    {"dest", dsl_look_dest},
    {"page", page},
    {"roots", roots},
    {"row", row},
    {"info", info},
    {"pause", pause_process},
    {"resume", resume_process},
    {"children", dsl_look_children},
    {"next_child", dsl_look_next_child},
    {"child", dsl_look_child},
    {"supervisor", dsl_look_supervisor},
    {"top", dsl_look_top},
    {"top_walk", dsl_look_top_walk},
    {"top_rows", dsl_look_top_rows},
    {"wait", dsl_look_wait},
    {"waits", dsl_look_waits},
    {"requests", dsl_look_requests},
    {NULL, NULL},
};
