/*
 * logwatch: gives each line of a log to plug-ins in Lua, and survives whatever they do. Plug-ins
 * are supervised workers; the program waits by poll(2) for the log, for signals and for the host's
 * loop.
 */
#include "door.h"
#include "options.h"
#include "source.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_NS     5000000u
#define PATIENCE_NS 2000000000u
#define LOOK_MS     100 /* between two looks at a file that is followed */

typedef struct logwatch {
    options options;
    source source;
    door door;
    dynsup_lua_host *host;
    int signals;       /* a descriptor */
    bool wants_to_end; /* a signal has come */
} logwatch;

/* ---- the host ---- */

/* In protected mode: the main process is watch.lua with the door and the settings. */
static int load_main(lua_State *L) {
    logwatch *w = lua_touserdata(L, 1);
    lua_getglobal(L, "package");
    lua_pushliteral(L, TOOL_FOLDER "/?.lua");
    lua_setfield(L, -2, "path");
    if (luaL_loadfile(L, TOOL_FOLDER "/watch.lua"))
        return lua_error(L);
    if (dynsup_lua_worker_push(w->host, L, &door_ops, &w->door))
        return luaL_error(L, "not enough memory");
    lua_createtable(L, 0, 3);
    lua_pushstring(L, w->options.plugins);
    lua_setfield(L, -2, "plugins");
    lua_pushinteger(L, (lua_Integer)w->options.patience_ms);
    lua_setfield(L, -2, "patience");
    lua_pushboolean(L, w->options.status);
    lua_setfield(L, -2, "status");
    if (dynsup_lua_spawn_main(w->host, L, 2, NULL))
        return luaL_error(L, "not enough memory");
    return 0;
}

/* The main process has ended: its supervisor has given up. */
static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    char text[512];
    logwatch *w = ud;
    dynsup_lua_event_text(host, event, text, sizeof text);
    fprintf(stderr, "logwatch: %s\n", text);
    w->door.has_failed = true;
}

static bool host_open(logwatch *w) {
    const dynsup_lua_config config = {
        .own_loop = true,
        .max_bytes = w->options.memory_mb << 20,
        .events = 1u << DYNSUP_EVENT_CRASHED,
        .on_event = on_event,
        .event_ud = w,
    };
    int error = dynsup_lua_host_new(NULL, &config, &w->host);
    if (error) {
        fprintf(stderr, "logwatch: no host: %s\n", dynsup_atom_text((enum dynsup_atom) - error));
        return false;
    }
    lua_State *L = dynsup_lua_host_state(w->host);
    lua_pushcfunction(L, load_main);
    lua_pushlightuserdata(L, w);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return true;
    fprintf(stderr, "logwatch: %s\n", lua_tostring(L, -1));
    return false;
}

/* ---- the loop ---- */

/* Delivers the lines ordered, as far as available. What cannot be sent now is sent the next time.
 */
static void bring(logwatch *w) {
    const char *line;
    size_t size;
    while (!w->wants_to_end && w->door.ordered > 0 && (line = source_line(&w->source, &size))) {
        if (door_bring(&w->door, w->host, line, size))
            continue;
        source_unread(&w->source);
        return;
    }
    if ((w->wants_to_end || source_is_over(&w->source)) && !w->door.is_ended)
        door_end(&w->door, w->host);
}

static void read_signal(logwatch *w) {
    struct signalfd_siginfo info;
    if (read(w->signals, &info, sizeof info) != sizeof info)
        return;
    if (w->wants_to_end) /* the second one: at once */
        w->door.is_finished = true;
    w->wants_to_end = true;
}

static bool wants_lines(const logwatch *w) {
    return w->door.ordered > 0 && !w->wants_to_end && !source_is_over(&w->source);
}

static int timeout_ms(const logwatch *w) {
    int timeout = dynsup_lua_host_timeout_ms(w->host);
    bool looks = w->source.follows && wants_lines(w);
    return looks && (timeout < 0 || timeout > LOOK_MS) ? LOOK_MS : timeout;
}

/* Waits until there is something to do: a signal, lines, or work of the host's. */
static void wait_for(logwatch *w) {
    bool reads_input = !w->source.path && wants_lines(w);
    struct pollfd fds[] = {
        {w->signals, POLLIN, 0},
        {dynsup_lua_host_backend_fd(w->host), POLLIN, 0},
        {reads_input ? w->source.fd : -1, POLLIN, 0},
    };
    poll(fds, 3, timeout_ms(w));
    if (fds[0].revents)
        read_signal(w);
    w->source.may_read = fds[2].revents != 0;
    bring(w);
}

static int run(logwatch *w) {
    for (;;) {
        bool has_ended = dynsup_lua_host_step(w->host, STEP_NS, NULL) == DYNSUP_ENDED;
        if (w->door.is_finished)
            return 0;
        if (has_ended || w->door.has_failed)
            return 1;
        wait_for(w);
    }
}

/* ---- the program ---- */

static int complain(const char *path) {
    fprintf(stderr, "logwatch: %s: %s\n", path, strerror(errno));
    return 1;
}

/* SIGINT and SIGTERM come by a descriptor. */
static bool signals_open(logwatch *w) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return w->signals >= 0;
}

static bool is_folder(const char *path) {
    struct stat info;
    if (stat(path, &info))
        return false;
    errno = ENOTDIR;
    return S_ISDIR(info.st_mode);
}

static int watch(logwatch *w) {
    const options *o = &w->options;
    if (!is_folder(o->plugins))
        return complain(o->plugins);
    if (!source_open(&w->source, o->file, o->follow))
        return complain(o->file);
    if (!signals_open(w))
        return complain("signals");
    return host_open(w) ? run(w) : 1;
}

int main(int count, char **words) {
    static logwatch w = {.signals = -1};
    int code;
    if (!options_read(&w.options, count, words, &code))
        return code;
    code = watch(&w);
    if (w.host)
        dynsup_lua_host_close(w.host, PATIENCE_NS);
    if (w.source.error && code == 0) {
        errno = w.source.error;
        code = complain(w.options.file);
    }
    source_close(&w.source);
    if (w.signals >= 0)
        close(w.signals);
    return fflush(stdout) || ferror(stdout) ? complain("standard output") : code;
}
