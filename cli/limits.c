/* The limits that the system sets to the program. */
#include "cli/cli.h"

#include <sys/resource.h>

/* A connection is a file, and the usual soft limit is 1024 of them; it is that low for programs
 * that use select, which this one does not. */
void cli_limits_raise(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files); /* else it stays as it was */
}
