/* The Lua module memory_fault: runs pieces of a process without memory, each in a copy of the
 * process.
 *
 *   freeze([command])
 *       From here on all copies are made of the process as it is now, by a process of their own
 * that does nothing else: so they do not differ by what has been done since. Returns an object. In
 * a copy it returns nothing; there requests for memory fail from begin() to finish(), and leave(ok)
 * ends the copy. With a command, a list of words, that runs in its place. copies:attempt(at,
 * failures, seconds [, place]) Makes one, in which memory fails as memory_fault_begin says. Returns
 * what has come of it: "ended", the exit code; "crashed", the signal; "hung"; and how many requests
 * were made between begin and finish. copies:close() No further ones are wanted. */
#define _GNU_SOURCE
#include "fuzz/memory/preload.h"

#include <lauxlib.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The messages to the copy, and from it. */
typedef struct told {
    long at, failures;
    unsigned long long place;
    long requests, refused;
} told;

static told *page(void) {
    static told *shared;
    if (!shared)
        shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared;
}

/* Both are in the library that was loaded before all others. */
static void fault_begin(const told *t) {
    void (*f)(long, long, unsigned long long);
    *(void **)&f = dlsym(RTLD_DEFAULT, "memory_fault_begin");
    if (f)
        f(t->at, t->failures, t->place);
}

static long fault_end(long *refused_out) {
    long (*f)(long *);
    *(void **)&f = dlsym(RTLD_DEFAULT, "memory_fault_end");
    return f ? f(refused_out) : 0;
}

/* ---- the copy ---- */

static int begin(lua_State *L) {
    (void)L;
    fault_begin(page());
    return 0;
}

/* Memory is there again. */
static int finish(lua_State *L) {
    (void)L;
    page()->requests = fault_end(&page()->refused);
    return 0;
}

static int leave(lua_State *L) {
    fflush(NULL);
    _exit(lua_toboolean(L, 1) ? 0 : 1);
}

/* For programs that the copy becomes or starts. */
static void set_fault(void) {
    char text[64];
    snprintf(text, sizeof text, "%ld:%ld:%llx", page()->at, page()->failures, page()->place);
    setenv("DYNSUP_MEMORY_FAIL", text, 1);
}

static void become(lua_State *L) {
    char *words[64] = {NULL};
    for (lua_Integer i = 1; i < 64 && lua_geti(L, 1, i) == LUA_TSTRING; i++)
        words[i - 1] = (char *)lua_tostring(L, -1);
    if (words[0])
        execvp(words[0], words);
    _exit(127);
}

static int copy_begin(lua_State *L) {
    const char *path = getenv("MEMORY_OUTPUT");
    int null = open(path ? path : "/dev/null", O_RDWR | O_CREAT | O_APPEND, 0666);
    setpgid(0, 0);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    close(null);
    set_fault();
    if (!lua_isnoneornil(L, 1))
        become(L);
    return 0;
}

/* ---- the process that copies are made of ---- */

/* Has it ended? What it ended with is left for waitpid. */
static bool has_ended(pid_t pid) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid;
}

/* For systems that refuse pidfd_open, as the filters of some containers do. */
static bool ends_watched(pid_t pid, int ms) {
    const struct timespec look = {.tv_nsec = 2000000};
    for (int waited = 0; !has_ended(pid); waited += 2) {
        if (waited >= ms)
            return false;
        nanosleep(&look, NULL);
    }
    return true;
}

static bool ends_within(pid_t pid, int fd, int ms) {
    struct pollfd end = {.fd = fd, .events = POLLIN};
    return fd < 0 ? ends_watched(pid, ms) : poll(&end, 1, ms) > 0;
}

/* It gets SIGQUIT first, which makes it note where it was. */
static bool wait_end(pid_t pid, double seconds) {
    int fd = pidfd_open(pid, 0);
    bool in_time = ends_within(pid, fd, (int)(seconds * 1000));
    if (!in_time) {
        kill(-pid, SIGQUIT);
        ends_within(pid, fd, 2000);
    }
    if (fd >= 0)
        close(fd);
    return in_time;
}

typedef struct end {
    bool is_in_time;
    int status;
} end;

static end wait_copy(pid_t pid, double seconds) {
    end e;
    setpgid(pid, pid);
    e.is_in_time = wait_end(pid, seconds);
    kill(-pid, SIGKILL); /* what is left of its group */
    while (waitpid(pid, &e.status, 0) < 0 && errno == EINTR)
        ;
    return e;
}

/* Makes copies as they are asked for, until nobody can ask any more. Returns in copies only. */
static void make_copies(int fd) {
    double seconds;
    while (read(fd, &seconds, sizeof seconds) == sizeof seconds) {
        pid_t pid = fork();
        if (pid == 0)
            return;
        end e = {.is_in_time = true, .status = SIGABRT};
        if (pid > 0)
            e = wait_copy(pid, seconds);
        if (write(fd, &e, sizeof e) < 0)
            break;
    }
    _exit(0);
}

/* ---- the process that asks ---- */

typedef struct copies {
    int fd; /* of the socket to the process that makes them; -1: closed */
    pid_t maker;
} copies;

static const char *const copies_name = "memory_fault.copies";

static int copies_close(lua_State *L) {
    copies *c = luaL_checkudata(L, 1, copies_name);
    if (c->fd >= 0) {
        close(c->fd);
        waitpid(c->maker, NULL, 0);
    }
    c->fd = -1;
    return 0;
}

static int freeze(lua_State *L) {
    int fds[2];
    lua_settop(L, 1);
    copies *c = lua_newuserdatauv(L, sizeof *c, 0);
    c->fd = -1;
    luaL_setmetatable(L, copies_name);
    fflush(NULL);
    if (!page() || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
        return luaL_error(L, "socketpair: %s", strerror(errno));
    c->maker = fork();
    if (c->maker < 0)
        return luaL_error(L, "fork: %s", strerror(errno));
    close(fds[c->maker == 0 ? 0 : 1]);
    if (c->maker == 0) {
        make_copies(fds[1]);
        close(fds[1]);
        return copy_begin(L);
    }
    c->fd = fds[0];
    return 1;
}

static int attempt(lua_State *L) {
    end e;
    copies *c = luaL_checkudata(L, 1, copies_name);
    *page() = (told){.at = (long)luaL_checkinteger(L, 2),
                     .failures = (long)luaL_checkinteger(L, 3),
                     .place = (unsigned long long)luaL_optinteger(L, 5, 0)};
    double seconds = luaL_checknumber(L, 4);
    if (write(c->fd, &seconds, sizeof seconds) < 0 || read(c->fd, &e, sizeof e) != sizeof e)
        return luaL_error(L, "no copies are made any more");
    lua_pushstring(L, !e.is_in_time ? "hung" : WIFSIGNALED(e.status) ? "crashed" : "ended");
    lua_pushinteger(L, WIFSIGNALED(e.status) ? WTERMSIG(e.status) : WEXITSTATUS(e.status));
    lua_pushinteger(L, page()->requests);
    return 3;
}

int luaopen_memory_fault(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"freeze", freeze}, {"begin", begin}, {"finish", finish}, {"leave", leave}, {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"attempt", attempt},
        {"close", copies_close},
        {"__close", copies_close},
        {"__gc", copies_close},
        {NULL, NULL},
    };
    luaL_newmetatable(L, copies_name);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
