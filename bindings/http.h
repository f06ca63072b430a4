/* HTTP requests of processes, by libcurl on the host's own loop: the C half of dynsup.http. */
#ifndef DSL_HTTP_H
#define DSL_HTTP_H

#include "bindings/binding.h"

extern const luaL_Reg dsl_http_functions[];

/* Ends the client of a host, if it has one, with all that it has under way. Before the loop's
 * runner is freed. Without libcurl's headers in the build there never is one. */
void dsl_http_close(dsl_host *host);

#endif
