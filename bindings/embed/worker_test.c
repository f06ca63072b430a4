/* Workers in C where something is at its end: the stack's room, their kind, the lua_State. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <math.h>

/* ---- room on the stack ---- */

static struct {
    int size;   /* of the message that has come */
    bool roomy; /* whoever pushes as much as it may needs no memory for it */
} room;

static int look(lua_State *L, dynsup_lua_worker *w) {
    dsl_test_allocator *allocator = dynsup_lua_worker_arg(w);
    long requests = allocator->requests;
    room.size = lua_gettop(L);
    room.roomy = lua_checkstack(L, LUA_MINSTACK - 1) && /* Lua makes room a little earlier */
                 allocator->requests == requests;
    for (int i = 0; i < LUA_MINSTACK; i++)
        lua_pushinteger(L, i);
    return DYNSUP_LUA_WAIT;
}

static void check_room(int size) {
    static const dynsup_lua_worker_ops ops = {.name = "looker", .start = look, .message = look};
    dsl_test_embed t;
    dynsup_pid pid;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &ops, &t.allocator, "looker", &pid), 0);
    dsl_test_step(&t, NULL);
    assert_true(room.roomy);
    lua_pushinteger(t.L, size);
    lua_setglobal(t.L, "size");
    dsl_test_spawn(&t, "local values = {}\n"
                       "for i = 1, size do values[i] = i end\n"
                       "require('dynsup').send('looker', table.unpack(values))");
    assert_int_equal(room.size, size);
    assert_true(room.roomy);
    assert_true(dynsup_is_alive(dynsup_lua_host_core(t.host), pid));
    dsl_test_embed_close(&t);
}

static void a_worker_has_room_beside_a_message_of_many_values(void **state) {
    (void)state;
    check_room(1);
    check_room(1000);
}

/* ---- kinds whose finalizer has run ---- */

static struct {
    int stops, drops;
    int stops_after_drop;
} ends;

static void count_stop(lua_State *L, dynsup_lua_worker *w) {
    (void)L, (void)w;
    ends.stops++;
    ends.stops_after_drop += ends.drops;
}

static void count_drop(void *arg) {
    (void)arg;
    ends.drops++;
}

static const dynsup_lua_worker_ops counted = {
    .name = "counted", .stop = count_stop, .drop = count_drop};

static void open(dsl_test_embed *t) {
    ends.stops = ends.drops = ends.stops_after_drop = 0;
    dsl_test_embed_worker(t, &counted, NULL);
}

static void a_kind_is_no_body_after_its_finalizer(void **state) {
    (void)state;
    dsl_test_embed t;
    open(&t);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "local sup = d.start_link()\n"
                       "local meta = getmetatable(counted)\n"
                       "assert(not pcall(meta.__gc, {}) and not pcall(meta.__gc, io.stdout))\n"
                       "meta.__gc(counted) meta.__gc(counted)\n"
                       "assert(tostring(counted) == 'worker: (dropped)')\n"
                       "local _, reason = d.start_child(sup, { body = counted })\n"
                       "refused = reason == 'invalid_mfa' and 1\n");
    assert_int_equal(dsl_test_global(&t, "refused"), 1);
    assert_int_equal(ends.drops, 1);
    dsl_test_embed_close(&t);
    assert_int_equal(ends.drops, 1);
}

static void
a_kind_restarts_no_body_after_its_finalizer_but_a_body_keeps_its_argument(void **state) {
    (void)state;
    dsl_test_embed t;
    open(&t);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "d.flag('trap_exit', true)\n"
                       "local sup = d.start_link { max_restarts = 2 }\n"
                       "local pid = assert(d.start_child(sup, { body = counted }))\n"
                       "d.yield()\n"
                       "getmetatable(counted).__gc(counted)\n"
                       "d.exit(pid, 'boom')\n"
                       "local _, who, reason = d.receive()\n"
                       "ended = who == sup and reason == 'shutdown' and 1\n");
    assert_int_equal(dsl_test_global(&t, "ended"), 1);
    assert_int_equal(ends.stops, 1);
    assert_int_equal(ends.stops_after_drop, 0);
    assert_int_equal(ends.drops, 1);
    dsl_test_embed_close(&t);
}

/* Finalizers run in the opposite order of that in which their objects were made. */
static void a_finalizer_may_find_a_kind_that_is_over(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    ends.drops = 0;
    dsl_test_do(&t, "holder = setmetatable({}, { __gc = function(holder)\n"
                    "  local d = require 'dynsup'\n"
                    "  local _, reason = d.start_child(sup, { body = holder.kind })\n"
                    "  found = reason == 'invalid_mfa' and 1\n"
                    "end })");
    assert_int_equal(dynsup_lua_worker_push(t.host, t.L, &counted, NULL), 0);
    lua_setglobal(t.L, "counted");
    dsl_test_spawn(&t, "sup = require('dynsup').start_link()\n"
                       "holder.kind = counted\n"
                       "counted, holder = nil, nil\n"
                       "collectgarbage()\n");
    assert_int_equal(dsl_test_global(&t, "found"), 1);
    assert_int_equal(ends.drops, 1);
    dsl_test_embed_close(&t);
}

/* ---- lua_States that are closed before their host ---- */

static void a_worker_stops_before_its_argument_is_dropped(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    ends.stops = ends.drops = ends.stops_after_drop = 0;
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &counted, NULL, NULL, NULL), 0);
    dsl_test_step(&t, NULL);
    lua_close(t.L);
    t.L = NULL;
    assert_int_equal(ends.stops, 1);
    assert_int_equal(ends.stops_after_drop, 0);
    assert_int_equal(ends.drops, 1);
    dsl_test_embed_close(&t);
}

static struct {
    int spawned, started, pushed, called, terminated;
    int told;
} late;

static void on_done(void *ud, dynsup_lua_host *host, lua_State *L) {
    (void)ud, (void)host, (void)L;
    late.told++;
}

static void stop_late(lua_State *L, dynsup_lua_worker *w) {
    dynsup_lua_host *host = dynsup_lua_worker_host(w);
    dynsup_pid pid = dynsup_lua_worker_pid(w);
    late.spawned = dynsup_lua_worker_spawn(host, &counted, NULL, NULL, NULL);
    late.started = dynsup_lua_worker_start(host, pid, &counted, NULL, NULL, NULL);
    late.pushed = dynsup_lua_worker_push(host, L, &counted, NULL);
    luaL_loadstring(L, "return 1");
    late.called = dynsup_lua_call(host, L, 0, on_done, NULL);
    late.terminated = dynsup_lua_child_terminate(host, pid, pid, on_done, NULL);
}

static void what_the_end_of_a_state_would_leave_behind_is_refused(void **state) {
    (void)state;
    static const dynsup_lua_worker_ops ops = {.name = "late", .stop = stop_late};
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    ends.drops = late.told = 0;
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &ops, NULL, NULL, NULL), 0);
    dsl_test_step(&t, NULL);
    lua_close(t.L);
    t.L = NULL;
    assert_int_equal(late.spawned, DYNSUP_ECLOSED);
    assert_int_equal(late.started, DYNSUP_ECLOSED);
    assert_int_equal(late.pushed, DYNSUP_ECLOSED);
    assert_int_equal(late.called, DYNSUP_ECLOSED);
    assert_int_equal(late.terminated, DYNSUP_ECLOSED);
    assert_int_equal(ends.drops, 3);
    assert_int_equal(late.told, 0);
    dsl_test_embed_close(&t);
}

/* ---- timeouts ---- */

static double timeout_ms;

static int wait_for(lua_State *L, dynsup_lua_worker *w) {
    (void)L;
    dynsup_lua_worker_timeout(w, timeout_ms);
    return DYNSUP_LUA_WAIT;
}

static int end(lua_State *L, dynsup_lua_worker *w) {
    (void)L, (void)w;
    return DYNSUP_LUA_END;
}

static void a_timeout_that_is_no_time_is_over_at_once(void **state) {
    (void)state;
    static const dynsup_lua_worker_ops ops = {.name = "waiter", .start = wait_for, .work = end};
    static const struct {
        double ms;
        bool ends;
    } cases[] = {{-1, true}, {-1e300, true},    {-INFINITY, true}, {NAN, true},
                 {0, true},  {INFINITY, false}, {1e300, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dsl_test_embed t;
        dynsup_pid pid;
        timeout_ms = cases[i].ms;
        dsl_test_embed_open(&t, NULL);
        assert_int_equal(dynsup_lua_worker_spawn(t.host, &ops, NULL, NULL, &pid), 0);
        dsl_test_step(&t, NULL);
        t.now_ns++;
        assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_STILL);
        assert_int_equal(dynsup_is_alive(dynsup_lua_host_core(t.host), pid), !cases[i].ends);
        dsl_test_embed_close(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_has_room_beside_a_message_of_many_values),
        cmocka_unit_test(a_kind_is_no_body_after_its_finalizer),
        cmocka_unit_test(a_kind_restarts_no_body_after_its_finalizer_but_a_body_keeps_its_argument),
        cmocka_unit_test(a_finalizer_may_find_a_kind_that_is_over),
        cmocka_unit_test(a_worker_stops_before_its_argument_is_dropped),
        cmocka_unit_test(what_the_end_of_a_state_would_leave_behind_is_refused),
        cmocka_unit_test(a_timeout_that_is_no_time_is_over_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
