/* What the Lua half of a prompt reads from: the standard input, and the terminal if it is one. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>

#include <string.h>

/* fill(): reads what is available; false at the end. */
static int input_fill(lua_State *L) {
    lua_pushboolean(L, cli_input_fill());
    return 1;
}

/* failure(): why it cannot be read any more; nil: it can, or has come to its end. */
static int input_failure(lua_State *L) {
    if (cli_input_error() == 0)
        return 0;
    lua_pushstring(L, strerror(cli_input_error()));
    return 1;
}

/* unheard(): something was printed, but nobody reads it any more. */
static int input_unheard(lua_State *L) {
    lua_pushboolean(L, cli_streams_unheard());
    return 1;
}

/* settle(): to be called once it is watched. */
static int input_settle(lua_State *L) {
    (void)L;
    cli_input_settle();
    return 0;
}

/* line([rest]): the next line without its end, or nil; with rest also one that has no end. */
static int input_line(lua_State *L) {
    size_t size;
    const char *bytes = cli_input_peek(&size);
    const char *end = memchr(bytes, '\n', size);
    if (end == NULL && (size == 0 || !lua_toboolean(L, 1)))
        return 0;
    size_t length = end ? (size_t)(end - bytes) : size;
    lua_pushlstring(L, bytes, length);
    cli_input_drop(length + (end != NULL));
    return 1;
}

/* peek(): everything read so far; drop(n): removes that many bytes of it. */
static int input_peek(lua_State *L) {
    size_t size;
    const char *bytes = cli_input_peek(&size);
    lua_pushlstring(L, bytes, size);
    return 1;
}

static int input_drop(lua_State *L) {
    cli_input_drop((size_t)luaL_checkinteger(L, 1));
    return 0;
}

static const luaL_Reg input_functions[] = {{"settle", input_settle},   {"fill", input_fill},
                                           {"failure", input_failure}, {"unheard", input_unheard},
                                           {"line", input_line},       {"peek", input_peek},
                                           {"drop", input_drop},       {NULL, NULL}};

void cli_reader_push(lua_State *L, bool is_terminal) {
    luaL_newlib(L, input_functions);
    if (is_terminal)
        cli_terminal_set(L);
    lua_pushstring(L, is_terminal ? "console" : "pipe");
    lua_setfield(L, -2, "kind");
    cli_pages_push(L);
    lua_setfield(L, -2, "pages");
}
