/*
 * The second SIGINT, which ends the program at once.
 *
 * libuv hands a signal on when the loop turns; code that does not come back to the loop could never
 * be ended that way. So its handler is wrapped. Signals belong to the program, and so do the two
 * variables here.
 */
#include "bindings/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void (*inner)(int);
static volatile sig_atomic_t interrupts;

static void on_interrupt(int signum) {
    if (interrupts++ > 0)
        _exit(128 + SIGINT);
    if (inner)
        inner(signum);
}

void dsl_interrupt_watch(void) {
    struct sigaction action;
    if (sigaction(SIGINT, NULL, &action) || action.sa_handler == on_interrupt)
        return;
    inner = action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN ? NULL : action.sa_handler;
    interrupts = 0;
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
}
