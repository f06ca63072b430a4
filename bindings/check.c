/* How misuse of the C interface is met: by an assertion, and without assertions by a code. */
#include "bindings/check.h"

#include <assert.h>

bool dsl_expect(bool ok, const char *what) {
    (void)what;
    assert(ok && what);
    return ok;
}

int dsl_check_host(const dsl_host *host) {
    if (!dsl_expect(host, "a host") ||
        !dsl_expect(pthread_equal(host->whole->thread, pthread_self()), "the host's own thread"))
        return DYNSUP_EMISUSE;
    return host->core ? 0 : DYNSUP_ECLOSED;
}

int dsl_check_outside(const dsl_host *host) {
    int status = dsl_check_host(host);
    if (status == DYNSUP_EMISUSE)
        return status;
    if (!dsl_expect(host->whole == host, "the host, not the view of it that a further heap has"))
        return DYNSUP_EMISUSE;
    bool steps = host->busy || (host->uv && dynsup_uv_in_callback(host->uv));
    if (!dsl_expect(!steps, "no step, run, close or end of this host under way"))
        return DYNSUP_EMISUSE;
    return status;
}
