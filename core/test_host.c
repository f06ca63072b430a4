/* A host for tests: see test_host.h. */
#include "test_host.h"

#include "process.h"

/* What a test owns itself does not come from the host's allocator. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size) {
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

static const dynsup_object_ops object_ops = {object_retain, object_release, object_describe};

dynsup_value test_object(test_host *test) {
    test->objects =
        grow(test->objects, test->object_count, &test->object_capacity, sizeof *test->objects);
    test->objects[test->object_count++] = 1;
    return (dynsup_value){.kind = DYNSUP_OBJECT, .as.object = test->object_count};
}

int test_owners(const test_host *test, dynsup_value object) {
    return test->objects[object.as.object - 1];
}

static void on_event(void *ud, const dynsup_event *event) {
    test_host *test = ud;
    test->events =
        grow(test->events, test->event_count, &test->event_capacity, sizeof *test->events);
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

/* ---- bodies ---- */

static bool has_tag(const dynsup_message *message, enum dynsup_atom tag, uint32_t count) {
    return message->count == count && message->values[0].kind == DYNSUP_ATOM &&
           message->values[0].as.atom == tag;
}

static test_message message_read(const dynsup_message *message) {
    const dynsup_value *values = message->values;
    if (has_tag(message, DYNSUP_EXIT, 3))
        return (test_message){DYNSUP_EXIT, values[1].as.id, dsi_value_nil(), values[2], 3};
    if (has_tag(message, DYNSUP_DOWN, 4))
        return (test_message){DYNSUP_DOWN, values[1].as.id, values[2], values[3], 4};
    return (test_message){DYNSUP_NO_ATOM, 0, dsi_value_nil(), values[0], message->count};
}

static void mailbox_read(test_body *body) {
    dynsup_host *host = body->test->host;
    while (dynsup_mailbox_first(host)) {
        dynsup_message *message = dynsup_mailbox_take(host, NULL);
        body->inbox = grow(body->inbox, body->received, &body->inbox_capacity, sizeof *body->inbox);
        body->inbox[body->received++] = message_read(message);
        for (uint32_t i = 0; i < message->count; i++)
            if (message->values[i].kind == DYNSUP_OBJECT)
                object_release(body->test, message->values[i].as.object);
        dynsup_message_free(host, message);
    }
}

static enum dynsup_slice body_wait(test_body *body, dynsup_host *host) {
    if (body->idles)
        return DYNSUP_SLICE_IDLE;
    if (body->key)
        dynsup_wait_key(host, body->key, body->until);
    else
        dynsup_wait_message(host, body->message_key, body->until);
    body->until = DYNSUP_NEVER;
    return DYNSUP_SLICE_WAIT;
}

static enum dynsup_slice body_step(void *ud, dynsup_host *host, dynsup_pid self,
                                   enum dynsup_wake wake, dynsup_outcome *outcome) {
    test_body *body = ud;
    bool old;
    assert_false(body->gone || body->stopped);
    assert_int_equal(dynsup_self(host), self);
    body->pid = self;
    body->slices++;
    body->wake = wake;
    if (body->traps && dynsup_trap_exit(host, true, &old) == 0)
        body->traps = false;
    mailbox_read(body);
    enum dynsup_slice end = body->act ? body->act(body, outcome) : DYNSUP_SLICE_WAIT;
    if (end != DYNSUP_SLICE_WAIT)
        return end;
    if (!body->exits)
        return body_wait(body, host);
    *outcome = body->outcome;
    body->outcome = (dynsup_outcome){0};
    return DYNSUP_SLICE_EXIT;
}

static void body_reply(void *ud, const dynsup_reply *reply) {
    test_body *body = ud;
    assert_false(body->gone);
    body->key = 0;
    body->replied = true;
    body->reply = *reply;
    for (int i = 0; i < 2; i++)
        if (reply->values[i].kind == DYNSUP_OBJECT)
            object_release(body->test, reply->values[i].as.object);
}

static void body_stop(void *ud, dynsup_host *host, dynsup_pid self) {
    test_body *body = ud;
    assert_false(body->stopped || body->gone);
    assert_int_equal(dynsup_self(host), self);
    assert_true(dynsup_closing(host));
    body->pid = self;
    body->stopped = true;
    if (body->on_stop)
        body->on_stop(body);
}

static void body_fini(void *ud) {
    test_body *body = ud;
    assert_false(body->gone);
    body->gone = true;
    if (body->outcome.reason.value.kind == DYNSUP_OBJECT)
        object_release(body->test, body->outcome.reason.value.as.object);
    body->outcome = (dynsup_outcome){0};
}

static void body_preempt(void *ud) {
    ((test_body *)ud)->preempted++;
}

const dynsup_body_ops test_body_ops = {.name = "test",
                                       .step = body_step,
                                       .reply = body_reply,
                                       .stop = body_stop,
                                       .fini = body_fini,
                                       .preempt = body_preempt};

test_body *test_body_new(test_host *test) {
    test_body *body = calloc(1, sizeof *body);
    assert_non_null(body);
    body->test = test;
    body->until = DYNSUP_NEVER;
    body->next = test->bodies;
    return test->bodies = body;
}

static test_body *spawn(test_host *test, test_body *parent, const dynsup_spawn_options *options) {
    test_body *body = test_body_new(test);
    if (parent)
        test_enter(parent);
    int status = dynsup_spawn(test->host, &test_body_ops, body, options, &body->pid);
    if (parent)
        test_leave(test);
    if (status == 0)
        return body;
    assert_int_equal(status, DYNSUP_ENOMEM);
    body->gone = true;
    return NULL;
}

test_body *test_spawn(test_host *test, test_body *parent) {
    return spawn(test, parent, NULL);
}

test_body *test_spawn_link(test_host *test, test_body *parent) {
    return spawn(test, parent, &(dynsup_spawn_options){.link = true});
}

test_body *test_spawn_trapping(test_host *test) {
    test_body *body = test_spawn(test, NULL);
    if (!body)
        return NULL;
    body->traps = true;
    test_run(test);
    return body;
}

/* As the pump would begin its slice. */
void test_enter(test_body *body) {
    dynsup_host *host = body->test->host;
    dsi_process *process = dsi_process_find_alive(host, body->pid);
    assert_non_null(process);
    assert_null(host->current);
    dsi_process_ready(host, process, DYNSUP_WAKE_AGAIN);
    dsi_node_remove(&process->queue);
    process->state = DSI_PROCESS_RUNNING;
    host->current = process;
    host->in_slice = host->stepping = true;
    body->test->entered = body;
}

/* As a slice that waits for its reply, or goes on. */
void test_leave(test_host *test) {
    dynsup_host *host = test->host;
    dsi_process *process = host->current;
    host->current = NULL;
    host->in_slice = host->stepping = false;
    if (process->state != DSI_PROCESS_RUNNING)
        return;
    process->state = DSI_PROCESS_IDLE;
    if (test->entered->key) {
        dsi_process_wait(host, process, DSI_WAIT_KEY, test->entered->key, DYNSUP_NEVER);
        process->state = DSI_PROCESS_WAITING;
    } else {
        dsi_process_ready(host, process, DYNSUP_WAKE_AGAIN);
    }
}

void test_exit(test_body *body, enum dynsup_reason_class class, dynsup_value value) {
    body->exits = true;
    body->outcome = (dynsup_outcome){.reason = {class, value}};
    test_enter(body);
    test_leave(body->test);
}

void test_exit_atom(test_body *body, enum dynsup_atom atom) {
    dynsup_reason reason = dynsup_reason_atom(atom);
    test_exit(body, reason.class, reason.value);
}

void test_signal(test_host *test, test_body *from, dynsup_pid to, enum dynsup_atom atom) {
    dynsup_reason reason = dynsup_reason_atom(atom);
    if (from)
        test_enter(from);
    dynsup_exit(test->host, to, &reason);
    if (from)
        test_leave(test);
}

bool test_alive(const test_body *body) {
    return dynsup_is_alive(body->test->host, body->pid);
}

const test_message *test_last(const test_body *body) {
    return body->received ? &body->inbox[body->received - 1] : NULL;
}

static void got(const test_body *body, enum dynsup_atom tag, uint64_t from,
                enum dynsup_atom reason) {
    const test_message *last = test_last(body);
    assert_non_null(last);
    assert_string_equal(dynsup_atom_text(last->tag), dynsup_atom_text(tag));
    assert_int_equal(last->from, from);
    assert_int_equal(last->value.kind, DYNSUP_ATOM);
    assert_string_equal(dynsup_atom_text(last->value.as.atom), dynsup_atom_text(reason));
}

void test_got_exit(const test_body *body, dynsup_pid from, enum dynsup_atom reason) {
    got(body, DYNSUP_EXIT, from, reason);
}

void test_got_down(const test_body *body, dynsup_ref ref, enum dynsup_atom reason) {
    got(body, DYNSUP_DOWN, ref, reason);
}

/* ---- hosts ---- */

bool test_host_init(test_host *test, size_t fail_at, bool for_ever) {
    *test = (test_host){.alloc = {.fail_at = fail_at, .for_ever = for_ever}, .now_ns = 1000000000};
    test->host = dynsup_host_new(&(dynsup_host_config){.alloc = dsi_test_alloc_call,
                                                       .alloc_ud = &test->alloc,
                                                       .port = &port,
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

/* A host whose memory has come back does what it did before. */
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

/* ---- supervisors ---- */

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

dynsup_child_spec test_spec(test_program *program) {
    return (dynsup_child_spec){.program_ops = &test_program_ops,
                               .program = program,
                               .shutdown_ms = 5000,
                               .start_timeout_ms = -1};
}

/* Between test_enter and test_leave: remembers what to wait for. */
static int asked(test_body *caller, int status) {
    caller->replied = status != DYNSUP_PENDING;
    caller->key = status == DYNSUP_PENDING ? caller->reply.key : 0;
    for (int i = 0; status != DYNSUP_PENDING && i < 2; i++)
        if (caller->reply.values[i].kind == DYNSUP_OBJECT)
            object_release(caller->test, caller->reply.values[i].as.object);
    test_leave(caller->test);
    return status;
}

static int start(test_host *test, test_body *caller, dynsup_pid supervisor,
                 const dynsup_child_spec *spec, bool ensure) {
    if (caller) {
        test_enter(caller);
        return asked(
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
    return asked(caller, dynsup_terminate_child(test->host, supervisor, child, NULL, 0, true,
                                                &caller->reply));
}

int test_stop(test_host *test, test_body *caller, dynsup_pid supervisor, enum dynsup_atom reason) {
    dynsup_reason own = dynsup_reason_atom(reason);
    test_enter(caller);
    return asked(caller,
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
