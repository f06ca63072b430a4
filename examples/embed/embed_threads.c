/*
 * Two hosts in two threads, and a thread that posts work to both: hosts are independent of each
 * other, and a post is how anything gets into one from outside of its thread.
 */
#include <dynsup/dynsup_lua.h>

#include <lauxlib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOSTS = 2, JOBS = 100 };

static const char summer[] = "local dynsup = require 'dynsup'\n"
                             "dynsup.register('summer', dynsup.self())\n"
                             "sum = 0\n"
                             "for i = 1, ... do sum = sum + dynsup.receive() end\n"
                             "dynsup.halt()\n";

typedef struct job {
    dynsup_lua_post post; /* first: a post is a job */
    int number;
} job;

typedef struct room {
    pthread_t thread;
    dynsup_lua_host *host;
    lua_Integer sum;
} room;

/* In the host's thread. host is NULL when it has ended before. */
static void on_job(dynsup_lua_post *post, dynsup_lua_host *host) {
    job *j = (job *)post;
    if (host) {
        dynsup_lua_value value = dynsup_lua_integer(j->number);
        dynsup_pid pid = dynsup_whereis(dynsup_lua_host_core(host), "summer", 6);
        dynsup_lua_send(host, pid, &value, 1);
    }
    free(j);
}

static void *live(void *ud) {
    room *r = ud;
    dynsup_lua_host_adopt(r->host);
    dynsup_lua_host_run(r->host); /* until the script halts it */
    lua_State *L = dynsup_lua_host_state(r->host);
    lua_getglobal(L, "sum");
    r->sum = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return NULL;
}

/* A host that stays although nothing is ready: posts are to come. */
static int room_open(room *r) {
    dynsup_lua_config config = {.own_loop = true, .stays = true};
    if (dynsup_lua_host_new(NULL, &config, &r->host))
        return 1;
    lua_State *L = dynsup_lua_host_state(r->host);
    if (luaL_loadstring(L, summer))
        return 1;
    lua_pushinteger(L, JOBS);
    if (dynsup_lua_spawn_main(r->host, L, 1, NULL))
        return 1;
    dynsup_lua_host_step(r->host, 1000000, NULL); /* so that it has its name */
    return pthread_create(&r->thread, NULL, live, r);
}

int main(void) {
    room rooms[HOSTS];
    for (int i = 0; i < HOSTS; i++)
        if (room_open(&rooms[i]))
            return 1;
    for (int i = 0; i < HOSTS * JOBS; i++) {
        job *j = malloc(sizeof *j);
        if (!j)
            return 1;
        *j = (job){.post = {.call = on_job}, .number = i};
        dynsup_lua_host_post(rooms[i % HOSTS].host, &j->post);
    }
    for (int i = 0; i < HOSTS; i++) {
        pthread_join(rooms[i].thread, NULL);
        dynsup_lua_host_adopt(rooms[i].host);
        printf("host %d: the sum is %lld\n", i, (long long)rooms[i].sum);
        dynsup_lua_host_free(rooms[i].host);
    }
    return 0;
}
