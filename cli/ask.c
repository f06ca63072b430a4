/* The commands that ask a running host: `eval`, `tree` and `top`. Their Lua half is
 * dynsup.attach.command. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct ask {
    cli_job job; /* first: what runs gets a pointer to it */
    const char *command;
    bool json;
    const char *socket, *by, *limit; /* NULL: not given */
    int first;                       /* the first word that is no option, in argv */
} ask;

/* ---- arguments ---- */

static bool is_measure(const char *word) {
    return strcmp(word, "slices") == 0 || strcmp(word, "cpu_time") == 0 ||
           strcmp(word, "mailbox") == 0 || strcmp(word, "memory") == 0;
}

static bool is_count(const char *word) {
    return strspn(word, "0123456789") == strlen(word) && strlen(word) < 10 && atol(word) > 0;
}

static int keep(const char **where, const char *option, bool is_right, const char *needs,
                const char *value) {
    *where = value;
    if (!is_right)
        cli_say_needs(option, needs, value && *value ? value : NULL);
    return is_right ? CLI_GO_ON : CLI_MISUSED;
}

static int read_socket(void *target, const char *value) {
    ask *a = target;
    return keep(&a->socket, "--socket", value && *value, "the path of a socket", value);
}

static int read_by(void *target, const char *value) {
    ask *a = target;
    bool is_right = value && is_measure(value);
    return keep(&a->by, "--by", is_right, "slices, cpu_time, mailbox or memory", value);
}

static int read_limit(void *target, const char *value) {
    ask *a = target;
    bool is_right = value && is_count(value);
    return keep(&a->limit, "--limit", is_right, "a whole number from 1 to 999999999", value);
}

static const cli_option options[] = {{"--json", .flag = offsetof(ask, json)},
                                     {"--socket", .read = read_socket},
                                     {"--by", "top", .read = read_by},
                                     {"--limit", "top", .read = read_limit},
                                     {0}};

/* [SOCKET] of tree and top. */
static int socket_take(ask *a, int argc, char **argv) {
    if (a->first < argc && a->socket == NULL && *argv[a->first])
        a->socket = argv[a->first++];
    const char *word = a->first < argc ? argv[a->first] : NULL;
    if (word == NULL)
        return CLI_GO_ON;
    if (!*word && a->socket == NULL)
        cli_say("the SOCKET has no name: see 'dynsup help %s'", a->command);
    else if (*word == '-' && a->socket)
        cli_say("options come before SOCKET, also '%s': see 'dynsup help %s'", word, a->command);
    else
        cli_say("%s does not take '%s': see 'dynsup help %s'", a->command, word, a->command);
    return CLI_MISUSED;
}

static bool is_socket(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISSOCK(info.st_mode);
}

/* CODE [ARG...] of eval. A SOCKET before it, as attach, tree and top take, would be taken as CODE.
 */
static int code_check(const ask *a, int argc, char **argv) {
    const char *code = a->first < argc ? argv[a->first] : NULL;
    if (code && (a->socket || !is_socket(code)))
        return CLI_GO_ON;
    if (code)
        cli_say("'%s' is a socket where CODE is to stand: dynsup eval --socket %s CODE", code,
                code);
    else
        cli_say("eval needs CODE: see 'dynsup help eval'");
    return CLI_MISUSED;
}

/* ---- the run ---- */

static void text_set(lua_State *L, const char *name, const char *text) {
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* The words after CODE. [-0, +1] */
static void arguments_push(lua_State *L, const ask *a) {
    lua_newtable(L);
    for (int i = a->first + 1; i < a->job.argc; i++) {
        lua_pushstring(L, a->job.argv[i]);
        lua_rawseti(L, -2, i - a->first);
    }
}

/* [-0, +1] */
static void settings_push(lua_State *L, const ask *a) {
    lua_newtable(L);
    text_set(L, "command", a->command);
    text_set(L, "socket", a->socket);
    text_set(L, "by", a->by ? a->by : "cpu_time");
    text_set(L, "limit", a->limit ? a->limit : "10");
    text_set(L, "code", a->first < a->job.argc ? a->job.argv[a->first] : NULL);
    lua_pushboolean(L, a->json);
    lua_setfield(L, -2, "json");
    arguments_push(L, a);
    lua_setfield(L, -2, "args");
}

/* [-1, +0] Does the job, the ask's first member. */
static int ask_job(lua_State *L) {
    ask *a = lua_touserdata(L, 1);
    int count = 0;
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    cli_job_push_main(L, "dynsup.attach.command");
    settings_push(L, a);
    enum dynsup_lua_end end = dynsup_lua_run(L, &a->job.config, 1, &count);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    a->job.code = cli_job_tell_end(L, &a->job, end);
    return 0;
}

int cli_ask(int argc, char **argv) {
    ask a = {.job = {.argc = argc, .argv = argv}, .command = argv[1]};
    a.job.format_chosen = cli_log_defaults(&a.job.config);
    cli_log_init(&a.job.config);
    int code = cli_options_read(options, &a, argv, &a.first);
    if (code == CLI_GO_ON)
        code = strcmp(a.command, "eval") == 0 ? code_check(&a, argc, argv)
                                              : socket_take(&a, argc, argv);
    return code == CLI_GO_ON ? cli_job_run(&a.job, ask_job) : code;
}
