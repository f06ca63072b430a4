/* The bodies of a host for tests: see test_host.h. */
#include "test_host.h"

#include "process.h"

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
        body->inbox =
            test_grow(body->inbox, body->received, &body->inbox_capacity, sizeof *body->inbox);
        body->inbox[body->received++] = message_read(message);
        for (uint32_t i = 0; i < message->count; i++)
            test_release(body->test, message->values[i]);
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
    for (int i = 0; i < DYNSUP_REPLY_VALUES; i++)
        test_release(body->test, reply->values[i]);
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
    test_release(body->test, body->outcome.reason.value);
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
    assert_true(parent || !options || test->host->current); /* the one that it is linked to */
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

/* Begins a slice, as the pump would. */
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

/* Ends the slice: the process waits for its reply, or goes on. */
void test_leave(test_host *test) {
    dynsup_host *host = test->host;
    dsi_process *process = host->current;
    host->current = NULL;
    host->in_slice = host->stepping = false;
    if (process->state != DSI_PROCESS_RUNNING)
        return;
    dsi_process_vacate(host, process);
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
    test_exit(body, reason.kind, reason.value);
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
