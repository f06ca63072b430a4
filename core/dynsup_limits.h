/*
 * Limits of children: what a child may use, what a mailbox does that is full, and how what watches
 * over something else ends a process that has exceeded its limit.
 *
 * A limit is of one incarnation. Whoever exceeds it ends, as by a kill: nothing traps it, and the
 * close handlers run. Its reason is the limit's atom (DYNSUP_CPU_EXCEEDED, DYNSUP_MEMORY_EXCEEDED,
 * DYNSUP_DEADLINE, DYNSUP_MAILBOX_FULL), which is abnormal: the child is restarted as its restart
 * type says. Supervisors have no limits, whoever gives them some.
 */
#ifndef DYNSUP_LIMITS_H
#define DYNSUP_LIMITS_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

/* What becomes of a plain message for a mailbox in which as many wait as may. */
enum dynsup_overflow {
    DYNSUP_OVERFLOW_EXIT,   /* the receiver ends (DYNSUP_MAILBOX_FULL), the message with it; who has
                               sent it to itself is told (DYNSUP_EMAILBOX_FULL), and doomed */
    DYNSUP_OVERFLOW_REFUSE, /* the sender is told (DYNSUP_EMAILBOX_FULL) */
    DYNSUP_OVERFLOW_DROP_OLDEST, /* the plain message that waits longest makes room */
    DYNSUP_OVERFLOW_DROP_NEWEST  /* it is dropped itself */
};

/*
 * In every field 0 means: not given, as in a spec that leaves it to the supervisor's defaults.
 * DYNSUP_NO_TIME_LIMIT and DYNSUP_NO_LIMIT mean: none, whatever the defaults are.
 *
 * slice_ms: for how long a slice may go on after its body was asked to give way. The body looks
 * after that itself (dynsup_slice_limit).
 * cpu_ms: of slices, as sampled for cpu_ns, within a second. Seconds follow one another; on a port
 * with work_now one is over when either clock has moved on by a second.
 * deadline_ms: of the whole life of an incarnation, by its supervisor's clock; of a process that a
 * start function has named from then on.
 * memory: in bytes. Whoever counts them calls dynsup_exceeded.
 * mailbox: as many messages as may wait. All count: but EXIT, DOWN and messages that begin with the
 * ref of a monitor which the receiver holds (an answer) always come in, and are never dropped;
 * calls are refused where others would be dropped, so that the caller is told.
 * message: in bytes, of a message that is copied on its way to the child. Whoever copies asks for
 * it (dynsup_message_limit), and refuses what has more.
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
 * Borrowed until the core is called for anything else. Of several supervisors' child those of one.
 */
const dynsup_limits *dynsup_process_limits(const dynsup_host *host, dynsup_pid pid);

/* How many bytes a message to this process may have that begins with this value, when it is copied;
 * DYNSUP_NO_LIMIT: any number, as for all that begin with the ref of a monitor which the process
 * holds (an answer). */
uint64_t dynsup_message_limit(const dynsup_host *host, dynsup_pid pid, const dynsup_value *first);

/* How many messages this process has lost to its full mailbox. */
uint64_t dynsup_process_dropped(const dynsup_host *host, dynsup_pid pid);

/* Ends the process with this reason, unless it is ending already; nothing traps it. When it is the
 * current one, its slice goes on to its end: dynsup_doomed is true then. Safe wherever functions of
 * dynsup.h may be called. */
void dynsup_exceeded(dynsup_host *host, dynsup_pid pid, enum dynsup_atom reason);

/* For how many ns the running slice may go on after it was asked to give way; DYNSUP_NEVER: for
 * ever. Costs one look at the process where it has no limits. */
uint64_t dynsup_slice_limit(const dynsup_host *host);

/* How many messages its limits have removed from the mailbox of the current process: one that walks
 * through it looks whether what it has seen may be gone. */
uint64_t dynsup_mailbox_removed(const dynsup_host *host);

DYNSUP_DECLARATIONS_END

#endif
