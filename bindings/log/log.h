/* The log of a host. */
#ifndef DSL_LOG_H
#define DSL_LOG_H

#include "bindings/binding.h"

extern const char *const dsl_level_names[];  /* by enum dynsup_level; ends with NULL */
extern const char *const dsl_format_names[]; /* by enum dynsup_log_format; ends with NULL */

/* As bits, the core's events that the config's log is made from; and those of a level. */
uint32_t dsl_log_events(const dynsup_lua_config *config);
uint32_t dsl_level_events(enum dynsup_level level);

/* Writes a line of the host's own into the log; one that is very long is cut, and ends in "...". */
void dsl_log(dsl_host *host, enum dynsup_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the text as it is. */
void dsl_log_text(dsl_host *host, enum dynsup_level level, const char *text, size_t size);

/* Writes the event as a report to config->log, if its level is wanted and the rate limit allows it.
 */
void dsl_log_event(dsl_host *host, const dynsup_event *event);

/* ---- event_log.c ---- */

/* Writes the event into config->event_log, if there is one; and its first line. */
void dsl_event_log(dsl_host *host, const dynsup_event *event);
void dsl_event_log_begin(dsl_host *host);

/* ---- log.c ---- */

/* Logs how many reports were held back, if that was not logged yet. */
void dsl_log_finish(dsl_host *host);

/* The time of day in ns since 1970; on a virtual clock it begins with the run. */
int64_t dsl_wall_clock(const dsl_host *host);

/* A line made of fields, for a log that exists and wants the level: begin, add to the record, end.
 * begin_text begins the same line as text for the taps, which may want it in addition. */
#define DSL_LINE_SIZE 8192
typedef struct dsl_line {
    const dynsup_lua_config *config;
    dsl_host *host; /* for its taps; NULL: for the log */
    enum dynsup_level level;
    dynsup_record record;
    char text[DSL_LINE_SIZE];
} dsl_line;
void dsl_line_begin(dsl_line *line, const dsl_host *host, enum dynsup_level level);
void dsl_line_begin_text(dsl_line *line, dsl_host *host, enum dynsup_level level);
void dsl_line_end(dsl_line *line);

/* ---- tap.c: processes that receive the log's lines ---- */

/* Does any tap want lines of this level? */
bool dsl_is_tapped(const dsl_host *host, enum dynsup_level level);

/* Keeps a line, as text for people, for the taps that want it. */
void dsl_tap_line(dsl_host *host, enum dynsup_level level, const char *text, size_t size);

/* Hands the kept lines to the taps' mailboxes; when no core work is under way. */
void dsl_tap_flush(dsl_host *host);

/* Forgets the kept lines, and all taps. */
void dsl_tap_fini(dsl_host *host);

/* tap(level): from now on the calling process receives lines of this level and more severe ones, as
 * far as the host logs them, as messages "LOG", { level =, text =, lost = }; "off": no more. For
 * scripts. */
int dsl_tap(lua_State *L);

/* ---- log_queue.c ---- */

/* A log, or event log, that keeps lines until flush hands them to a Lua function (with their level,
 * or alone), when no core work is under way. new takes the function from the top. [-1, +1] */
void *dsl_log_queue_new(lua_State *L, bool with_level);
void dsl_log_queue(void *ud, enum dynsup_level level, const char *text, size_t size);
void dsl_log_flush(dsl_host *host);

#endif
