/*
 * The watchdog of a host: a thread that sees slices that run too long and asks them to end.
 *
 * Design notes.
 * - `state` says whether the host is in a step. The host's thread sets IDLE and BUSY by one atomic
 *   operation a step; only the watchdog's thread sets PARKED, under the lock, when PARK_LOOKS looks
 *   have seen nothing run. Whoever replaces PARKED signals the condition: the one case in which a
 *   step costs a lock. Parking at the first idle look would make that case the common one for a
 *   host with a few short steps each millisecond.
 * - The watchdog holds the lock during a look and gives it up only to wait. begin and end set
 *   `running` under the lock: no look touches a thread or a host after the run, when they may be
 *   gone.
 * - The handler finds the host by `current`, a thread-local pointer that is set from begin to end;
 *   it runs in the host's thread, so the host cannot be freed meanwhile. initial-exec: elsewhere
 *   the first access to a thread-local variable of a shared library may allocate, which a handler
 *   must not.
 * - A signal counts as answered when it found a slice running. A long time between slices (in the
 *   pump) is therefore charged to no slice, and a slice is stuck when PATIENCE answered signals did
 *   not end it. From then on the gap between signals doubles, up to GAP_MAX_NS, since each one
 *   interrupts the C function's system calls; the looks go on, because the host's clock needs the
 *   tick as soon as the slice is over.
 * - `tick` here and the count of slices in the core are volatile in the public header, which says
 *   nothing about threads in C11 but keeps the header usable from C++. They are accessed by
 *   __atomic_* built-ins on both sides, which compile to the same plain moves and are no data race.
 * - The handler's registration is the one thing in the program that all hosts share: a signal's
 *   action belongs to the process.
 */
#define _XOPEN_SOURCE 700 /* SA_ONSTACK */

#include "watchdog.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define PARK_LOOKS 10         /* idle looks before the watchdog parks */
#define PATIENCE   3          /* signals that a slice may ignore */
#define GAP_MAX_NS 1000000000 /* between two signals for a slice that is stuck */
#define SECOND_NS  1000000000

enum dog_state { IDLE, BUSY, PARKED };

struct dsi_watchdog {
    dynsup_host *host;
    uint64_t slice_ns;
    dsi_watchdog *outer; /* the current one before begin */
    bool was_blocked;    /* SIGURG, before begin */

    /* Shared between the threads. */
    atomic_int state;             /* enum dog_state */
    volatile uint32_t tick;       /* see the notes */
    atomic_uint answered;         /* signals that found a slice; raised by the handler */
    _Atomic uint64_t stuck_ns;    /* for how long a stuck slice has run, until leave takes it */
    _Atomic uint64_t stuck_slice; /* its number */
    uint64_t reported;            /* the number that leave returned last; of the host's thread */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* quit is set, or the state is no longer PARKED */

    /* Under the lock. */
    bool quit;
    bool running; /* between begin and end: only then are these two read: */
    pthread_t host_thread;
    const volatile uint64_t *slices; /* the host's */

    /* The watchdog's thread's own. */
    uint64_t next_ns;       /* of the next look */
    uint32_t idle_looks;    /* in a row */
    uint64_t seen;          /* slices at the last look */
    uint64_t seen_ns;       /* when that count was first seen */
    uint32_t seen_answered; /* answered at that time */
    uint64_t gap;           /* looks from one signal to the next */
    uint64_t looks_left;    /* until the next signal */
};

/* ---- the handler of SIGURG ----------------------------------------------------------------- */

static _Thread_local __attribute__((tls_model("initial-exec"))) _Atomic(dsi_watchdog *) current;
static _Thread_local __attribute__((tls_model("initial-exec"))) volatile bool handling;

static pthread_mutex_t handler_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned handler_users;
static struct sigaction former_action; /* written only while no user exists */

static void call_former(int signum, siginfo_t *info, void *context) {
    if (former_action.sa_flags & SA_SIGINFO)
        former_action.sa_sigaction(signum, info, context);
    else if (former_action.sa_handler != SIG_DFL && former_action.sa_handler != SIG_IGN)
        former_action.sa_handler(signum);
}

/* handling: a handler that was put over ours and calls it may be what we call ourselves. */
static void on_urgent(int signum, siginfo_t *info, void *context) {
    int saved_errno = errno;
    dsi_watchdog *dog = atomic_load_explicit(&current, memory_order_relaxed);
    if (dog && dynsup_host_preempt(dog->host))
        atomic_fetch_add(&dog->answered, 1);
    if (!handling) {
        handling = true;
        call_former(signum, info, context);
        handling = false;
    }
    errno = saved_errno;
}

static bool is_ours(const struct sigaction *action) {
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_urgent;
}

static void install_handler(void) {
    struct sigaction found, ours = {.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    ours.sa_sigaction = on_urgent;
    sigemptyset(&ours.sa_mask);
    sigaction(SIGURG, NULL, &found);
    if (is_ours(&found))
        return;
    former_action = found;
    sigaction(SIGURG, &ours, NULL);
}

static void use_handler(void) {
    pthread_mutex_lock(&handler_lock);
    if (handler_users++ == 0)
        install_handler();
    pthread_mutex_unlock(&handler_lock);
}

static void unuse_handler(void) {
    struct sigaction found;
    pthread_mutex_lock(&handler_lock);
    if (--handler_users == 0 && sigaction(SIGURG, NULL, &found) == 0 && is_ours(&found))
        sigaction(SIGURG, &former_action, NULL);
    pthread_mutex_unlock(&handler_lock);
}

/* ---- the watchdog's thread ----------------------------------------------------------------- */

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Notes that another slice runs than at the last look, or none. */
static void watch_anew(dsi_watchdog *dog, uint64_t slices, uint64_t now_ns) {
    dog->seen = slices;
    dog->seen_ns = now_ns;
    dog->seen_answered = atomic_load(&dog->answered);
    dog->gap = 1;
    dog->looks_left = 1;
}

static void note_stuck(dsi_watchdog *dog, uint64_t now_ns) {
    atomic_store(&dog->stuck_slice, dog->seen);
    atomic_store(&dog->stuck_ns, now_ns - dog->seen_ns);
}

/* Handles a slice that has run for one or more whole looks. */
static void press(dsi_watchdog *dog, uint64_t now_ns) {
    bool stuck = atomic_load(&dog->answered) - dog->seen_answered >= PATIENCE;
    if (stuck)
        note_stuck(dog, now_ns);
    if (--dog->looks_left > 0)
        return;
    if (stuck && dog->gap * 2 * dog->slice_ns <= GAP_MAX_NS)
        dog->gap *= 2;
    dog->looks_left = dog->gap;
    pthread_kill(dog->host_thread, SIGURG);
}

static void look(dsi_watchdog *dog) {
    uint64_t now_ns = clock_ns();
    bool busy = dog->running && atomic_load(&dog->state) == BUSY;
    uint64_t slices = dog->running ? __atomic_load_n(dog->slices, __ATOMIC_RELAXED) : dog->seen;
    bool same = slices == dog->seen;
    __atomic_store_n(&dog->tick, dog->tick + 1, __ATOMIC_RELAXED);
    dog->idle_looks = busy || !same ? 0 : dog->idle_looks + 1;
    if (busy && same)
        press(dog, now_ns);
    else
        watch_anew(dog, slices, now_ns);
}

/* Waits for the host's next step, if none is running. */
static void park(dsi_watchdog *dog) {
    int idle = IDLE;
    if (atomic_compare_exchange_strong(&dog->state, &idle, PARKED))
        while (!dog->quit && atomic_load(&dog->state) == PARKED)
            pthread_cond_wait(&dog->changed, &dog->lock);
    dog->idle_looks = 0;
    dog->next_ns = clock_ns();
}

/* Looks stay on a fixed grid; missed ones are skipped. */
static void wait_for_next_look(dsi_watchdog *dog) {
    uint64_t now_ns = clock_ns();
    dog->next_ns += dog->slice_ns;
    if (dog->next_ns < now_ns)
        dog->next_ns = now_ns + dog->slice_ns;
    struct timespec until = {.tv_sec = (time_t)(dog->next_ns / SECOND_NS),
                             .tv_nsec = (long)(dog->next_ns % SECOND_NS)};
    int status = 0;
    while (!dog->quit && status == 0)
        status = pthread_cond_timedwait(&dog->changed, &dog->lock, &until);
}

static void *watch(void *arg) {
    dsi_watchdog *dog = arg;
    pthread_mutex_lock(&dog->lock);
    while (!dog->quit) {
        if (dog->idle_looks >= PARK_LOOKS)
            park(dog);
        wait_for_next_look(dog);
        if (!dog->quit)
            look(dog);
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int init_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    int status = pthread_condattr_init(&attributes);
    if (status)
        return status;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    status = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return status;
}

static int init_sync(dsi_watchdog *dog) {
    int status = pthread_mutex_init(&dog->lock, NULL);
    if (status)
        return status;
    status = init_condition(&dog->changed);
    if (status)
        pthread_mutex_destroy(&dog->lock);
    return status;
}

static void fini_sync(dsi_watchdog *dog) {
    pthread_cond_destroy(&dog->changed);
    pthread_mutex_destroy(&dog->lock);
}

/* The thread blocks all signals, so that the program's own threads get them. */
static int start_thread(dsi_watchdog *dog) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&dog->thread, NULL, watch, dog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static int start(dsi_watchdog *dog) {
    int status = init_sync(dog);
    if (status)
        return status;
    use_handler();
    status = start_thread(dog);
    if (status) {
        unuse_handler();
        fini_sync(dog);
    }
    return status;
}

int dsi_watchdog_new(uint64_t slice_ns, dsi_watchdog **dog_out) {
    dsi_watchdog *dog = calloc(1, sizeof *dog);
    if (dog == NULL)
        return -ENOMEM;
    dog->slice_ns = slice_ns;
    dog->idle_looks = PARK_LOOKS; /* parks at once */
    int status = start(dog);
    if (status) {
        free(dog);
        return -status;
    }
    *dog_out = dog;
    return 0;
}

void dsi_watchdog_free(dsi_watchdog *dog) {
    if (dog == NULL)
        return;
    pthread_mutex_lock(&dog->lock);
    dog->quit = true;
    pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
    pthread_join(dog->thread, NULL);
    unuse_handler();
    fini_sync(dog);
    free(dog);
}

const volatile uint32_t *dsi_watchdog_tick(const dsi_watchdog *dog) {
    return &dog->tick;
}

void dsi_watchdog_attach(dsi_watchdog *dog, dynsup_host *host) {
    assert(dog->host == NULL);
    dog->host = host;
    dog->slices = dynsup_host_slices(host);
}

/* ---- the host's thread ----------------------------------------------------------------------- */

static void mask_urgent(int how, sigset_t *before_out) {
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    pthread_sigmask(how, &urgent, before_out);
}

void dsi_watchdog_begin(dsi_watchdog *dog) {
    assert(dog->host);
    pthread_mutex_lock(&dog->lock);
    dog->running = true;
    dog->host_thread = pthread_self();
    pthread_mutex_unlock(&dog->lock);
    dog->outer = atomic_load_explicit(&current, memory_order_relaxed);
    atomic_store_explicit(&current, dog, memory_order_relaxed);
    sigset_t before;
    mask_urgent(SIG_UNBLOCK, &before);
    dog->was_blocked = sigismember(&before, SIGURG) == 1;
}

void dsi_watchdog_end(dsi_watchdog *dog) {
    pthread_mutex_lock(&dog->lock);
    dog->running = false;
    pthread_mutex_unlock(&dog->lock);
    if (dog->was_blocked)
        mask_urgent(SIG_BLOCK, NULL);
    atomic_store_explicit(&current, dog->outer, memory_order_relaxed);
}

void dsi_watchdog_enter(dsi_watchdog *dog) {
    if (atomic_exchange(&dog->state, BUSY) != PARKED)
        return;
    pthread_mutex_lock(&dog->lock);
    pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
}

/* The watchdog may have noted the same slice once more after it was taken: then the number is the
 * same. */
static uint64_t take_stuck(dsi_watchdog *dog) {
    uint64_t stuck_ns = atomic_exchange(&dog->stuck_ns, 0);
    uint64_t slice = atomic_load(&dog->stuck_slice);
    if (slice == dog->reported)
        return 0;
    dog->reported = slice;
    return stuck_ns;
}

uint64_t dsi_watchdog_leave(dsi_watchdog *dog) {
    atomic_store_explicit(&dog->state, IDLE, memory_order_release);
    if (atomic_load_explicit(&dog->stuck_ns, memory_order_relaxed) == 0)
        return 0;
    return take_stuck(dog);
}
