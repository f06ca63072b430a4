/* The client that a build without libcurl's headers has: none. */
#include "bindings/http/http.h"

#if !DYNSUP_CURL

static int load(lua_State *L) {
    return luaL_error(L, "this dynsup was built without HTTP: the headers of libcurl were missing "
                         "(the Debian package libcurl4-openssl-dev)");
}

const luaL_Reg dsl_http_functions[] = {{"load", load}, {NULL, NULL}};

void dsl_http_close(dsl_host *host) {
    (void)host;
}

#endif
