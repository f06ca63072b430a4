/* What other threads hand to a host. */
#ifndef DSL_POST_H
#define DSL_POST_H

#include "bindings/binding.h"

/* Makes the host be stepped soon, by its loop or the config's `wake`. From any thread. */
void dsl_wake(dsl_host *host);

/* Calls what has been posted, in order; with NULL as the host, if that has ended. */
void dsl_posts_run(dsl_host *host);
void dsl_posts_drop(dsl_host *host);

#endif
