/* Operations on supervisors and their children: see test_play.h. */
#include "test_play.h"

void play_supervisor(test_play *play) {
    static const uint64_t restarts[] = {0, 1, 3, 10};
    model *m = &play->model;
    test_host *test = play->test;
    int parent = play_chance(play, 70) ? play_pick(play, play_can_act) : -1;
    uint64_t max_restarts = restarts[play_below(play, 4)];
    uint64_t max_children = play_chance(play, 20) ? 2 : 1000;
    if (play_alive_count(play) >= PLAY_ALIVE_MAX)
        return;
    play_note(play, "supervisor %d, parent %d, %d restarts, %d children", m->process_count, parent,
              (int)max_restarts, (int)max_children);
    play_starve(play);
    dynsup_pid pid = test_supervisor_with(test, parent >= 0 ? m->processes[parent].body : NULL,
                                          max_restarts, max_children);
    if (play_starved(play, pid ? 0 : DYNSUP_ENOMEM))
        return;
    m->processes[model_supervisor(m, parent, max_restarts, max_children)].pid = pid;
}

static enum dynsup_slice act_guest(test_body *self, dynsup_outcome *outcome) {
    test_host *test = self->test;
    struct play_plan *plan = self->more;
    dynsup_supervisor_options options = {
        .max_restarts = plan->restarts, .period_ms = 5000, .max_children = 1000};
    if (plan->slow && self->received == 0)
        return DYNSUP_SLICE_WAIT;
    outcome->status = plan->status;
    if (plan->status)
        return DYNSUP_SLICE_EXIT;
    if (plan->is_supervisor) {
        assert_int_equal(dynsup_supervisor_start(test->host, &options, &plan->pid), 0);
    } else {
        plan->made = test_body_new(test);
        plan->made->traps = plan->traps;
        dynsup_spawn_options link = {.link = true};
        assert_int_equal(dynsup_spawn(test->host, &test_body_ops, plan->made, &link, &plan->pid),
                         0);
        plan->made->pid = plan->pid;
    }
    outcome->pid = plan->pid;
    return DYNSUP_SLICE_EXIT;
}

const char *play_child_text(const model_child *child) {
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    static char text[200];
    snprintf(text, sizeof text, "%s, shutdown %g, name %d, limit %d%s%s%s%s%s%s%s%s%s",
             restarts[child->restart], child->shutdown_ms, child->name, child->limit,
             child->guest ? ", guest" : "", child->slow ? ", slow" : "",
             child->is_supervisor ? ", supervisor" : "", child->traps ? ", traps" : "",
             child->ready ? ", ready" : "", child->timeout_ms >= 0 ? ", start timeout" : "",
             child->backoff ? ", backoff" : "", child->fails ? ", fails" : "",
             child->ignores ? ", ignores" : "");
    return text;
}

static model_child random_child(test_play *play, int supervisor) {
    static const double times[] = {100, 1000, 5000, DYNSUP_SHUTDOWN_BRUTAL_KILL,
                                   DYNSUP_SHUTDOWN_INFINITY};
    model_child child = {.supervisor = supervisor,
                         .process = -1,
                         .name = -1,
                         .starting = -1,
                         .timeout_ms = -1,
                         .restart = (enum dynsup_restart)play_below(play, 3),
                         .shutdown_ms = times[play_below(play, 5)],
                         .guest = play_chance(play, 40),
                         .traps = play_chance(play, 40),
                         .backoff = play_chance(play, 25),
                         .limit = -1,
                         .nested_restarts = play_below(play, 4)};
    child.fails = play_chance(play, 8);
    child.limit = play_chance(play, 25) ? (int)play_below(play, 3) : -1;
    if (child.guest) {
        child.slow = play_chance(play, 40);
        child.is_supervisor = play_chance(play, 40);
        child.ignores = play_chance(play, 8);
        return child;
    }
    child.ready = play_chance(play, 30);
    child.timeout_ms = child.ready && play_chance(play, 50) ? 200 : -1;
    child.name = play_chance(play, 40) ? (int)play_below(play, MODEL_NAMES) : -1;
    return child;
}

static int status_of(const model_child *child) {
    return child->ignores ? DYNSUP_EIGNORE : child->fails ? DYNSUP_EBAD_RETURN : 0;
}

static test_program *program_of(test_play *play, const model_child *child) {
    test_host *test = play->test;
    test_program *program = test_program_new(test);
    if (!child->guest) {
        program->traps = child->traps;
        program->fails = child->fails ? DYNSUP_EREASON : 0;
        return program;
    }
    struct play_plan *plan = calloc(1, sizeof *plan);
    assert_non_null(plan);
    *plan = (struct play_plan){.slow = child->slow,
                               .traps = child->traps,
                               .is_supervisor = child->is_supervisor,
                               .restarts = child->nested_restarts,
                               .status = status_of(child)};
    program->act = act_guest;
    program->more = plan;
    return program;
}

int play_child(test_play *play, int supervisor) {
    model *m = &play->model;
    int c = m->child_count++;
    model_child *child = &m->children[c];
    *child = random_child(play, supervisor);
    child->id = c;
    child->program = program_of(play, child);
    return c;
}

void play_asks(test_play *play, int caller) {
    model *m = &play->model;
    m->processes[caller].asked = m->request_count - 1;
}

dynsup_child_spec play_spec(test_play *play, int c, char *name) {
    static const dynsup_backoff backoff = {
        .min_ms = 100, .max_ms = 500, .factor = 2, .jitter = 0, .reset_after_ms = 1000};
    static const dynsup_restart_limit limits[] = {{0, 5000}, {1, 5000}, {2, 5000}};
    const model_child *child = &play->model.children[c];
    dynsup_child_spec spec = test_spec(child->program);
    spec.id = test_integer(child->id);
    spec.guest = child->guest;
    spec.restart = child->restart;
    spec.shutdown_ms = child->shutdown_ms;
    spec.is_supervisor = child->is_supervisor;
    spec.ready = child->ready;
    spec.start_timeout_ms = child->timeout_ms;
    spec.backoff = child->backoff ? &backoff : NULL;
    spec.restart_limit = child->limit >= 0 ? &limits[child->limit] : NULL;
    if (child->name < 0)
        return spec;
    name[0] = (char)('a' + child->name);
    name[1] = 0;
    spec.name = name;
    spec.name_length = 1;
    return spec;
}

static void note_start(test_play *play, int c, int caller, bool ensure) {
    const model_child *child = &play->model.children[c];
    play_note(play, "%d %s child %d (id %d) of %d: %s", caller, ensure ? "ensures" : "starts", c,
              child->id, child->supervisor, play_child_text(child));
}

/* A static supervisor may have a child with this id already. */
static void maybe_take_id(test_play *play, int c) {
    model *m = &play->model;
    const model_process *supervisor = &m->processes[m->children[c].supervisor];
    uint32_t nth = play_below(play, 256);
    if (play_chance(play, 15) && supervisor->child_count)
        m->children[c].id =
            m->children[supervisor->children[nth % (uint32_t)supervisor->child_count]].id;
}

/* Handles a failed start: the child has no supervisor. */
static void forget(test_play *play, int c) {
    model_child *child = &play->model.children[c];
    child->state = MODEL_GONE;
    child->made = child->program->made;
}

void play_start(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int caller = play_pick(play, play_can_act), supervisor = play_pick(play, play_supervises);
    if (caller < 0 || supervisor < 0 || play_alive_count(play) >= PLAY_ALIVE_MAX)
        return;
    int c = play_child(play, supervisor);
    char name[2];
    bool ensure = m->children[c].name >= 0 && play_chance(play, 50);
    maybe_take_id(play, c);
    dynsup_child_spec spec = play_spec(play, c, name);
    note_start(play, c, caller, ensure);
    test_body *body = m->processes[caller].body;
    play_starve(play);
    int status = ensure ? test_ensure(test, body, play_pid(play, supervisor), &spec)
                        : test_start(test, body, play_pid(play, supervisor), &spec);
    if (play_starved(play, status)) {
        forget(play, c);
        m->processes[caller].asked = -1;
        return;
    }
    model_ask(m, caller, supervisor, ensure ? MODEL_ENSURE : MODEL_START, c, -1, (model_reason){0});
    play_asks(play, caller);
}

static bool is_some_child(test_play *play, int p) {
    model *m = &play->model;
    return m->processes[p].pid && m->processes[p].parent >= 0 &&
           m->processes[m->processes[p].parent].is_supervisor;
}

void play_terminate(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int caller = play_pick(play, play_can_act),
        p = play_chance(play, 80) ? play_pick(play, is_some_child) : play_pick_target(play);
    if (caller < 0 || p < 0)
        return;
    int supervisor = play_chance(play, 90) && m->processes[p].parent >= 0
                         ? m->processes[p].parent
                         : play_pick(play, play_supervises);
    if (supervisor < 0 || !m->processes[supervisor].is_supervisor)
        return;
    play_note(play, "%d terminates %d of %d", caller, p, supervisor);
    test_terminate(test, m->processes[caller].body, play_pid(play, supervisor), play_pid(play, p));
    model_ask(m, caller, supervisor, MODEL_TERMINATE, -1, p, (model_reason){0});
    play_asks(play, caller);
}

static bool has_failed(test_play *play, int p) {
    const model *m = &play->model;
    for (int c = 0; c < m->child_count; c++)
        if (m->children[c].process == p && m->children[c].state == MODEL_FAILED)
            return m->processes[p].pid != 0;
    return false;
}

void play_restart(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int caller = play_pick(play, play_can_act);
    int p = play_pick(play, play_chance(play, 85) ? has_failed : is_some_child);
    if (caller < 0 || p < 0)
        return;
    int supervisor = m->processes[p].parent;
    play_note(play, "%d restarts %d of %d", caller, p, supervisor);
    test_body *body = m->processes[caller].body;
    test_enter(body);
    play_starve(play);
    int status =
        test_asked(body, dynsup_restart_child(test->host, play_pid(play, supervisor),
                                              play_pid(play, p), NULL, 0, true, &body->reply));
    if (play_starved(play, status)) {
        m->processes[caller].asked = -1;
        return;
    }
    model_ask(m, caller, supervisor, MODEL_RESTART, -1, p, (model_reason){0});
    play_asks(play, caller);
}

void play_stop(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int caller = play_pick(play, play_can_act), supervisor = play_pick(play, play_supervises);
    enum dynsup_atom atom = play_chance(play, 50) ? DYNSUP_NORMAL : DYNSUP_SHUTDOWN;
    if (caller < 0 || supervisor < 0)
        return;
    play_note(play, "%d stops %d with %s", caller, supervisor, dynsup_atom_text(atom));
    test_stop(test, m->processes[caller].body, play_pid(play, supervisor), atom);
    model_ask(m, caller, supervisor, MODEL_STOP, -1, -1, model_reason_atom(atom));
    play_asks(play, caller);
}

static bool says_ready(test_play *play, int p) {
    model *m = &play->model;
    return play_can_act(play, p) && m->processes[p].child >= 0 &&
           m->children[m->processes[p].child].ready;
}

void play_ready(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int p = play_pick(play, says_ready);
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    if (p < 0)
        return;
    play_note(play, "%d is ready", p);
    test_enter(m->processes[p].body);
    dynsup_ready(test->host, &nothing);
    test_leave(test);
    model_ready(m, p);
}

void play_change(test_play *play) {
    model *m = &play->model;
    if (m->child_count == 0)
        return;
    int c = (int)play_below(play, (uint32_t)m->child_count);
    model_child *child = &m->children[c];
    child->fails = !child->fails;
    child->ignores = child->guest && play_chance(play, 20);
    play_note(play, "child %d%s%s from now on", c, child->fails ? " fails" : " works",
              child->ignores ? " ignores" : "");
    if (child->guest)
        ((struct play_plan *)child->program->more)->status = status_of(child);
    else
        child->program->fails = child->fails ? DYNSUP_EREASON : 0;
}
