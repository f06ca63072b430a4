/*
 * Calls of libuv and of the system that fail, and memory of malloc's that is not there: in the
 * programs of spec/faults the n-th call fails, for all n. What a program makes of that is an error
 * value or an error; the run ends, and neither memory nor a descriptor is left.
 */
#include "bindings/test_programs.h"

#include "bindings/test_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* ---- which call fails ------------------------------------------------------------------------ */

static struct {
    atomic_long calls; /* so far */
    long fail_at;      /* 0: none */
    long failures;     /* in a row */
    bool late;         /* what can fail in its callback does so */
    atomic_long failed;
    const char *_Atomic name; /* of the last one that failed */
    pthread_t host_thread;
} faults;

static bool fails(const char *name) {
    if (!faults.fail_at)
        return false;
    long n = atomic_fetch_add(&faults.calls, 1) + 1;
    if (n < faults.fail_at || n - faults.fail_at >= faults.failures)
        return false;
    atomic_fetch_add(&faults.failed, 1);
    faults.name = name;
    return true;
}

static void faults_set(long fail_at, long failures, bool late) {
    faults.calls = faults.failed = 0;
    faults.fail_at = fail_at;
    faults.failures = failures;
    faults.late = late;
    faults.host_thread = pthread_self();
}

// NOLINTBEGIN(bugprone-reserved-identifier, bugprone-macro-parentheses)
#define UV(name, error, parameters, arguments)                                                     \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters {                                                                 \
        return fails(#name) ? (error) : __real_##name arguments;                                   \
    }
#define SYSTEM(type, name, failure, error, parameters, arguments)                                  \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        if (!fails(#name))                                                                         \
            return __real_##name arguments;                                                        \
        errno = (error);                                                                           \
        return failure;                                                                            \
    }
DSL_TEST_CALLS(UV, SYSTEM)

/* ---- calls that may fail later --------------------------------------------------------------- */

/* The callback of a call that is to fail: there is one at a time, for one call in a row fails. */
static union {
    uv_connection_cb connection;
    uv_read_cb read;
    uv_write_cb write;
    uv_shutdown_cb shutdown;
    uv_connect_cb connect;
    uv_getaddrinfo_cb addresses;
} late;

static void late_connection(uv_stream_t *s, int status) {
    late.connection(s, status ? status : UV_EMFILE);
}

static void late_read(uv_stream_t *s, ssize_t count, const uv_buf_t *buffer) {
    late.read(s, count < 0 ? count : UV_EIO, buffer);
}

static void late_write(uv_write_t *request, int status) {
    late.write(request, status ? status : UV_EIO);
}

static void late_shutdown(uv_shutdown_t *request, int status) {
    late.shutdown(request, status ? status : UV_ENOTCONN);
}

static void late_connect(uv_connect_t *request, int status) {
    late.connect(request, status ? status : UV_ETIMEDOUT);
}

static void late_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    uv_freeaddrinfo(found);
    request->addrinfo = NULL;
    late.addresses(request, status ? status : UV_EAI_FAIL, NULL);
}

/* call() when it is not to fail, or to fail late; then the callback is ours. */
#define LATE(name, kind, error, parameters, arguments)                                             \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters {                                                                 \
        if (fails(#name)) {                                                                        \
            if (!faults.late)                                                                      \
                return error;                                                                      \
            late.kind = cb;                                                                        \
            cb = late_##kind;                                                                      \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }
LATE(uv_listen, connection, UV_EADDRINUSE, (uv_stream_t * s, int n, uv_connection_cb cb),
     (s, n, cb))
LATE(uv_read_start, read, UV_EIO, (uv_stream_t * s, uv_alloc_cb alloc, uv_read_cb cb),
     (s, alloc, cb))
LATE(uv_write, write, UV_ENOMEM,
     (uv_write_t * r, uv_stream_t *s, const uv_buf_t *b, unsigned n, uv_write_cb cb),
     (r, s, b, n, cb))
LATE(uv_shutdown, shutdown, UV_ENOTCONN, (uv_shutdown_t * r, uv_stream_t *s, uv_shutdown_cb cb),
     (r, s, cb))
LATE(uv_tcp_connect, connect, UV_EADDRNOTAVAIL,
     (uv_connect_t * r, uv_tcp_t *t, const struct sockaddr *a, uv_connect_cb cb), (r, t, a, cb))
LATE(uv_getaddrinfo, addresses, UV_ENOMEM,
     (uv_loop_t * l, uv_getaddrinfo_t *r, uv_getaddrinfo_cb cb, const char *node,
      const char *service, const struct addrinfo *hints),
     (l, r, cb, node, service, hints))

/* It has no result: its errors come late in any case. */
void __real_uv_pipe_connect(uv_connect_t *r, uv_pipe_t *p, const char *name, uv_connect_cb cb);
void __wrap_uv_pipe_connect(uv_connect_t *r, uv_pipe_t *p, const char *name, uv_connect_cb cb);
void __wrap_uv_pipe_connect(uv_connect_t *r, uv_pipe_t *p, const char *name, uv_connect_cb cb) {
    if (fails("uv_pipe_connect")) {
        late.connect = cb;
        cb = late_connect;
    }
    __real_uv_pipe_connect(r, p, name, cb);
}

/* In the host's thread it is the tests' own allocator that calls it. */
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size) {
    bool ours = pthread_equal(faults.host_thread, pthread_self());
    return !ours && fails("realloc") ? NULL : __real_realloc(block, size);
}

/* It may fail, but the descriptor is closed. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    int status = __real_close(fd);
    if (!fails("close"))
        return status;
    errno = EIO;
    return -1;
}
// NOLINTEND(bugprone-reserved-identifier, bugprone-macro-parentheses)

/* ---- the tests ------------------------------------------------------------------------------- */

static int descriptor_count(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (__real_readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* One run in which a call fails; false when it was not reached. */
static bool run_once(dsl_test_programs *programs, int n, long fail_at, long failures,
                     bool is_late) {
    dynsup_lua_host *host;
    faults_set(fail_at, failures, is_late);
    int status = dynsup_lua_host_new(programs->L, &programs->config, &host);
    if (status == 0) {
        dsl_test_programs_push(programs, n);
        if (dynsup_lua_spawn(host, programs->L, 0, NULL) == 0)
            assert_true(dynsup_lua_host_run(host) >= 0);
        dynsup_lua_host_free(host);
    }
    lua_settop(programs->L, 1);
    bool failed = faults.failed > 0;
    assert_true(status == 0 || failed);
    faults_set(0, 0, false);
    return failed;
}

static void run_until_none_fails(dsl_test_programs *programs, int n, long failures, bool is_late) {
    long stride = dsl_test_programs_stride(is_late || failures > 1 ? 3 : 2);
    long fail_at = 1;
    while (run_once(programs, n, fail_at, failures, is_late))
        fail_at += stride;
}

/* What is opened once for all hosts stays open. */
static void run_without_failure(const char *module, bool is_virtual) {
    dsl_test_programs programs;
    dsl_test_programs_open(&programs, module, is_virtual);
    programs.config.signals = !is_virtual;
    for (int n = 1; n <= programs.count; n++)
        run_once(&programs, n, 0, 0, false);
    dsl_test_programs_close(&programs);
}

static void fail_in(const char *module, bool is_virtual) {
    dsl_test_programs programs;
    run_without_failure(module, is_virtual);
    int descriptors = descriptor_count();
    dsl_test_programs_open(&programs, module, is_virtual);
    for (int n = 1; n <= programs.count; n++) {
        run_until_none_fails(&programs, n, 1, false);
        run_until_none_fails(&programs, n, 1, true);
        run_until_none_fails(&programs, n, 1000000, false);
    }
    dsl_test_programs_close(&programs);
    assert_int_equal(descriptor_count(), descriptors);
}

static void a_call_of_a_program_with_sockets_and_files_may_fail(void **state) {
    (void)state;
    dsl_test_programs_each(false, fail_in);
}

static void a_call_for_files_may_fail_without_a_loop(void **state) {
    (void)state;
    fail_in("files", true);
}

/* With all that a host can have made for it. */
static void a_host_may_fail_to_be_made(void **state) {
    (void)state;
    dsl_test_programs programs;
    run_without_failure("process", false);
    int descriptors = descriptor_count();
    dsl_test_programs_open(&programs, "process", false);
    programs.config.signals = true;
    programs.config.preempt = DYNSUP_LUA_PREEMPT_SIGNAL;
    for (int n = 1; n <= 3; n++)
        run_until_none_fails(&programs, n, 1, false);
    dsl_test_programs_close(&programs);
    assert_int_equal(descriptor_count(), descriptors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_may_fail_to_be_made),
        cmocka_unit_test(a_call_for_files_may_fail_without_a_loop),
        cmocka_unit_test(a_call_of_a_program_with_sockets_and_files_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
