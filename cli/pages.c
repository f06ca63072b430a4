/* The pages of the reference, for scripts. */
#include "cli/cli.h"

#include <lua.h>

static int pages_get(lua_State *L) {
    lua_newtable(L);
    for (const cli_page *page = cli_pages; page->name; page++) {
        lua_pushlstring(L, page->text, page->size);
        lua_setfield(L, -2, page->name);
    }
    return 1;
}

void cli_pages_push(lua_State *L) {
    lua_pushcfunction(L, pages_get);
}
