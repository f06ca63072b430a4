/* The second SIGINT, which ends the program at once. */
#ifndef DSL_INTERRUPT_H
#define DSL_INTERRUPT_H

/* From now on the second SIGINT of the program ends it with code 130, also while a C function runs
 * and the loop does not. libuv's handler for SIGINT must be in place: it still gets every signal.
 */
void dsl_interrupt_watch(void);

#endif
