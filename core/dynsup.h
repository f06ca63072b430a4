/*
 * dynsup: processes, links, monitors and dynamic supervisors for programs that can run bodies in
 * slices.
 *
 * This is the core's main header: hosts, and the processes in them. It includes values
 * (dynsup_value.h), what processes run (dynsup_body.h), registries and supervisors. It knows
 * neither Lua nor libuv.
 *
 * Threads. A host belongs to the thread that steps it; no function here may be called from another
 * thread or from a signal handler, except those that say so. Different hosts are independent: there
 * are no global variables.
 * Ids. Processes, monitors and timers are named by 64-bit ids. An id stays safe to use after what
 * it names has ended: functions then say DYNSUP_ENOPROC or do nothing.
 * Errors. Functions that can fail return 0 or a negative code; DYNSUP_ENOMEM leaves everything as
 * it was. Nothing prints, exits or aborts. Misuse (a NULL host, a body's op that breaks its
 * contract) asserts.
 * Blocking. Nothing here blocks. Only dynsup_host_step and dynsup_host_free run bodies, and, inside
 * a slice, dynsup_start_now and dynsup_start_child.
 */
#ifndef DYNSUP_H
#define DYNSUP_H

#include "dynsup_body.h"
#include "dynsup_event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DYNSUP_DECLARATIONS_BEGIN

typedef struct dynsup_limits dynsup_limits; /* what a child may use: dynsup_limits.h */

/* ---- host ------------------------------------------------------------------------------------ */

/* What a host needs from outside. */
typedef struct dynsup_port {
    /* The time in ns; never decreases. */
    uint64_t (*now)(void *ud);
    /* Something became ready or a deadline became nearer while no step was running: step soon.
     * NULL: the program steps anyway. Called often; must be cheap and may not step. */
    void (*wake)(void *ud);
    /* A counter that another thread raises about every millisecond while the host is busy, so that
     * the clock is read once a tick and not once a slice; NULL: none. Read without a lock. */
    const volatile uint32_t *tick;
    /* The time in ns that work takes, by which a step's budget and dynsup_host_slice_over measure;
     * never decreases. For hosts whose `now` may stand still while they work. NULL: `now`. */
    uint64_t (*work_now)(void *ud);
} dynsup_port;

typedef struct dynsup_host_config {
    dynsup_alloc_fn alloc; /* NULL: realloc and free */
    void *alloc_ud;
    const dynsup_port *port; /* required; borrowed for the host's life, as all pointers here */
    void *port_ud;
    const dynsup_object_ops *objects; /* NULL: there are no objects */
    void *objects_ud;
    uint32_t events; /* a bit (1 << kind) for each event wanted */
    /* Called for each event wanted, in the middle of the core's work: may not call the core. */
    void (*on_event)(void *ud, const dynsup_event *event);
    /* Called between two slices, soon after on_event, while no body's code is running. May call the
     * core as callbacks of the program may: a process that it makes ready runs next. NULL: not
     * called. */
    void (*after_events)(void *ud);
    void *event_ud;
    uint64_t seed;        /* of all randomness of the host */
    size_t max_processes; /* a further one fails with DYNSUP_ENOMEM; 0: no limit */
} dynsup_host_config;

/* A new host without processes, or NULL without memory. *config is copied. */
dynsup_host *dynsup_host_new(const dynsup_host_config *config);

/* Ends every process that is left (as by "kill", close handlers included) and frees the host. Not
 * inside a step. */
void dynsup_host_free(dynsup_host *host);

/* What a step has left behind. */
enum dynsup_state {
    DYNSUP_READY,   /* the budget is used up: step again */
    DYNSUP_WAITING, /* nothing to do before the deadline, which may have passed meanwhile */
    DYNSUP_STILL,   /* nothing to do, and no timer runs (those of paused clocks do not): only
                       something from outside can go on */
    DYNSUP_ENDED    /* halted, and every process is gone */
};

/* Runs what is ready until nothing is or budget_ns have passed, by the port's work_now. The budget
 * is overrun by at most one slice, one stop op, or 64 timers and 64 of each clock that is stepped;
 * with a port that has a tick, by a tick more. A budget of 0 is one batch of all of these. Never
 * split: a halt's first stage (visits every process), a supervisor's stop or end (tells its
 * children), a process's end (tells its links and monitors). *deadline_ns_out is set for
 * DYNSUP_WAITING. This is the only way a host runs. */
enum dynsup_state dynsup_host_step(dynsup_host *host, uint64_t budget_ns,
                                   uint64_t *deadline_ns_out);

/* Begins the orderly end: supervisors whose parent is the main process stop, the last one started
 * first; then every other process gets "shutdown", and 5 s later "kill". A process that is started
 * after "kill", or when all are gone, is killed in the next step. The first call decides the code;
 * later ones do nothing. Steps do the work, to DYNSUP_ENDED. */
void dynsup_host_halt(dynsup_host *host, int code);

/* True from the first halt on. */
bool dynsup_host_halting(const dynsup_host *host);

/* Has the running process been asked to end, by its supervisor or, at its stage, by the halt? False
 * when no process runs. */
bool dynsup_is_asked_to_end(const dynsup_host *host);

/* Why the main process has ended; NULL while it has not. Borrowed. */
const dynsup_reason *dynsup_host_main_reason(const dynsup_host *host);

/* The code of the halt, 0 before. */
int dynsup_host_code(const dynsup_host *host);

/* The time of the host's clock, in ns. */
uint64_t dynsup_host_now(dynsup_host *host);

/* The time of the current process's clock; outside of processes the host's. */
uint64_t dynsup_now(dynsup_host *host);

/* The time of this process's clock; the host's for the dead. */
uint64_t dynsup_process_now(dynsup_host *host, dynsup_pid pid);

/* The next number of the host's random sequence. */
uint64_t dynsup_host_random(dynsup_host *host);

/* Changes which events are wanted. */
void dynsup_host_want(dynsup_host *host, uint32_t events);

/* Emits an event that the host does not know of by itself, such as HUP, if its kind is wanted:
 * on_event is called at once, after_events in the next step. May also be called between steps and
 * in callbacks. */
void dynsup_host_tell(dynsup_host *host, const dynsup_event *event);

/* The number of slices begun so far. It does not change while one body keeps running, even if that
 * runs others inside its slice (dynsup_start_now). May be read by any thread. */
const volatile uint64_t *dynsup_host_slices(const dynsup_host *host);

/* Asks the running body, if any, to end its slice. Safe in a signal handler of the host's thread.
 * False when no slice is running. */
bool dynsup_host_preempt(dynsup_host *host);

/* For a body that looks at the time itself, with a port without a tick: has the running slice
 * lasted for slice_ns, or is the step's budget spent? Reads the clock. */
bool dynsup_host_slice_over(dynsup_host *host, uint64_t slice_ns);

/* Walks all invariants of the host and asserts each; for tests. */
void dynsup_host_check(const dynsup_host *host);

/* Bytes of memory the core has in use. */
size_t dynsup_host_memory(const dynsup_host *host);

/* The number of processes, including those that are about to end. */
size_t dynsup_host_process_count(const dynsup_host *host);

/* ---- processes ------------------------------------------------------------------------------- */

typedef struct dynsup_spawn_options {
    bool link;               /* to the current process */
    dynsup_ref *monitor_out; /* not NULL: monitored by the current process */
    bool main;               /* the host's main process */
    const char *label;       /* for humans; borrowed for ever (static), or NULL */
    const char *name;        /* registered at once; copied; or NULL */
    size_t name_length;
    dynsup_value name_key, name_value; /* of a registry's key; copied */
    dynsup_ref *start_out; /* not NULL: the current process waits for its start, see below */
    dynsup_clock clock;    /* 0: the parent's; or DYNSUP_HOST_CLOCK */
} dynsup_spawn_options;

/* A new process, ready to run. 0, DYNSUP_ENOMEM, DYNSUP_EUNKNOWN_REGISTRY, or
 * DYNSUP_EALREADY_STARTED with the owner of the name in *pid_out (0: a child that restarts); on an
 * error the body stays the caller's. link, monitor_out and start_out need a current process.
 * options may be NULL. */
int dynsup_spawn(dynsup_host *host, const dynsup_body_ops *ops, void *body,
                 const dynsup_spawn_options *options, dynsup_pid *pid_out);

/* The process whose slice (or stop) is running, 0 outside. A guest is its supervisor. */
dynsup_pid dynsup_self(const dynsup_host *host);

/* True until the process is asked to end by a signal that it does not survive. */
bool dynsup_is_alive(const dynsup_host *host, dynsup_pid pid);

/* Puts a message into the mailbox. 0: taken or (to a dead process, or as the receiver's limits say)
 * dropped, objects in it are the core's. DYNSUP_ENOMEM, DYNSUP_EMAILBOX_FULL: they are still the
 * caller's. May doom the receiver, which may be the current process. A message of no values (count
 * 0, values may be NULL) is a plain one as if its first value were nil: it wakes a process that
 * waits for any message. */
int dynsup_send(dynsup_host *host, dynsup_pid pid, const dynsup_value *values, uint32_t count);

/* The short way of a message: the body, when the process waits for any message, its mailbox is
 * empty and its body has these ops; else NULL. Also NULL in a host of many processes (a cache
 * miss), except for children with limits. The caller may then put the values where the
 * body will find them and call dynsup_receiver_delivered, which makes it ready with
 * DYNSUP_WAKE_DELIVERED. */
void *dynsup_receiver(dynsup_host *host, dynsup_pid pid, const dynsup_body_ops *ops);
void dynsup_receiver_delivered(dynsup_host *host, dynsup_pid pid);

/* The mailbox of the current process. first: the oldest message or NULL. take: takes the message
 * behind prev (NULL: the oldest) out; it is the caller's then, with its objects, until freed. */
dynsup_message *dynsup_mailbox_first(const dynsup_host *host);
dynsup_message *dynsup_mailbox_take(dynsup_host *host, dynsup_message *prev);

/* Frees a taken message; its objects must have been released or moved. */
void dynsup_message_free(dynsup_host *host, dynsup_message *message);

/* Waits: called in step, before it returns DYNSUP_SLICE_WAIT. deadline_ns, of the process's clock,
 * may be DYNSUP_NEVER.
 * message: until a message arrives; with key not 0 only one whose first value is that id wakes.
 * time: for the deadline alone. key, which is not 0: until dynsup_wake with it, a request's reply,
 * the end of a call or of a clock's step. */
void dynsup_wait_message(dynsup_host *host, uint64_t key, uint64_t deadline_ns);
void dynsup_wait_time(dynsup_host *host, uint64_t deadline_ns);
void dynsup_wait_key(dynsup_host *host, uint64_t key, uint64_t deadline_ns);

/* A key for dynsup_wait_key that was never used before. */
uint64_t dynsup_key_new(dynsup_host *host);

/* The body, when the process waits for that key: the caller may put values where the body finds
 * them and call dynsup_wake, which makes it ready (DYNSUP_WAKE_DELIVERED). NULL, and nothing
 * happens, in every other case: late, twice, or dead. */
void *dynsup_waiter(dynsup_host *host, dynsup_pid pid, uint64_t key);
void dynsup_wake(dynsup_host *host, dynsup_pid pid, uint64_t key);

/* Ends the wait of another process, whatever it waits for: it is ready with DYNSUP_WAKE_AGAIN, and
 * a reply that comes later is dropped. Does nothing when the process does not wait. */
void dynsup_wait_end(dynsup_host *host, dynsup_pid pid);

/* Exit signal from the current process (or from none, which counts as the main process where that
 * is the parent of pid) to pid; the reason's objects stay the caller's. Does nothing to the dead.
 * After a signal to itself that the current process does not survive, dynsup_doomed is true and
 * step must return. */
void dynsup_exit(dynsup_host *host, dynsup_pid pid, const dynsup_reason *reason);

/* Ends the process with this reason, whatever it traps; the reason's objects stay the caller's.
 * Does nothing to the dead. Processes that end with the same number in loss (not 0) were lost
 * together: their restarts count as one in their supervisor's intensity. */
void dynsup_lose(dynsup_host *host, dynsup_pid pid, const dynsup_reason *reason, uint64_t loss);

/* True when the current process is to end: its step must return (the result is not looked at). */
bool dynsup_doomed(const dynsup_host *host);

/* True while the current process runs its stop op. */
bool dynsup_closing(const dynsup_host *host);

/* Links the current process. A dead pid: the signal "noproc" comes back. 0, DYNSUP_ENOMEM,
 * DYNSUP_ECLOSING. unlink: nothing happens when there is no link. */
int dynsup_link(dynsup_host *host, dynsup_pid pid);
void dynsup_unlink(dynsup_host *host, dynsup_pid pid);

/* Monitors pid for the current process. If it is dead, DOWN with "noproc" is put into the mailbox.
 * The value who, if not NULL, stands in DOWN in place of the pid (its object is taken over on
 * success). 0, DYNSUP_ENOMEM, DYNSUP_ECLOSING. */
int dynsup_monitor(dynsup_host *host, dynsup_pid pid, const dynsup_value *who, dynsup_ref *ref_out);

/* Ends a monitor of the current process and removes its DOWN from the mailbox: true when it was
 * there. */
bool dynsup_demonitor(dynsup_host *host, dynsup_ref ref);

/* ---- calls ----
 * A call is a monitor without DOWN: it ends with a reply, with the end of either process, or when
 * the caller gives it up; a later reply is dropped. The caller must wait for the call
 * (dynsup_wait_key with the ref); if the called process ends, the caller's reply op gets
 * DYNSUP_EREASON. */

/* Calls pid from the current process: sends the message tag, ref, what. 0 (what is taken over),
 * DYNSUP_ENOPROC, DYNSUP_ENOT_A_SERVER (a supervisor, with a guest or without, or a registry),
 * DYNSUP_ECALLS_ITSELF, DYNSUP_ECLOSING, DYNSUP_ENOMEM, DYNSUP_EMAILBOX_FULL. */
int dynsup_call(dynsup_host *host, dynsup_pid pid, enum dynsup_atom tag, const dynsup_value *what,
                dynsup_ref *ref_out);

/* The body that waits for this call's reply, when it has these ops; else NULL, and nothing happens:
 * late, twice, or dead. The caller may put the reply where the body finds it and call
 * dynsup_call_replied, which ends the call and makes the caller ready (DYNSUP_WAKE_DELIVERED). */
void *dynsup_caller(dynsup_host *host, dynsup_ref ref, const dynsup_body_ops *ops);
void dynsup_call_replied(dynsup_host *host, dynsup_ref ref);

/* The current process gives up its call; true when it had not ended yet. */
bool dynsup_call_end(dynsup_host *host, dynsup_ref ref);

/* ---- starts that are waited for ----
 * A process spawned with start_out is starting until it calls dynsup_started. If it ends before
 * that, it sends its parent no signal along their link: whoever waits for the ref gets its reason,
 * as from a call. It is not reported as a crash then, only if nobody waits any more. If that reason
 * is of the class DYNSUP_REASON_NORMAL but is not that atom, all others get DYNSUP_NORMAL. */

/* Says that the current process has started; ref is what its start_out got, or 0 for a supervisor's
 * child. The waiting parent gets a reply with the pid. If the parent's time to wait is over but it
 * has not decided yet, the process goes on as one that is starting. */
void dynsup_started(dynsup_host *host, dynsup_ref ref);

/* The current process gives up waiting for a start: the starting process gets "kill". True: the
 * reply for the ref is still to come, when that process has ended. */
bool dynsup_start_abort(dynsup_host *host, dynsup_ref ref);

/* Runs the first slice of a process that the current one has spawned, at once, inside the current
 * slice, unless slices are nested too deeply. True when the process has then started. It may have
 * doomed the current process. */
bool dynsup_start_now(dynsup_host *host, dynsup_pid pid);

/* Gives the current process another body, for its next slice and its end. The old body stays the
 * caller's: its fini is not called. */
void dynsup_body_set(dynsup_host *host, const dynsup_body_ops *ops, void *body);

/* The parent of the current process: its spawner, or its supervisor. */
dynsup_pid dynsup_parent(const dynsup_host *host);

/* Reports that a plain message to the current process was dropped (DYNSUP_EVENT_UNEXPECTED). */
void dynsup_unexpected(dynsup_host *host);

/* Sets trap_exit of the current process; *old_out is what it was. 0, DYNSUP_ENOMEM,
 * DYNSUP_ECALLS_ITSELF (a guest cannot change its supervisor). */
int dynsup_trap_exit(dynsup_host *host, bool trap, bool *old_out);

/* Names. register: copies the name. DYNSUP_ETAKEN (the name, or the process has one already),
 * DYNSUP_ENOPROC, DYNSUP_ENOMEM. unregister: DYNSUP_ENOPROC when the name is not in use,
 * DYNSUP_ETAKEN for a child's name from its spec, which cannot be unregistered. whereis: 0 when the
 * name is not in use, or its child restarts. */
int dynsup_register(dynsup_host *host, const char *name, size_t length, dynsup_pid pid);
int dynsup_unregister(dynsup_host *host, const char *name, size_t length);
dynsup_pid dynsup_whereis(const dynsup_host *host, const char *name, size_t length);

/* ---- timers ---------------------------------------------------------------------------------- */

/* Sends the values to pid at deadline_ns of pid's clock; the timer ends with its destination. A
 * timer that is due at DYNSUP_NEVER does not keep the host going. 0 (objects taken over; *timer_out
 * is 0 and nothing happens when pid is dead) or DYNSUP_ENOMEM. */
int dynsup_send_at(dynsup_host *host, uint64_t deadline_ns, dynsup_pid pid,
                   const dynsup_value *values, uint32_t count, dynsup_timer *timer_out);

/* Stops a timer. False when there is no such timer any more; else *left_ns_out is the time that was
 * left, DYNSUP_NEVER for a timer that would never have been due. */
bool dynsup_cancel_timer(dynsup_host *host, dynsup_timer timer, uint64_t *left_ns_out);

/* ---- what processes report and show ---------------------------------------------------------- */

/* Tells a waiting start_child that the current process, its child, is up. info and its object are
 * taken over. */
void dynsup_ready(dynsup_host *host, const dynsup_value *info);

enum dynsup_status {
    DYNSUP_STATUS_RUNNABLE,
    DYNSUP_STATUS_RUNNING,
    DYNSUP_STATUS_WAITING,
    DYNSUP_STATUS_IDLE
};

/* A look at a process; pointers are borrowed until the core is called again. */
typedef struct dynsup_process_info {
    enum dynsup_status status;
    const char *name; /* or NULL */
    size_t name_length;
    const char *label; /* or NULL */
    const dynsup_body_ops *ops;
    void *body;
    dynsup_pid parent; /* its spawner, or its supervisor */
    bool trap_exit;
    bool is_supervisor;
    bool is_paused;
    dynsup_pid supervisor; /* 0: it is no child; one of them if there are several */
    size_t link_count, monitor_count, monitored_by_count, message_count;
    size_t memory; /* bytes that the core uses for it, including messages */
    uint64_t slices;
    uint64_t cpu_ns;      /* sampled */
    uint64_t started_ns;  /* by the host's clock */
    uint32_t incarnation; /* 1, or the n-th start of the same child */
} dynsup_process_info;

/* False for the dead. glance is O(1): it leaves the counts of links and monitors at 0, and memory
 * is an estimate. inspect is also O(n) in links, monitors and messages, of a supervisor in
 * children. */
bool dynsup_process_glance(const dynsup_host *host, dynsup_pid pid, dynsup_process_info *info_out);
bool dynsup_process_inspect(const dynsup_host *host, dynsup_pid pid, dynsup_process_info *info_out);

/* Writes the pids that the process is linked to, or monitors, in no order, at most capacity of
 * them; returns how many. Includes the links between a supervisor and its children. */
size_t dynsup_process_links(const dynsup_host *host, dynsup_pid pid, dynsup_pid *pids_out,
                            size_t capacity);
size_t dynsup_process_monitors(const dynsup_host *host, dynsup_pid pid, dynsup_pid *pids_out,
                               size_t capacity);

/* The next live process, in no order; start with *cursor 0; 0 at the end. Processes may come and go
 * meanwhile. */
dynsup_pid dynsup_process_next(const dynsup_host *host, uint32_t *cursor);

/* ---- what a process owns --------------------------------------------------------------------- */

/* Something outside of the core that ends with a process: a handle, a request, a wait that another
 * party fulfils. Embedded in the thing that it stands for; zeroed before it is first owned. */
typedef struct dynsup_possession {
    /* Called once when the owner ends, after its stop op and before any other process is notified;
     * the possession taken last comes first. The owner is the current process (as in stop), but no
     * longer owns the possession, which may be freed. May call what stop may; may not step. */
    void (*release)(struct dynsup_possession *possession);
    struct dynsup_possession *next, **link; /* the core's */
} dynsup_possession;

/* The process owns it from now on, in place of the owner before. O(1). 0; DYNSUP_ENOPROC (the
 * process is ending or gone; the current process may own things up to its end) or DYNSUP_ENOMEM:
 * nothing has changed. */
int dynsup_own(dynsup_host *host, dynsup_pid pid, dynsup_possession *possession);

/* Ends the ownership, if there is any. O(1). */
void dynsup_disown(dynsup_possession *possession);

/* ---- names of what is started ---------------------------------------------------------------- */

/* The name of a supervisor, registry or child to be is a text of any bytes. One that begins with a
 * zero byte says in the next byte what follows: PLAIN, a plain name, which may itself begin with a
 * zero byte; OF_PID, the pid (8 bytes) of a registry with unique keys, and a key; OF_NAME, the
 * length (4 bytes) of a registry's name, that name, and a key (the registry is looked up whenever
 * the name is). Numbers are in the machine's byte order; a text that ends before its key is misuse.
 * A key comes with two values: what others see as the key, and the entry's value.
 * DYNSUP_EUNKNOWN_REGISTRY when there is no such registry with unique keys. */
enum { DYNSUP_NAME_PLAIN, DYNSUP_NAME_OF_PID, DYNSUP_NAME_OF_NAME };

DYNSUP_DECLARATIONS_END

#include "dynsup_registry.h"
#include "dynsup_supervisor.h"

#endif
