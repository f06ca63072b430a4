/*
 * Runs a dynsup host on a libuv loop: clock, timer, wake-up and the watchdog that ends long slices.
 *
 * One uv_timer, one uv_idle and one uv_async serve a host, however many processes it has. They
 * count as alive for the loop only while the host has work or a deadline, so a loop that is alive
 * without them waits for other handles.
 *
 * Threads. A runner belongs to the thread that runs it, as its host does; no function here may be
 * called from another one, except dynsup_uv_wake. It may move to another thread between two runs.
 * Each runner of a program is independent; only the handler of SIGURG is shared.
 */
#ifndef DYNSUP_UV_H
#define DYNSUP_UV_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

struct uv_loop_s;

typedef struct dynsup_uv dynsup_uv;

typedef struct dynsup_uv_config {
    struct uv_loop_s *loop; /* borrowed; NULL: a loop of its own */
    /* A thread that looks every slice_ns and, when one slice has run for a whole look, sends
     * SIGURG to the host's thread, whose handler calls dynsup_host_preempt. An earlier handler of
     * SIGURG is called as well; it is restored when the last such runner is freed. During
     * a run SIGURG is unblocked in the thread. The port has no tick without the watchdog. */
    bool watchdog;
    uint64_t slice_ns; /* 0: 1 ms */
    /* Called when a slice was asked three times to end and did not (it is stuck in a C function):
     * once a slice, in the host's thread, when the step that ran it is over. It may call the host
     * and the loop. stuck_ns is how long it ran after the watchdog's first look at it, give or take
     * a look. NULL: not called. */
    void (*on_stuck)(void *ud, uint64_t stuck_ns);
    void *stuck_ud;
    /* Called after every step, in the host's thread; it may call the host and the loop. NULL: not
     * called. */
    void (*on_step)(void *ud);
    void *step_ud;
    /* How long a step in a turn of the loop may last; 0: 1 ms. */
    uint64_t turn_ns;
    /* Called in the loop after dynsup_uv_wake, perhaps once for several calls; it may call the
     * host. NULL: not called. */
    void (*on_wake)(void *ud);
    void *wake_ud;
    /* Asked after each step that leaves nothing to be done at once. True: the run goes on although
     * nothing is left that could make a process ready; it waits in the loop for handles that do not
     * keep a loop alive, a signal's for example. Runs of other hosts inside a slice of this one end
     * as usual. May not call the host. NULL: false. */
    bool (*stays)(void *ud);
    void *stays_ud;
    /* Called for SIGINT, SIGTERM and SIGHUP in the loop, not in a signal handler: it may call the
     * host (dynsup_host_halt). NULL: these signals are left alone. */
    void (*on_signal)(void *ud, int signum);
    void *signal_ud;
    /* Called in the loop every beat_ms, as a sign that the loop turns. The beat does not keep a run
     * going; it may call the host. beat_ms 0: never. */
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

/* The loop that it runs: the borrowed one or its own. */
struct uv_loop_s *dynsup_uv_loop(const dynsup_uv *uv);

/* Runs the host and the loop in the calling thread until the host is still and nothing in the loop
 * is alive, or the host has ended, whatever is in the loop then. May be called again; not from a
 * callback of the loop. uv_stop does not end it. Blocks in the loop while nothing is to be done. */
enum dynsup_uv_end dynsup_uv_run(dynsup_uv *uv);

/* From here on, running the loop runs the host: one step in every turn, before the loop polls. The
 * loop is alive while the host has work or a deadline. Not to be called while dynsup_uv_run runs; a
 * later run uses the loop alone while it lasts. stop ends this. */
void dynsup_uv_start(dynsup_uv *uv);
void dynsup_uv_stop(dynsup_uv *uv);

/* Runs the loop without blocking and steps the host, repeatedly while there is something to do and
 * budget left; DYNSUP_READY when there may be more. For programs that wait by other means: by
 * uv_backend_fd, for uv_backend_timeout ms. Not from a callback of the loop. */
enum dynsup_state dynsup_uv_step(dynsup_uv *uv, uint64_t budget_ns, uint64_t *deadline_ns_out);

/* True during a step that a turn of the loop has made (dynsup_uv_start). */
bool dynsup_uv_in_callback(const dynsup_uv *uv);

/* The loop's descriptor, readable when there is something to do, and for how many ms at most the
 * program may wait for it; -1: no limit. */
int dynsup_uv_fd(const dynsup_uv *uv);
int dynsup_uv_timeout_ms(const dynsup_uv *uv);

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
 * owners may run. free does the same and frees the loop; a loop with a request under way is leaked,
 * rather than freed under it. finish waits for the work that threads still do, when no handle is
 * left; callbacks of those requests run. No runner may be on it. */
struct uv_loop_s *dynsup_uv_loop_new(void);
void dynsup_uv_loop_close_handles(struct uv_loop_s *loop);
void dynsup_uv_loop_finish(struct uv_loop_s *loop);
void dynsup_uv_loop_free(struct uv_loop_s *loop);

DYNSUP_DECLARATIONS_END

#endif
