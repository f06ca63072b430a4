/* Loads libcurl beside the host: that takes 10 ms, and a multiple of it on a machine that is busy.
 */
#ifndef DSL_HTTP_LOAD_H
#define DSL_HTTP_LOAD_H

#include "bindings/binding.h"

/* Has a thread load libcurl, unless it is loaded or this cannot be; the current process is to wait
 * for the key. False: call dsl_curl_load, which may block. */
bool dsl_http_load_begin(dsl_host *host, uint64_t *key_out);

/* Waits for the thread, if there is one. At the end of the host. */
void dsl_http_load_finish(dsl_host *host);

#endif
