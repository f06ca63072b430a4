/* What signals to the program do to a host and the runs inside. */
#ifndef DSL_SIGNAL_H
#define DSL_SIGNAL_H

#include "bindings/binding.h"

/* From now on signals are noted, by handlers over those of libuv, which must be in place. */
void dsl_signals_open(dsl_runtime *runtime);

/* In the loop: the host whose config has `signals`, ud, hears of one. */
void dsl_signal_came(void *ud, int signum);

/* For a run inside another one: the loop, which would tell it, does not turn while the inner run
 * has a virtual clock and is busy. */
void dsl_signals_look(dsl_host *host);

/* Does the run of the host, ud, go on although nothing can happen any more but a signal? */
bool dsl_host_stays(void *ud);

#endif
