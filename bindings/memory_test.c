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
static const char *const scenario =
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

/* Servers: each kind of start, call, callback and end. */
static const char *const server_scenario =
    "local d = require 'dynsup'\n"
    "local function try(f, ...)\n"
    "  local r = table.pack(pcall(f, ...))\n"
    "  if r[1] then return table.unpack(r, 2, r.n) end\n"
    "end\n"
    "local server = try(require, 'dynsup.server')\n"
    "if not server then error('not enough memory', 0) end\n"
    "local M = {}\n"
    "function M.init(x)\n"
    "  if x == 'slow' then d.sleep(1) end\n"
    "  if x == 'bad' then return {} end\n"
    "  if x == 'stop' then return 'stop', { 'why' } end\n"
    "  return 'ok', { x }, { continue = {} }\n"
    "end\n"
    "function M.handle_continue(x, state) return 'noreply', { state, x } end\n"
    "function M.handle_call(request, from, state)\n"
    "  if request == 'slow' then d.sleep(1) end\n"
    "  if request == 'crash' then error {} end\n"
    "  if request == 'bad' then return {}, {} end\n"
    "  if request == 'later' then d.send_after(1, d.self(), from) return 'noreply', state end\n"
    "  if request == 'stop' then return 'stop', { 'shutdown', 1 }, { 'bye' }, state end\n"
    "  return 'reply', { request }, { state }, 1\n"
    "end\n"
    "function M.handle_cast(request, state) return 'noreply', { request, state[1] } end\n"
    "function M.handle_info(message, state)\n"
    "  server.reply(message[1], {})\n"
    "  return 'noreply', state\n"
    "end\n"
    "function M.terminate() d.sleep(1) end\n"
    "local I = setmetatable({}, { __index = M })\n"
    "d.run({ clock = 'virtual', log_level = 'info', log = function() end }, function()\n"
    "  try(d.flag, 'trap_exit', true)\n"
    "  local sup = try(d.start_link)\n"
    "  if not sup then return end\n"
    "  for _, x in ipairs { 'good', 'slow', 'bad', 'stop' } do\n"
    "    try(server.start_link, M, x, { name = 'n', timeout = 100 })\n"
    "    try(server.stop, 'n', 'normal', 10)\n"
    "    try(d.start_child, sup, server.child_spec(M, x))\n"
    "  end\n"
    "  try(server.start, M, 'slow', { timeout = 0 })\n"
    "  for _, request in ipairs { {}, 'slow', 'later', 'crash', 'bad', 'stop' } do\n"
    "    local pid = try(server.start_link, request == 'slow' and I or M, {})\n"
    "    if pid then\n"
    "      try(server.cast, pid, {})\n"
    "      try(server.call, pid, request, 5)\n"
    "      try(d.send, pid, {}, 1, 2, 3, 4, 5, 6, 7, 8, 9)\n"
    "      try(server.stop, pid, { 'shutdown', {} }, 10)\n"
    "    end\n"
    "  end\n"
    "  for _, child in ipairs(try(d.which_children, sup) or {}) do\n"
    "    if d.is_pid(child.pid) then try(server.call, child.pid, 'crash', 5) end\n"
    "  end\n"
    "  try(d.sleep, 10)\n"
    "  try(d.stop, sup, 'normal', 100)\n"
    "end)\n";

static int run_scenario(lua_State *L) {
    const char *text = lua_touserdata(L, 1);
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    if (luaL_loadstring(L, text) != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

/* One run with a failure; false when it was not reached. */
static bool run_once(const char *text, long fail_at, long failures) {
    allocator a = {0};
    lua_State *L = lua_newstate(allocate, &a);
    assert_non_null(L);
    a.requests = 0;
    a.fail_at = fail_at;
    a.failures = failures;
    lua_pushcfunction(L, run_scenario);
    lua_pushlightuserdata(L, (void *)text);
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

static void sweep(const char *text, long failures) {
    long n = 1;
#ifdef __SANITIZE_THREAD__
    skip(); /* one thread only, and ThreadSanitizer's own memory grows by GBs over so many states */
#endif
    while (run_once(text, n, failures))
        n++;
    assert_true(n > 500); /* it was no run that ended at once */
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    sweep(scenario, 1);
}

/* Lua tries again after a collection: only the second failure is one to it. */
static void each_allocation_may_fail_again(void **state) {
    (void)state;
    sweep(scenario, 2);
}

static void many_allocations_in_a_row_may_fail(void **state) {
    (void)state;
    sweep(scenario, 20);
}

static void each_allocation_of_servers_may_fail(void **state) {
    (void)state;
    sweep(server_scenario, 1);
}

static void each_allocation_of_servers_may_fail_again(void **state) {
    (void)state;
    sweep(server_scenario, 2);
}

static void many_allocations_of_servers_may_fail(void **state) {
    (void)state;
    sweep(server_scenario, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_allocation_may_fail_again),
        cmocka_unit_test(many_allocations_in_a_row_may_fail),
        cmocka_unit_test(each_allocation_of_servers_may_fail),
        cmocka_unit_test(each_allocation_of_servers_may_fail_again),
        cmocka_unit_test(many_allocations_of_servers_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
