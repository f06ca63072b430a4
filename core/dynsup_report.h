/* Reports: events as text for people, and a limit on how many of them there are. */
#ifndef DYNSUP_REPORT_H
#define DYNSUP_REPORT_H

#include "dynsup.h"

/* Is the event a report of something abnormal, that is logged as an error (CRASHED,
 * CHILD_TERMINATED, START_ERROR, SHUTDOWN_ERROR, GAVE_UP), a warning (UNEXPECTED, STUCK,
 * START_REFUSED for want of memory), or a detail? */
enum dynsup_report_level {
    DYNSUP_REPORT_ERROR = 1,
    DYNSUP_REPORT_WARNING,
    DYNSUP_REPORT_INFO,
    DYNSUP_REPORT_DEBUG
};
enum dynsup_report_level dynsup_report_level(const dynsup_event *event);

/* Writes the event as text of one or more lines, without a final newline, cut to size (> 0) and
 * always 0-terminated; returns the length written. Allocates nothing. objects may be NULL. */
size_t dynsup_report_write(const dynsup_event *event, const dynsup_object_ops *objects,
                           void *objects_ud, char *text, size_t size);

/* Lets at most burst lines through at once and per_second in the long run; what it holds back is
 * counted. Zeroed memory is a limit in its initial state. */
typedef struct dynsup_limit {
    double tokens;
    uint64_t refilled_ns;
    uint64_t held_back; /* since the last line that went through */
    uint64_t total_held_back;
    bool begun;
} dynsup_limit;

/* True when a line may go through now; *held_back_out is then how many were held back before it
 * and have not been told yet (they count as told). */
bool dynsup_limit_pass(dynsup_limit *limit, uint64_t now_ns, double burst, double per_second,
                       uint64_t *held_back_out);

#endif
