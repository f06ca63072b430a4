/* The log of a host. */
#ifndef DSL_LOG_H
#define DSL_LOG_H

#include "bindings/binding.h"

/* The core's events that this level of logging is made from, as bits. */
uint32_t dsl_log_events(const dynsup_lua_config *config);

/* The core's on_event: writes the event as a report to config->log, if the limit lets it. */
void dsl_log_event(void *ud, const dynsup_event *event);

/* Says how many reports were held back and not told yet. */
void dsl_log_finish(dsl_host *host);

/* A log that keeps lines until flush hands them to a Lua function, when no core work is under way.
 * new takes the function from the top. [-1, +1] */
void *dsl_log_queue_new(lua_State *L);
void dsl_log_queue(void *ud, enum dynsup_level level, const char *text, size_t size);
void dsl_log_flush(dsl_host *host);

#endif
