/*
 * Runs a dynsup host on a libuv loop: clock, timer, wake-up and the watchdog that ends long slices.
 *
 * One uv_timer, one uv_idle and one uv_async serve a host, however many processes it has. They
 * count as alive for the loop only while the host has work or a deadline, so a loop that is alive
 * beside them waits for something of others.
 *
 * Threads. A runner belongs to the thread that runs it, as its host does; no function here may be
 * called from another one, but for dynsup_uv_wake. It may move to another thread between two runs.
 * Each runner of a program is independent; only the handler of SIGURG is shared.
 */
#ifndef DYNSUP_UV_H
#define DYNSUP_UV_H

#include "dynsup.h"

struct uv_loop_s;

typedef struct dynsup_uv dynsup_uv;

typedef struct dynsup_uv_config {
    struct uv_loop_s *loop; /* borrowed; NULL: a loop of its own */
    /* A thread that looks every slice_ns and, when one slice has run for a whole look, sends
     * SIGURG to the host's thread, whose handler calls dynsup_host_preempt. A handler that was
     * there for SIGURG before is called as well; it is put back with the last such runner. During
     * a run SIGURG is unblocked in the thread. The port has no tick without the watchdog. */
    bool watchdog;
    uint64_t slice_ns; /* 0: 1 ms */
    /* Called when a slice was asked three times to end and did not (it is stuck in a C function):
     * once a slice, in the host's thread, when the step that ran it is over. It may call the host
     * and the loop. stuck_ns is how long it ran from the watchdog's first look at it, to within a
     * look. NULL: nobody is told. */
    void (*on_stuck)(void *ud, uint64_t stuck_ns);
    void *stuck_ud;
    /* Called after every step, in the host's thread; it may call the host and the loop. NULL:
     * nobody is called. */
    void (*on_step)(void *ud);
    void *step_ud;
    /* Asked in each step that leaves nothing to be done at once: true when a run does not end
     * because nothing can happen any more. Then it waits in the loop for what others' handles bring
     * that do not keep a loop alive, a signal for example. Runs of other hosts inside a slice of
     * this one end as ever. May not call the host. NULL: never. */
    bool (*stays)(void *ud);
    void *stays_ud;
    /* Called for SIGINT, SIGTERM and SIGHUP in the loop, not in a signal handler: it may call the
     * host (dynsup_host_halt). NULL: these signals are left alone. */
    void (*on_signal)(void *ud, int signum);
    void *signal_ud;
    /* Called in the loop every beat_ms: whoever hears it knows that the loop turns. It keeps no run
     * going, and may call the host. beat_ms 0: never. */
    void (*on_beat)(void *ud);
    void *beat_ud;
    uint64_t beat_ms;
} dynsup_uv_config;

/* What a run of the loop ended with. */
enum dynsup_uv_end {
    DYNSUP_UV_STILL, /* no process is ready; no timer, request or referenced handle is left */
    DYNSUP_UV_ENDED  /* the host was halted and every process is gone */
};

/* A new loop runner without a host. *config is copied. NULL when something could not be made:
 * *error_out (may be NULL) is libuv's code then, UV_ENOMEM without memory; a borrowed loop may
 * have been run without blocking to take back what was made. Allocates by malloc. */
dynsup_uv *dynsup_uv_new(const dynsup_uv_config *config, int *error_out);

/* The port for dynsup_host_config.port (its port_ud is the dynsup_uv itself). The runner's. */
const dynsup_port *dynsup_uv_port(const dynsup_uv *uv);

/* Says which host is to be stepped; the host must use the port above. Once, before a run. */
void dynsup_uv_attach(dynsup_uv *uv, dynsup_host *host);

struct uv_loop_s *dynsup_uv_loop(const dynsup_uv *uv);

/* Runs the host and the loop in the calling thread until the host is still and nothing in the loop
 * is alive, or the host has ended, whatever is in the loop then. May be called again; not from a
 * callback of the loop. uv_stop does not end it. Blocks in the loop while nothing is to be done. */
enum dynsup_uv_end dynsup_uv_run(dynsup_uv *uv);

/* Makes a run that blocks in the loop step its host once more. From any thread or signal handler
 * while the runner exists. Several calls may have the effect of one. */
void dynsup_uv_wake(dynsup_uv *uv);

/* Stops the watchdog, closes the runner's handles (running the loop, without blocking, until they
 * are closed) and frees the runner. The host must have been freed before. Not from a callback of
 * the loop. Handles of others in a loop of its own should have been closed: while any is there,
 * the loop cannot be freed under it and is leaked. */
void dynsup_uv_free(dynsup_uv *uv);

/* A loop for several runners, one after the other (dynsup_uv_config.loop); NULL without memory.
 * close_handles closes every handle that is left, without blocking; callbacks of the handles'
 * owners may run. free does the same and frees the loop; one in which a request is still under way
 * is leaked, rather than freed under it. finish waits for what threads work on still, when no
 * handle is left; callbacks of those requests run. No runner may be on it. */
struct uv_loop_s *dynsup_uv_loop_new(void);
void dynsup_uv_loop_close_handles(struct uv_loop_s *loop);
void dynsup_uv_loop_finish(struct uv_loop_s *loop);
void dynsup_uv_loop_free(struct uv_loop_s *loop);

#endif
