/* The log of a host: events as reports, limited in number; lines of scripts and of the host. */
#include "bindings/log/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define REPORT_BURST       50.0
#define REPORTS_PER_SECOND 10.0

const char *const dsl_level_names[] = {"off", "error", "warning", "info", "debug", NULL};
const char *const dsl_format_names[] = {"text", "logfmt", "json", NULL};

static const uint32_t error_events =
    1u << DYNSUP_EVENT_CRASHED | 1u << DYNSUP_EVENT_CHILD_TERMINATED |
    1u << DYNSUP_EVENT_START_ERROR | 1u << DYNSUP_EVENT_SHUTDOWN_ERROR |
    1u << DYNSUP_EVENT_GAVE_UP | 1u << DYNSUP_EVENT_CHILD_FAILED | 1u << DYNSUP_EVENT_HEAP_LOST;

/* At level warning the core does not report refused starts: only those for want of memory are
 * warnings, and their caller gets the error. A supervisor that refuses many, as it has enough
 * children, should not pay for it. */
uint32_t dsl_log_events(const dynsup_lua_config *config) {
    if (!config->log)
        return 0;
    uint32_t refused = config->level == DYNSUP_LEVEL_WARNING ? 1u << DYNSUP_EVENT_START_REFUSED : 0;
    return dsl_level_events(config->level) & ~refused;
}

uint32_t dsl_level_events(enum dynsup_level level) {
    switch (level) {
    case DYNSUP_LEVEL_OFF:
        return 0;
    case DYNSUP_LEVEL_ERROR:
        return error_events;
    case DYNSUP_LEVEL_WARNING: /* a start is refused for want of memory, or for other reasons */
        return error_events | 1u << DYNSUP_EVENT_UNEXPECTED | 1u << DYNSUP_EVENT_STUCK |
               1u << DYNSUP_EVENT_STATE_DROPPED | 1u << DYNSUP_EVENT_MESSAGES_DROPPED |
               1u << DYNSUP_EVENT_START_REFUSED;
    case DYNSUP_LEVEL_INFO:
        return dsl_level_events(DYNSUP_LEVEL_DEBUG) &
               ~(1u << DYNSUP_EVENT_SPAWNED | 1u << DYNSUP_EVENT_EXITED);
    default:
        return (1u << DYNSUP_EVENT_COUNT) - 1;
    }
}

/* For any setting of the system's clock: times in ns reach from 1677 to 2262. */
static int64_t unix_ns(const struct timespec *time) {
    const int64_t end = INT64_MAX / 1000000000 - 1;
    int64_t seconds = (int64_t)time->tv_sec;
    if (seconds > end || seconds < -end)
        return seconds < 0 ? -end * 1000000000 : end * 1000000000;
    return seconds * 1000000000 + time->tv_nsec;
}

static int64_t system_clock(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return unix_ns(&now);
}

int64_t dsl_wall_clock(const dsl_host *host) {
    return host->config->virtual_clock ? (int64_t)host->whole->virtual_ns : system_clock();
}

/* The time of a line; host may be NULL. */
static int64_t line_clock(const dynsup_lua_config *config, const dsl_host *host) {
    if (host)
        return dsl_wall_clock(host);
    bool is_told = config->virtual_clock && config->virtual_ns;
    return is_told ? (int64_t)*config->virtual_ns : system_clock();
}

/* ---- lines ---- */

static void line_begin(dsl_line *line, const dynsup_lua_config *config, const dsl_host *host,
                       enum dynsup_level level) {
    char time_text[DYNSUP_TIME_SIZE];
    enum dynsup_format format = (enum dynsup_format)config->format;
    line->config = config;
    line->host = NULL;
    line->level = level;
    dynsup_record_begin(&line->record, format, line->text, sizeof line->text);
    if (format == DYNSUP_FORMAT_TEXT)
        return;
    dynsup_time_format(line_clock(config, host), time_text);
    dynsup_record_string(&line->record, "time", time_text);
    dynsup_record_string(&line->record, "level", dsl_level_names[level]);
}

void dsl_line_begin(dsl_line *line, const dsl_host *host, enum dynsup_level level) {
    line_begin(line, host->config, host, level);
}

void dsl_line_begin_text(dsl_line *line, dsl_host *host, enum dynsup_level level) {
    line->host = host;
    line->level = level;
    dynsup_record_begin(&line->record, DYNSUP_FORMAT_TEXT, line->text, sizeof line->text);
}

void dsl_line_end(dsl_line *line) {
    size_t size = dynsup_record_end(&line->record);
    if (line->host)
        dsl_tap_line(line->host, line->level, line->text, size);
    else
        line->config->log(line->config->log_ud, line->level, line->text, size);
}

static void write_note(const dynsup_lua_config *config, const dsl_host *host,
                       enum dynsup_level level, const char *event, const char *text, size_t size) {
    dsl_line line;
    if (!config->log || level > config->level)
        return;
    if (config->format == DYNSUP_LOG_TEXT) {
        config->log(config->log_ud, level, text, size);
        return;
    }
    line_begin(&line, config, host, level);
    dynsup_record_string(&line.record, "event", event);
    dynsup_record_message(&line.record, text, size);
    dsl_line_end(&line);
}

void dynsup_lua_log(const dynsup_lua_config *config, enum dynsup_level level, const char *event,
                    const char *text, size_t size) {
    write_note(config, NULL, level, event, text, size);
}

void dsl_log_text(dsl_host *host, enum dynsup_level level, const char *text, size_t size) {
    write_note(host->config, host, level, "host", text, size);
    if (host->config->log && level <= host->config->level)
        dsl_tap_line(host->whole, level, text, size);
}

/* Ends the text of a full buffer in dots, without cutting a UTF-8 character. Returns its length. */
static size_t cut_show(char *text, size_t size) {
    static const char dots[] = "...";
    size_t at = size - sizeof dots;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    memcpy(text + at, dots, sizeof dots);
    return at + sizeof dots - 1;
}

void dsl_log(dsl_host *host, enum dynsup_level level, const char *format, ...) {
    char text[DSL_LINE_SIZE];
    va_list arguments;
    if (!host->config->log || level > host->config->level)
        return;
    va_start(arguments, format);
    size_t size = (size_t)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    dsl_log_text(host, level, text, size < sizeof text ? size : cut_show(text, sizeof text));
}

/* ---- reports ---- */

static void say_held_back(dsl_host *host, uint64_t count) {
    if (count)
        dsl_log(host, DYNSUP_LEVEL_WARNING, "%llu reports were held back: there were too many",
                (unsigned long long)count);
}

static void write_fields(dsl_host *host, enum dynsup_level level, const dynsup_event *event) {
    dsl_line line;
    dsl_line_begin(&line, host, level);
    dynsup_report_fields(event, &dsl_object_ops, host, &line.record);
    dsl_line_end(&line);
}

static void write_report(dsl_host *host, enum dynsup_level level, const dynsup_event *event) {
    char text[DSL_LINE_SIZE];
    bool is_text = host->config->format == DYNSUP_LOG_TEXT;
    if (!is_text)
        write_fields(host, level, event);
    if (!is_text && !dsl_is_tapped(host, level))
        return;
    size_t size = dynsup_report_write(event, &dsl_object_ops, host, text, sizeof text);
    if (is_text)
        host->config->log(host->config->log_ud, level, text, size);
    dsl_tap_line(host, level, text, size);
}

/* In a dry run no process works: what happens to them is logged only if that is asked for. */
static bool is_quiet(const dsl_host *host) {
    return host->config->dry && host->config->level <= DYNSUP_LEVEL_WARNING;
}

void dsl_log_event(dsl_host *host, const dynsup_event *event) {
    uint64_t held_back;
    enum dynsup_level level = (enum dynsup_level)dynsup_report_level(event);
    bool is_told =
        host->owner == DSL_OWNER_RUN && event->pid == host->main; /* by the caller of run */
    if (!host->config->log || level > host->config->level || is_told || is_quiet(host))
        return;
    if (!dynsup_limit_pass(&host->limit, event->at_ns, REPORT_BURST, REPORTS_PER_SECOND,
                           &held_back))
        return;
    say_held_back(host, held_back);
    write_report(host, level, event);
}

void dsl_log_finish(dsl_host *host) {
    say_held_back(host, host->limit.held_back);
    host->limit.held_back = 0;
}
