/* SIGPIPE, which would end the program when a peer has gone away. */
#ifndef DSL_SIGPIPE_H
#define DSL_SIGPIPE_H

/* Makes the signal do nothing, unless the program has set its action; programs that it starts still
 * have the default. Idempotent. */
void dsl_sigpipe_ignore(void);

#endif
