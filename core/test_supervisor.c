/* The supervisors of a host for tests, their programs and the calls to them: see test_host.h. */
#include "test_host.h"

dynsup_pid test_supervisor_with(test_host *test, test_body *parent, uint64_t max_restarts,
                                uint64_t max_children) {
    dynsup_supervisor_options options = {
        .max_restarts = max_restarts, .period_ms = 5000, .max_children = max_children};
    dynsup_pid pid = 0;
    if (parent)
        test_enter(parent);
    int status = dynsup_supervisor_start(test->host, &options, &pid);
    if (parent)
        test_leave(test);
    assert_true(status == 0 || status == DYNSUP_ENOMEM);
    return status ? 0 : pid;
}

dynsup_pid test_supervisor(test_host *test, test_body *parent) {
    return test_supervisor_with(test, parent, 3, DYNSUP_NO_LIMIT);
}

static int program_make(void *ud, uint64_t arguments, const dynsup_body_ops **ops_out,
                        void **body_out, dynsup_reason *reason) {
    test_program *program = ud;
    assert_false(program->released);
    program->made++;
    program->arguments = arguments;
    if (program->fails == DYNSUP_EREASON)
        *reason = (dynsup_reason){DYNSUP_REASON_OTHER, test_object(program->test)};
    if (program->fails)
        return program->fails;
    test_body *body = test_body_new(program->test);
    body->act = program->act;
    body->more = program->more;
    body->exits = program->exits;
    body->traps = program->traps;
    body->idles = program->idles;
    if (program->exits)
        body->outcome.reason = dynsup_reason_atom(program->atom);
    program->last = body;
    *ops_out = &test_body_ops;
    *body_out = body;
    return 0;
}

static void program_release(void *ud) {
    test_program *program = ud;
    assert_false(program->released);
    program->released = true;
}

static void program_describe(void *ud, char *text, size_t size) {
    (void)ud;
    if (size)
        text[0] = 0;
}

const dynsup_program_ops test_program_ops = {program_make, program_release, program_describe};

test_program *test_program_new(test_host *test) {
    test_program *program = calloc(1, sizeof *program);
    assert_non_null(program);
    program->test = test;
    program->next = test->programs;
    return test->programs = program;
}

test_family test_family_begin(test_host *test, uint64_t max_restarts) {
    test_family f = {.a = test_spawn_trapping(test)};
    f.supervisor = test_supervisor_with(test, f.a, max_restarts, DYNSUP_NO_LIMIT);
    f.program = test_program_new(test);
    return f;
}

void test_crash(test_host *test, test_program *program) {
    test_exit(program->last, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
}

dynsup_child_spec test_spec(test_program *program) {
    return (dynsup_child_spec){.program_ops = &test_program_ops,
                               .program = program,
                               .shutdown_ms = 5000,
                               .start_timeout_ms = -1};
}

dynsup_child_spec test_spec_named(test_program *program, const char *name) {
    dynsup_child_spec spec = test_spec(program);
    spec.name = name;
    spec.name_length = strlen(name);
    return spec;
}

void test_body_into(test_host *test, dynsup_child_spec *spec) {
    spec->body_ops = &test_body_ops;
    spec->body = test_body_new(test);
}

dynsup_pid test_whereis(test_host *test, const char *name) {
    return dynsup_whereis(test->host, name, strlen(name));
}

int test_asked(test_body *caller, int status) {
    caller->replied = status != DYNSUP_PENDING;
    caller->key = status == DYNSUP_PENDING ? caller->reply.key : 0;
    for (int i = 0; status != DYNSUP_PENDING && i < DYNSUP_REPLY_VALUES; i++)
        test_release(caller->test, caller->reply.values[i]);
    test_leave(caller->test);
    return status;
}

static int start(test_host *test, test_body *caller, dynsup_pid supervisor,
                 const dynsup_child_spec *spec, bool ensure) {
    if (caller) {
        test_enter(caller);
        return test_asked(
            caller, dynsup_start_child(test->host, supervisor, spec, ensure, true, &caller->reply));
    }
    dynsup_reply reply;
    int status = dynsup_start_child(test->host, supervisor, spec, ensure, false, &reply);
    assert_int_not_equal(status, DYNSUP_PENDING);
    return status;
}

int test_start(test_host *test, test_body *caller, dynsup_pid supervisor,
               const dynsup_child_spec *spec) {
    return start(test, caller, supervisor, spec, false);
}

int test_ensure(test_host *test, test_body *caller, dynsup_pid supervisor,
                const dynsup_child_spec *spec) {
    return start(test, caller, supervisor, spec, true);
}

int test_terminate(test_host *test, test_body *caller, dynsup_pid supervisor, dynsup_pid child) {
    test_enter(caller);
    return test_asked(caller, dynsup_terminate_child(test->host, supervisor, child, NULL, 0, true,
                                                     &caller->reply));
}

int test_stop(test_host *test, test_body *caller, dynsup_pid supervisor, enum dynsup_atom reason) {
    dynsup_reason own = dynsup_reason_atom(reason);
    test_enter(caller);
    return test_asked(caller,
                      dynsup_supervisor_stop(test->host, supervisor, &own, true, &caller->reply));
}

dynsup_pid test_started(test_host *test, test_body *caller, dynsup_pid supervisor,
                        const dynsup_child_spec *spec) {
    int status = test_start(test, caller, supervisor, spec);
    test_run(test);
    assert_true(caller->replied);
    assert_int_equal(status == DYNSUP_PENDING ? caller->reply.status : status, 0);
    return caller->reply.pid;
}

void test_counts(test_host *test, dynsup_pid supervisor, size_t specs, size_t active,
                 size_t supervisors, size_t workers) {
    dynsup_counts counts;
    assert_int_equal(dynsup_count_children(test->host, supervisor, &counts), 0);
    assert_int_equal(counts.specs, specs);
    assert_int_equal(counts.active, active);
    assert_int_equal(counts.supervisors, supervisors);
    assert_int_equal(counts.workers, workers);
}
