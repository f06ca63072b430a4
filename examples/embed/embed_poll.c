/*
 * A program with a loop around poll(2): it waits for its own descriptors and the host's at once. A
 * loop around epoll or GLib's does the same with dynsup_lua_host_backend_fd and _timeout_ms.
 */
#include <dynsup/dynsup_lua.h>

#include <lauxlib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char script[] = "local dynsup = require 'dynsup'\n"
                             "dynsup.register('printer', dynsup.spawn_link(function()\n"
                             "  while true do print('the worker says: ' .. dynsup.receive()) end\n"
                             "end))\n"
                             "dynsup.sleep(20)\n"
                             "dynsup.send('printer', '20 ms are over')\n"
                             "dynsup.sleep(20)\n"
                             "dynsup.halt(7)\n";

/* The program's own descriptor has become readable. */
static void on_input(dynsup_lua_host *host, int fd) {
    char text[64];
    ssize_t size = read(fd, text, sizeof text);
    dynsup_lua_value value = dynsup_lua_text(text, size > 0 ? (size_t)size : 0);
    dynsup_pid pid = dynsup_whereis(dynsup_lua_host_core(host), "printer", 7);
    dynsup_lua_send(host, pid, &value, 1);
}

int main(void) {
    int ends[2];
    dynsup_lua_host *host;
    dynsup_lua_config config = {.own_loop = true};
    if (pipe(ends) || dynsup_lua_host_new(NULL, &config, &host))
        return 1;
    lua_State *L = dynsup_lua_host_state(host);
    if (luaL_loadstring(L, script) || dynsup_lua_spawn_main(host, L, 0, NULL))
        return 1;
    bool written = false;
    while (dynsup_lua_host_step(host, 2000000, NULL) != DYNSUP_ENDED) {
        if (!written)
            written = write(ends[1], "something arrived", 17) == 17;
        struct pollfd fds[] = {{ends[0], POLLIN, 0}, {dynsup_lua_host_backend_fd(host), POLLIN, 0}};
        poll(fds, 2, dynsup_lua_host_timeout_ms(host));
        if (fds[0].revents)
            on_input(host, ends[0]);
    }
    printf("the host has ended with the code %d\n", dynsup_host_code(dynsup_lua_host_core(host)));
    dynsup_lua_host_free(host);
    return 0;
}
