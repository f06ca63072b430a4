/* Hosts for C programs: steps, deadlines, ends, and what is misuse. */
#include "bindings/test_embed.h"

#include "core/dynsup_uv.h"

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <uv.h>

/* ---- steps ---- */

static void a_step_says_what_is_left(void **state) {
    (void)state;
    dsl_test_embed t;
    uint64_t deadline_ns;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_host_step(t.host, 1000000, &deadline_ns), DYNSUP_STILL);
    assert_true(deadline_ns == DYNSUP_NEVER);
    dsl_test_spawn(&t, "require('dynsup').sleep(5) done = 1");
    assert_int_equal(dsl_test_step(&t, &deadline_ns), DYNSUP_WAITING);
    assert_in_range(deadline_ns, t.now_ns + 4500000, t.now_ns + 5000000);
    t.now_ns = 1004999999;
    assert_int_equal(dsl_test_step(&t, &deadline_ns), DYNSUP_WAITING);
    assert_int_equal(deadline_ns, 1005000000);
    assert_int_equal(dsl_test_global(&t, "done"), 0);
    t.now_ns = deadline_ns;
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_STILL);
    assert_int_equal(dsl_test_global(&t, "done"), 1);
    dsl_test_embed_close(&t);
}

/* Ten workers that never wait: how many slices there were in each of so many steps. */
static void slices_of_steps(uint64_t budget_ns, uint64_t *slices, int steps) {
    dsl_test_embed t;
    dsl_test_embed_open(&t, &(dynsup_lua_config){.virtual_clock = true, .slice_ms = 0.1});
    for (int i = 0; i < 10; i++) {
        assert_int_equal(luaL_loadstring(t.L, "while true do n = (n or 0) + 1 end"), LUA_OK);
        assert_int_equal(dynsup_lua_spawn(t.host, t.L, 0, NULL), 0);
    }
    const volatile uint64_t *all = dynsup_host_slices(dynsup_lua_host_core(t.host));
    for (int i = 0; i < steps; i++) {
        uint64_t before = *all;
        assert_int_equal(dynsup_lua_host_step(t.host, budget_ns, NULL), DYNSUP_READY);
        slices[i] = *all - before;
    }
    dsl_test_embed_close(&t);
}

static void a_step_on_a_virtual_clock_counts_instructions(void **state) {
    (void)state;
    uint64_t slices[20];
    slices_of_steps(50000, slices, 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(slices[i], 1);
    slices_of_steps(1000000, slices, 20); /* a slice is 0.1 ms, and a microsecond */
    for (int i = 0; i < 20; i++)
        assert_int_equal(slices[i], 10);
}

static int go_on(lua_State *L, dynsup_lua_worker *worker) {
    (void)L, (void)worker;
    return DYNSUP_LUA_AGAIN;
}

static const dynsup_lua_worker_ops busy_ops = {.name = "busy", .start = go_on, .work = go_on};

static void workers_in_c_use_up_a_budget_on_every_clock(void **state) {
    (void)state;
    for (int virtual = 0; virtual < 2; virtual ++) {
        dsl_test_embed t;
        dsl_test_embed_open(&t, &(dynsup_lua_config){.virtual_clock = virtual});
        assert_int_equal(dynsup_lua_worker_spawn(t.host, &busy_ops, NULL, NULL, NULL), 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(dynsup_lua_host_step(t.host, 100000, NULL), DYNSUP_READY);
        dsl_test_embed_close(&t);
    }
}

/* A worker that never waits, and close handlers that never end. */
static void a_clock_that_stands_still_stops_timers_only(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(luaL_loadstring(t.L,
                                     "local x <close> = setmetatable({}, { __close = function()"
                                     " while true do end end })\n"
                                     "while true do n = (n or 0) + 1 end"),
                     LUA_OK);
    assert_int_equal(dynsup_lua_spawn(t.host, t.L, 0, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dynsup_lua_host_step(t.host, 100000, NULL), DYNSUP_READY);
    assert_true(dsl_test_global(&t, "n") > 0);
    assert_int_equal(dynsup_lua_host_now(t.host), t.now_ns);
    dsl_test_embed_close(&t);
}

static void all_who_are_ready_have_a_turn_before_a_second_one(void **state) {
    (void)state;
    dynsup_lua_host *host;
    dynsup_lua_config config = {.virtual_clock = true, .slice_ms = 0.01};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    lua_State *L = dynsup_lua_host_state(host);
    lua_newtable(L);
    lua_setglobal(L, "count");
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(luaL_loadstring(L, "local i = ... while true do count[i] = (count[i] or 0)"
                                            " + 1 require('dynsup').yield() end"),
                         LUA_OK);
        lua_pushinteger(L, i);
        assert_int_equal(dynsup_lua_spawn(host, L, 1, NULL), 0);
    }
    for (int i = 0; i < 50; i++)
        dynsup_lua_host_step(host, 30000, NULL);
    lua_getglobal(L, "count");
    lua_geti(L, -1, 1);
    lua_Integer first = lua_tointeger(L, -1);
    assert_true(first > 5);
    for (int i = 2; i <= 100; i++) {
        lua_geti(L, -2, i);
        assert_in_range(lua_tointeger(L, -1), first - 1, first);
        lua_replace(L, -2);
    }
    lua_pop(L, 2);
    dynsup_lua_host_free(host);
}

static void ends_keep_to_the_budget_too(void **state) {
    (void)state;
    dynsup_lua_host *host;
    int steps = 0;
    dynsup_lua_config config = {.virtual_clock = true};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    lua_State *L = dynsup_lua_host_state(host);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(luaL_loadstring(L, "require('dynsup').receive()"), LUA_OK);
        assert_int_equal(dynsup_lua_spawn(host, L, 0, NULL), 0);
    }
    while (dynsup_lua_host_step(host, 1000000, NULL) == DYNSUP_READY)
        continue;
    dynsup_lua_host_halt(host, 0);
    while (dynsup_lua_host_step(host, 10000, NULL) != DYNSUP_ENDED)
        steps++;
    assert_in_range(steps, 60, 2000);
    dynsup_lua_host_free(host);
}

static void code_outside_of_processes_may_call_the_host(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_do(&t, "d = require 'dynsup'\n"
                    "pid = d.spawn(function() got = d.receive() end)\n"
                    "assert(not pcall(d.sleep, 1))\n"
                    "d.send(pid, 7)\n"
                    "local co = coroutine.wrap(function() coroutine.yield(3) end)\n"
                    "assert(co() == 3)");
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "got"), 7);
    dsl_test_embed_close(&t);
}

static void what_needs_a_loop_says_that_there_is_none(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, "local ok, problem = pcall(require('dynsup.net').connect, '127.0.0.1', 1)\n"
                       "net = not ok and problem:find 'sockets need an event loop: this host has "
                       "none' and 1\n"
                       "ok, problem = pcall(require, 'luv')\n"
                       "luv = problem:find 'luv needs an event loop' and 1");
    assert_int_equal(dsl_test_global(&t, "net"), 1);
    assert_int_equal(dsl_test_global(&t, "luv"), 1);
    assert_int_equal(dynsup_lua_host_backend_fd(t.host), DYNSUP_ENO_LOOP);
    assert_int_equal(dynsup_lua_host_run(t.host), DYNSUP_ENO_LOOP);
    dsl_test_embed_close(&t);
}

static void a_run_inside_of_a_process_is_a_host_of_its_own(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t,
                   "local d = require 'dynsup'\n"
                   "local ok, n = d.run({ clock = 'virtual' }, function() d.sleep(1e6) return 3 "
                   "end)\n"
                   "inner = n d.sleep(1)");
    assert_int_equal(dsl_test_global(&t, "inner"), 3);
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_WAITING);
    dsl_test_embed_close(&t);
}

/* ---- ends ---- */

static const char closing_worker[] =
    "local d = require 'dynsup'\n"
    "local _ <close> = setmetatable({}, { __close = function() closed = (closed or 0) + 1 end })\n"
    "d.receive()";

static void free_ends_what_is_left(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, closing_worker);
    dynsup_lua_host_free(t.host);
    t.host = NULL;
    assert_int_equal(dsl_test_global(&t, "closed"), 1);
    assert_int_equal(dynsup_lua_host_new(t.L, NULL, &t.host), 0);
    dsl_test_embed_close(&t);
}

static void close_ends_in_order(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_config config = {.virtual_clock = true};
    dsl_test_embed_open(&t, &config);
    dsl_test_spawn(&t, "local d = require 'dynsup' d.flag('trap_exit', true)\n"
                       "d.receive() d.sleep(100) orderly = 1");
    assert_int_equal(dynsup_lua_host_close(t.host, 60000000000), 0);
    t.host = NULL;
    assert_int_equal(dsl_test_global(&t, "orderly"), 1);
    dsl_test_embed_close(&t);
}

static void close_kills_when_the_time_is_over(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL); /* its clock stands still */
    dsl_test_spawn(&t,
                   "local d = require 'dynsup' d.flag('trap_exit', true)\n"
                   "local _ <close> = setmetatable({}, { __close = function() closed = 1 end })\n"
                   "d.receive() d.sleep(100) orderly = 1");
    assert_int_equal(dynsup_lua_host_close(t.host, 1000000), DYNSUP_ETIMEOUT);
    t.host = NULL;
    assert_int_equal(dsl_test_global(&t, "orderly"), 0);
    assert_int_equal(dsl_test_global(&t, "closed"), 1);
    dsl_test_embed_close(&t);
}

static void a_host_whose_state_was_closed_says_so(void **state) {
    (void)state;
    dsl_test_embed t;
    uint64_t deadline_ns;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, closing_worker);
    lua_close(t.L);
    t.L = NULL;
    assert_int_equal(t.allocator.in_use, 0);
    assert_int_equal(dynsup_lua_host_step(t.host, 0, &deadline_ns), DYNSUP_ECLOSED);
    assert_int_equal(dynsup_lua_host_halt(t.host, 0), DYNSUP_ECLOSED);
    assert_int_equal(dynsup_lua_spawn(t.host, NULL, 0, NULL), DYNSUP_ECLOSED);
    assert_null(dynsup_lua_host_core(t.host));
    assert_null(dynsup_lua_host_state(t.host));
    assert_int_equal(dynsup_lua_host_close(t.host, 0), DYNSUP_ECLOSED);
    t.host = NULL;
    dsl_test_embed_close(&t);
}

static void a_state_has_one_host(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_host *second;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_host_new(t.L, NULL, &second), DYNSUP_EALREADY_STARTED);
    assert_null(second);
    dsl_test_embed_close(&t);
}

static void os_exit_of_a_process_halts_and_the_programs_own_does_not(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, "os.exit(3)");
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_ENDED);
    assert_int_equal(dynsup_host_code(dynsup_lua_host_core(t.host)), 3);
    dsl_test_embed_close(&t);
}

static void limits_refuse_what_goes_beyond(void **state) {
    (void)state;
    dynsup_lua_host *host;
    dynsup_lua_config config = {.virtual_clock = true, .max_bytes = 4000000, .max_processes = 2};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    lua_State *L = dynsup_lua_host_state(host);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(luaL_loadstring(L, "require('dynsup').receive()"), LUA_OK);
        assert_int_equal(dynsup_lua_spawn(host, L, 0, NULL), i < 2 ? 0 : DYNSUP_ENOMEM);
    }
    assert_int_equal(luaL_loadstring(L, "return ('x'):rep(5000000)"), LUA_OK);
    assert_int_equal(lua_pcall(L, 0, 1, 0), LUA_ERRMEM);
    lua_settop(L, 0);
    dynsup_lua_host_free(host);
}

/* ---- misuse ---- */

static void free_in_step(void *ud) {
    dsl_test_spawn(ud, "misuse()");
}

static int misuse(lua_State *L) {
    dsl_test_embed *t = lua_touserdata(L, lua_upvalueindex(1));
    dynsup_lua_host_step(t->host, 1, NULL);
    return 0;
}

static void *step_elsewhere(void *ud) {
    dynsup_lua_host_step(((dsl_test_embed *)ud)->host, 1, NULL);
    return NULL;
}

static void step_in_another_thread(void *ud) {
    pthread_t thread;
    pthread_create(&thread, NULL, step_elsewhere, ud);
    pthread_join(thread, NULL);
}

static void two_clocks(void *ud) {
    dynsup_lua_host *host;
    dynsup_lua_config config = {.virtual_clock = true, .own_loop = true};
    (void)ud;
    dynsup_lua_host_new(NULL, &config, &host);
}

static void free_host(dynsup_lua_post *post, dynsup_lua_host *host) {
    (void)post;
    dynsup_lua_host_free(host);
}

static void free_in_a_post_of_the_loop(void *ud) {
    dynsup_lua_host *host;
    struct uv_loop_s *loop = dynsup_uv_loop_new();
    dynsup_lua_config config = {.loop = loop};
    dynsup_lua_post post = {.call = free_host};
    (void)ud;
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    dynsup_lua_host_post(host, &post);
    uv_run(loop, UV_RUN_NOWAIT);
}

/* It may be moved on as often as one likes. */
static void a_virtual_clock_never_goes_back(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, &(dynsup_lua_config){.virtual_clock = true});
    dynsup_lua_host_advance(t.host, UINT64_MAX);
    uint64_t now_ns = dynsup_lua_host_now(t.host);
    dynsup_lua_host_advance(t.host, UINT64_MAX);
    assert_true(dynsup_lua_host_now(t.host) >= now_ns);
    assert_true(dynsup_lua_host_now(t.host) < DYNSUP_NEVER);
    dsl_test_embed_close(&t);
}

static void count_drop(void *arg) {
    ++*(int *)arg;
}

static void the_argument_of_a_worker_is_dropped_in_every_case(void **state) {
    (void)state;
    static const dynsup_lua_worker_ops ops = {.name = "none", .drop = count_drop};
    dsl_test_embed t;
    int drops = 0;
    dsl_test_embed_open(&t, NULL);
    lua_close(t.L);
    t.L = NULL;
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &ops, &drops, NULL, NULL), DYNSUP_ECLOSED);
    assert_int_equal(dynsup_lua_worker_start(t.host, 1, &ops, &drops, NULL, NULL), DYNSUP_ECLOSED);
    assert_int_equal(dynsup_lua_worker_push(t.host, NULL, &ops, &drops), DYNSUP_ECLOSED);
    assert_int_equal(drops, 3);
    dsl_test_embed_close(&t);
}

static void misuse_asserts(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    lua_pushlightuserdata(t.L, &t);
    lua_pushcclosure(t.L, misuse, 1);
    lua_setglobal(t.L, "misuse");
    assert_true(dsl_test_asserts(free_in_step, &t));
    assert_true(dsl_test_asserts(step_in_another_thread, &t));
    assert_true(dsl_test_asserts(two_clocks, NULL));
    assert_true(dsl_test_asserts(free_in_a_post_of_the_loop, NULL));
    dsl_test_embed_close(&t);
}

static void *adopt_and_step(void *ud) {
    dsl_test_embed *t = ud;
    dynsup_lua_host_adopt(t->host);
    dsl_test_spawn(t, "adopted = 1");
    return NULL;
}

static void a_host_can_go_to_another_thread(void **state) {
    (void)state;
    dsl_test_embed t;
    pthread_t thread;
    dsl_test_embed_open(&t, NULL);
    pthread_create(&thread, NULL, adopt_and_step, &t);
    pthread_join(thread, NULL);
    dynsup_lua_host_adopt(t.host);
    assert_int_equal(dsl_test_global(&t, "adopted"), 1);
    dsl_test_embed_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_says_what_is_left),
        cmocka_unit_test(a_step_on_a_virtual_clock_counts_instructions),
        cmocka_unit_test(workers_in_c_use_up_a_budget_on_every_clock),
        cmocka_unit_test(a_clock_that_stands_still_stops_timers_only),
        cmocka_unit_test(all_who_are_ready_have_a_turn_before_a_second_one),
        cmocka_unit_test(ends_keep_to_the_budget_too),
        cmocka_unit_test(code_outside_of_processes_may_call_the_host),
        cmocka_unit_test(what_needs_a_loop_says_that_there_is_none),
        cmocka_unit_test(a_run_inside_of_a_process_is_a_host_of_its_own),
        cmocka_unit_test(free_ends_what_is_left),
        cmocka_unit_test(close_ends_in_order),
        cmocka_unit_test(close_kills_when_the_time_is_over),
        cmocka_unit_test(a_host_whose_state_was_closed_says_so),
        cmocka_unit_test(a_state_has_one_host),
        cmocka_unit_test(os_exit_of_a_process_halts_and_the_programs_own_does_not),
        cmocka_unit_test(limits_refuse_what_goes_beyond),
        cmocka_unit_test(misuse_asserts),
        cmocka_unit_test(a_virtual_clock_never_goes_back),
        cmocka_unit_test(the_argument_of_a_worker_is_dropped_in_every_case),
        cmocka_unit_test(a_host_can_go_to_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
