/* A host for tests: see test_host.h. */
#include "test_host.h"

#include "value.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void *test_grow(void *items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    items = realloc(items, *capacity * size);
    assert_non_null(items);
    return items;
}

/* ---- port, objects, events ---- */

static uint64_t port_now(void *ud) {
    return ((test_host *)ud)->now_ns;
}

static void port_wake(void *ud) {
    ((test_host *)ud)->wakes++;
}

static const dynsup_port port = {.now = port_now, .wake = port_wake};

static void object_retain(void *ud, uint64_t object) {
    test_host *test = ud;
    assert_true(object > 0 && object <= test->object_count);
    assert_true(test->objects[object - 1]++ > 0);
}

static void object_release(void *ud, uint64_t object) {
    test_host *test = ud;
    assert_true(object > 0 && object <= test->object_count);
    assert_true(test->objects[object - 1]-- > 0);
}

static void object_describe(void *ud, uint64_t object, char *text, size_t size) {
    (void)ud, (void)object;
    if (size)
        text[0] = 0;
}

static const dynsup_object_ops object_ops = {
    .retain = object_retain, .release = object_release, .describe = object_describe};

dynsup_value test_object(test_host *test) {
    test->objects =
        test_grow(test->objects, test->object_count, &test->object_capacity, sizeof *test->objects);
    test->objects[test->object_count++] = 1;
    return (dynsup_value){.kind = DYNSUP_OBJECT, .as.object = test->object_count};
}

void test_release(test_host *test, dynsup_value value) {
    if (value.kind == DYNSUP_OBJECT)
        object_release(test, value.as.object);
}

int test_owners(const test_host *test, dynsup_value object) {
    return test->objects[object.as.object - 1];
}

static void on_event(void *ud, const dynsup_event *event) {
    test_host *test = ud;
    test->events =
        test_grow(test->events, test->event_count, &test->event_capacity, sizeof *test->events);
    test->events[test->event_count++] = (test_event){
        .kind = event->kind,
        .pid = event->pid,
        .supervisor = event->supervisor,
        .status = event->status,
        .reason = event->reason ? *event->reason : (dynsup_reason){0},
        .incarnation = event->incarnation,
        .restarts = event->restarts,
        .delay_ns = event->delay_ns,
        .at_ns = event->at_ns,
    };
    test_event *told = &test->events[test->event_count - 1];
    if (event->name)
        strncpy(told->name, event->name, sizeof told->name - 1);
}

size_t test_events(const test_host *test, enum dynsup_event_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < test->event_count; i++)
        count += test->events[i].kind == kind;
    return count;
}

const test_event *test_last_event(const test_host *test, enum dynsup_event_kind kind) {
    for (size_t i = test->event_count; i-- > 0;)
        if (test->events[i].kind == kind)
            return &test->events[i];
    return NULL;
}

dynsup_value test_atom(enum dynsup_atom atom) {
    return dsi_value_atom(atom);
}

dynsup_value test_integer(int64_t integer) {
    return (dynsup_value){.kind = DYNSUP_INTEGER, .as.integer = integer};
}

/* ---- hosts ---- */

bool test_host_init(test_host *test, size_t fail_at, bool for_ever) {
    *test = (test_host){
        .alloc = {.fail_at = fail_at, .for_ever = for_ever}, .port = port, .now_ns = 1000000000};
    test->host = dynsup_host_new(&(dynsup_host_config){.alloc = dsi_test_alloc_call,
                                                       .alloc_ud = &test->alloc,
                                                       .port = &test->port,
                                                       .port_ud = test,
                                                       .objects = &object_ops,
                                                       .objects_ud = test,
                                                       .events = UINT32_MAX,
                                                       .on_event = on_event,
                                                       .event_ud = test,
                                                       .seed = 42});
    return test->host != NULL;
}

static void bodies_free(test_host *test) {
    while (test->bodies) {
        test_body *body = test->bodies;
        test->bodies = body->next;
        assert_true(body->gone);
        free(body->inbox);
        free(body);
    }
}

static void programs_free(test_host *test) {
    while (test->programs) {
        test_program *program = test->programs;
        test->programs = program->next;
        assert_true(program->released);
        free(program);
    }
}

void test_host_fini(test_host *test) {
    dynsup_host_free(test->host);
    bodies_free(test);
    programs_free(test);
    for (size_t i = 0; i < test->object_count; i++)
        assert_int_equal(test->objects[i], 0);
    dsi_test_alloc_check_empty(&test->alloc);
    free(test->objects);
    free(test->events);
}

int test_setup(void **state) {
    test_host *test = malloc(sizeof *test);
    *state = test;
    return test && test_host_init(test, 0, false) ? 0 : -1;
}

int test_teardown(void **state) {
    test_host_fini(*state);
    free(*state);
    return 0;
}

/* A host that gets memory again works as before. */
static void prove_usable(test_host *test) {
    test->alloc.fail_at = 0;
    test_run(test);
    test_body *body = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, body);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_pid child = test_started(test, body, supervisor, &spec);
    assert_true(dynsup_is_alive(test->host, child));
    assert_int_equal(test_stop(test, body, supervisor, DYNSUP_NORMAL), DYNSUP_PENDING);
    test_run(test);
    assert_true(body->replied && body->reply.status == 0);
}

static bool sweep_round(void (*scenario)(test_host *test), size_t n, bool for_ever) {
    test_host test;
    if (test_host_init(&test, n, for_ever)) {
        scenario(&test);
        prove_usable(&test);
    }
    test_host_fini(&test);
    return test.alloc.refused > 0;
}

void test_host_sweep(void (*scenario)(test_host *test)) {
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        size_t n = 1;
        while (sweep_round(scenario, n, for_ever))
            n++;
        assert_true(n > 1);
    }
}

/* ---- time ---- */

static void check(test_host *test) {
    if (!test->unchecked)
        dynsup_host_check(test->host);
}

static enum dynsup_state run(test_host *test, uint64_t *deadline_ns_out) {
    enum dynsup_state state;
    check(test);
    do {
        state = dynsup_host_step(test->host, 0, deadline_ns_out);
        check(test);
    } while (state == DYNSUP_READY);
    return state;
}

enum dynsup_state test_run(test_host *test) {
    uint64_t deadline_ns;
    return run(test, &deadline_ns);
}

enum dynsup_state test_pass(test_host *test, double ms) {
    uint64_t deadline_ns;
    uint64_t end_ns = test->now_ns + (uint64_t)(ms * 1e6);
    enum dynsup_state state = run(test, &deadline_ns);
    while (state == DYNSUP_WAITING && deadline_ns <= end_ns) {
        if (deadline_ns > test->now_ns)
            test->now_ns = deadline_ns;
        state = run(test, &deadline_ns);
    }
    test->now_ns = end_ns;
    return run(test, &deadline_ns);
}

enum dynsup_state test_settle(test_host *test) {
    uint64_t deadline_ns;
    enum dynsup_state state = run(test, &deadline_ns);
    for (int left = 100000; state == DYNSUP_WAITING; left--) {
        assert_true(left > 0);
        if (deadline_ns > test->now_ns)
            test->now_ns = deadline_ns;
        state = run(test, &deadline_ns);
    }
    return state;
}

/* With cmocka's handler for SIGABRT the copy would go on with the next test. */
bool test_asserts(test_host *test, void (*misuse)(test_host *test)) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        close(STDERR_FILENO);
        misuse(test);
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
