/* Memory that runs out among servers: each kind of start, call, callback and end. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run =
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
        "d.run({ clock = 'virtual', copy_messages = true, log_level = 'info', log = function() end "
        "}, function()\n"
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
        "end)\n"};

static void each_allocation_of_servers_may_fail(void **state) {
    (void)state;
    dsl_test_sweep_all(&scenario);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_servers_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
