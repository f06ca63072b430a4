/* What signals to the program do to a host and the runs inside. */
#ifndef DSL_SIGNAL_H
#define DSL_SIGNAL_H

#include "bindings/binding.h"

/* From now on signals are noted, by handlers over those of libuv, which must be in place. */
void dsl_signals_open(dsl_runtime *runtime);

/* In the loop: a signal has come for the host whose config has `signals`; ud is that host. */
void dsl_signal_came(void *ud, int signum);

/* Looks for signals in a run inside another one: while the inner run has a virtual clock and is
 * busy the loop, which would notify it, does not turn. */
void dsl_signals_look(dsl_host *host);

/* Does the run of the host, ud, go on although nothing more can happen except a signal? */
bool dsl_host_stays(void *ud);

#endif
