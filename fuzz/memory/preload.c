/* A preloaded library that refuses memory: the n-th malloc, calloc, growing realloc, aligned
 * block or anonymous mmap fails, and a few after it, or all.
 *
 * Two can ask for that. A test inside of the process calls memory_fault_begin. Or the environment
 * names a program and a request: then each process of that program counts from its beginning on,
 * and others, such as the shells that start it, have memory.
 *
 * - DYNSUP_MEMORY_PROGRAM: the name of the program's file.
 * - DYNSUP_MEMORY_FAIL: AT:FAILURES:PLACE, as memory_fault_begin takes them.
 * - DYNSUP_MEMORY_NOTES: a file, to which each such process adds how many requests it made, and
 *   each process where it crashed, or was when it was told to quit, and what was refused first.
 * - DYNSUP_MEMORY_PLACES: a file, to which each such process adds the places at which it asks
 *   (places.h), or, where requests are refused, that of the first of those. */
#define _GNU_SOURCE
#include "fuzz/memory/preload.h"

#include "fuzz/memory/places.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAMES = 48,
    LATEST_FRAMES = 12,
    PATIENCE = 2, /* seconds after which there is memory again */
};

static atomic_long requests, refused, fail_at, fail_end;
static atomic_ullong fail_place; /* 0: none, or it has been found */
static long fail_count;
static void *refused_at[FRAMES];       /* the stack of the first refusal */
static void *latest_at[LATEST_FRAMES]; /* that of the latest */
static int refused_depth, latest_depth;
static long refused_since;
static const char *asserted, *asserted_in; /* what did not hold, and in which function */
static int notes = -1;
static bool is_armed;                /* by the environment */
static atomic_bool is_counting;      /* between begin and end, and none is refused */
static _Thread_local bool is_within; /* refuses() */

/* ---- the functions that these replace ---- */

static void *find(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

/* ISO C has no way from a pointer to a function. */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = find(#name)

/* ---- what is refused ---- */

static long seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (long)now.tv_sec;
}

/* Without memory each request of Lua's is a whole collection: a process that takes long need not
 * hang. */
static bool comes_back(void) {
    if (seconds() - refused_since < PATIENCE)
        return false;
    atomic_store(&fail_at, 0);
    return true;
}

static void note_first(long n) {
    refused_since = seconds();
    refused_depth = backtrace(refused_at, FRAMES);
    places_note(n);
}

static void fail_from(long at) {
    atomic_store(&fail_end, fail_count > 0 ? at + fail_count : __LONG_MAX__);
    atomic_store(&fail_at, at);
}

/* Where a place is looked for, request n is the first to fail if it is made there. */
static void look_for_place(long n) {
    unsigned long long place = atomic_load(&fail_place);
    if (place != 0 && places_here() == place &&
        atomic_compare_exchange_strong(&fail_place, &place, 0))
        fail_from(n);
}

static bool refuses_next(void) {
    long n = atomic_fetch_add(&requests, 1) + 1;
    if (atomic_load(&is_counting))
        places_note(n);
    look_for_place(n);
    long at = atomic_load(&fail_at);
    if (at == 0 || n < at || n >= atomic_load(&fail_end))
        return false;
    if (atomic_fetch_add(&refused, 1) == 0)
        note_first(n);
    else if (comes_back())
        return false;
    latest_depth = backtrace(latest_at, LATEST_FRAMES);
    errno = ENOMEM;
    return true;
}

/* What is asked for in here is no request: a run that notes places must count as one that does not.
 */
static bool refuses(void) {
    if (is_within)
        return false;
    is_within = true;
    bool is_refused = refuses_next();
    is_within = false;
    return is_refused;
}

void *malloc(size_t size) {
    NEXT(malloc);
    return refuses() ? NULL : next(size);
}

void *calloc(size_t count, size_t size) {
    NEXT(calloc);
    return refuses() ? NULL : next(count, size);
}

/* A block that becomes smaller, or stays what it is, never fails. */
void *realloc(void *block, size_t size) {
    NEXT(realloc);
    bool grows = !block || size > malloc_usable_size(block);
    return grows && refuses() ? NULL : next(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    NEXT(aligned_alloc);
    return refuses() ? NULL : next(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    NEXT(posix_memalign);
    return refuses() ? ENOMEM : next(block, alignment, size);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    NEXT(mmap);
    return (flags & MAP_ANONYMOUS) && refuses()
               ? MAP_FAILED
               : next(address, size, protection, flags, fd, offset);
}

/* A new Lua takes the time into the seed of its hashes, and so into the order of its tables. All
 * copies of a process shall have the same order. */
time_t time(time_t *out) {
    NEXT(time);
    Dl_info caller;
    time_t now = next(out);
    bool is_seed = dladdr(__builtin_return_address(0), &caller) && caller.dli_sname &&
                   strcmp(caller.dli_sname, "lua_newstate") == 0;
    return is_seed ? 0 : now;
}

void memory_fault_begin(long at, long failures, unsigned long long place) {
    atomic_store(&fail_at, 0);
    atomic_store(&requests, 0);
    atomic_store(&refused, 0);
    fail_count = failures;
    atomic_store(&fail_place, place);
    if (at != 0 && place == 0)
        fail_from(at);
    atomic_store(&is_counting, at == 0);
}

long memory_fault_end(long *refused_out) {
    atomic_store(&fail_at, 0);
    atomic_store(&fail_place, 0);
    atomic_store(&is_counting, false);
    *refused_out = atomic_load(&refused);
    return atomic_load(&requests);
}

/* ---- notes ---- */

static const char *signal_name(int number) {
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGABRT:
        return "SIGABRT";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    default:
        return "SIGQUIT";
    }
}

/* Libraries call this one, the C library itself does not. */
void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function) {
    NEXT(__assert_fail);
    asserted = assertion;
    asserted_in = function;
    next(assertion, file, line, function);
    abort();
}

static void note(const char *what, const char *more) {
    char line[512];
    int length = snprintf(line, sizeof line, "%s %s %s %ld\n", what, program_invocation_short_name,
                          more, atomic_load(&requests));
    if (write(notes, line, (size_t)length) < 0)
        return;
}

/* Several processes may crash at once; what one notes stays together. */
static void notes_lock(short type) {
    fcntl(notes, F_SETLKW, &(struct flock){.l_type = type, .l_whence = SEEK_SET});
}

static void on_crash(int number) {
    void *frames[FRAMES];
    atomic_store(&fail_at, 0);
    int depth = backtrace(frames, FRAMES);
    notes_lock(F_WRLCK);
    note("crash", signal_name(number));
    backtrace_symbols_fd(frames, depth, notes);
    if (asserted)
        dprintf(notes, "assert %.80s: %.200s\n", asserted_in, asserted);
    note("refused", "first");
    backtrace_symbols_fd(refused_at, refused_depth, notes);
    note("latest", "-");
    backtrace_symbols_fd(latest_at, latest_depth, notes);
    note("end", "-");
    notes_lock(F_UNLCK);
    sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    raise(number);
}

static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT};

static bool is_crash(int number) {
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (crashes[i] == number)
            return notes >= 0;
    return false;
}

/* cmocka would make a failed test of a crash, and go on. */
sighandler_t signal(int number, sighandler_t handler) {
    NEXT(signal);
    return is_crash(number) ? SIG_DFL : next(number, handler);
}

static void watch_crashes(void) {
    static char stack[1 << 16];
    void *frame;
    backtrace(&frame, 1); /* loads what it needs */
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &(struct sigaction){.sa_handler = on_crash, .sa_flags = SA_ONSTACK},
                  NULL);
}

static bool is_named(void) {
    const char *name = getenv("DYNSUP_MEMORY_PROGRAM");
    return name && strcmp(name, program_invocation_short_name) == 0;
}

static void __attribute__((constructor)) begin(void) {
    const char *path = getenv("DYNSUP_MEMORY_NOTES"), *fail = getenv("DYNSUP_MEMORY_FAIL");
    const char *places = getenv("DYNSUP_MEMORY_PLACES");
    if (places)
        places_open(places);
    if (path) {
        notes = fcntl(open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666), F_DUPFD_CLOEXEC,
                      900);
        watch_crashes();
    }
    is_armed = is_named();
    if (!is_armed)
        return;
    long at = 0, failures = 0;
    unsigned long long place = 0;
    if (fail && sscanf(fail, "%ld:%ld:%llx", &at, &failures, &place) != 3)
        at = 0;
    memory_fault_begin(at, failures, place);
}

static void __attribute__((destructor)) end(void) {
    if (is_armed && notes >= 0)
        note("count", atomic_load(&refused) ? "refused" : "-");
}
