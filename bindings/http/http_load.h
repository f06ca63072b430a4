/* Loads libcurl in a thread: that takes 10 ms, and several times as long on a busy machine. */
#ifndef DSL_HTTP_LOAD_H
#define DSL_HTTP_LOAD_H

#include "bindings/binding.h"

/* Starts a thread that loads libcurl, unless it is loaded already or no thread can be started; the
 * current process must then wait for the key. False: call dsl_curl_load, which may block. */
bool dsl_http_load_begin(dsl_host *host, uint64_t *key_out);

/* Waits for the thread, if there is one; at the end of the host. */
void dsl_http_load_finish(dsl_host *host);

#endif
