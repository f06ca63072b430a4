/*
 * Limits of children: what a child may use, what a full mailbox does, and how a process is ended
 * that has exceeded a limit measured outside of the core.
 *
 * A limit applies to one incarnation. A process that exceeds it ends as by a kill: nothing traps
 * that, and the close handlers run. The reason is the limit's atom (DYNSUP_CPU_EXCEEDED,
 * DYNSUP_MEMORY_EXCEEDED, DYNSUP_DEADLINE, DYNSUP_MAILBOX_FULL), which is abnormal: the child is
 * restarted as its restart type says. Supervisors have no limits, even if their spec gives some.
 */
#ifndef DYNSUP_LIMITS_H
#define DYNSUP_LIMITS_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

/* What becomes of a plain message to a full mailbox. */
enum dynsup_overflow {
    DYNSUP_OVERFLOW_EXIT,   /* the receiver ends (DYNSUP_MAILBOX_FULL) and the message is lost; a
                               process that has sent it to itself gets DYNSUP_EMAILBOX_FULL, and is
                               doomed */
    DYNSUP_OVERFLOW_REFUSE, /* the sender gets DYNSUP_EMAILBOX_FULL */
    DYNSUP_OVERFLOW_DROP_OLDEST, /* the plain message that waits longest makes room */
    DYNSUP_OVERFLOW_DROP_NEWEST  /* the new message is dropped */
};

/*
 * In every field 0 means: not given, so that the supervisor's default applies. DYNSUP_NO_TIME_LIMIT
 * and DYNSUP_NO_LIMIT mean: none, whatever the defaults are.
 *
 * slice_ms: for how long a slice may go on after its body was asked to give way. The body enforces
 * that itself (dynsup_slice_limit).
 * cpu_ms: of slices within a second, as sampled for cpu_ns. Seconds follow one another; on a port
 * with work_now a second is over when either clock has moved on by a second.
 * deadline_ms: of the whole life of an incarnation, by its supervisor's clock; for a process that a
 * start function has named, from then on.
 * memory: in bytes. Whoever counts them calls dynsup_exceeded.
 * mailbox: how many messages may wait. All messages count, but EXIT, DOWN and answers (messages
 * that begin with the ref of a monitor that the receiver holds) are always accepted and never
 * dropped; calls are refused where other messages would be dropped, so that the caller gets an
 * error.
 * message: in bytes, of a message that is copied on its way to the child. The code that copies
 * looks it up (dynsup_message_limit) and refuses larger messages.
 */
struct dynsup_limits {
    double slice_ms;
    double cpu_ms;
    double deadline_ms;
    uint64_t memory;
    uint64_t mailbox;
    uint64_t message;
    enum dynsup_overflow overflow;
};

#define DYNSUP_NO_TIME_LIMIT ((double)DYNSUP_NO_LIMIT)

/* The limits of a process that is a child with limits, defaults included; NULL: it has none.
 * Borrowed until the core is called for anything else. Of a child of several supervisors, those
 * that one of them has set. */
const dynsup_limits *dynsup_process_limits(const dynsup_host *host, dynsup_pid pid);

/* How many bytes a copied message to this process may have that begins with this value;
 * DYNSUP_NO_LIMIT: any number, as for every answer (a message that begins with the ref of a monitor
 * that the process holds). */
uint64_t dynsup_message_limit(const dynsup_host *host, dynsup_pid pid, const dynsup_value *first);

/* How many messages this process has lost to its full mailbox. */
uint64_t dynsup_process_dropped(const dynsup_host *host, dynsup_pid pid);

/* Ends the process with this reason, unless it is ending already; nothing traps it. If it is the
 * current process, its slice goes on to its end, and dynsup_doomed is true. May be called wherever
 * functions of dynsup.h may be. */
void dynsup_exceeded(dynsup_host *host, dynsup_pid pid, enum dynsup_atom reason);

/* For how many ns the running slice may go on after it was asked to give way; DYNSUP_NEVER: without
 * a limit. Costs one look at a process without limits. */
uint64_t dynsup_slice_limit(const dynsup_host *host);

/* How many messages its limits have removed from the mailbox of the current process. Code that
 * walks through the mailbox compares this number to learn whether a message that it has seen may be
 * gone. */
uint64_t dynsup_mailbox_removed(const dynsup_host *host);

DYNSUP_DECLARATIONS_END

#endif
