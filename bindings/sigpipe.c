/* SIGPIPE, which would end the program when a peer has gone away. */
#include "bindings/sigpipe.h"

#include <signal.h>
#include <stddef.h>

/* A handler is set, as programs that are started would inherit an ignored signal. */
static void on_sigpipe(int signum) {
    (void)signum;
}

void dsl_sigpipe_ignore(void) {
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) || action.sa_handler != SIG_DFL)
        return;
    action.sa_handler = on_sigpipe;
    action.sa_flags = SA_RESTART;
    sigaction(SIGPIPE, &action, NULL);
}
