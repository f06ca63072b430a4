/*
 * What a process has received last, for the report of its crash.
 *
 * It is kept at log level debug only, as it costs a table for each message. A host that never was
 * at that level uses no memory for it.
 */
#include "bindings/process/message.h"
#include "bindings/protect.h"

typedef struct keeping {
    dsl_host *host;
    const dsl_body *body;
    lua_State *from;
    int count;
} keeping;

static int keep_protected(lua_State *L) {
    const keeping *k = lua_touserdata(L, 1);
    int first = lua_gettop(k->from) - k->count + 1;
    dsl_vault_table_push(L, &k->host->vault, &k->host->last_messages, NULL);
    lua_createtable(L, k->count, 0);
    for (int i = 0; i < k->count && lua_checkstack(k->from, 1); i++) {
        lua_pushvalue(k->from, first + i);
        lua_xmove(k->from, L, 1);
        lua_rawseti(L, -2, i + 1);
    }
    lua_rawsetp(L, -2, k->body);
    return 0;
}

void dsl_last_keep(lua_State *L, dsl_host *host, const dsl_body *body, int count) {
    keeping k = {host, body, L, count};
    if (L != host->L) /* there a protected call would hide the values */
        dsl_protect(host->L, keep_protected, &k);
}

void dsl_last_push(lua_State *L, const dsl_host *host, const dsl_body *body) {
    if (!host->last_messages) {
        lua_pushnil(L);
        return;
    }
    dsl_vault_push(L, &host->vault, host->last_messages);
    lua_rawgetp(L, -1, body);
    lua_replace(L, -2);
}

/* Raw, on the vault's thread: an entry that is there can be cleared without an allocation. */
void dsl_last_forget(dsl_host *host, const dsl_body *body) {
    lua_State *L = host->vault.L;
    if (!host->last_messages)
        return;
    dsl_vault_push(L, &host->vault, host->last_messages);
    if (lua_rawgetp(L, -1, body) != LUA_TNIL) {
        lua_pushnil(L);
        lua_rawsetp(L, -3, body);
    }
    lua_pop(L, 2);
}
