/* A script as a job of the program: its arguments, its state, and how its end is reported. */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- arguments ---- */

static bool is_run(const cli_job *j) {
    return strcmp(j->argv[1], "run") == 0;
}

static int read_level(void *target, const char *value) {
    cli_job *j = target;
    if (value == NULL) {
        cli_say("--log-level needs a level: off, error, warning, info or debug");
        return CLI_MISUSED;
    }
    return cli_level_parse(value, &j->config.level) ? CLI_GO_ON : CLI_MISUSED;
}

static int read_format(void *target, const char *value) {
    cli_job *j = target;
    if (value == NULL) {
        cli_say("--log-format needs a format: text, logfmt or json");
        return CLI_MISUSED;
    }
    j->format_chosen = true;
    return cli_format_parse(value, &j->config.format) ? CLI_GO_ON : CLI_MISUSED;
}

/* By its name: the word is FILE, where an option's value is expected. */
static bool is_script(const char *word) {
    size_t length = strlen(word);
    return length > 4 && strcmp(word + length - 4, ".lua") == 0;
}

/* The word behind --listen may also be FILE, or the next option. */
static bool is_socket(const char *word) {
    struct stat info;
    bool is_file = is_script(word) || (stat(word, &info) == 0 && !S_ISSOCK(info.st_mode));
    return *word != '-' && !is_file;
}

static int read_listen(void *target, const char *value) {
    cli_job *j = target;
    j->listens = true;
    if (value)
        j->socket = value;
    if (j->socket == NULL || *j->socket)
        return CLI_GO_ON;
    cli_say("--listen needs the path of a socket, or nothing for a place of its own");
    return CLI_MISUSED;
}

static int read_clock(void *target, const char *value) {
    cli_job *j = target;
    j->config.virtual_clock = value && strcmp(value, "virtual") == 0;
    if (j->config.virtual_clock || (value && strcmp(value, "real") == 0))
        return CLI_GO_ON;
    if (value)
        cli_say("--clock is real or virtual, not '%s'", value);
    else
        cli_say("--clock needs a clock: real or virtual");
    return CLI_MISUSED;
}

static int read_seed(void *target, const char *value) {
    cli_job *j = target;
    bool has_digits = value && *value && strspn(value, "0123456789") == strlen(value);
    errno = 0;
    j->config.seed = has_digits ? strtoull(value, NULL, 10) : 0;
    bool is_one = j->config.seed > 0 && errno == 0;
    if (!is_one)
        cli_say_needs("--seed", "a whole number from 1 to 18446744073709551615", value);
    return is_one ? CLI_GO_ON : CLI_MISUSED;
}

static int read_event_log(void *target, const char *value) {
    cli_job *j = target;
    j->event_log = value;
    if (value && *value && !is_script(value))
        return CLI_GO_ON;
    if (value && *value)
        cli_say("--event-log needs the name of a file that is written: '%s' is a script's", value);
    else
        cli_say("--event-log needs the name of a file");
    return CLI_MISUSED;
}

static const cli_option options[] = {
    {"--log-level", .read = read_level},
    {"--log-format", .read = read_format},
    {"--copy-messages", .flag = offsetof(cli_job, config.copy_messages)},
    {"--memory-accounts", .flag = offsetof(cli_job, config.memory_accounts)},
    {"--allow-bytecode", .flag = offsetof(cli_job, bytecode)},
    {"--listen", "run", .read = read_listen, .is_value = is_socket},
    {"--clock", "run", .read = read_clock},
    {"--seed", "run", .read = read_seed},
    {"--event-log", "run", .read = read_event_log},
    {0}};

int cli_job_parse(cli_job *j) {
    return cli_options_read(options, j, j->argv, &j->script);
}

/* ---- the script ---- */

void cli_job_open(lua_State *L, const cli_job *j) {
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_pushboolean(L, j->bytecode);
    lua_setfield(L, -2, "bytecode"); /* scripts/dynsup/loading.lua */
    lua_pop(L, 1);
}

void cli_job_set_arg(lua_State *L, const cli_job *j) {
    lua_createtable(L, j->argc - j->script, j->script + 1);
    for (int i = 0; i < j->argc; i++) {
        lua_pushstring(L, j->argv[i]);
        lua_rawseti(L, -2, i - j->script);
    }
    lua_setglobal(L, "arg");
}

int cli_job_push_arguments(lua_State *L, const cli_job *j) {
    int count = j->argc - j->script - 1;
    luaL_checkstack(L, count, "too many arguments for the script");
    for (int i = 1; i <= count; i++)
        lua_pushstring(L, j->argv[j->script + i]);
    return count;
}

/* Only the first line of an error is reported. */
int cli_job_compile(lua_State *L, const cli_job *j) {
    const char *file = j->argv[j->script];
    int status = luaL_loadfilex(L, strcmp(file, "-") == 0 ? NULL : file, j->bytecode ? NULL : "t");
    if (status == LUA_OK)
        return CLI_GO_ON;
    const char *message = lua_tostring(L, -1);
    if (strcmp(message, "attempt to load a binary chunk (mode is 't')") == 0) {
        lua_pushfstring(L, "%s is precompiled code, which is loaded with --allow-bytecode only",
                        file);
        return CLI_MISUSED;
    }
    lua_pushlstring(L, message, strcspn(message, "\n"));
    lua_replace(L, -2);
    return status == LUA_ERRFILE ? CLI_MISUSED : CLI_FAILED;
}

bool cli_job_load(lua_State *L, cli_job *j) {
    int code = cli_job_compile(L, j);
    if (code == CLI_GO_ON)
        return true;
    cli_say("%s", lua_tostring(L, -1));
    j->code = code;
    return false;
}

/* ---- the end ---- */

/* Reports why the program ends, which is on top: for people, unless a format for programs was
 * chosen. */
static void say_failure(lua_State *L, const cli_job *j) {
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    if (j->format_chosen)
        cli_log_failure(&j->config, text, size);
    else
        cli_say_text(text, size);
}

/* is_refusal(reason) of dynsup.check_text */
static int refusal_protected(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "dynsup.check_text");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "is_refusal");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* Quotes a word for the shell. */
static void add_word(luaL_Buffer *text, const char *word) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-";
    if (*word && word[strspn(word, plain)] == '\0') {
        luaL_addstring(text, word);
        return;
    }
    luaL_addchar(text, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            luaL_addstring(text, "'\\'");
        luaL_addchar(text, *word);
    }
    luaL_addchar(text, '\'');
}

/* The command that checks the script. [-0, +1] */
static void check_command_push(lua_State *L, const cli_job *j) {
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, "dynsup check");
    if (j->bytecode)
        luaL_addstring(&text, " --allow-bytecode");
    if (j->argv[j->script][0] == '-')
        luaL_addstring(&text, " --");
    for (int i = j->script; i < j->argc; i++) {
        luaL_addchar(&text, ' ');
        add_word(&text, j->argv[i]);
    }
    luaL_pushresult(&text);
}

/* When a spec or an option was refused, `assert` reports only the reason: names the command that
 * can tell which one; not for a script from the standard input, which is gone. The text of the
 * failure is on top. Changes by the script to `require` must not hide it. [-1, +1] */
static void hint_add(lua_State *L, const cli_job *j, int reason) {
    if (strcmp(j->argv[j->script], "-") == 0)
        return;
    lua_pushcfunction(L, refusal_protected);
    lua_pushvalue(L, reason);
    bool is_refusal = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (!is_refusal)
        return;
    lua_pushliteral(L, "\nthis may tell which value that is: ");
    check_command_push(L, j);
    lua_concat(L, 3);
}

/* A crash has a traceback; other reasons need an explanation. */
static void tell_failure(lua_State *L, const cli_job *j) {
    int reason = lua_gettop(L);
    if (luaL_getmetafield(L, reason, "__tostring") == LUA_TNIL) {
        lua_pushliteral(L, "the main process ended with the reason ");
        dynsup_lua_text_push(L, reason);
        lua_concat(L, 2);
    } else {
        dynsup_lua_text_push(L, reason);
        if (is_run(j))
            hint_add(L, j, reason);
    }
    say_failure(L, j);
}

int cli_job_tell_end(lua_State *L, const cli_job *j, enum dynsup_lua_end end) {
    switch (end) {
    case DYNSUP_LUA_DONE:
        return CLI_DONE;
    case DYNSUP_LUA_FAILED:
        tell_failure(L, j);
        return CLI_FAILED;
    case DYNSUP_LUA_DEADLOCK:
        luaL_tolstring(L, -1, NULL);
        lua_pushliteral(L, "nothing can happen any more, but the main process waits\n");
        lua_insert(L, -2);
        lua_concat(L, 2);
        say_failure(L, j);
        return CLI_FAILED;
    case DYNSUP_LUA_HALTED:
        return (int)lua_tointeger(L, -1);
    }
    return CLI_FAILED;
}

void cli_job_push_main(lua_State *L, const char *module) {
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_remove(L, -2);
}

int cli_job_run(cli_job *j, lua_CFunction f) {
    lua_State *L = j->config.virtual_clock ? cli_replay_newstate() : dynsup_lua_newstate();
    if (L == NULL) {
        cli_say("there is not enough memory");
        return CLI_FAILED;
    }
    j->config.virtual_ns = &j->virtual_ns;
    cli_warnings_init(&j->warnings, L, &j->config);
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, j);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        if (!lua_isstring(L, -1))
            lua_pushliteral(L, "the error cannot be told: it has no text");
        size_t size;
        const char *message = lua_tolstring(L, -1, &size);
        cli_say_text(message, size);
        j->code = CLI_FAILED;
    }
    dynsup_lua_close(L);
    return j->code;
}
