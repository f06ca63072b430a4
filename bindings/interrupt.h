/* Signals for code that does not return to the loop. */
#ifndef DSL_INTERRUPT_H
#define DSL_INTERRUPT_H

#include <stdbool.h>

/* To be called before libuv's handlers are set: notes whether the program was started with SIGHUP
 * ignored, as by nohup(1). */
void dsl_interrupt_prepare(void);

/* From now on the second SIGINT of the program ends it with code 130, also while a C function runs
 * and the loop does not, and SIGINT, SIGTERM and SIGHUP are noted. libuv's handlers for them must
 * be in place: they still get every signal. Includes dsl_interrupt_watch_hangup. */
void dsl_interrupt_watch(void);

/* From now on a SIGHUP that the loop has not handled after 5 s ends the program, unless it was
 * started with SIGHUP ignored or a script has asked for it as an event. libuv's handler for it must
 * be in place. */
void dsl_interrupt_watch_hangup(void);

/* The loop has handled SIGHUP. */
void dsl_interrupt_heard_hup(void);

/* A script has asked for SIGHUP as an event. */
void dsl_interrupt_hup_is_event(void);

/* Was the program started with SIGHUP ignored? */
bool dsl_interrupt_ignores_hup(void);

/* Has SIGINT or SIGTERM come since? */
bool dsl_interrupt_seen(void);

/* How often SIGHUP has come since. */
int dsl_interrupt_hups(void);

#endif
