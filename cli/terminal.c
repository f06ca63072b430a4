/* The terminal of the prompt as functions for its Lua half. */
#include "cli/cli.h"
#include "cli/terminal.h"

#include <lauxlib.h>
#include <lua.h>

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Ctrl-C that the loop does not come to ---- */

#define INTERRUPTS_MAX 3

static struct {
    void (*inner)(int); /* libuv's handler */
    volatile sig_atomic_t count;
} interrupts;

static void on_interrupt(int signum) {
    if (++interrupts.count >= INTERRUPTS_MAX) {
        cli_screen_restore();
        _exit(128 + SIGINT);
    }
    if (interrupts.inner)
        interrupts.inner(signum);
}

/* watch(): libuv's handler for SIGINT is in place. Several in a row that the loop does not see end
 * the program. */
static int watch(lua_State *L) {
    struct sigaction action;
    (void)L;
    if (sigaction(SIGINT, NULL, &action) != 0 || action.sa_handler == on_interrupt)
        return 0;
    bool is_function = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
    interrupts.inner = is_function ? action.sa_handler : NULL;
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
    return 0;
}

/* seen(): the loop has come to it. */
static int seen(lua_State *L) {
    (void)L;
    interrupts.count = 0;
    return 0;
}

/* quit(): at once, whatever is still under way. */
static int quit(lua_State *L) {
    (void)L;
    fflush(NULL);
    cli_screen_leave();
    _exit(128 + SIGINT);
}

/* ---- the line ---- */

static int line_begin(lua_State *L) {
    cli_screen_begin(luaL_checkstring(L, 1));
    return 0;
}

static int line_finish(lua_State *L) {
    cli_screen_end(luaL_optstring(L, 1, NULL));
    return 0;
}

static int line_feed(lua_State *L) {
    size_t size;
    const char *key = luaL_checklstring(L, 1, &size);
    cli_editor_feed(key, size);
    return 0;
}

/* text(): the line, and the cursor's place in it in bytes. */
static int line_text(lua_State *L) {
    size_t cursor;
    char *text = cli_editor_text(&cursor);
    lua_pushstring(L, text ? text : "");
    lua_pushinteger(L, text ? (lua_Integer)cursor : 0);
    free(text);
    return 2;
}

static int line_change(lua_State *L) {
    const char *prompt = luaL_checkstring(L, 1);
    cli_screen_change(prompt, luaL_checkstring(L, 2));
    return 0;
}

static int line_remember(lua_State *L) {
    cli_editor_remember(luaL_checkstring(L, 1));
    return 0;
}

/* ---- the screen ---- */

static int screen_draw(lua_State *L) {
    (void)L;
    cli_screen_draw();
    return 0;
}

static int screen_resize(lua_State *L) {
    (void)L;
    cli_screen_resize();
    return 0;
}

static int screen_stop(lua_State *L) {
    (void)L;
    cli_screen_stop();
    return 0;
}

static int screen_continued(lua_State *L) {
    (void)L;
    cli_screen_continued();
    return 0;
}

static int screen_lend(lua_State *L) {
    cli_screen_lend(lua_toboolean(L, 1));
    return 0;
}

static int screen_columns(lua_State *L) {
    lua_pushinteger(L, cli_screen_columns());
    return 1;
}

static int screen_leave(lua_State *L) {
    (void)L;
    cli_screen_leave();
    return 0;
}

/* ---- opening ---- */

static const luaL_Reg functions[] = {
    {"watch", watch},
    {"seen", seen},
    {"quit", quit},
    {"begin", line_begin},
    {"finish", line_finish},
    {"feed", line_feed},
    {"text", line_text},
    {"change", line_change},
    {"remember", line_remember},
    {"draw", screen_draw},
    {"resize", screen_resize},
    {"stop", screen_stop},
    {"continued", screen_continued},
    {"lend", screen_lend},
    {"columns", screen_columns},
    {"leave", screen_leave},
    {NULL, NULL},
};

void cli_terminal_set(lua_State *L) {
    luaL_setfuncs(L, functions, 0);
}

static bool is_terminal(void) {
    const char *name = getenv("TERM");
    bool is_able = name && *name && strcmp(name, "dumb") != 0;
    return is_able && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* The characters are the user's; without a word about them they are UTF-8, as they are everywhere.
 */
static void locale_set(void) {
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static void lend(bool begins) {
    cli_screen_lend(begins);
}

bool cli_terminal_open(void) {
    if (!is_terminal())
        return false;
    locale_set();
    if (!cli_screen_open())
        return false;
    cli_input_open(lend);
    return true;
}

void cli_terminal_close(void) {
    cli_screen_close();
    interrupts.count = 0;
}
