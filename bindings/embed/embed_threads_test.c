/* Several hosts in several threads: they know nothing of each other. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 10, POSTS = 200 };

/* ThreadSanitizer does not see that libuv closes descriptors: one that comes again in another
 * thread looks like a race. */
#ifdef __SANITIZE_THREAD__
enum { WITH_LOOPS = 0 };
#else
enum { WITH_LOOPS = 1 };
#endif

static const char workers[] = "local d = require 'dynsup'\n"
                              "local sup = d.start_link { max_restarts = 100 }\n"
                              "for i = 1, 20 do\n"
                              "  d.start_child(sup, { body = function()\n"
                              "    crashes = (crashes or 0) + 1\n"
                              "    if crashes <= 40 then error 'again' end\n"
                              "    d.receive()\n"
                              "  end })\n"
                              "end\n"
                              "d.sleep(2)\n"
                              "count = d.count_children(sup).active\n";

/* cmocka's assertions belong to the main thread: others say whether it went well. */
static bool round_run(bool with_loop) {
    dynsup_lua_host *host;
    dynsup_lua_config config = {.own_loop = with_loop, .virtual_clock = !with_loop};
    if (dynsup_lua_host_new(NULL, &config, &host))
        return false;
    lua_State *L = dynsup_lua_host_state(host);
    bool ok = luaL_loadstring(L, workers) == LUA_OK &&
              dynsup_lua_spawn_main(host, L, 0, NULL) == 0 &&
              dynsup_lua_host_run(host) == DYNSUP_STILL;
    lua_getglobal(L, "count");
    ok = ok && lua_tointeger(L, -1) == 20;
    lua_pop(L, 1);
    return dynsup_lua_host_close(host, 10000000000) == 0 && ok;
}

static void *rounds_run(void *ud) {
    bool *ok = ud;
    *ok = true;
    for (int i = 0; i < ROUNDS; i++)
        *ok = round_run(WITH_LOOPS && i % 2) && *ok;
    return NULL;
}

static void hosts_live_and_end_side_by_side(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    bool ok[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, rounds_run, &ok[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(ok[i]);
    }
}

/* ---- posts from one host's thread to another's ---- */

typedef struct player {
    dynsup_lua_post post; /* first; on its way between the two */
    dynsup_lua_host *hosts[2];
    int throws;
} player;

static atomic_int over;

static void on_throw(dynsup_lua_post *post, dynsup_lua_host *host) {
    player *p = (player *)post;
    if (!host)
        return;
    if (++p->throws < POSTS)
        dynsup_lua_host_post(p->hosts[host == p->hosts[0]], post);
    else
        atomic_store(&over, 1);
}

static void *play(void *ud) {
    dynsup_lua_host *host = ud;
    dynsup_lua_host_adopt(host);
    while (!atomic_load(&over))
        dynsup_lua_host_step(host, 1000000, NULL);
    return NULL;
}

static void a_post_travels_between_two_hosts(void **state) {
    (void)state;
    pthread_t threads[2];
    player p = {.post = {.call = on_throw}};
    atomic_store(&over, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(dynsup_lua_host_new(NULL, NULL, &p.hosts[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, play, p.hosts[i]), 0);
    dynsup_lua_host_post(p.hosts[0], &p.post);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        dynsup_lua_host_adopt(p.hosts[i]);
        dynsup_lua_host_free(p.hosts[i]);
    }
    assert_int_equal(p.throws, POSTS);
}

/* ---- signals ---- */

static void *preempt(void *ud) {
    bool *ok = ud;
    dynsup_lua_host *host;
    dynsup_lua_config config = {.own_loop = true, .preempt = DYNSUP_LUA_PREEMPT_SIGNAL};
    *ok = false;
    if (dynsup_lua_host_new(NULL, &config, &host))
        return NULL;
    lua_State *L = dynsup_lua_host_state(host);
    *ok = luaL_loadstring(L, "local d = require 'dynsup'\n"
                             "d.spawn(function() while true do end end)\n"
                             "for i = 1, 10 do d.yield() end\n"
                             "d.halt()") == LUA_OK &&
          dynsup_lua_spawn(host, L, 0, NULL) == 0 && dynsup_lua_host_run(host) == DYNSUP_ENDED;
    dynsup_lua_host_free(host);
    return NULL;
}

static void each_host_is_preempted_by_its_own_signals(void **state) {
    (void)state;
    pthread_t threads[2];
    bool ok[2];
#ifdef __SANITIZE_THREAD__
    skip(); /* ThreadSanitizer hands signals on when a system call comes, and a loop in Lua has none
             */
#endif
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, preempt, &ok[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_true(ok[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_live_and_end_side_by_side),
        cmocka_unit_test(a_post_travels_between_two_hosts),
        cmocka_unit_test(each_host_is_preempted_by_its_own_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
