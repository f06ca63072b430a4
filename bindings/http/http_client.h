/*
 * The HTTP client of a host: libcurl's multi handle on the host's loop.
 *
 * Design notes.
 * libcurl says which sockets to watch and when to call it; each socket is a uv_poll handle, the
 * time one uv_timer. libcurl's callbacks run in the loop, outside of slices, or inside a call that
 * a process makes; they touch no Lua, fill buffers, and make the waiting process ready.
 * No transfer is removed inside libcurl's callbacks: processes end in the pump.
 */
#ifndef DSL_HTTP_CLIENT_H
#define DSL_HTTP_CLIENT_H

#include "bindings/binding.h"
#include "bindings/http/http_curl.h"

struct dsl_transfer;

typedef struct dsl_http {
    dsl_host *host;
    const dsl_curl *curl;
    CURLM *multi;
    struct uv_timer_s *timer;
    bool in_timer;                  /* its callback is running */
    struct dsl_transfer *transfers; /* all that are not closed */
} dsl_http;

/* The client of the host, made by the first call. Raises without memory. [-0, +0] */
dsl_http *dsl_http_of(lua_State *L, dsl_host *host);

#endif
