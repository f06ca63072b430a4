/* The Lua module memory_fault: runs pieces of a process without memory, each in a copy of the
 * process.
 *
 *   attempt(at, failures, seconds [, command])
 *       In the copy it returns nothing; there requests for memory fail as memory_fault_begin says
 * from begin() to finish(), and leave(ok) ends the copy. With a command, a list of words, that runs
 * in its place. In the process it returns what has come of it: "ended", the exit code; "crashed",
 * the signal; "hung"; and how many requests were made between begin and finish. */
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the copy tells. */
typedef struct told {
    long at, failures, requests, refused;
} told;

static told *page(void) {
    static told *shared;
    if (!shared)
        shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared;
}

/* Both are in the library that was loaded before all others. */
static void fault_begin(long at, long failures) {
    void (*f)(long, long);
    *(void **)&f = dlsym(RTLD_DEFAULT, "memory_fault_begin");
    if (f)
        f(at, failures);
}

static long fault_end(long *refused_out) {
    long (*f)(long *);
    *(void **)&f = dlsym(RTLD_DEFAULT, "memory_fault_end");
    return f ? f(refused_out) : 0;
}

/* ---- the copy ---- */

static int begin(lua_State *L) {
    (void)L;
    fault_begin(page()->at, page()->failures);
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
    snprintf(text, sizeof text, "%ld:%ld", page()->at, page()->failures);
    setenv("DYNSUP_MEMORY_FAIL", text, 1);
}

static void become(lua_State *L) {
    char *words[64] = {NULL};
    for (lua_Integer i = 1; i < 64 && lua_geti(L, 4, i) == LUA_TSTRING; i++)
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
    if (!lua_isnoneornil(L, 4))
        become(L);
    return 0;
}

/* ---- the process ---- */

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

/* It is told to quit first, for that notes where it was. */
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

static int push_end(lua_State *L, bool in_time, int status) {
    lua_pushstring(L, !in_time ? "hung" : WIFSIGNALED(status) ? "crashed" : "ended");
    lua_pushinteger(L, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    lua_pushinteger(L, page()->requests);
    return 3;
}

static int attempt(lua_State *L) {
    *page() =
        (told){.at = (long)luaL_checkinteger(L, 1), .failures = (long)luaL_checkinteger(L, 2)};
    double seconds = luaL_checknumber(L, 3);
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        return copy_begin(L);
    if (pid < 0)
        return luaL_error(L, "fork: %s", strerror(errno));
    setpgid(pid, pid);
    bool in_time = wait_end(pid, seconds);
    kill(-pid, SIGKILL); /* what it has left behind */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return push_end(L, in_time, status);
}

int luaopen_memory_fault(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"attempt", attempt}, {"begin", begin}, {"finish", finish}, {"leave", leave}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
    return 1;
}
