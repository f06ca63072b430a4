/* Memory that runs out among heaps: while one is made, while values go there and come back, while
 * a module is reloaded in all of them, while one is lost or closed. */
#include "bindings/test_sweep.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Code in further heaps is found by name. */
static const char module[] =
    "local d = require 'dynsup'\n"
    "local function serve(to, ...)\n"
    "  pcall(d.send, to, 'up', d.self(), ...)\n"
    "  local _ <close> = setmetatable({}, { __close = function() pcall(d.send, to, {}) end })\n"
    "  while true do\n"
    "    local what, x = d.receive()\n"
    "    if what == 'crash' then error { x } end\n"
    "    pcall(d.send, to, what, { x, { x } })\n"
    "  end\n"
    "end\n"
    "local function start(...) return d.spawn_link(serve, ...), {} end\n"
    "local function eat(to)\n"
    "  pcall(d.send, to, 'up', d.self())\n"
    "  local t = {}\n"
    "  while true do t[#t + 1] = ('x'):rep(20000) .. #t end\n"
    "end\n"
    "local function lead(sup, to)\n"
    "  local spec = { body = serve, args = { to, 'x' }, name = 'led' }\n"
    "  pcall(d.start_child, sup, spec)\n"
    "  pcall(d.start_child, sup, { start = start, args = { to }, restart = 'temporary' })\n"
    "  pcall(d.sleep)\n"
    "end\n"
    "return { serve = serve, start = start, eat = eat, lead = lead }\n";

static const dsl_scenario scenario = {
    .prepare = "package.path = os.getenv 'DYNSUP_TEST_PATH' d = require 'dynsup'\n",
    .run = "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "d.run({ clock = 'virtual', log_level = 'info', log = function() end }, function()\n"
           "  try(d.flag, 'trap_exit', true)\n"
           "  local sup = try(d.start_link, { heaps = 1, extra_arguments = { d.self(), { 1 } } })\n"
           "  if not sup then return end\n"
           "  local pid = try(d.start_child, sup, { body = 'heapling:serve', args = { {}, 'x' },\n"
           "    id = {}, name = 'w' })\n"
           "  try(d.start_child, sup, { start = 'heapling:start', restart = 'temporary' })\n"
           "  if not pid then return end\n"
           "  try(d.monitor, pid)\n"
           "  try(d.send, pid, { 'key' }, 'value')\n"
           "  try(d.send, pid, 1, 2, {}, 4, 5, 6, 7, 8, {}, {})\n"
           "  try(d.send_after, 1, pid, 'later', {})\n"
           "  try(d.sleep, 2)\n"
           "  try(d.receive_match, function() return false end, 0)\n"
           "  try(d.info, pid)\n"
           "  try(d.heaps)\n"
           "  while try(d.receive, 0) do end\n"
           "  try(d.send, pid, 'crash', {})\n"
           "  try(d.send, pid, {}, { {} })\n" /* is dropped */
           "  try(d.sleep, 2)\n"
           "  try(d.stop, sup, { 'shutdown', {} })\n"
           "  while try(d.receive, 0) do end\n"
           "end)\n"};

static void each_allocation_of_heaps_may_fail(void **state) {
    (void)state;
    dsl_test_sweep_all(&scenario);
}

static const dsl_scenario reloading = {
    .prepare = "package.path = os.getenv 'DYNSUP_TEST_PATH' d = require 'dynsup'\n",
    .run = "d.run({ clock = 'virtual', log_level = 'off' }, function()\n"
           "  local sup = d.start_link { heaps = 1 }\n"
           "  pcall(d.flag, 'trap_exit', true)\n"
           "  pcall(d.start_child, sup, { body = 'heapling:serve', args = { d.self() } })\n"
           "  pcall(d.sleep, 1)\n"
           "  pcall(d.reload, 'heapling')\n"
           "  for _ = 1, 9 do pcall(d.receive, 0) end\n"
           "end)\n"};

static void each_allocation_of_a_reload_among_heaps_may_fail(void **state) {
    (void)state;
    dsl_test_sweep_all(&reloading);
}

static const dsl_scenario leading = {
    .prepare = "package.path = os.getenv 'DYNSUP_TEST_PATH' d = require 'dynsup'\n",
    .run = "d.run({ clock = 'virtual', log_level = 'off' }, function()\n"
           "  local packed = setmetatable({}, { __pack = function() return 'none', {} end })\n"
           "  local sup = d.start_link { extra_arguments = { d.self(), { 'extra', 1 } } }\n"
           "  local bad = d.start_link { extra_arguments = { packed } }\n"
           "  pcall(d.flag, 'trap_exit', true)\n"
           "  local here = d.start_link { heaps = 1 }\n"
           "  for _, to in ipairs { sup, bad } do\n"
           "    pcall(d.start_child, here, { body = 'heapling:lead', args = { to, d.self() } })\n"
           "  end\n"
           "  pcall(d.sleep, 1)\n"
           "  pcall(d.exit, 'led', 'kill')\n"
           "  for _ = 1, 9 do pcall(d.receive, 1) end\n"
           "end)\n"};

static void each_allocation_of_extra_arguments_to_another_heap_may_fail(void **state) {
    (void)state;
    dsl_test_sweep_all(&leading);
}

static const dsl_scenario losing = {
    .prepare = "package.path = os.getenv 'DYNSUP_TEST_PATH' d = require 'dynsup'\n",
    .run = "d.run({ clock = 'virtual' }, function()\n"
           "  local sup = d.start_link { heaps = 1, heap_memory = 600000, max_restarts = 0 }\n"
           "  if not sup then return end\n"
           "  pcall(d.flag, 'trap_exit', true)\n"
           "  pcall(d.start_child, sup, { body = 'heapling:serve', args = { d.self() } })\n"
           "  pcall(d.start_child, sup, { body = 'heapling:eat', args = { d.self() } })\n"
           "  pcall(d.receive_match, 'EXIT', 10)\n"
           "end)\n"};

static void each_allocation_of_a_heap_that_is_lost_may_fail(void **state) {
    (void)state;
    dsl_test_sweep(&losing, 2);
}

/* The module in a folder of its own; its path is the variable's. */
static void module_write(char *folder, char *file, size_t size) {
    char path[128];
    assert_non_null(mkdtemp(folder));
    snprintf(file, size, "%s/heapling.lua", folder);
    snprintf(path, sizeof path, "%s/?.lua", folder);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(module, out);
    assert_int_equal(fclose(out), 0);
    setenv("DYNSUP_TEST_PATH", path, 1);
}

int main(void) {
    char folder[] = "/tmp/dynsup-heaps-XXXXXX";
    char file[128];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_heaps_may_fail),
        cmocka_unit_test(each_allocation_of_a_reload_among_heaps_may_fail),
        cmocka_unit_test(each_allocation_of_extra_arguments_to_another_heap_may_fail),
        cmocka_unit_test(each_allocation_of_a_heap_that_is_lost_may_fail),
    };
    module_write(folder, file, sizeof file);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    rmdir(folder);
    return failed;
}
