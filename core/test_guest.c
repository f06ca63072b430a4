/* Start functions for tests: see test_guest.h. */
#include "test_guest.h"

static void worker_make(test_body *self, test_plan *plan) {
    test_host *test = self->test;
    dynsup_pid pid = 0;
    test_body *body = test_body_new(test);
    body->traps = plan->traps;
    dynsup_spawn_options options = {.link = !plan->unlinked};
    body->gone = dynsup_spawn(test->host, &test_body_ops, body, &options, &pid) != 0;
    body->pid = pid;
    plan->made = body->gone ? NULL : body;
}

static void self_call(test_body *self) {
    dynsup_host *host = self->test->host;
    dynsup_reply reply;
    bool old;
    dynsup_child_spec spec = test_spec(test_program_new(self->test));
    assert_int_equal(dynsup_start_child(host, self->pid, &spec, false, true, &reply),
                     DYNSUP_ECALLS_ITSELF);
    assert_int_equal(dynsup_supervisor_turn(host, self->pid, true, &reply), DYNSUP_ECALLS_ITSELF);
    assert_int_equal(dynsup_trap_exit(host, false, &old), DYNSUP_ECALLS_ITSELF);
}

static void belonging_keep(test_body *self, test_plan *plan) {
    dynsup_host *host = self->test->host;
    assert_int_equal(dynsup_guest_belonging(host), plan->kept);
    if (plan->kept)
        return;
    plan->kept = test_object(self->test).as.object;
    dynsup_guest_belonging_set(host, plan->kept);
}

static enum dynsup_slice act_start(test_body *self, dynsup_outcome *outcome) {
    test_plan *plan = self->more;
    if (plan->waits && self->received == 0)
        return DYNSUP_SLICE_WAIT;
    if (plan->again && self->slices < 3)
        return DYNSUP_SLICE_AGAIN;
    if (plan->stops)
        self_call(self);
    if (plan->keeps)
        belonging_keep(self, plan);
    outcome->status = plan->status;
    outcome->values[0] = plan->info;
    plan->info = (dynsup_value){0};
    if (plan->status)
        return DYNSUP_SLICE_EXIT;
    if (!plan->pid)
        worker_make(self, plan);
    outcome->pid = plan->pid ? plan->pid : plan->made ? plan->made->pid : 0;
    if (outcome->pid == 0)
        outcome->status = DYNSUP_EBAD_RETURN;
    return DYNSUP_SLICE_EXIT;
}

test_program *test_guest_program(test_host *test, test_plan *plan) {
    test_program *program = test_program_new(test);
    program->act = act_start;
    program->more = plan;
    return program;
}

int test_start_guest(test_host *test, test_body *caller, dynsup_pid supervisor, test_plan *plan,
                     enum dynsup_restart restart) {
    dynsup_child_spec spec = test_spec(test_guest_program(test, plan));
    spec.guest = true;
    spec.restart = restart;
    return test_start(test, caller, supervisor, &spec);
}

void test_say_go(test_host *test, dynsup_pid pid) {
    dynsup_value go = test_integer(1);
    assert_int_equal(dynsup_send(test->host, pid, &go, 1), 0);
    test_run(test);
}
