/* What other threads hand to a host. */
#ifndef DSL_POST_H
#define DSL_POST_H

#include "bindings/binding.h"

/* Lets the host be stepped soon: its loop, or whom the config names. From any thread. */
void dsl_wake(dsl_host *host);

/* Calls what has been posted, in order; and, for a host that has ended, says that it is too late.
 */
void dsl_posts_run(dsl_host *host);
void dsl_posts_drop(dsl_host *host);

#endif
