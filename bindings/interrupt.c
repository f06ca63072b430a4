/*
 * Signals for code that does not return to the loop: the second SIGINT ends the program at once,
 * and a run inside another one learns that it is to end.
 *
 * libuv hands a signal on when the loop turns. So its handlers are wrapped. Signals belong to the
 * program, and so do the variables here.
 *
 * SIGHUP mostly means that the terminal has gone, and with it the user who could send another
 * signal. So a timer repeats it, and ends the program if the loop has still not handled the first
 * one. A second one from outside means nothing: shells and timeout(1) send both SIGHUP and SIGTERM
 * twice, to the process and to its group.
 */
#include "bindings/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* For the loop to handle SIGHUP: as long as processes have in the orderly end. */
#define HANGUP_S 5

typedef struct watched {
    int signum;
    void (*inner)(int);
    volatile sig_atomic_t count;
} watched;

#define WATCHED 3

static watched all[WATCHED] = {{.signum = SIGINT}, {.signum = SIGTERM}, {.signum = SIGHUP}};

static struct {
    bool is_looked_at, is_ignored; /* what the program was started with */
    bool has_timer;
    timer_t timer;
    volatile sig_atomic_t is_event; /* a script has asked for it: it does not end the program */
    volatile sig_atomic_t is_armed; /* it has come, and the loop has not handled it */
} hangup;

static void timer_set(time_t seconds) {
    struct itimerspec time = {.it_value.tv_sec = seconds};
    timer_settime(hangup.timer, 0, &time, NULL);
}

static void hangup_arm(void) {
    if (!hangup.has_timer || hangup.is_ignored || hangup.is_event || hangup.is_armed)
        return;
    hangup.is_armed = 1;
    timer_set(HANGUP_S);
}

/* Ends the program by the signal itself, so that a shell knows to mend its terminal. */
static void hangup_due(void) {
    if (!hangup.is_armed)
        return;
    signal(SIGHUP, SIG_DFL);
    raise(SIGHUP); /* comes when the handler returns */
}

static void on_signal(int signum, siginfo_t *info, void *context) {
    watched *w = all;
    (void)context;
    if (signum == SIGHUP && info->si_code == SI_TIMER) {
        hangup_due();
        return;
    }
    while (w->signum != signum)
        w++;
    if (w->count++ > 0 && signum == SIGINT)
        _exit(128 + SIGINT);
    if (signum == SIGHUP)
        hangup_arm();
    if (w->inner)
        w->inner(signum);
}

static void watch(watched *w) {
    struct sigaction action;
    if (sigaction(w->signum, NULL, &action) || action.sa_sigaction == on_signal)
        return;
    bool is_function = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
    w->inner = is_function ? action.sa_handler : NULL;
    w->count = 0;
    action.sa_sigaction = on_signal;
    action.sa_flags |= SA_SIGINFO;
    sigaction(w->signum, &action, NULL);
}

void dsl_interrupt_prepare(void) {
    struct sigaction action;
    if (hangup.is_looked_at || sigaction(SIGHUP, NULL, &action))
        return;
    hangup.is_looked_at = true;
    hangup.is_ignored = !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN;
}

void dsl_interrupt_watch_hangup(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGHUP};
    if (!hangup.has_timer)
        hangup.has_timer = timer_create(CLOCK_MONOTONIC, &event, &hangup.timer) == 0;
    watch(&all[2]);
}

void dsl_interrupt_watch(void) {
    watch(&all[0]);
    watch(&all[1]);
    dsl_interrupt_watch_hangup();
}

bool dsl_interrupt_seen(void) {
    return all[0].count || all[1].count;
}

int dsl_interrupt_hups(void) {
    return all[2].count;
}

bool dsl_interrupt_ignores_hup(void) {
    return hangup.is_ignored;
}

void dsl_interrupt_hup_is_event(void) {
    hangup.is_event = 1;
}

void dsl_interrupt_heard_hup(void) {
    if (!hangup.is_armed)
        return;
    timer_set(0);
    hangup.is_armed = 0;
}
