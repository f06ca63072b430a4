/* Hosts with a loop: their own, the program's, and what comes from other threads. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <lualib.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <uv.h>

/* Waits as a program with poll does, until the host has ended or the count of rounds is reached. */
static int poll_until_ended(dynsup_lua_host *host, int rounds) {
    int state = DYNSUP_READY;
    while (rounds-- > 0 && state != DYNSUP_ENDED) {
        state = dynsup_lua_host_step(host, 1000000, NULL);
        struct pollfd fd = {dynsup_lua_host_backend_fd(host), POLLIN, 0};
        if (state != DYNSUP_ENDED)
            poll(&fd, 1, dynsup_lua_host_timeout_ms(host));
    }
    return state;
}

static const char echo[] = "local d, net = require 'dynsup', require 'dynsup.net'\n"
                           "local server = assert(net.listen('127.0.0.1', 0))\n"
                           "local _, port = server:sockname()\n"
                           "d.spawn_link(function()\n"
                           "  local c <close> = assert(net.connect('127.0.0.1', port))\n"
                           "  c:write('ping\\n') answer = c:read('line') == 'PING' and 1\n"
                           "  d.halt()\n"
                           "end)\n"
                           "local c <close> = server:accept()\n"
                           "c:write(c:read('line'):upper() .. '\\n')\n";

static void sockets_work_on_a_loop_of_its_own(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_config config = {.own_loop = true};
    dsl_test_embed_open(&t, &config);
    dsl_test_spawn(&t, echo);
    assert_int_equal(poll_until_ended(t.host, 10000), DYNSUP_ENDED);
    assert_int_equal(dsl_test_global(&t, "answer"), 1);
    dsl_test_embed_close(&t);
}

static const char zeros[] = "local d, uv = require 'dynsup', require 'luv'\n"
                            "local fd = uv.fs_open('/dev/zero', 'r', 0)\n"
                            "uv.fs_read(fd, 8000000, 0, function(_, text) answer = #text end)\n"
                            "while not answer do d.sleep(1) end\n"
                            "uv.fs_close(fd)\n"
                            "refused = not pcall(string.rep, 'x', 8000000) and 1\n"
                            "d.halt()";

static void what_luv_hands_to_a_callback_may_go_beyond_the_limit(void **state) {
    (void)state;
    dsl_test_embed t = {0};
    dynsup_lua_config config = {.own_loop = true, .max_bytes = 4000000};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &t.host), 0);
    t.L = dynsup_lua_host_state(t.host);
    assert_int_equal(luaL_loadstring(t.L, zeros), LUA_OK);
    assert_int_equal(dynsup_lua_spawn(t.host, t.L, 0, NULL), 0);
    assert_int_equal(poll_until_ended(t.host, 10000), DYNSUP_ENDED);
    assert_int_equal(dsl_test_global(&t, "answer"), 8000000);
    assert_int_equal(dsl_test_global(&t, "refused"), 1);
    dynsup_lua_host_free(t.host);
}

static void a_still_host_is_waited_for_without_end(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_config config = {.own_loop = true};
    dsl_test_embed_open(&t, &config);
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_STILL);
    assert_int_equal(dynsup_lua_host_timeout_ms(t.host), -1);
    dsl_test_spawn(&t, "require('dynsup').sleep(100000)");
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_WAITING);
    assert_in_range(dynsup_lua_host_timeout_ms(t.host), 90000, 100001);
    dsl_test_embed_close(&t);
}

static void a_run_lasts_until_nothing_can_happen(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_config config = {.own_loop = true};
    dsl_test_embed_open(&t, &config);
    dsl_test_spawn(&t, "require('dynsup').sleep(1) done = 1");
    assert_int_equal(dynsup_lua_host_run(t.host), DYNSUP_STILL);
    assert_int_equal(dsl_test_global(&t, "done"), 1);
    dsl_test_spawn(&t, "require('dynsup').halt()");
    assert_int_equal(dynsup_lua_host_run(t.host), DYNSUP_ENDED);
    dsl_test_embed_close(&t);
}

/* ---- other threads ---- */

typedef struct poster {
    dynsup_lua_post post; /* first */
    dynsup_lua_host *host;
    int *calls;
} poster;

static void on_post(dynsup_lua_post *post, dynsup_lua_host *host) {
    poster *p = (poster *)post;
    ++*p->calls;
    if (host && *p->calls == 100)
        dynsup_lua_host_halt(host, 0);
}

static void *post_all(void *ud) {
    poster *posters = ud;
    for (int i = 0; i < 50; i++)
        dynsup_lua_host_post(posters[i].host, &posters[i].post);
    return NULL;
}

static void post_a_hundred(dynsup_lua_host *host, poster *posters, int *calls) {
    pthread_t threads[2];
    for (int i = 0; i < 100; i++)
        posters[i] = (poster){{on_post, NULL}, host, calls};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, &posters[50 * (size_t)i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void posts_wake_a_host_that_waits_in_its_loop(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_config config = {.own_loop = true};
    poster posters[100];
    int calls = 0;
    dsl_test_embed_open(&t, &config);
    dsl_test_step(&t, NULL);
    post_a_hundred(t.host, posters, &calls);
    assert_int_equal(poll_until_ended(t.host, 200), DYNSUP_ENDED);
    assert_int_equal(calls, 100);
    dsl_test_embed_close(&t);
}

static void on_wake(void *ud) {
    ++*(int *)ud;
}

static void posts_wake_the_program_once_a_step(void **state) {
    (void)state;
    dsl_test_embed t;
    poster posters[100];
    int calls = 0, wakes = 0;
    dynsup_lua_config config = {.wake = on_wake, .wake_ud = &wakes};
    dsl_test_embed_open(&t, &config);
    dsl_test_step(&t, NULL);
    wakes = 0;
    post_a_hundred(t.host, posters, &calls);
    assert_int_equal(wakes, 1);
    assert_int_equal(calls, 0);
    dsl_test_spawn(&t, "return"); /* a step */
    assert_int_equal(calls, 100);
    dynsup_lua_host_wake(t.host);
    dynsup_lua_host_wake(t.host);
    assert_int_equal(wakes, 2);
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_ENDED);
    assert_int_equal(calls, 100);
    dsl_test_embed_close(&t);
}

static void a_post_to_a_host_that_ends_is_told_so(void **state) {
    (void)state;
    dsl_test_embed t;
    int calls = 0;
    dsl_test_embed_open(&t, NULL);
    poster p = {{on_post, NULL}, t.host, &calls};
    poster late = {{on_post, NULL}, t.host, &calls};
    dynsup_lua_host_post(t.host, &p.post);
    lua_close(t.L);
    t.L = NULL;
    assert_int_equal(calls, 1);
    dynsup_lua_host_post(t.host, &late.post);
    dsl_test_embed_close(&t);
    assert_int_equal(calls, 2);
}

/* ---- the program's loop ---- */

typedef struct lent {
    uv_loop_t loop;
    dsl_test_embed t;
} lent;

static void lent_open(lent *l) {
    dynsup_lua_config config = {.loop = &l->loop};
    assert_int_equal(uv_loop_init(&l->loop), 0);
    dsl_test_embed_open(&l->t, &config);
}

static void lent_close(lent *l) {
    dsl_test_embed_close(&l->t);
    uv_run(&l->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&l->loop), 0);
}

/* dsl_test_spawn steps, which is the loop's affair here. */
static void lent_spawn(lent *l, const char *code) {
    assert_int_equal(luaL_loadstring(l->t.L, code), LUA_OK);
    assert_int_equal(dynsup_lua_spawn(l->t.host, l->t.L, 0, NULL), 0);
}

static void the_programs_loop_runs_the_host(void **state) {
    (void)state;
    lent l;
    lent_open(&l);
    lent_spawn(&l, echo);
    assert_int_equal(uv_run(&l.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(dsl_test_global(&l.t, "answer"), 1);
    lent_close(&l);
}

static void on_timer(uv_timer_t *timer) {
    lent *l = timer->data;
    lua_getglobal(l->t.L, "worker");
    dynsup_pid pid = dynsup_lua_pid_at(l->t.L, -1);
    dynsup_lua_value value = dynsup_lua_integer(42);
    assert_int_equal(dynsup_lua_send(l->t.host, pid, &value, 1), 0);
    uv_close((uv_handle_t *)timer, NULL);
}

static void callbacks_of_the_program_may_send(void **state) {
    (void)state;
    lent l;
    uv_timer_t timer;
    lent_open(&l);
    lent_spawn(&l, "local d = require 'dynsup' worker = d.self() got = d.receive()");
    uv_timer_init(&l.loop, &timer);
    timer.data = &l;
    uv_run(&l.loop, UV_RUN_NOWAIT); /* the worker's first slice */
    uv_timer_start(&timer, on_timer, 1, 0);
    uv_run(&l.loop, UV_RUN_DEFAULT);
    lua_settop(l.t.L, 0);
    assert_int_equal(dsl_test_global(&l.t, "got"), 42);
    lent_close(&l);
}

static void a_run_and_the_loop_take_turns(void **state) {
    (void)state;
    lent l;
    lent_open(&l);
    lent_spawn(&l, "require('dynsup').sleep(1) first = 1");
    assert_int_equal(dynsup_lua_host_run(l.t.host), DYNSUP_STILL);
    assert_int_equal(dsl_test_global(&l.t, "first"), 1);
    lent_spawn(&l, "require('dynsup').sleep(1) second = 1");
    uv_run(&l.loop, UV_RUN_DEFAULT);
    assert_int_equal(dsl_test_global(&l.t, "second"), 1);
    lent_close(&l);
}

static void a_run_inside_of_the_programs_loop_is_refused(void **state) {
    (void)state;
    lent l;
    lent_open(&l);
    lent_spawn(&l, "local ok, problem = pcall(require('dynsup').run, function() end)\n"
                   "refused = problem:find 'inside a callback of the loop' and 1\n"
                   "virtual = require('dynsup').run({ clock = 'virtual' }, function() end) and 1");
    uv_run(&l.loop, UV_RUN_DEFAULT);
    assert_int_equal(dsl_test_global(&l.t, "refused"), 1);
    assert_int_equal(dsl_test_global(&l.t, "virtual"), 1);
    lent_close(&l);
}

static void close_works_in_the_programs_loop(void **state) {
    (void)state;
    lent l;
    lent_open(&l);
    lent_spawn(&l, "local d = require 'dynsup' d.flag('trap_exit', true)\n"
                   "d.receive() d.sleep(1) orderly = 1");
    uv_run(&l.loop, UV_RUN_DEFAULT);
    assert_int_equal(dynsup_lua_host_close(l.t.host, 60000000000), 0);
    l.t.host = NULL;
    assert_int_equal(dsl_test_global(&l.t, "orderly"), 1);
    lent_close(&l);
}

static void luv_works_in_the_programs_loop(void **state) {
    (void)state;
    lent l;
    lent_open(&l);
    lent_spawn(&l, "local uv = require 'luv' local timer = uv.new_timer()\n"
                   "timer:start(1, 0, function() fired = 1 timer:close() end)");
    uv_run(&l.loop, UV_RUN_DEFAULT);
    assert_int_equal(dsl_test_global(&l.t, "fired"), 1);
    lent_close(&l);
}

static void count_handle(uv_handle_t *handle, void *ud) {
    (void)handle;
    ++*(int *)ud;
}

/* What luv keeps of a request whose function has failed: the loop never got it. */
static void leave_request(lua_State *L) {
    memset(lua_newuserdatauv(L, sizeof(uv_fs_t), 0), 0, sizeof(uv_fs_t));
    luaL_setmetatable(L, "uv_req");
    luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Scripts leave handles of each kind of end, requests that threads work on, and such a one. */
static void leave_luv_behind(lent *l) {
    lent_open(l);
    lent_spawn(l, "local uv = require 'luv'\n"
                  "idle, timer, server = uv.new_timer(), uv.new_timer(), uv.new_tcp()\n"
                  "timer:start(1, 1, function() fired = 1 end)\n"
                  "server:bind('127.0.0.1', 0) server:listen(1, print)\n"
                  "for _ = 1, 8 do uv.getaddrinfo('127.0.0.1', nil, nil, error) end\n"
                  "uv.fs_stat('/', error)\n"
                  "poll = uv.new_fs_poll() poll:start('/', 1000, print)\n"
                  "closing = uv.new_timer() closing:close(error)");
    uv_run(&l->loop, UV_RUN_NOWAIT);
    leave_request(l->t.L);
}

/* Also closes it. */
static void nothing_is_left(lent *l) {
    int handles = 0;
    assert_int_equal(uv_loop_alive(&l->loop), 0);
    uv_walk(&l->loop, count_handle, &handles);
    assert_int_equal(handles, 0);
    lent_close(l);
}

static void luv_leaves_the_programs_loop_with_the_host(void **state) {
    (void)state;
    lent l;
    leave_luv_behind(&l);
    /* luv's finalizer, were the state closed first, would free it while a thread works on it */
    lent_spawn(&l, "require 'luv'.fs_scandir('/', error)");
    uv_run(&l.loop, UV_RUN_NOWAIT);
    dynsup_lua_host_free(l.t.host);
    l.t.host = NULL;
    nothing_is_left(&l);
}

static void luv_leaves_it_with_a_state_that_is_closed_first(void **state) {
    (void)state;
    lent l;
    leave_luv_behind(&l);
    lua_close(l.t.L);
    l.t.L = NULL;
    nothing_is_left(&l);
}

static void a_state_has_one_loop(void **state) {
    (void)state;
    dsl_test_embed t;
    uv_loop_t loop;
    dynsup_lua_config config = {.own_loop = true};
    dsl_test_embed_open(&t, &config);
    dynsup_lua_host_free(t.host);
    uv_loop_init(&loop);
    assert_int_equal(dynsup_lua_host_new(t.L, &(dynsup_lua_config){.loop = &loop}, &t.host),
                     DYNSUP_ETAKEN);
    assert_null(t.host);
    assert_int_equal(uv_loop_close(&loop), 0);
    dsl_test_embed_close(&t);
}

/* ---- signals ---- */

static volatile sig_atomic_t former_calls;

static void former_handler(int signum) {
    (void)signum;
    former_calls++;
}

static void preemption_by_signal_calls_the_former_handler(void **state) {
    (void)state;
    dsl_test_embed t;
    struct sigaction former = {.sa_handler = former_handler}, found;
    dynsup_lua_config config = {.own_loop = true, .preempt = DYNSUP_LUA_PREEMPT_SIGNAL};
#ifdef __SANITIZE_THREAD__
    skip(); /* ThreadSanitizer hands signals on when a system call comes, and a loop in Lua has none
             */
#endif
    former_calls = 0;
    sigaction(SIGURG, &former, NULL);
    dsl_test_embed_open(&t, &config);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "d.spawn(function() while not over do n = (n or 0) + 1 end end)\n"
                       "d.spawn(function() for i = 1, 20 do d.yield() end over = 1 end)");
    assert_int_equal(dsl_test_global(&t, "over"), 1);
    assert_true(former_calls > 0);
    dsl_test_embed_close(&t);
    sigaction(SIGURG, NULL, &found);
    assert_ptr_equal(found.sa_handler, former_handler);
    signal(SIGURG, SIG_DFL);
}

static void nothing_is_touched_without_being_asked(void **state) {
    (void)state;
    static const int signals[] = {SIGURG, SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    dsl_test_embed t;
    struct sigaction found;
    dynsup_lua_config config = {.own_loop = true};
    dsl_test_embed_open(&t, &config);
    dsl_test_spawn(&t, echo);
    assert_int_equal(poll_until_ended(t.host, 10000), DYNSUP_ENDED);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaction(signals[i], NULL, &found);
        assert_true(found.sa_handler == SIG_DFL);
    }
    dsl_test_embed_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_touched_without_being_asked),
        cmocka_unit_test(sockets_work_on_a_loop_of_its_own),
        cmocka_unit_test(what_luv_hands_to_a_callback_may_go_beyond_the_limit),
        cmocka_unit_test(a_still_host_is_waited_for_without_end),
        cmocka_unit_test(a_run_lasts_until_nothing_can_happen),
        cmocka_unit_test(posts_wake_a_host_that_waits_in_its_loop),
        cmocka_unit_test(posts_wake_the_program_once_a_step),
        cmocka_unit_test(a_post_to_a_host_that_ends_is_told_so),
        cmocka_unit_test(the_programs_loop_runs_the_host),
        cmocka_unit_test(callbacks_of_the_program_may_send),
        cmocka_unit_test(a_run_and_the_loop_take_turns),
        cmocka_unit_test(a_run_inside_of_the_programs_loop_is_refused),
        cmocka_unit_test(close_works_in_the_programs_loop),
        cmocka_unit_test(luv_works_in_the_programs_loop),
        cmocka_unit_test(luv_leaves_the_programs_loop_with_the_host),
        cmocka_unit_test(luv_leaves_it_with_a_state_that_is_closed_first),
        cmocka_unit_test(a_state_has_one_loop),
        cmocka_unit_test(preemption_by_signal_calls_the_former_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
