/*
 * Runs a host on a libuv loop: the clock, the timer, the wake-up, signals; the watchdog is its own.
 *
 * Design notes.
 * - The run is a loop of its own: a step of the host, then one turn of libuv's loop. No step runs
 *   inside a callback, and every turn is followed by a step: so callbacks of others need only say
 *   that the coming poll must not block (dynsup_port.wake).
 * - When others run the loop, a prepare handle makes the step, in each turn right before the poll,
 *   so that the handles it sets count for that poll. A run in between makes the steps itself.
 * - When others wait for the loop's descriptor, a turn without waiting follows each step: it
 *   registers handles that the step has started with the kernel.
 * - `awake` means: the loop will not block before the next step. It is true while the idle handle
 *   is active, during a step, and outside of runs. An active idle handle makes libuv poll without
 *   waiting; between steps it and the timer are active exactly while the host has work or a
 *   deadline, during a step never, so that a run inside a slice does not see them. They are
 *   referenced, else libuv would not poll at all in a loop without other handles, and SIGTERM would
 *   never reach a host that is busy. The async and signal handles are always active and unref'd. So
 *   when the host is still, uv_loop_alive covers only others' handles and requests.
 * - The timer's time is the rest of the wait, rounded up to milliseconds, from now. It ends the
 *   poll less than 1 ms (and the kernel's slack) after the deadline. Rounding the deadline itself
 *   up to libuv's clock, which is cut to milliseconds, could cost 2 ms. When something else ends
 *   the poll, the timer may fire a fraction of a millisecond before the deadline: then the step,
 *   which goes by the exact clock, has nothing to do and asks for the rest.
 * - When the timer would be more than GRAIN_NS late, the alarm ends the poll instead: at the
 *   deadline, or GRAIN_NS from now, so that many deadlines are met by few polls. The alarm only
 *   helps: the timer stays, keeps the loop alive, and sets the timeout for others that poll for the
 *   loop.
 * - The loop is a separate block, so that it alone can be left behind when others still use it.
 */
#include "dynsup_uv.h"
#include "uv_alarm.h"
#include "watchdog.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#define MS_NS 1000000u

/* How long a step runs before the next poll. A poll that finds nothing takes about 1 us, 0.1 % of
 * the time; and I/O waits no longer than a slice may last anyway. */
#define TURN_NS MS_NS

#define SLICE_NS MS_NS /* of the watchdog, by default */

/* How late a deadline may be met so that others are met by the same poll, which takes some us. */
#define GRAIN_NS (MS_NS / 4)

#define SIGNAL_COUNT 3
#define HANDLE_COUNT (6 + SIGNAL_COUNT)

static const int signal_numbers[SIGNAL_COUNT] = {SIGINT, SIGTERM, SIGHUP};

struct dynsup_uv {
    dynsup_uv_config config;
    dynsup_port port;
    dynsup_host *host;      /* NULL before attach */
    dsi_watchdog *watchdog; /* or NULL */
    uv_loop_t *loop;
    bool owns_loop;
    bool running;     /* in dynsup_uv_run or dynsup_uv_step */
    bool in_callback; /* a turn of the loop steps the host */
    bool awake;       /* see the notes */
    uv_prepare_t prepare;
    uv_timer_t timer;
    dsi_alarm alarm;
    uv_idle_t idle;
    uv_async_t async;
    uv_timer_t beat;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_handle_t *handles[HANDLE_COUNT]; /* those that have been initialised */
    unsigned handle_count;
    unsigned open_count; /* handles whose close callback has not come */
};

/* ---- the port -------------------------------------------------------------------------------- */

static uint64_t port_now(void *ud) {
    (void)ud;
    return uv_hrtime();
}

/* Does nothing: only the handle's being active matters. */
static void on_idle(uv_idle_t *idle) {
    (void)idle;
}

static void port_wake(void *ud) {
    dynsup_uv *uv = ud;
    if (uv->awake)
        return;
    uv->awake = true;
    uv_idle_start(&uv->idle, on_idle);
}

/* ---- handles --------------------------------------------------------------------------------- */

static void adopt(dynsup_uv *uv, uv_handle_t *handle) {
    handle->data = uv;
    uv->handles[uv->handle_count++] = handle;
    uv->open_count++;
}

static void adopt_unref(dynsup_uv *uv, uv_handle_t *handle) {
    adopt(uv, handle);
    uv_unref(handle);
}

static void on_async(uv_async_t *async) {
    const dynsup_uv *uv = async->data;
    if (uv->config.on_wake)
        uv->config.on_wake(uv->config.wake_ud);
}

/* Keeps the poll from blocking: a timer that is due at the beginning of a turn does not end that
 * turn's poll. */
static void on_timer(uv_timer_t *timer) {
    port_wake(timer->data);
}

static void on_signal(uv_signal_t *handle, int signum) {
    dynsup_uv *uv = handle->data;
    uv->config.on_signal(uv->config.signal_ud, signum);
}

static void on_beat(uv_timer_t *timer) {
    dynsup_uv *uv = timer->data;
    uv->config.on_beat(uv->config.beat_ud);
}

static void init_beat(dynsup_uv *uv) {
    uv_timer_init(uv->loop, &uv->beat);
    adopt_unref(uv, (uv_handle_t *)&uv->beat);
    uv_timer_start(&uv->beat, on_beat, uv->config.beat_ms, uv->config.beat_ms);
}

static int init_signal(dynsup_uv *uv, uv_signal_t *handle, int signum) {
    int status = uv_signal_init(uv->loop, handle);
    if (status)
        return status;
    adopt_unref(uv, (uv_handle_t *)handle);
    return uv_signal_start(handle, on_signal, signum);
}

static int init_signals(dynsup_uv *uv) {
    int status = 0;
    for (int i = 0; i < SIGNAL_COUNT && status == 0; i++)
        status = init_signal(uv, &uv->signals[i], signal_numbers[i]);
    return status;
}

static int init_handles(dynsup_uv *uv) {
    uv_timer_init(uv->loop, &uv->timer); /* these three cannot fail */
    adopt(uv, (uv_handle_t *)&uv->timer);
    uv_idle_init(uv->loop, &uv->idle);
    adopt(uv, (uv_handle_t *)&uv->idle);
    uv_prepare_init(uv->loop, &uv->prepare);
    adopt_unref(uv, (uv_handle_t *)&uv->prepare);
    if (dsi_alarm_init(&uv->alarm, uv->loop))
        adopt(uv, (uv_handle_t *)&uv->alarm.poll);
    if (uv->config.beat_ms > 0)
        init_beat(uv);
    int status = uv_async_init(uv->loop, &uv->async, on_async);
    if (status)
        return status;
    adopt_unref(uv, (uv_handle_t *)&uv->async);
    return uv->config.on_signal ? init_signals(uv) : 0;
}

static void on_close(uv_handle_t *handle) {
    dynsup_uv *uv = handle->data;
    uv->open_count--;
}

static void close_handles(dynsup_uv *uv) {
    for (unsigned i = 0; i < uv->handle_count; i++)
        uv_close(uv->handles[i], on_close);
    while (uv->open_count > 0)
        uv_run(uv->loop, UV_RUN_NOWAIT);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int init_loop(dynsup_uv *uv) {
    uv->loop = uv->config.loop;
    if (uv->loop)
        return 0;
    uv->loop = malloc(sizeof *uv->loop);
    if (uv->loop == NULL)
        return UV_ENOMEM;
    int status = uv_loop_init(uv->loop);
    if (status)
        free(uv->loop);
    uv->owns_loop = status == 0;
    return status;
}

static int init_watchdog(dynsup_uv *uv) {
    uint64_t slice_ns = uv->config.slice_ns ? uv->config.slice_ns : SLICE_NS;
    int status = dsi_watchdog_new(slice_ns, &uv->watchdog);
    if (status == 0)
        uv->port.tick = dsi_watchdog_tick(uv->watchdog);
    return status;
}

static int init(dynsup_uv *uv, const dynsup_uv_config *config) {
    uv->config = *config;
    if (uv->config.turn_ns == 0)
        uv->config.turn_ns = TURN_NS;
    uv->port = (dynsup_port){.now = port_now, .wake = port_wake};
    uv->awake = true;
    uv->alarm.fd = -1;
    int status = init_loop(uv);
    if (status == 0 && config->watchdog)
        status = init_watchdog(uv);
    return status ? status : init_handles(uv);
}

dynsup_uv *dynsup_uv_new(const dynsup_uv_config *config, int *error_out) {
    dynsup_uv *uv = calloc(1, sizeof *uv);
    int status = uv ? init(uv, config) : UV_ENOMEM;
    if (status && uv) {
        dynsup_uv_free(uv);
        uv = NULL;
    }
    if (status && error_out)
        *error_out = status;
    return uv;
}

const dynsup_port *dynsup_uv_port(const dynsup_uv *uv) {
    return &uv->port;
}

void dynsup_uv_attach(dynsup_uv *uv, dynsup_host *host) {
    assert(uv->host == NULL && host);
    uv->host = host;
    if (uv->watchdog)
        dsi_watchdog_attach(uv->watchdog, host);
}

struct uv_loop_s *dynsup_uv_loop(const dynsup_uv *uv) {
    return uv->loop;
}

/* ---- the run --------------------------------------------------------------------------------- */

/* stuck_ns_out: for how long a slice did not react to the watchdog, else 0. */
static enum dynsup_state step(dynsup_uv *uv, uint64_t budget_ns, uint64_t *deadline_ns_out,
                              uint64_t *stuck_ns_out) {
    *stuck_ns_out = 0;
    if (uv->watchdog == NULL)
        return dynsup_host_step(uv->host, budget_ns, deadline_ns_out);
    dsi_watchdog_enter(uv->watchdog);
    enum dynsup_state state = dynsup_host_step(uv->host, budget_ns, deadline_ns_out);
    *stuck_ns_out = dsi_watchdog_leave(uv->watchdog);
    return state;
}

static void start_timer(dynsup_uv *uv, uint64_t deadline_ns) {
    uv_update_time(uv->loop);
    uint64_t now_ns = uv_hrtime();
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    uint64_t left_ms = left_ns / MS_NS + (left_ns % MS_NS > 0);
    uv_timer_start(&uv->timer, on_timer, left_ms, 0);
    if (left_ms * MS_NS - left_ns > GRAIN_NS)
        dsi_alarm_set(&uv->alarm, now_ns + (left_ns > GRAIN_NS ? left_ns : GRAIN_NS));
}

/* Stops the handles for a step: a slice may run the loop for another host, and that run lasts while
 * handles of others are active. */
static void rest(dynsup_uv *uv) {
    uv->awake = true;
    uv_idle_stop(&uv->idle);
    uv_timer_stop(&uv->timer);
    uv_unref((uv_handle_t *)&uv->async);
}

/* Sets the handles for what the step has left behind; from here on port_wake counts. */
static void arrange(dynsup_uv *uv, enum dynsup_state state, uint64_t deadline_ns) {
    uv->awake = state == DYNSUP_READY;
    if (uv->awake)
        uv_idle_start(&uv->idle, on_idle);
    if (state == DYNSUP_WAITING)
        start_timer(uv, deadline_ns);
    if (!uv->awake && uv->config.stays && uv->config.stays(uv->config.stays_ud))
        uv_ref((uv_handle_t *)&uv->async);
}

/* Polls once for what may have arrived without keeping the loop alive: a signal. */
static void poll_once(dynsup_uv *uv) {
    uv_idle_start(&uv->idle, on_idle); /* libuv does not poll for nothing */
    uv_run(uv->loop, UV_RUN_NOWAIT);
}

static enum dynsup_state step_arranged(dynsup_uv *uv, uint64_t budget_ns,
                                       uint64_t *deadline_ns_out) {
    uint64_t stuck_ns;
    rest(uv);
    enum dynsup_state state = step(uv, budget_ns, deadline_ns_out, &stuck_ns);
    arrange(uv, state, *deadline_ns_out);
    if (stuck_ns && uv->config.on_stuck)
        uv->config.on_stuck(uv->config.stuck_ud, stuck_ns);
    if (uv->config.on_step)
        uv->config.on_step(uv->config.step_ud);
    return state;
}

/* Steps once. False when the run is over. */
static bool advance(dynsup_uv *uv, enum dynsup_state *state_out) {
    uint64_t deadline_ns;
    enum dynsup_state state = *state_out = step_arranged(uv, uv->config.turn_ns, &deadline_ns);
    if (state == DYNSUP_STILL)
        return uv_loop_alive(uv->loop);
    return state != DYNSUP_ENDED;
}

static void watched_begin(dynsup_uv *uv) {
    if (uv->watchdog)
        dsi_watchdog_begin(uv->watchdog);
}

static void watched_end(dynsup_uv *uv) {
    if (uv->watchdog)
        dsi_watchdog_end(uv->watchdog);
}

static void begin(dynsup_uv *uv) {
    assert(uv->host && !uv->running);
    uv->running = true;
    watched_begin(uv);
}

/* Makes sure that the first turn of the loop comes, which others run. */
static void turns_await(dynsup_uv *uv) {
    uv->awake = false;
    port_wake(uv);
}

static void end(dynsup_uv *uv) {
    watched_end(uv);
    uv_idle_stop(&uv->idle); /* the last on_stuck may have started it */
    uv_unref((uv_handle_t *)&uv->async);
    uv->awake = true;
    uv->running = false;
    if (uv_is_active((uv_handle_t *)&uv->prepare))
        turns_await(uv);
}

enum dynsup_uv_end dynsup_uv_run(dynsup_uv *uv) {
    enum dynsup_state state;
    begin(uv);
    for (;;) {
        while (advance(uv, &state))
            uv_run(uv->loop, UV_RUN_ONCE);
        if (state == DYNSUP_ENDED)
            break;
        poll_once(uv);
        if (!advance(uv, &state))
            break;
    }
    end(uv);
    return state == DYNSUP_ENDED ? DYNSUP_UV_ENDED : DYNSUP_UV_STILL;
}

/* ---- steps by others ------------------------------------------------------------------------- */

/* Polls without waiting: handles what has arrived, and registers new handles with the kernel. */
static void poll_arranged(dynsup_uv *uv) {
    poll_once(uv);
    if (!uv->awake)
        uv_idle_stop(&uv->idle);
}

enum dynsup_state dynsup_uv_step(dynsup_uv *uv, uint64_t budget_ns, uint64_t *deadline_ns_out) {
    uint64_t begun_ns = uv_hrtime(), past_ns = 0;
    enum dynsup_state state;
    assert(uv->host && !uv->running);
    uv->running = true;
    watched_begin(uv);
    do {
        state = step_arranged(uv, budget_ns - past_ns, deadline_ns_out);
        poll_arranged(uv);
        past_ns = uv_hrtime() - begun_ns;
    } while (state != DYNSUP_ENDED && uv->awake && past_ns < budget_ns);
    watched_end(uv);
    uv->running = false;
    if (state == DYNSUP_ENDED)
        return state;
    return dynsup_uv_timeout_ms(uv) == 0 ? DYNSUP_READY : state;
}

/* Makes a step in a turn of the loop, before it polls. */
static void on_prepare(uv_prepare_t *prepare) {
    dynsup_uv *uv = prepare->data;
    uint64_t deadline_ns;
    if (uv->running)
        return;
    uv->in_callback = true;
    watched_begin(uv);
    step_arranged(uv, uv->config.turn_ns, &deadline_ns);
    watched_end(uv);
    uv->in_callback = false;
}

void dynsup_uv_start(dynsup_uv *uv) {
    uv_prepare_start(&uv->prepare, on_prepare);
    turns_await(uv);
}

void dynsup_uv_stop(dynsup_uv *uv) {
    uv_prepare_stop(&uv->prepare);
    rest(uv);
}

bool dynsup_uv_in_callback(const dynsup_uv *uv) {
    return uv->in_callback;
}

int dynsup_uv_fd(const dynsup_uv *uv) {
    return uv_backend_fd(uv->loop);
}

/* libuv returns 0 for a loop that is not alive, but such a loop may still be woken. */
int dynsup_uv_timeout_ms(const dynsup_uv *uv) {
    return uv_loop_alive(uv->loop) ? uv_backend_timeout(uv->loop) : -1;
}

void dynsup_uv_wake(dynsup_uv *uv) {
    uv_async_send(&uv->async);
}

void dynsup_uv_free(dynsup_uv *uv) {
    assert(!uv->running);
    dsi_watchdog_free(uv->watchdog);
    close_handles(uv);
    dsi_alarm_fini(&uv->alarm);
    if (uv->owns_loop && uv_loop_close(uv->loop) == 0)
        free(uv->loop);
    free(uv);
}
