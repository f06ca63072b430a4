/* What is kept of a child for the next one. */
#include "bindings/child/kept.h"

#include "bindings/child/origin.h"
#include "bindings/child/program.h"

/* ---- values ---- */

static void kept_release(dsl_host *host, dsl_kept *kept) {
    dsl_vault_release(&host->vault, kept->slot);
    *kept = (dsl_kept){.address = NULL};
}

/* Adds a face that keeps something to the list for the end of the step. */
static void keeper_note(dsl_host *face) {
    if (face->has_kept)
        return;
    face->has_kept = true;
    face->next_keeper = face->whole->keepers;
    face->whole->keepers = face;
}

bool dsl_keep(lua_State *L, dsl_host *host, dsl_kept *kept, int index) {
    const void *address = lua_topointer(L, index);
    if (kept->address == address)
        return false;
    kept_release(host, kept);
    keeper_note(host);
    lua_pushvalue(L, index);
    kept->slot = dsl_vault_put(L, &host->vault);
    kept->address = address;
    return true;
}

dynsup_value dsl_kept_value(lua_State *L, dsl_host *host, dsl_kept *kept, int index) {
    if (lua_type(L, index) < LUA_TSTRING) /* no slot is needed */
        return dsl_value_get(L, host, index);
    dsl_keep(L, host, kept, index);
    dsl_vault_retain(&host->vault, kept->slot);
    return (dynsup_value){DYNSUP_OBJECT, {.object = host->heap_base | kept->slot}};
}

/* ---- functions ---- */

static void function_changes(dsl_host *host) {
    if (host->function.program)
        dsl_program_release(host->function.program);
    host->function.program = NULL;
    host->function.has_origin = false;
}

uint32_t dsl_function_keep(lua_State *L, dsl_host *host, int function) {
    if (dsl_keep(L, host, &host->function.kept, function))
        function_changes(host);
    return host->function.kept.slot;
}

/* ---- the end ---- */

static void forget(dsl_host *face) {
    function_changes(face);
    kept_release(face, &face->function.kept);
    kept_release(face, &face->child_id);
    kept_release(face, &face->server_module);
}

void dsl_kept_forget(dsl_host *whole) {
    while (whole->keepers) {
        dsl_host *face = whole->keepers;
        whole->keepers = face->next_keeper;
        face->has_kept = false;
        forget(face);
    }
}

void dsl_kept_close(dsl_host *face) {
    dsl_kept_forget(face->whole);
    dsl_origin_forget(face);
}
