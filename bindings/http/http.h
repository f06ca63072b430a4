/* HTTP requests of processes, by libcurl on the host's own loop: the C half of dynsup.http. */
#ifndef DSL_HTTP_H
#define DSL_HTTP_H

#include "bindings/binding.h"

extern const luaL_Reg dsl_http_functions[];

/* Ends the host's client, if it has one, with all its transfers; to be called before the loop's
 * runner is freed. In a build without libcurl's headers there never is one. */
void dsl_http_close(dsl_host *host);

#endif
