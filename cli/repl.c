/* The command `repl`: a prompt in the main process of a host. Its Lua half is dynsup.repl. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <string.h>

/* ---- what the Lua half reads from ---- */

/* fill(): reads what is there; false at the end. */
static int input_fill(lua_State *L) {
    lua_pushboolean(L, cli_input_fill());
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

/* peek(): all that was read; drop(n): takes that many bytes of it away. */
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

/* pages(): the reference, from names of pages to their texts. */
static int pages_get(lua_State *L) {
    lua_newtable(L);
    for (const cli_page *page = cli_pages; page->name; page++) {
        lua_pushlstring(L, page->text, page->size);
        lua_setfield(L, -2, page->name);
    }
    return 1;
}

static const luaL_Reg input_functions[] = {
    {"settle", input_settle}, {"fill", input_fill}, {"line", input_line}, {"peek", input_peek},
    {"drop", input_drop},     {"pages", pages_get}, {NULL, NULL}};

static void input_push(lua_State *L, bool is_terminal) {
    luaL_newlib(L, input_functions);
    if (is_terminal)
        cli_terminal_set(L);
    lua_pushstring(L, is_terminal ? "console" : "pipe");
    lua_setfield(L, -2, "kind");
}

/* ---- the run ---- */

/* [-0, +1] dynsup.repl's main function */
static void main_push(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "dynsup.repl");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_remove(L, -2);
}

/* [-0, +n] FILE as a function with its arguments; false for one with a mistake in it. Returns n, or
 * -1 when it cannot be read. */
static int file_push(lua_State *L, cli_job *j) {
    if (j->script >= j->argc)
        return 0;
    if (cli_job_load(L, j))
        return 1 + cli_job_push_arguments(L, j);
    if (j->code == CLI_MISUSED)
        return -1;
    lua_pushboolean(L, 0);
    lua_replace(L, -2); /* the message */
    return 1;
}

/* [-1, +0] Does the job, a light userdata. */
static int repl_job(lua_State *L) {
    cli_job *j = lua_touserdata(L, 1);
    bool is_terminal = j->config.stays;
    int count = 0;
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    main_push(L);
    input_push(L, is_terminal);
    int nargs = file_push(L, j);
    if (nargs < 0)
        return 0;
    enum dynsup_lua_end end = dynsup_lua_run(L, &j->config, 1 + nargs, &count);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    j->code = cli_job_tell_end(L, j, end);
    return 0;
}

int cli_repl(int argc, char **argv) {
    cli_job j = {.argc = argc, .argv = argv, .config = {.signals = true}};
    dynsup_lua_config_program(&j.config);
    j.format_chosen = cli_log_defaults(&j.config);
    cli_limits_raise();
    int code = cli_job_parse(&j);
    cli_log_init(&j.config);
    if (code != CLI_GO_ON)
        return code;
    if (cli_terminal_open())
        j.config.stays = true; /* a line that waits for ever waits for Ctrl-C */
    else
        cli_input_open(NULL);
    j.config.signals = !j.config.stays; /* on a terminal they are the Lua half's */
    code = cli_job_run(&j, repl_job);
    cli_input_close();
    cli_terminal_close();
    return code;
}
