/* Workers in C beside workers in Lua, supervisors and children from C, events by callback. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <string.h>

/* ---- a counter: adds what it is sent, answers "get" ---- */

typedef struct tally {
    int starts, stops, drops;
    lua_Integer sum; /* of the incarnation that has stopped last */
} tally;

static int counter_start(lua_State *L, dynsup_lua_worker *w) {
    tally *t = dynsup_lua_worker_arg(w);
    assert_int_equal(lua_gettop(L), 0);
    t->starts++;
    return DYNSUP_LUA_WAIT;
}

static int counter_message(lua_State *L, dynsup_lua_worker *w) {
    lua_Integer *sum = dynsup_lua_worker_data(w);
    if (lua_isinteger(L, 1)) {
        *sum += lua_tointeger(L, 1);
        return DYNSUP_LUA_WAIT;
    }
    const char *word = lua_tostring(L, 1);
    if (strcmp(word, "get") == 0) {
        dynsup_lua_value value = dynsup_lua_integer(*sum);
        dynsup_lua_send(dynsup_lua_worker_host(w), dynsup_lua_pid_at(L, 2), &value, 1);
        return DYNSUP_LUA_WAIT;
    }
    if (strcmp(word, "end") == 0)
        return DYNSUP_LUA_END;
    if (strcmp(word, "fail") == 0)
        return luaL_error(L, "a failure in C");
    if (strcmp(word, "shutdown") == 0)
        return DYNSUP_ESHUTDOWN;
    if (strcmp(word, "too much") == 0)
        return 77;
    if (strcmp(word, "too little") == 0)
        return -9999;
    lua_pushliteral(L, "of its own");
    return DYNSUP_EREASON;
}

static void counter_stop(lua_State *L, dynsup_lua_worker *w) {
    tally *t = dynsup_lua_worker_arg(w);
    (void)L;
    t->stops++;
    t->sum = *(lua_Integer *)dynsup_lua_worker_data(w);
}

static void counter_drop(void *arg) {
    ((tally *)arg)->drops++;
}

static const dynsup_lua_worker_ops counter = {
    .name = "counter",
    .data_size = sizeof(lua_Integer),
    .start = counter_start,
    .message = counter_message,
    .stop = counter_stop,
    .drop = counter_drop,
};

static void send_word(dsl_test_embed *t, dynsup_pid pid, const char *word) {
    dynsup_lua_value value = dynsup_lua_text(word, strlen(word));
    assert_int_equal(dynsup_lua_send(t->host, pid, &value, 1), 0);
    dsl_test_step(t, NULL);
}

static void a_worker_in_c_receives_and_sends(void **state) {
    (void)state;
    dsl_test_embed t;
    tally a = {0};
    dynsup_pid pid, second;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &counter, &a, "counter", &pid), 0);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "for i = 1, 100 do d.send('counter', i) end\n"
                       "d.send('counter', 'get', d.self()) sum = d.receive()");
    assert_int_equal(dsl_test_global(&t, "sum"), 5050);
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &counter, &a, "counter", &second),
                     DYNSUP_EALREADY_STARTED);
    assert_int_equal(second, pid);
    send_word(&t, pid, "end");
    assert_false(dynsup_is_alive(dynsup_lua_host_core(t.host), pid));
    assert_int_equal(a.stops, 1);
    assert_int_equal(a.sum, 5050);
    dsl_test_embed_close(&t);
    assert_int_equal(a.drops, 2);
}

static void it_is_a_child_like_any_other(void **state) {
    (void)state;
    dsl_test_embed t;
    tally a = {0};
    dynsup_pid sup, pid, lua_pid;
    dynsup_counts counts;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_supervisor_start(t.host, "sup", NULL, &sup), 0);
    dynsup_lua_child child = {.name = "counter", .id = "one"};
    assert_int_equal(dynsup_lua_worker_start(t.host, sup, &counter, &a, &child, &pid), 0);
    assert_int_equal(luaL_loadstring(t.L, "require('dynsup').receive()"), LUA_OK);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, &lua_pid), 0);
    dsl_test_step(&t, NULL);
    assert_int_equal(dynsup_lua_children_count(t.host, sup, &counts), 0);
    assert_int_equal(counts.active, 2);
    send_word(&t, pid, "fail"); /* a crash: permanent, so it is restarted */
    assert_int_equal(a.starts, 2);
    assert_int_equal(a.stops, 1);
    dsl_test_do(&t, "local d = require 'dynsup' pid = d.whereis 'counter' d.send(pid, 5)");
    dsl_test_step(&t, NULL);
    assert_false(dynsup_is_alive(dynsup_lua_host_core(t.host), pid));
    dynsup_lua_host_free(t.host);
    t.host = NULL;
    assert_int_equal(a.stops, 2);
    assert_int_equal(a.sum, 5);
    dsl_test_embed_close(&t);
    assert_int_equal(a.drops, 1);
}

static void what_no_worker_may_return_is_its_crash(void **state) {
    (void)state;
    dsl_test_embed t;
    tally a = {0};
    dsl_test_embed_worker(&t, &counter, &a);
    dsl_test_spawn(&t,
                   "local d, said = require 'dynsup', 0\n"
                   "local sup = d.start_link()\n"
                   "for word, code in pairs { ['too much'] = 77, ['too little'] = -9999 } do\n"
                   "  local pid = d.start_child(sup, { body = counter, restart = 'temporary' })\n"
                   "  local ref = d.monitor(pid)\n"
                   "  d.send(pid, word)\n"
                   "  local _, _, _, reason = d.receive()\n"
                   "  local text = \"the worker 'counter' has returned \" .. code\n"
                   "  said = said + (reason.error:find(text, 1, true) and 1 or 0)\n"
                   "end\n"
                   "both = said");
    assert_int_equal(dsl_test_global(&t, "both"), 2);
    dsl_test_embed_close(&t);
}

static void lua_code_starts_workers_in_c(void **state) {
    (void)state;
    dsl_test_embed t;
    tally a = {0};
    dsl_test_embed_worker(&t, &counter, &a);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "assert(tostring(counter) == 'worker: counter')\n"
                       "local sup = d.start_link()\n"
                       "local pid = d.start_child(sup, { body = counter, restart = 'temporary' })\n"
                       "d.send(pid, 1) d.send(pid, 'get', d.self()) one = d.receive()\n"
                       "local tree = d.supervisor.start_link({ { id = 'c', body = counter } })\n"
                       "local child = d.supervisor.which_children(tree)[1].pid\n"
                       "d.send(child, 2) d.send(child, 'get', d.self()) two = d.receive()\n"
                       "local _, what = d.start_child(sup, { body = counter, args = { 1 } })\n"
                       "args = what == 'invalid_child_spec' and 1\n"
                       "info = d.info(pid).status == 'waiting' and 1\n"
                       "for _, c in ipairs(d.which_children(sup)) do assert(c.pid == pid) end\n"
                       "counter = nil collectgarbage() collectgarbage()\n"
                       "d.send(pid, 'get', d.self()) still = d.receive()\n");
    assert_int_equal(dsl_test_global(&t, "one"), 1);
    assert_int_equal(dsl_test_global(&t, "two"), 2);
    assert_int_equal(dsl_test_global(&t, "args"), 1);
    assert_int_equal(dsl_test_global(&t, "info"), 1);
    assert_int_equal(dsl_test_global(&t, "still"), 1);
    assert_int_equal(a.drops, 0);
    dsl_test_embed_close(&t);
    assert_int_equal(a.drops, 1);
    assert_int_equal(a.stops, 2);
}

static int work_work(lua_State *L, dynsup_lua_worker *w) {
    int *left = dynsup_lua_worker_arg(w);
    (void)L;
    if (--*left > 0)
        return DYNSUP_LUA_AGAIN;
    dynsup_lua_worker_timeout(w, 5);
    return *left == 0 ? DYNSUP_LUA_WAIT : DYNSUP_LUA_END;
}

static int work_start(lua_State *L, dynsup_lua_worker *w) {
    (void)L, (void)w;
    return DYNSUP_LUA_AGAIN;
}

static void it_works_in_slices_and_by_time(void **state) {
    (void)state;
    static const dynsup_lua_worker_ops ops = {
        .name = "worker", .start = work_start, .work = work_work};
    dsl_test_embed t;
    int left = 3;
    dynsup_pid pid;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &ops, &left, NULL, &pid), 0);
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_WAITING);
    assert_int_equal(left, 0);
    t.now_ns += 5000000;
    assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_STILL);
    assert_int_equal(left, -1);
    assert_false(dynsup_is_alive(dynsup_lua_host_core(t.host), pid));
    dsl_test_embed_close(&t);
}

/* ---- ends and events ---- */

typedef struct events {
    int started, restarted, removed, crashed;
    char last[2048];
} events;

static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    events *e = ud;
    e->started += event->kind == DYNSUP_EVENT_CHILD_STARTED;
    e->restarted += event->kind == DYNSUP_EVENT_CHILD_RESTARTED;
    e->removed += event->kind == DYNSUP_EVENT_CHILD_REMOVED;
    if (event->kind != DYNSUP_EVENT_CHILD_TERMINATED)
        return;
    e->crashed++;
    dynsup_lua_event_text(host, event, e->last, sizeof e->last);
    assert_true(dynsup_is_alive(dynsup_lua_host_core(host), event->supervisor));
}

static void open_with_events(dsl_test_embed *t, events *e) {
    dynsup_lua_config config = {.events = UINT32_MAX, .on_event = on_event, .event_ud = e};
    *e = (events){0};
    dsl_test_embed_open(t, &config);
}

static void events_tell_the_life_of_children(void **state) {
    (void)state;
    dsl_test_embed t;
    tally a = {0};
    events e;
    dynsup_pid sup, pid;
    open_with_events(&t, &e);
    assert_int_equal(dynsup_lua_supervisor_start(t.host, "sup", NULL, &sup), 0);
    dynsup_lua_child child = {.restart = DYNSUP_TRANSIENT, .name = "counter"};
    assert_int_equal(dynsup_lua_worker_start(t.host, sup, &counter, &a, &child, &pid), 0);
    dsl_test_step(&t, NULL);
    assert_int_equal(e.started, 1);
    send_word(&t, pid, "fail");
    assert_int_equal(e.crashed, 1);
    assert_int_equal(e.restarted, 1);
    assert_non_null(strstr(e.last, "a failure in C"));
    assert_non_null(strstr(e.last, "counter"));
    pid = dynsup_whereis(dynsup_lua_host_core(t.host), "counter", 7);
    send_word(&t, pid, "something else");
    assert_int_equal(e.crashed, 2);
    assert_non_null(strstr(e.last, "of its own"));
    pid = dynsup_whereis(dynsup_lua_host_core(t.host), "counter", 7);
    send_word(&t, pid, "shutdown");
    assert_int_equal(e.crashed, 2);
    assert_int_equal(e.removed, 1);
    dsl_test_embed_close(&t);
}

/* ---- children ---- */

static void a_wrong_spec_is_told(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_pid sup, pid;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(
        dynsup_lua_supervisor_start(
            t.host, NULL, &(dynsup_supervisor_options){.period_ms = 1000, .max_children = 1}, &sup),
        0);
    luaL_loadstring(t.L, "return { body = print, restart = 'never' }");
    lua_call(t.L, 0, 1);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, &pid), DYNSUP_EREASON);
    assert_non_null(strstr(dynsup_lua_host_error(t.host), "invalid_restart_type"));
    lua_pushinteger(t.L, 3);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, &pid), DYNSUP_EREASON);
    luaL_loadstring(t.L, "return { ready = true, body = function() end }");
    lua_call(t.L, 0, 1);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, &pid), DYNSUP_EWOULD_WAIT);
    luaL_loadstring(t.L, "require('dynsup').receive()");
    lua_pushvalue(t.L, -1);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, &pid), 0);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, &pid), DYNSUP_EMAX_CHILDREN);
    lua_pushnil(t.L);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, 77, &pid), DYNSUP_ENOPROC);
    assert_int_equal(lua_gettop(t.L), 0);
    dsl_test_embed_close(&t);
}

typedef struct told {
    int calls, ended;
    bool ok;
    dynsup_pid pid;
    char text[64];
} told;

static void on_done(void *ud, dynsup_lua_host *host, lua_State *L) {
    told *r = ud;
    r->calls++;
    r->ended += L == NULL;
    if (!L)
        return;
    assert_non_null(host);
    r->ok = lua_toboolean(L, 1);
    r->pid = dynsup_lua_pid_at(L, 2);
    snprintf(r->text, sizeof r->text, "%s", luaL_tolstring(L, -1, NULL));
}

static void calls_wait_and_tell_their_results(void **state) {
    (void)state;
    dsl_test_embed t;
    told r = {0};
    dynsup_pid sup;
    dynsup_counts counts;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_supervisor_start(t.host, NULL, NULL, &sup), 0);
    luaL_loadstring(t.L, "local d, sup = require 'dynsup', ...\n"
                         "return d.start_child(sup, { ready = true, body = function()\n"
                         "  d.sleep(5) d.ready('up') d.receive() end })");
    dynsup_lua_pid_push(t.L, sup);
    assert_int_equal(dynsup_lua_call(t.host, t.L, 1, on_done, &r), 0);
    dsl_test_step(&t, NULL);
    assert_int_equal(r.calls, 0);
    t.now_ns += 5000000;
    dsl_test_step(&t, NULL);
    assert_int_equal(r.calls, 1);
    assert_true(r.ok);
    assert_string_equal(r.text, "up");
    assert_int_equal(dynsup_lua_child_terminate(t.host, sup, r.pid, on_done, &r), 0);
    dsl_test_step(&t, NULL);
    assert_int_equal(r.calls, 2);
    assert_string_equal(r.text, "true");
    assert_int_equal(dynsup_lua_children_count(t.host, sup, &counts), 0);
    assert_int_equal(counts.active, 0);
    dsl_test_embed_close(&t);
    assert_int_equal(r.calls, 2);
}

static void a_call_that_fails_or_is_killed_is_told_too(void **state) {
    (void)state;
    dsl_test_embed t;
    told r = {0};
    dsl_test_embed_open(&t, NULL);
    luaL_loadstring(t.L, "error 'no'");
    assert_int_equal(dynsup_lua_call(t.host, t.L, 0, on_done, &r), 0);
    dsl_test_step(&t, NULL);
    assert_false(r.ok);
    assert_non_null(strstr(r.text, "no"));
    luaL_loadstring(t.L, "require('dynsup').receive()");
    assert_int_equal(dynsup_lua_call(t.host, t.L, 0, on_done, &r), 0);
    dsl_test_step(&t, NULL);
    luaL_loadstring(t.L, "never()");
    assert_int_equal(dynsup_lua_call(t.host, t.L, 0, on_done, &r), 0);
    assert_int_equal(r.calls, 1);
    dynsup_lua_host_free(t.host);
    t.host = NULL;
    assert_int_equal(r.calls, 2); /* that of which no slice has run is noticed by the collector */
    dsl_test_embed_close(&t);
    assert_int_equal(r.calls, 3);
    assert_int_equal(r.ended, 2);
}

static bool count_two(void *ud, const dynsup_child_info *child) {
    assert_true(child->pid != 0);
    return ++*(int *)ud < 2;
}

static void children_are_visited_one_by_one(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_pid sup;
    int count = 0;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_supervisor_start(t.host, NULL, NULL, &sup), 0);
    for (int i = 0; i < 5; i++) {
        luaL_loadstring(t.L, "require('dynsup').receive()");
        assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, NULL), 0);
    }
    assert_int_equal(dynsup_lua_children_each(t.host, sup, count_two, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(dynsup_lua_children_each(t.host, 99, count_two, &count), DYNSUP_ENOPROC);
    dsl_test_embed_close(&t);
}

static bool add_id(void *ud, const dynsup_child_info *child) {
    int *number = ud;
    *number = *number * 10 + (int)child->id.as.integer;
    return true;
}

static void children_of_a_static_supervisor_are_visited_in_the_order_of_their_start(void **state) {
    (void)state;
    dsl_test_embed t;
    int number = 0;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "local function wait() d.receive() end\n"
                       "d.supervisor.start_link({ { id = 1, body = wait }, { id = 2, body = wait },"
                       " { id = 3, body = wait } }, { name = 'order' })\n"
                       "d.receive()");
    dynsup_pid pid = dynsup_whereis(dynsup_lua_host_core(t.host), "order", 5);
    assert_int_equal(dynsup_lua_children_each(t.host, pid, add_id, &number), 0);
    assert_int_equal(number, 123);
    dsl_test_embed_close(&t);
}

static void values_of_the_stack_are_sent(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dynsup_pid pid = dsl_test_spawn(&t, "local a, b, c = require('dynsup').receive()\n"
                                        "got = a.x + b + #c");
    luaL_loadstring(t.L, "return { x = 1 }, 2, 'four'");
    lua_call(t.L, 0, 3);
    assert_int_equal(dynsup_lua_send_stack(t.host, t.L, pid, 3), 0);
    assert_int_equal(lua_gettop(t.L), 0);
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "got"), 7);
    dsl_test_embed_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_in_c_receives_and_sends),
        cmocka_unit_test(it_is_a_child_like_any_other),
        cmocka_unit_test(what_no_worker_may_return_is_its_crash),
        cmocka_unit_test(lua_code_starts_workers_in_c),
        cmocka_unit_test(it_works_in_slices_and_by_time),
        cmocka_unit_test(events_tell_the_life_of_children),
        cmocka_unit_test(a_wrong_spec_is_told),
        cmocka_unit_test(calls_wait_and_tell_their_results),
        cmocka_unit_test(a_call_that_fails_or_is_killed_is_told_too),
        cmocka_unit_test(children_are_visited_one_by_one),
        cmocka_unit_test(children_of_a_static_supervisor_are_visited_in_the_order_of_their_start),
        cmocka_unit_test(values_of_the_stack_are_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
