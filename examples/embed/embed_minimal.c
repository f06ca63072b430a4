/* The smallest host: a game's frame loop that gives its scripts 2 ms of each frame. */
#include <dynsup/dynsup_lua.h>

#include <lauxlib.h>
#include <stdio.h>

static const char script[] = "local dynsup = require 'dynsup'\n"
                             "local sup = dynsup.start_link { name = 'npcs' }\n"
                             "for i = 1, 3 do\n"
                             "  dynsup.start_child(sup, { body = function(name)\n"
                             "    for step = 1, 3 do\n"
                             "      print(name .. ' takes step ' .. step)\n"
                             "      dynsup.sleep(5)\n"
                             "    end\n"
                             "    print(name .. ' is there')\n"
                             "  end, args = { 'npc ' .. i }, restart = 'transient' })\n"
                             "end\n";

int main(void) {
    dynsup_lua_host *host;
    dynsup_lua_config config = {.virtual_clock = true}; /* the game's time: a frame is 16 ms */
    if (dynsup_lua_host_new(NULL, &config, &host))
        return 1;
    lua_State *L = dynsup_lua_host_state(host);
    if (luaL_loadstring(L, script) || dynsup_lua_spawn_main(host, L, 0, NULL))
        return 1;
    for (int frame = 0; frame < 4; frame++) {
        printf("frame %d\n", frame);
        dynsup_lua_host_step(host, 2000000, NULL);
        dynsup_lua_host_advance(host, 16000000);
    }
    return dynsup_lua_host_close(host, 1000000000) ? 1 : 0;
}
