/*
 * What signals to the program do to a host and the runs inside: SIGINT and SIGTERM halt them, the
 * innermost first. SIGHUP is an event for observers that ask for it; without any it halts hosts,
 * too, unless the program was started with SIGHUP ignored.
 *
 * Design notes.
 * Signals are noticed in two ways: by the loop; and, in a run on a virtual clock inside another
 * one, during which the loop does not turn, by the counts of interrupt.c. The first to notice acts
 * for all hosts and notes the count, so that the other finds nothing to do. A count that has grown
 * by several stands for several signals: the event comes after the last of them.
 */
#include "bindings/signal.h"

#include "bindings/interrupt.h"
#include "bindings/nested.h"
#include "bindings/observe/observe.h"

#include <signal.h>

/* The host that gets signals, for itself and the runs inside its own; or NULL. */
static dsl_host *hearer_of(dsl_host *host) {
    while (host && !host->config->signals)
        host = dsl_host_around(host);
    return host ? host->whole : NULL;
}

static void halt(dsl_host *host, void *ud) {
    (void)ud;
    dynsup_host_halt(host->core, 0);
}

static void halt_all(dsl_host *hearer) {
    dsl_runs_inside(hearer, halt, NULL);
    halt(hearer, NULL);
}

static void look_for_asker(dsl_host *host, void *is_asked) {
    *(bool *)is_asked = *(bool *)is_asked || dsl_observe_asks(host, DYNSUP_EVENT_HUP);
}

static bool is_asked_for(dsl_host *hearer) {
    bool is_asked = dsl_observe_asks(hearer, DYNSUP_EVENT_HUP);
    dsl_runs_inside(hearer, look_for_asker, &is_asked);
    return is_asked;
}

static void tell(dsl_host *host, void *ud) {
    (void)ud;
    dynsup_event event = {.kind = DYNSUP_EVENT_HUP, .at_ns = dynsup_host_now(host->core)};
    dynsup_host_tell(host->core, &event);
}

static void tell_all(dsl_host *hearer) {
    dsl_runs_inside(hearer, tell, NULL);
    tell(hearer, NULL);
}

static void look_for_hup(dsl_host *hearer) {
    dsl_interrupt_heard_hup(); /* first: one that comes now is looked for once more */
    int hups = dsl_interrupt_hups();
    if (hups == hearer->runtime->hups)
        return;
    hearer->runtime->hups = hups;
    if (is_asked_for(hearer))
        tell_all(hearer);
    else if (!dsl_interrupt_ignores_hup())
        halt_all(hearer);
}

void dsl_signals_open(dsl_runtime *runtime) {
    dsl_interrupt_watch();
    runtime->hups = dsl_interrupt_hups();
}

void dsl_signal_came(void *ud, int signum) {
    if (signum == SIGHUP)
        look_for_hup(ud);
    else
        halt_all(ud);
}

void dsl_signals_look(dsl_host *host) {
    dsl_host *hearer = host->outer ? hearer_of(host) : NULL;
    if (!hearer)
        return;
    if (dsl_interrupt_seen())
        dynsup_host_halt(host->core, 0);
    else
        look_for_hup(hearer);
}

bool dsl_host_stays(void *ud) {
    dsl_host *host = ud;
    return host->config->stays || host->until_halt ||
           (hearer_of(host) && dsl_observe_asks(host, DYNSUP_EVENT_HUP));
}
