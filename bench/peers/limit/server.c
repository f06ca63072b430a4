/*
 * A request that goes from the coroutine of a client to that of a server, and the reply back; each
 * client in turn.
 */
#include "limit.h"

/* Moves what from has yielded to the coroutine to, and lets it go on until it yields one value. */
static void pass(lua_State *from, lua_State *to, lua_State *L) {
    int count;
    lua_xmove(from, to, 1);
    lua_resume(to, L, 1, &count);
}

static lua_State *new_coroutine(lua_State *L, const char *text) {
    lua_State *co = lua_newthread(L);
    limit_load(L, text);
    lua_xmove(L, co, 1);
    return co;
}

/* Clients in a table at index 1, each with its first request. */
static void start_clients(lua_State *L, int size) {
    int count;
    lua_createtable(L, size, 0);
    for (int i = 1; i <= size; i++) {
        lua_State *client = new_coroutine(L, "return function() local i = 0; "
                                             "while true do i = i + 1; receive(i) end end");
        lua_rawseti(L, 1, i);
        lua_resume(client, L, 0, &count);
    }
}

void limit_server(const limit_ask *ask, int size) {
    int calls = limit_count(ask, 1000000, 100), made = 0;
    if (!limit_wants(ask, "call"))
        return;
    lua_State *L = limit_open(ask);
    start_clients(L, size);
    lua_State *server = new_coroutine(L, "return function(r) while true do r = receive(r) end end");
    double begun = limit_now_ms();
    for (; made < calls; made += size)
        for (int i = 1; i <= size; i++) {
            lua_rawgeti(L, 1, i);
            lua_State *client = lua_tothread(L, -1);
            lua_pop(L, 1);
            pass(client, server, L);
            pass(server, client, L);
        }
    limit_figure(ask, "call", size, made / (limit_now_ms() - begun) * 1e3, "calls/s");
    limit_close(ask, L);
}
