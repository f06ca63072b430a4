/* SIGPIPE, which would end the program when a peer has gone away. */
#ifndef DSL_SIGPIPE_H
#define DSL_SIGPIPE_H

/* Has the signal do nothing, unless the program has settled what it does; programs that it starts
 * still find the default. Idempotent. */
void dsl_sigpipe_ignore(void);

#endif
