/* A program with a libuv loop of its own, in which workers run beside the program's handles. */
#include <dynsup/dynsup_lua.h>

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <uv.h>

static const char script[] = "local dynsup = require 'dynsup'\n"
                             "local net = require 'dynsup.net'\n"
                             "local server = assert(net.listen('127.0.0.1', 0))\n"
                             "local _, port = server:sockname()\n"
                             "dynsup.spawn_link(function()\n"
                             "  local connection <close> = assert(net.connect('127.0.0.1', port))\n"
                             "  connection:write('hello\\n')\n"
                             "  print('the client has read: ' .. connection:read('line'))\n"
                             "end)\n"
                             "local connection <close> = server:accept()\n"
                             "connection:write(connection:read('line'):upper() .. '\\n')\n";

static void on_tick(uv_timer_t *timer) {
    int *left = timer->data;
    printf("tick %d of the program\n", *left);
    if (--*left == 0)
        uv_close((uv_handle_t *)timer, NULL);
}

static void on_log(void *ud, enum dynsup_level level, const char *text, size_t size) {
    (void)ud, (void)level;
    fprintf(stderr, "%.*s\n", (int)size, text);
}

int main(void) {
    uv_loop_t loop;
    uv_timer_t timer;
    int left = 2;
    dynsup_lua_host *host;
    dynsup_lua_config config = {.loop = &loop, .level = DYNSUP_LEVEL_WARNING, .log = on_log};
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    timer.data = &left;

    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    if (dynsup_lua_host_new(L, &config, &host) || luaL_loadstring(L, script) ||
        dynsup_lua_spawn_main(host, L, 0, NULL))
        return 1;
    uv_timer_start(&timer, on_tick, 200, 200);
    uv_run(&loop, UV_RUN_DEFAULT); /* until nothing can happen any more, here or there */

    int status = dynsup_lua_host_close(host, 1000000000);
    lua_close(L);
    uv_run(&loop, UV_RUN_DEFAULT); /* what scripts have left is closed */
    return status || uv_loop_close(&loop) ? 1 : 0;
}
