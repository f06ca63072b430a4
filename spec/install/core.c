/* A program that uses the core without Lua: one process that is run to its end. */
#include <dynsup/dynsup.h>
#include <dynsup/dynsup_version.h>

#include <stdio.h>

static enum dynsup_slice step(void *body, dynsup_host *host, dynsup_pid self, enum dynsup_wake wake,
                              dynsup_outcome *outcome) {
    (void)host, (void)self, (void)wake;
    *(int *)body += 1;
    outcome->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    return DYNSUP_SLICE_EXIT;
}

static void fini(void *body) {
    (void)body;
}

static uint64_t now(void *ud) {
    (void)ud;
    return 0;
}

int main(void) {
    const dynsup_body_ops ops = {.name = "counter", .step = step, .fini = fini};
    const dynsup_port port = {.now = now};
    const dynsup_host_config config = {.port = &port};
    dynsup_host *host = dynsup_host_new(&config);
    dynsup_pid pid;
    uint64_t deadline_ns;
    int slices = 0;
    if (!host || dynsup_spawn(host, &ops, &slices, NULL, &pid))
        return 1;
    enum dynsup_state state = dynsup_host_step(host, 1000, &deadline_ns);
    dynsup_host_free(host);
    printf("core %s: %d slice\n", DYNSUP_VERSION, slices);
    return state != DYNSUP_STILL || slices != 1;
}
