/*
 * Signals that reach code which does not come back to the loop: the second SIGINT ends the program
 * at once, and a run inside another one finds that it is to end.
 *
 * libuv hands a signal on when the loop turns. So its handlers are wrapped. Signals belong to the
 * program, and so do the variables here.
 */
#include "bindings/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

typedef struct watched {
    int signum;
    void (*inner)(int);
    volatile sig_atomic_t count;
} watched;

#define WATCHED 3

static watched all[WATCHED] = {{.signum = SIGINT}, {.signum = SIGTERM}, {.signum = SIGHUP}};

static void on_signal(int signum) {
    watched *w = all;
    while (w->signum != signum)
        w++;
    if (w->count++ > 0 && signum == SIGINT)
        _exit(128 + SIGINT);
    if (w->inner)
        w->inner(signum);
}

static void watch(watched *w) {
    struct sigaction action;
    if (sigaction(w->signum, NULL, &action) || action.sa_handler == on_signal)
        return;
    bool is_function = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
    w->inner = is_function ? action.sa_handler : NULL;
    w->count = 0;
    action.sa_handler = on_signal;
    sigaction(w->signum, &action, NULL);
}

void dsl_interrupt_watch(void) {
    for (int i = 0; i < WATCHED; i++)
        watch(&all[i]);
}

bool dsl_interrupt_seen(void) {
    return all[0].count || all[1].count;
}

int dsl_interrupt_hups(void) {
    return all[2].count;
}
