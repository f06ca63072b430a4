/* Memory that runs out for what is done with files and sockets, on the real clock. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "d.run({ preempt = false, log_level = 'off' }, function()\n"
           "  local net, fs = try(require, 'dynsup.net'), try(require, 'dynsup.fs')\n"
           "  if not net or not fs then return end\n"
           "  local listener = try(net.listen, '127.0.0.1', 0, { nodelay = true })\n"
           "  if not listener then return end\n"
           "  local _, port = try(listener.sockname, listener)\n"
           "  local server = try(d.spawn, function()\n"
           "    local socket = try(listener.accept, listener, 10)\n"
           "    if not socket then return end\n"
           "    try(function() for line in socket:lines(10) do socket:write(line, '\\n') end end)\n"
           "  end)\n"
           "  local client = port and try(net.connect, '127.0.0.1', port, 10)\n"
           "  if client then\n"
           "    try(client.write, client, 'a line', '\\n')\n"
           "    try(client.read, client, 'line', 10)\n"
           "    try(client.set, client, { send_timeout = 1 })\n"
           "    try(client.write, client, ('x'):rep(1 << 20))\n"
           "    if server then try(client.give, client, server) end\n"
           "  end\n"
           "  try(function() for name in fs.scandir('/', { stat = true }) do return name end end)\n"
           "  try(fs.read, '/proc/self/status')\n"
           "  local file = try(fs.open, '/proc/self/exe')\n"
           "  if file then try(file.read, file, 10) try(file.stat, file) try(file.hash, file) end\n"
           "  d.halt(0)\n"
           "end)\n"};

static void an_allocation_for_files_and_sockets_may_fail(void **state) {
    (void)state;
    dsl_test_sweep(&scenario, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_for_files_and_sockets_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
