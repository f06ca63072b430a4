/*
 * Random operations on a host and on the reference model: both must agree after each.
 *
 * model_test [SEED [RUNS [OPERATIONS]]], or DYNSUP_MODEL_SEED, DYNSUP_MODEL_RUNS and
 * DYNSUP_MODEL_OPERATIONS: for longer campaigns, or for one seed again. A difference prints the
 * seed and what was done; DYNSUP_MODEL_TRACE=1 prints everything as it is done.
 */
#include "test_model.h"

#include <stdarg.h>
#include <stdio.h>

#define ALIVE_MAX 40

static model m;
static test_host *test;
static uint64_t seed, random_state;
static dynsup_ref refs[1 << 16];
static char trace[1 << 16];
static size_t trace_length;
static bool tracing;

static uint64_t first_seed = 1;
static int runs = 320, operations = 320;

/* What a start function does. */
struct plan {
    bool slow, traps, is_supervisor;
    int status;
    uint64_t restarts;
    test_body *made;
    dynsup_pid pid;
};

static void note(const char *format, ...) {
    va_list arguments;
    char line[160];
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (tracing)
        fprintf(stderr, "%s\n", line);
    if (trace_length + strlen(line) + 2 >= sizeof trace)
        return;
    trace_length += (size_t)sprintf(trace + trace_length, "%s\n", line);
}

static void differ(const char *what, int which, long long model_says, long long host_says) {
    fprintf(stderr, "%sseed %llu: %s of %d: the model says %lld, the host %lld\n", trace,
            (unsigned long long)seed, what, which, model_says, host_says);
    fail();
}

static void same(const char *what, int which, long long model_says, long long host_says) {
    if (model_says != host_says)
        differ(what, which, model_says, host_says);
}

static uint32_t below(uint32_t limit) {
    return dsi_test_random_below(&random_state, limit);
}

static bool chance(uint32_t percent) {
    return below(100) < percent;
}

/* ---- who there is ---- */

static dynsup_pid pid_of(int p) {
    return p < 0 ? 0 : m.processes[p].pid;
}

static int alive_count(void) {
    int count = 0;
    for (int p = 0; p < m.process_count; p++)
        count += m.processes[p].alive;
    return count;
}

static bool any(int p) {
    return m.processes[p].alive && m.processes[p].pid;
}

static bool can_act(int p) {
    return any(p) && m.processes[p].body && m.processes[p].request < 0;
}

static bool supervises(int p) {
    return any(p) && m.processes[p].is_supervisor;
}

/* One of those for whom this is true, or -1. */
static int pick(bool (*fits)(int p)) {
    int found = -1;
    uint32_t count = 0;
    for (int p = 0; p < m.process_count; p++)
        if (fits(p) && below(++count) == 0)
            found = p;
    return found;
}

/* Mostly one who lives. */
static int pick_target(void) {
    if (chance(90) || m.process_count == 0)
        return pick(any);
    int p = (int)below((uint32_t)m.process_count);
    return m.processes[p].pid ? p : -1;
}

static model_reason random_reason(void) {
    static const enum dynsup_atom atoms[] = {DYNSUP_NORMAL,  DYNSUP_SHUTDOWN, DYNSUP_KILL,
                                             DYNSUP_TIMEOUT, DYNSUP_TIMEOUT,  DYNSUP_NOCONNECTION};
    return model_reason_atom(atoms[below(6)]);
}

static void meet(int p, test_body *body) {
    m.processes[p].body = body;
    m.processes[p].pid = body->pid;
}

/* ---- operations on processes ---- */

static void op_spawn(void) {
    int parent = chance(50) ? pick(can_act) : -1;
    bool links = parent >= 0 && chance(70), traps = chance(40);
    if (alive_count() >= ALIVE_MAX)
        return;
    note("spawn %d, parent %d%s%s", m.process_count, parent, links ? ", linked" : "",
         traps ? ", traps" : "");
    test_body *from = parent >= 0 ? m.processes[parent].body : NULL;
    test_body *body = links ? test_spawn_link(test, from) : test_spawn(test, from);
    body->traps = traps;
    int p = model_spawn(&m, parent, traps);
    if (links)
        model_link(&m, parent, p);
    meet(p, body);
}

static void op_link(void) {
    int a = pick(can_act), b = pick_target();
    bool unlinks = chance(30);
    if (a < 0 || b < 0)
        return;
    note("%s %d %d", unlinks ? "unlink" : "link", a, b);
    test_enter(m.processes[a].body);
    if (unlinks)
        dynsup_unlink(test->host, pid_of(b));
    else
        assert_int_equal(dynsup_link(test->host, pid_of(b)), 0);
    test_leave(test);
    if (unlinks)
        model_unlink(&m, a, b);
    else
        model_link(&m, a, b);
}

static void op_monitor(void) {
    int a = pick(can_act), b = pick_target();
    if (a < 0 || b < 0)
        return;
    note("monitor %d %d", a, b);
    test_enter(m.processes[a].body);
    assert_int_equal(
        dynsup_monitor(test->host, pid_of(b), NULL, &refs[m.monitor_count % (1 << 16)]), 0);
    test_leave(test);
    model_monitor(&m, a, b);
}

static void op_signal(void) {
    int from = chance(60) ? pick(can_act) : -1, to = pick_target();
    model_reason reason = random_reason();
    if (to < 0)
        return;
    note("signal %s from %d to %d", dynsup_atom_text(reason.atom), from, to);
    test_signal(test, from >= 0 ? m.processes[from].body : NULL, pid_of(to), reason.atom);
    model_signal(&m, from, to, reason);
}

/* Several at once, before anything is handled. */
static void op_massacre(void) {
    for (uint32_t left = 2 + below(4); left > 0; left--) {
        int to = pick_target();
        if (to < 0)
            return;
        note("kill %d", to);
        test_signal(test, NULL, pid_of(to), DYNSUP_KILL);
        model_signal(&m, -1, to, model_reason_atom(DYNSUP_KILL));
    }
}

static void op_exit(void) {
    int p = pick(can_act);
    model_reason reason = random_reason();
    if (p < 0)
        return;
    if (chance(15))
        reason = (model_reason){DYNSUP_REASON_SHUTDOWN, DYNSUP_IGNORE};
    note("exit %d with %s", p, dynsup_atom_text(reason.atom));
    test_exit(m.processes[p].body, reason.class, test_atom(reason.atom));
    model_exit(&m, p, reason);
}

static void op_send(void) {
    int to = chance(50) ? pick(supervises) : pick_target();
    dynsup_value value = test_integer(1);
    if (to < 0)
        return;
    note("send %d", to);
    assert_int_equal(dynsup_send(test->host, pid_of(to), &value, 1), 0);
    model_send(&m, to);
}

static void op_register(void) {
    int p = pick_target(), name = (int)below(MODEL_NAMES);
    char text[2] = {(char)('a' + name), 0};
    if (p < 0)
        return;
    note("register %s %d", text, p);
    int status = dynsup_register(test->host, text, 1, pid_of(p));
    bool alive = m.processes[p].alive;
    bool free_name = m.name_process[name] < 0 && m.name_child[name] < 0;
    int held = m.processes[p].name;
    bool has_one = held >= 0 && m.name_process[held] == p;
    int expected = !alive ? DYNSUP_ENOPROC : has_one || !free_name ? DYNSUP_ETAKEN : 0;
    same("status of register", p, expected, status);
    if (status)
        return;
    m.name_process[name] = p;
    m.processes[p].name = name;
}

static void op_unregister(void) {
    int name = (int)below(MODEL_NAMES);
    char text[2] = {(char)('a' + name), 0};
    note("unregister %s", text);
    int p = m.name_process[name], c = m.name_child[name];
    int status = dynsup_unregister(test->host, text, 1);
    same("status of unregister", name,
         c >= 0   ? DYNSUP_ETAKEN
         : p >= 0 ? 0
                  : DYNSUP_ENOPROC,
         status);
    if (status == 0)
        m.name_process[name] = m.processes[p].name = -1;
}

/* ---- operations on supervisors ---- */

static void op_supervisor(void) {
    static const uint64_t restarts[] = {0, 1, 3, 10};
    int parent = chance(70) ? pick(can_act) : -1;
    uint64_t max_restarts = restarts[below(4)];
    uint64_t max_children = chance(20) ? 2 : 1000;
    if (alive_count() >= ALIVE_MAX)
        return;
    note("supervisor %d, parent %d, %d restarts, %d children", m.process_count, parent,
         (int)max_restarts, (int)max_children);
    dynsup_pid pid = test_supervisor_with(test, parent >= 0 ? m.processes[parent].body : NULL,
                                          max_restarts, max_children);
    m.processes[model_supervisor(&m, parent, max_restarts, max_children)].pid = pid;
}

static enum dynsup_slice act_guest(test_body *self, dynsup_outcome *outcome) {
    struct plan *plan = self->more;
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

static model_child random_child(int supervisor) {
    static const double times[] = {100, 1000, 5000, DYNSUP_SHUTDOWN_BRUTAL_KILL,
                                   DYNSUP_SHUTDOWN_INFINITY};
    model_child child = {.supervisor = supervisor,
                         .process = -1,
                         .name = -1,
                         .starting = -1,
                         .timeout_ms = -1,
                         .restart = (enum dynsup_restart)below(3),
                         .shutdown_ms = times[below(5)],
                         .guest = chance(40),
                         .traps = chance(40),
                         .backoff = chance(25),
                         .nested_restarts = below(4)};
    child.fails = chance(8);
    if (child.guest) {
        child.slow = chance(40);
        child.is_supervisor = chance(40);
        child.ignores = chance(8);
        return child;
    }
    child.ready = chance(30);
    child.timeout_ms = child.ready && chance(50) ? 200 : -1;
    child.name = chance(40) ? (int)below(MODEL_NAMES) : -1;
    return child;
}

static int status_of(const model_child *child) {
    return child->ignores ? DYNSUP_EIGNORE : child->fails ? DYNSUP_EBAD_RETURN : 0;
}

static test_program *program_of(const model_child *child) {
    test_program *program = test_program_new(test);
    if (!child->guest) {
        program->traps = child->traps;
        program->fails = child->fails ? DYNSUP_EREASON : 0;
        return program;
    }
    struct plan *plan = calloc(1, sizeof *plan);
    assert_non_null(plan);
    *plan = (struct plan){.slow = child->slow,
                          .traps = child->traps,
                          .is_supervisor = child->is_supervisor,
                          .restarts = child->nested_restarts,
                          .status = status_of(child)};
    program->act = act_guest;
    program->more = plan;
    return program;
}

static void check_answer(int caller, int status) {
    m.processes[caller].asked = m.request_count - 1;
    (void)status;
}

static void op_start(void) {
    static const dynsup_backoff backoff = {
        .min_ms = 100, .max_ms = 500, .factor = 2, .jitter = 0, .reset_after_ms = 1000};
    int caller = pick(can_act), supervisor = pick(supervises);
    if (caller < 0 || supervisor < 0 || alive_count() >= ALIVE_MAX)
        return;
    int c = m.child_count++;
    model_child *child = &m.children[c];
    *child = random_child(supervisor);
    child->program = program_of(child);
    char name[2] = {(char)('a' + child->name), 0};
    bool ensure = child->name >= 0 && chance(50);
    dynsup_child_spec spec = test_spec(child->program);
    spec.guest = child->guest;
    spec.restart = child->restart;
    spec.shutdown_ms = child->shutdown_ms;
    spec.is_supervisor = child->is_supervisor;
    spec.ready = child->ready;
    spec.start_timeout_ms = child->timeout_ms;
    spec.backoff = child->backoff ? &backoff : NULL;
    if (child->name >= 0) {
        spec.name = name;
        spec.name_length = 1;
    }
    note("%d %s child %d of %d: restart %d shutdown %g%s%s%s%s%s%s%s%s name %d", caller,
         ensure ? "ensures" : "starts", c, supervisor, (int)child->restart, child->shutdown_ms,
         child->guest ? " guest" : "", child->slow ? " slow" : "",
         child->is_supervisor ? " supervisor" : "", child->traps ? " traps" : "",
         child->ready ? " ready" : "", child->backoff ? " backoff" : "",
         child->fails ? " fails" : "", child->ignores ? " ignores" : "", child->name);
    test_body *body = m.processes[caller].body;
    int status = ensure ? test_ensure(test, body, pid_of(supervisor), &spec)
                        : test_start(test, body, pid_of(supervisor), &spec);
    model_ask(&m, caller, supervisor, ensure ? MODEL_ENSURE : MODEL_START, c, -1,
              (model_reason){0});
    check_answer(caller, status);
}

static bool is_some_child(int p) {
    return m.processes[p].pid && m.processes[p].parent >= 0 &&
           m.processes[m.processes[p].parent].is_supervisor;
}

static void op_terminate(void) {
    int caller = pick(can_act), p = chance(80) ? pick(is_some_child) : pick_target();
    if (caller < 0 || p < 0)
        return;
    int supervisor =
        chance(90) && m.processes[p].parent >= 0 ? m.processes[p].parent : pick(supervises);
    if (supervisor < 0 || !m.processes[supervisor].is_supervisor)
        return;
    note("%d terminates %d of %d", caller, p, supervisor);
    int status = test_terminate(test, m.processes[caller].body, pid_of(supervisor), pid_of(p));
    model_ask(&m, caller, supervisor, MODEL_TERMINATE, -1, p, (model_reason){0});
    check_answer(caller, status);
}

static void op_stop(void) {
    int caller = pick(can_act), supervisor = pick(supervises);
    enum dynsup_atom atom = chance(50) ? DYNSUP_NORMAL : DYNSUP_SHUTDOWN;
    if (caller < 0 || supervisor < 0)
        return;
    note("%d stops %d with %s", caller, supervisor, dynsup_atom_text(atom));
    int status = test_stop(test, m.processes[caller].body, pid_of(supervisor), atom);
    model_ask(&m, caller, supervisor, MODEL_STOP, -1, -1, model_reason_atom(atom));
    check_answer(caller, status);
}

static bool says_ready(int p) {
    return can_act(p) && m.processes[p].child >= 0 && m.children[m.processes[p].child].ready;
}

static void op_ready(void) {
    int p = pick(says_ready);
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    if (p < 0)
        return;
    note("%d is ready", p);
    test_enter(m.processes[p].body);
    dynsup_ready(test->host, &nothing);
    test_leave(test);
    model_ready(&m, p);
}

static void op_change(void) {
    if (m.child_count == 0)
        return;
    int c = (int)below((uint32_t)m.child_count);
    model_child *child = &m.children[c];
    child->fails = !child->fails;
    child->ignores = child->guest && chance(20);
    note("child %d%s%s from now on", c, child->fails ? " fails" : " works",
         child->ignores ? " ignores" : "");
    if (child->guest)
        ((struct plan *)child->program->more)->status = status_of(child);
    else
        child->program->fails = child->fails ? DYNSUP_EREASON : 0;
}

static void op_pass(void) {
    static const uint32_t spans[] = {1, 50, 100, 1000, 6000};
    uint32_t ms = spans[below(5)];
    note("pass %u ms", ms);
    test_pass(test, ms);
    model_pass(&m, test->now_ns);
}

static const struct operation {
    void (*run)(void);
    uint32_t weight;
} operation_table[] = {
    {op_spawn, 10},     {op_link, 6},       {op_monitor, 5}, {op_signal, 8},
    {op_massacre, 2},   {op_exit, 14},      {op_send, 8},    {op_register, 3},
    {op_unregister, 2}, {op_supervisor, 5}, {op_start, 24},  {op_terminate, 6},
    {op_stop, 1},       {op_ready, 5},      {op_change, 4},  {op_pass, 8},
};

static void op_random(void) {
    uint32_t total = 0;
    size_t count = sizeof operation_table / sizeof *operation_table;
    for (size_t i = 0; i < count; i++)
        total += operation_table[i].weight;
    uint32_t at = below(total);
    for (size_t i = 0; i < count; i++) {
        if (at < operation_table[i].weight) {
            operation_table[i].run();
            return;
        }
        at -= operation_table[i].weight;
    }
}

/* ---- comparison ---- */

/* The newest process of each child: which body and pid it has. */
static void meet_children(void) {
    for (int c = 0; c < m.child_count; c++) {
        const model_child *child = &m.children[c];
        if (child->process < 0 || m.processes[child->process].pid)
            continue;
        model_process *process = &m.processes[child->process];
        struct plan *plan = child->program->more;
        process->body = !child->guest          ? child->program->last
                        : child->is_supervisor ? NULL
                                               : plan->made;
        process->pid = child->guest ? plan->pid : process->body->pid;
    }
}

static void compare_messages(int p) {
    model_process *process = &m.processes[p];
    const test_body *body = process->body;
    same("number of messages", p, process->received, (long long)body->received);
    assert_true(process->received - process->compared <= MODEL_INBOX);
    for (; process->compared < process->received; process->compared++) {
        const model_message *expected = &process->inbox[process->compared % MODEL_INBOX];
        const test_message *got = &body->inbox[process->compared];
        same("kind of message", p, expected->tag, got->tag);
        if (expected->tag == DYNSUP_NO_ATOM)
            continue;
        same("reason in message", p, expected->atom, got->value.as.atom);
        if (expected->tag == DYNSUP_DOWN)
            same("ref in message", p, (long long)refs[expected->from], (long long)got->from);
        else if (expected->from < 0 || pid_of(expected->from))
            same("pid in message", p, (long long)pid_of(expected->from), (long long)got->from);
    }
}

static void compare_reply(int p) {
    const model_process *process = &m.processes[p];
    if (process->asked < 0 || !process->body)
        return;
    const model_request *request = &m.requests[process->asked];
    same("being answered", p, request->done, process->body->replied);
    if (!request->done)
        return;
    same("status of the answer", p, request->status, process->body->reply.status);
    bool names_one = request->kind == MODEL_START || request->kind == MODEL_ENSURE;
    bool met = request->pid < 0 || pid_of(request->pid); /* else it was restarted already */
    if (names_one && met && (request->status == 0 || request->status == DYNSUP_EALREADY_STARTED))
        same("pid in the answer", p, (long long)pid_of(request->pid),
             (long long)process->body->reply.pid);
}

static void compare_children(int s) {
    const model_process *supervisor = &m.processes[s];
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor->pid);
    dynsup_child_info info;
    for (int i = 0; i < supervisor->child_count; i++) {
        const model_child *child = &m.children[supervisor->children[i]];
        bool restarting = child->state == MODEL_RESTARTING;
        same("number of children", s, supervisor->child_count,
             dynsup_cursor_next(cursor, &info) ? supervisor->child_count : i);
        same("pid of a child", s, (long long)(restarting ? 0 : pid_of(child->process)),
             (long long)info.pid);
        same("last pid of a child", s, (long long)pid_of(child->process), (long long)info.last_pid);
        same("name of a child", s, child->name, info.name ? info.name[0] - 'a' : -1);
    }
    same("number of children", s, supervisor->child_count,
         supervisor->child_count + dynsup_cursor_next(cursor, &info));
    dynsup_cursor_close(test->host, cursor);
}

static void compare_supervisor(int s) {
    const model_process *supervisor = &m.processes[s];
    dynsup_counts counts;
    long long active = 0, supervisors = 0;
    for (int i = 0; i < supervisor->child_count; i++) {
        active += m.children[supervisor->children[i]].state != MODEL_RESTARTING;
        supervisors += m.children[supervisor->children[i]].is_supervisor;
    }
    assert_int_equal(dynsup_count_children(test->host, supervisor->pid, &counts), 0);
    same("specs", s, supervisor->child_count, (long long)counts.specs);
    same("active", s, active, (long long)counts.active);
    same("supervisors", s, supervisors, (long long)counts.supervisors);
    same("workers", s, supervisor->child_count - supervisors, (long long)counts.workers);
    compare_children(s);
}

static void compare_process(int p) {
    model_process *process = &m.processes[p];
    if (process->seen_dead)
        return;
    process->seen_dead = !process->alive;
    if (!process->pid) {
        same("life", p, process->alive, false);
        return;
    }
    same("life", p, process->alive, dynsup_is_alive(test->host, process->pid));
    if (!process->alive)
        return;
    if (process->is_supervisor)
        compare_supervisor(p);
    else if (process->request < 0)
        compare_messages(p);
    compare_reply(p);
}

static void compare_names(void) {
    for (int i = 0; i < MODEL_NAMES; i++) {
        char text[2] = {(char)('a' + i), 0};
        same("owner of name", i, (long long)pid_of(m.name_process[i]),
             (long long)dynsup_whereis(test->host, text, 1));
    }
}

static void compare(void) {
    meet_children();
    for (int p = 0; p < m.process_count; p++)
        compare_process(p);
    compare_names();
    for (int c = 0; c < m.child_count; c++) {
        same("number of starts", c, (long long)m.children[c].made,
             (long long)m.children[c].program->made);
        if (m.children[c].accepted && m.children[c].state == MODEL_GONE)
            same("end of the program", c, true, m.children[c].program->released);
    }
}

/* ---- runs ---- */

static void plans_free(void) {
    for (int c = 0; c < m.child_count; c++)
        free(m.children[c].program->more);
}

static void run_seed(void) {
    test_host host;
    assert_true(test_host_init(&host, 0, false));
    test = &host;
    random_state = seed;
    trace_length = 0;
    trace[0] = 0;
    model_init(&m, host.now_ns);
    for (int i = 0; i < operations && model_has_room(&m); i++) {
        op_random();
        test_run(test);
        model_run(&m);
        compare();
    }
    plans_free();
    test_host_fini(&host);
}

static void random_operations_agree_with_the_model(void **state) {
    (void)state;
    for (int i = 0; i < runs; i++) {
        seed = first_seed + (uint64_t)i;
        if (tracing)
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        run_seed();
    }
}

static unsigned long long setting(int argc, char **argv, int at, const char *name,
                                  unsigned long long otherwise) {
    const char *text = argc > at ? argv[at] : getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    first_seed = setting(argc, argv, 1, "DYNSUP_MODEL_SEED", 1);
    runs = (int)setting(argc, argv, 2, "DYNSUP_MODEL_RUNS", argc > 1 ? 1 : 320);
    operations = (int)setting(argc, argv, 3, "DYNSUP_MODEL_OPERATIONS", 320);
    tracing = getenv("DYNSUP_MODEL_TRACE") != NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
