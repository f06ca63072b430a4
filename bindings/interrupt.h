/* Signals that reach code which does not come back to the loop. */
#ifndef DSL_INTERRUPT_H
#define DSL_INTERRUPT_H

#include <stdbool.h>

/* From now on the second SIGINT of the program ends it with code 130, also while a C function runs
 * and the loop does not, and SIGINT, SIGTERM and SIGHUP are noted. libuv's handlers for them must
 * be in place: they still get every signal. */
void dsl_interrupt_watch(void);

/* Has SIGINT or SIGTERM come since? */
bool dsl_interrupt_seen(void);

/* How often SIGHUP has come since. */
int dsl_interrupt_hups(void);

#endif
