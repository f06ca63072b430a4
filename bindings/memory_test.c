/* Memory that runs out: every allocation of a run fails once, in Lua, the bindings or the core. */
#include "bindings/dynsup_lua.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

typedef struct allocator {
    long requests; /* for more memory, so far */
    long fail_at;  /* 0: none */
    long failures; /* how many in a row */
    long refused;
    long in_use; /* bytes */
} allocator;

static bool refuses(allocator *a) {
    a->requests++;
    bool refused =
        a->fail_at && a->requests >= a->fail_at && a->requests < a->fail_at + a->failures;
    a->refused += refused;
    return refused;
}

static void *allocate(void *ud, void *block, size_t old_size, size_t size) {
    allocator *a = ud;
    if (!block)
        old_size = 0; /* there Lua tells the kind of object */
    if (size > old_size && refuses(a))
        return NULL;
    a->in_use += (long)size - (long)old_size;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

/* Each step is protected, so that a failure early on does not keep the rest from being reached. */
static const char scenario[] =
    "local d = require 'dynsup'\n"
    "local function try(f, ...)\n"
    "  local r = table.pack(pcall(f, ...))\n"
    "  if r[1] then return table.unpack(r, 2, r.n) end\n"
    "end\n"
    "local function closer(f) return setmetatable({}, { __close = f }) end\n"
    "local function worker(...)\n"
    "  local _ <close> = closer(function() d.send(d.self(), {}) end)\n"
    "  while true do\n"
    "    local message = d.receive()\n"
    "    if message == 'crash' then error {} end\n"
    "  end\n"
    "end\n"
    "local function log() end\n"
    "d.run({ clock = 'virtual', log_level = 'info', log = log }, function()\n"
    "  try(d.flag, 'trap_exit', true)\n"
    "  local sup = try(d.start_link, { name = 's', extra_arguments = { 1, {} } })\n"
    "  if not sup then return end\n"
    "  try(d.start_child, sup, { body = worker, args = { 1, {} }, id = {}, name = 'w' })\n"
    "  local started = try(d.start_child, sup, { args = { {} }, start = function()\n"
    "    return d.spawn_link(worker), { 'info' }\n"
    "  end })\n"
    "  local ready = try(d.start_child, sup, { ready = true, body = function()\n"
    "    d.ready {}\n"
    "    d.receive()\n"
    "  end })\n"
    "  try(d.send, 'w', 'hello', {}, {}, 1, 2, 3, 4, 5, 6, 7, 8, {})\n"
    "  try(d.send, 'w', 'crash')\n"
    "  try(d.send, started or 'w', 'crash')\n"
    "  try(d.sleep, 1)\n"
    "  try(d.which_children, sup)\n"
    "  try(function() for child in d.children(sup) do d.info(child.pid) end end)\n"
    "  try(d.terminate_child, sup, 'w')\n"
    "  try(d.terminate_child, sup, ready or 'w')\n"
    "  try(d.spawn, function()\n"
    "    local generator = coroutine.wrap(function()\n"
    "      d.sleep(2)\n"
    "      coroutine.yield {}\n"
    "      d.exit { 'shutdown', {} }\n"
    "    end)\n"
    "    generator()\n"
    "    generator()\n"
    "  end)\n"
    "  try(d.receive_match, function(tag) return tag == 'never' end, 5)\n"
    "  try(d.await, function(resume) d.spawn(function() resume({}, 1) end) end, 10)\n"
    "  try(d.send_after, 1, d.self(), {}, {})\n"
    "  try(d.receive, 5)\n"
    "  try(d.monitor, 'nobody')\n"
    "  try(function() d.dict().x = 1 end)\n"
    "  try(d.start_link, { init = function() return d.init { extra_arguments = { 1 } } end }, 1)\n"
    "  try(coroutine.running)\n"
    "  try(d.run, { clock = 'virtual' }, function() return {} end)\n"
    "  try(d.stop, sup, { 'shutdown', {} })\n"
    "  return {}, 1\n"
    "end, {}, 2)\n";

/* The log, observers and looking in: with modules that are loaded before memory runs out. */
static const char looking_prepare[] = "d = require 'dynsup'\n"
                                      "o = d.observer\n"
                                      "function try(f, ...) return select(2, pcall(f, ...)) end\n"
                                      "function nothing() end\n"
                                      "tostring(d.log)\n";

static const char looking[] =
    "d.run({ clock = 'virtual', log_level = 'debug', log = nothing, log_format = 'json' }, "
    "function()\n"
    "  try(d.flag, 'trap_exit', true)\n"
    "  try(o.record, 2)\n"
    "  try(d.observe, { level = 'info', supervisor = 's' }, function(e) try(d.send, 'w', e) end)\n"
    "  try(d.observe, { events = { 'exited', 'refused' }, pid = 'w' }, d.self())\n"
    "  try(d.log.info, 'said', { a = 1, b = {}, c = d.self() })\n"
    "  local sup = try(d.start_link, { name = 's', max_children = 1 })\n"
    "  try(d.start_child, sup, { name = 'w', id = {}, body = function() error(d.receive()) end })\n"
    "  try(d.start_child, sup, { body = d.receive })\n"
    "  try(d.sleep, 1)\n"
    "  try(function() tostring(o.tree()) end)\n"
    "  try(function() tostring(o.top()) end)\n"
    "  try(function() tostring(o.info('w')) end)\n"
    "  try(d.spawn, function() d.receive_match(d.monitor('w')) end)\n"
    "  try(o.pause, 'w')\n"
    "  try(d.yield)\n"
    "  try(function() tostring(o.deadlocks()) end)\n"
    "  try(o.restart, 'w')\n"
    "  try(d.yield)\n"
    "  try(d.send, 'w', {}, 2)\n"
    "  try(d.sleep, 1)\n"
    "  try(function() tostring(o.events()) end)\n"
    "end)\n";

typedef struct scenario_texts {
    const char *prepare; /* NULL: memory runs out from the beginning on */
    const char *run;
} scenario_texts;

static const scenario_texts processes = {NULL, scenario};
static const scenario_texts looks = {looking_prepare, looking};

static int open_state(lua_State *L) {
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    return 0;
}

static int run_text(lua_State *L) {
    if (luaL_loadstring(L, lua_touserdata(L, 1)) != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

static int run_scenario(lua_State *L) {
    const scenario_texts *texts = lua_touserdata(L, 1);
    if (!texts->prepare)
        open_state(L);
    lua_pushlightuserdata(L, (void *)texts->run);
    lua_replace(L, 1);
    return run_text(L);
}

static void prepare(lua_State *L, const scenario_texts *texts) {
    if (!texts->prepare)
        return;
    open_state(L);
    assert_int_equal(luaL_dostring(L, texts->prepare), LUA_OK);
}

/* One run with a failure; false when it was not reached. */
static bool run_once(const scenario_texts *texts, long fail_at, long failures) {
    allocator a = {0};
    lua_State *L = lua_newstate(allocate, &a);
    assert_non_null(L);
    prepare(L, texts);
    a.requests = 0;
    a.fail_at = fail_at;
    a.failures = failures;
    lua_pushcfunction(L, run_scenario);
    lua_pushlightuserdata(L, (void *)texts);
    int status = lua_pcall(L, 1, 0, 0);
    if (!a.refused)
        assert_int_equal(LUA_OK, status);
    else if (status != LUA_OK)
        assert_non_null(strstr(lua_tostring(L, -1), "memory"));
    a.fail_at = 0;
    lua_close(L);
    assert_int_equal(0, a.in_use);
    return a.refused > 0;
}

static void sweep(const scenario_texts *texts, long failures) {
    long n = 1;
#ifdef __SANITIZE_THREAD__
    skip(); /* one thread only, and ThreadSanitizer's own memory grows by GBs over so many states */
#endif
    while (run_once(texts, n, failures))
        n++;
    assert_true(n > 400); /* it was no run that ended at once */
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    sweep(&processes, 1);
    sweep(&looks, 1);
}

/* Lua tries again after a collection: only the second failure is one to it. */
static void each_allocation_may_fail_again(void **state) {
    (void)state;
    sweep(&processes, 2);
    sweep(&looks, 2);
}

static void many_allocations_in_a_row_may_fail(void **state) {
    (void)state;
    sweep(&processes, 20);
    sweep(&looks, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_allocation_may_fail_again),
        cmocka_unit_test(many_allocations_in_a_row_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
