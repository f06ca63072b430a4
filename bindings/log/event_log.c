/*
 * The event log: every event of a run as a line, whatever the log's level, without limit.
 *
 * It is for comparing runs: whatever might differ between two equal runs is left out. The time is
 * the host's clock's; each line has the number of slices so far, so that the slightest difference
 * shows; an address is written as 0x.
 */
#include "bindings/log/log.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_DIGITS 6 /* a number of so many digits with 0x is taken for an address */

static size_t hex_digits(const char *text) {
    size_t count = 0;
    while (isxdigit((unsigned char)text[count]))
        count++;
    return count;
}

/* The length of an address at text without its 0x, or 0. */
static size_t address_digits(const char *text) {
    size_t digits = text[0] == '0' && text[1] == 'x' ? hex_digits(text + 2) : 0;
    return digits >= ADDRESS_DIGITS ? digits : 0;
}

/* Cuts addresses down to their 0x; returns the new length. */
static size_t addresses_cut(char *text) {
    char *to = text;
    const char *from = text;
    while (*from) {
        size_t digits = address_digits(from);
        *to++ = *from++;
        if (digits > 0) {
            *to++ = *from++;
            from += digits;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static void begin(dsl_host *host, dynsup_record *record, char *text, size_t size, uint64_t at_ns) {
    char at[32];
    snprintf(at, sizeof at, "%llu.%06llu", (unsigned long long)(at_ns / 1000000),
             (unsigned long long)(at_ns % 1000000));
    dynsup_record_begin(record, DYNSUP_FORMAT_LOGFMT, text, size);
    dynsup_record_string(record, "at", at);
    dynsup_record_integer(record, "slice", (int64_t)*dynsup_host_slices(host->core));
}

static void end(const dsl_host *host, dynsup_record *record, enum dynsup_level level) {
    const dynsup_lua_config *config = host->config;
    dynsup_record_end(record);
    config->event_log(config->event_log_ud, level, record->text, addresses_cut(record->text));
}

void dsl_event_log(dsl_host *host, const dynsup_event *event) {
    char text[DSL_LINE_SIZE];
    dynsup_record record;
    if (!host->config->event_log)
        return;
    begin(host, &record, text, sizeof text, event->at_ns);
    dynsup_report_fields(event, &dsl_object_ops, host, &record);
    end(host, &record, (enum dynsup_level)dynsup_report_level(event));
}

void dsl_event_log_begin(dsl_host *host) {
    char text[DSL_LINE_SIZE], seed[32];
    dynsup_record record;
    if (!host->config->event_log)
        return;
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)host->seed);
    begin(host, &record, text, sizeof text, dynsup_host_now(host->core));
    dynsup_record_string(&record, "event", "begun");
    dynsup_record_string(&record, "clock", host->config->virtual_clock ? "virtual" : "real");
    dynsup_record_string(&record, "seed", seed); /* may be more than an int64_t holds */
    end(host, &record, DYNSUP_LEVEL_DEBUG);
}
