/* Misuse of the C interface: an assertion fails or, without assertions, a code is returned. */
#include "bindings/embed/misuse.h"

#include <assert.h>

#define ALIGNMENT 16 /* by which memory.c distinguishes blocks with a header */

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

int dsl_check_open(const dsl_host *host) {
    int status = dsl_check_host(host);
    return status == 0 && host->whole->state_closes ? DYNSUP_ECLOSED : status;
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

bool dsl_check_alloc(dynsup_alloc_fn alloc, void *ud) {
    static const size_t sizes[] = {8, 24, 40, 16, 56, 72, 200, 1000};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    void *blocks[COUNT];
    bool ok = true;
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = alloc(ud, NULL, 0, sizes[i]);
        ok = ok && (uintptr_t)blocks[i] % ALIGNMENT == 0;
    }
    for (int i = COUNT; i-- > 0;)
        if (blocks[i])
            alloc(ud, blocks[i], sizes[i], 0);
    return ok;
}
