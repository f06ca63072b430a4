/*
 * Slices that go on although they were asked to give way, and how a child's max_slice ends them.
 *
 * Design notes.
 * A slice that can be preempted gives way when it is asked; one that cannot (in a C function, a
 * sort comparator, a gsub callback) runs on. Its time is counted from the moment in which it was
 * asked, so a slice that just runs long is never ended. A slice inside another one (the start of a
 * server) is asked by itself, and the outer one again when it goes on: that can wait at the place
 * where it starts others, so it gives way then. The hooks of preempt.c do the checks: the first
 * instruction of Lua after a C function, and every so many within a callback. A process over its
 * limit is doomed there; its code is left by a yield or, where it cannot yield, by errors.
 */
#include "bindings/process/slice.h"

static uint64_t work_now(const dsl_host *host) {
    return host->config->virtual_clock ? host->whole->counted_ns : dsl_real_now();
}

void dsl_slice_asked(dsl_host *host) {
    uint64_t slice = *dynsup_host_slices(host->core);
    dynsup_pid pid = dynsup_self(host->core);
    if (host->asked_slice == slice && host->asked_pid == pid)
        return;
    host->asked_slice = slice;
    host->asked_pid = pid;
    host->asked_ns = work_now(host);
}

bool dsl_slice_unwinds(const dsl_host *host) {
    return host->exceeded && host->exceeded == dynsup_self(host->core);
}

bool dsl_slice_exceeds(dsl_host *host) {
    if (dsl_slice_unwinds(host))
        return true;
    dsl_slice_asked(host);
    uint64_t limit_ns = dynsup_slice_limit(host->core);
    if (limit_ns == DYNSUP_NEVER || work_now(host) - host->asked_ns < limit_ns)
        return false;
    host->exceeded = dynsup_self(host->core);
    dynsup_exceeded(host->core, host->exceeded, DYNSUP_CPU_EXCEEDED);
    return true;
}

void dsl_slice_unwind(lua_State *L, dsl_host *host, lua_Hook hook) {
    host->runtime->hooked = true;
    host->current->failed = true; /* an error out of a hook: its coroutine is not used again */
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
    dsl_error(L, "the process has run for longer than its max_slice, and could not be interrupted");
}
