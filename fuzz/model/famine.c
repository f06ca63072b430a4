/* Operations without memory: see famine.h. */
#include "famine.h"

#include "test_static.h"

enum { SUPERVISORS_MAX = 200, WATCHES_MAX = 400, PLANS_MAX = 400, ALIVE_MAX = 40 };

/* A process that must be notified when the target ends: by a monitor, or (ref 0) by a link, as it
 * traps exits. */
typedef struct watch {
    test_body *watcher;
    dynsup_ref ref;
    dynsup_pid target;
} watch;

static test_host *host;
static bool tracing;
static uint64_t random_state;
static uint64_t told[DYNSUP_EVENT_COUNT];
static dynsup_pid supervisors[SUPERVISORS_MAX];
static watch watches[WATCHES_MAX];
static test_plan plans[PLANS_MAX];
static int supervisor_count, watch_count, plan_count;

static uint32_t below(uint32_t limit) {
    return dsi_test_random_below(&random_state, limit);
}

static bool chance(uint32_t percent) {
    return below(100) < percent;
}

/* ---- processes ---- */

static bool can_act(const test_body *body) {
    return !body->gone && body->pid && !body->key && test_alive(body);
}

static test_body *any_body(void) {
    test_body *found = NULL;
    uint32_t count = 0;
    for (test_body *body = host->bodies; body; body = body->next)
        if (can_act(body) && below(++count) == 0)
            found = body;
    return found;
}

static dynsup_pid any_supervisor(void) {
    dynsup_pid found = 0;
    uint32_t count = 0;
    for (int i = 0; i < supervisor_count; i++)
        if (dynsup_is_alive(host->host, supervisors[i]) && below(++count) == 0)
            found = supervisors[i];
    return found;
}

static dynsup_pid anybody(void) {
    dynsup_pid pid, found = 0;
    uint32_t cursor = 0, count = 0;
    while ((pid = dynsup_process_next(host->host, &cursor)))
        if (below(++count) == 0)
            found = pid;
    return found;
}

static bool is_crowded(void) {
    return dynsup_host_process_count(host->host) >= ALIVE_MAX;
}

/* ---- operations ---- */

static void spawn(void) {
    test_body *parent = chance(50) ? any_body() : NULL;
    bool traps = chance(40);
    if (is_crowded())
        return;
    test_body *body =
        parent && chance(60) ? test_spawn_link(host, parent) : test_spawn(host, parent);
    if (!body)
        return;
    body->traps = traps;
    body->more = traps ? body : NULL; /* it is to trap exits: once it has memory for that */
}

static void link_two(void) {
    test_body *body = any_body();
    dynsup_pid pid = anybody();
    if (!body || watch_count == WATCHES_MAX)
        return;
    test_enter(body);
    int status = dynsup_link(host->host, pid);
    test_leave(host);
    if (status == 0 && pid != body->pid && body->more == body && !body->traps)
        watches[watch_count++] = (watch){.watcher = body, .target = pid};
}

static void monitor(void) {
    test_body *body = any_body();
    watch *w = &watches[watch_count];
    if (!body || watch_count == WATCHES_MAX)
        return;
    *w = (watch){.watcher = body, .target = anybody()};
    test_enter(body);
    watch_count += dynsup_monitor(host->host, w->target, NULL, &w->ref) == 0;
    test_leave(host);
}

static void signal_one(void) {
    static const enum dynsup_atom atoms[] = {DYNSUP_KILL, DYNSUP_SHUTDOWN, DYNSUP_TIMEOUT};
    dynsup_pid pid = anybody();
    if (pid)
        test_signal(host, chance(40) ? any_body() : NULL, pid, atoms[below(3)]);
}

static void end_one(void) {
    static const enum dynsup_atom atoms[] = {DYNSUP_NORMAL, DYNSUP_SHUTDOWN, DYNSUP_TIMEOUT};
    test_body *body = any_body();
    if (body)
        test_exit_atom(body, atoms[below(3)]);
}

static void send(void) {
    dynsup_value value = test_integer(1);
    dynsup_timer timer;
    dynsup_pid pid = anybody();
    if (chance(50))
        dynsup_send(host->host, pid, &value, 1);
    else
        dynsup_send_at(host->host, host->now_ns + below(500) * UINT64_C(1000000), pid, &value, 1,
                       &timer);
}

static void supervisor(void) {
    dynsup_pid pid = is_crowded() ? 0 : test_supervisor_with(host, any_body(), 2 + below(9), 20);
    if (pid && supervisor_count < SUPERVISORS_MAX)
        supervisors[supervisor_count++] = pid;
}

/* A random kind of child for a spec of a plain one. */
static void vary(dynsup_child_spec *spec) {
    static const dynsup_backoff backoff = {
        .min_ms = 100, .max_ms = 500, .factor = 2, .jitter = 0.1, .reset_after_ms = 1000};
    static const dynsup_restart_limit limit = {1, 5000};
    static const double times_ms[] = {100, 5000, DYNSUP_SHUTDOWN_BRUTAL_KILL};
    static const char *const names[] = {"a", "b", "c"};
    test_program *program = spec->program;
    program->traps = chance(40);
    program->exits = chance(10);
    program->atom = DYNSUP_TIMEOUT;
    spec->restart = (enum dynsup_restart)below(3);
    spec->shutdown_ms = times_ms[below(3)];
    spec->backoff = chance(30) ? &backoff : NULL;
    spec->restart_limit = chance(20) ? &limit : NULL;
    spec->ready = chance(20);
    spec->start_timeout_ms = spec->ready ? 200 : -1;
    if (!chance(30))
        return;
    spec->name = names[below(3)];
    spec->name_length = 1;
}

static test_plan *plan_new(void) {
    test_plan *plan = &plans[plan_count++];
    *plan = (test_plan){.waits = chance(20), .again = chance(30), .traps = chance(30)};
    return plan;
}

static void start(void) {
    test_body *caller = any_body();
    dynsup_pid to = any_supervisor();
    if (!caller || !to || is_crowded() || plan_count == PLANS_MAX)
        return;
    if (chance(30)) {
        test_start_guest(host, caller, to, plan_new(), (enum dynsup_restart)below(3));
        return;
    }
    dynsup_child_spec spec = test_spec(test_program_new(host));
    vary(&spec);
    spec.id = test_integer((int64_t)below(1000) + 100);
    if (spec.name && chance(50))
        test_ensure(host, caller, to, &spec);
    else
        test_start(host, caller, to, &spec);
}

static void static_supervisor(void) {
    test_body *caller = any_body();
    test_order order = {.options.max_restarts = 2 + below(5), .options.period_ms = 5000};
    if (!caller || is_crowded() || supervisor_count == SUPERVISORS_MAX)
        return;
    order.options.strategy = (enum dynsup_strategy)below(3);
    for (uint32_t left = below(5); left > 0; left--) {
        if (plan_count < PLANS_MAX && chance(20))
            test_order_add_guest(host, &order, plan_new());
        else
            vary(test_order_add(host, &order));
    }
    test_order_ask(host, caller, &order);
    if (caller->key)
        supervisors[supervisor_count++] = caller->reply.pid;
}

static void terminate(void) {
    test_body *caller = any_body();
    dynsup_pid to = any_supervisor();
    if (caller && to)
        test_terminate(host, caller, to, anybody());
}

static void restart(void) {
    test_body *caller = any_body();
    dynsup_pid to = any_supervisor();
    uint32_t nth = 1 + below(4);
    dynsup_child_info info = {0};
    dynsup_cursor *cursor = caller && to ? dynsup_cursor_open(host->host, to) : NULL;
    if (!cursor)
        return;
    while (nth-- > 0 && dynsup_cursor_next(cursor, &info)) {
    }
    dynsup_cursor_close(host->host, cursor);
    test_enter(caller);
    test_asked(caller,
               dynsup_restart_child(host->host, to, info.last_pid, NULL, 0, true, &caller->reply));
}

static void by_id(void) {
    test_body *caller = any_body();
    dynsup_pid to = any_supervisor();
    if (caller && to)
        test_by_id(host, caller, to, (enum dynsup_static_request)below(3), (int)below(6));
}

static void stop(void) {
    test_body *caller = any_body();
    dynsup_pid to = any_supervisor();
    if (caller && to)
        test_stop(host, caller, to, DYNSUP_SHUTDOWN);
}

static void say_ready(void) {
    test_body *body = any_body();
    dynsup_value nothing = {.kind = DYNSUP_NIL};
    if (!body)
        return;
    test_enter(body);
    dynsup_ready(host->host, &nothing);
    test_leave(host);
}

static void pass(void) {
    test_pass(host, below(4) ? below(300) : 6000);
}

static const struct operation {
    const char *name;
    void (*run)(void);
    uint32_t weight;
} operation_table[] = {
    {"hungry_spawn", spawn, 10},
    {"hungry_link", link_two, 5},
    {"hungry_monitor", monitor, 6},
    {"hungry_signal", signal_one, 10},
    {"hungry_exit", end_one, 10},
    {"hungry_send", send, 8},
    {"hungry_supervisor", supervisor, 5},
    {"hungry_static", static_supervisor, 6},
    {"hungry_start", start, 20},
    {"hungry_terminate", terminate, 6},
    {"hungry_by_id", by_id, 6},
    {"hungry_restart", restart, 4},
    {"hungry_stop", stop, 2},
    {"hungry_ready", say_ready, 6},
    {"hungry_pass", pass, 10},
};

enum { OPERATIONS = sizeof operation_table / sizeof *operation_table };

static uint32_t weight_of(int kind) {
    return operation_table[kind].weight;
}

play_op famine_op_random(uint64_t *random) {
    return play_op_choose(random, weight_of, OPERATIONS);
}

const char *famine_op_name(int kind) {
    return operation_table[kind].name;
}

int famine_op_find(const char *name) {
    for (int i = 0; i < OPERATIONS; i++)
        if (strcmp(operation_table[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- the game ---- */

void famine_begin(test_host *test, bool traced) {
    host = test;
    tracing = traced;
    supervisor_count = watch_count = plan_count = 0;
    memset(told, 0, sizeof told);
}

static uint64_t count_alive(void) {
    uint64_t count = 0;
    for (uint32_t cursor = 0; dynsup_process_next(host->host, &cursor);)
        count++;
    return count;
}

/* Every process that began has ended or is there. */
static void check_events(void) {
    for (size_t i = 0; i < host->event_count; i++)
        told[host->events[i].kind]++;
    host->event_count = 0;
    assert_int_equal(told[DYNSUP_EVENT_SPAWNED], told[DYNSUP_EVENT_EXITED] + count_alive());
}

bool famine_run(const play_op *op) {
    random_state = op->seed;
    if (supervisor_count == SUPERVISORS_MAX || watch_count == WATCHES_MAX ||
        plan_count == PLANS_MAX)
        return false;
    if (chance(50)) {
        host->alloc.fail_at = host->alloc.requests + 1 + below(30);
        host->alloc.for_ever = chance(30);
    }
    if (tracing)
        fprintf(stderr, "%s%s\n", operation_table[op->kind].name,
                !host->alloc.fail_at   ? ""
                : host->alloc.for_ever ? ", no memory from some moment on"
                                       : ", no memory once");
    operation_table[op->kind].run();
    test_run(host);
    host->alloc.fail_at = 0;
    test_run(host);
    check_events();
    return true;
}

/* How often it was notified: several links are one, and an older one may have notified it before.
 */
static size_t times_told(const watch *w) {
    size_t count = 0;
    for (size_t i = 0; i < w->watcher->received; i++) {
        const test_message *message = &w->watcher->inbox[i];
        if (w->ref)
            count += message->tag == DYNSUP_DOWN && message->from == w->ref;
        else
            count |= message->tag == DYNSUP_EXIT && message->from == w->target;
    }
    return count;
}

/* By a monitor once, when the target has ended; by a link then, and perhaps before by a signal. */
static void check_watch(const watch *w) {
    bool ended = !dynsup_is_alive(host->host, w->target);
    if (!w->watcher->gone && test_alive(w->watcher) && (w->ref || ended))
        assert_int_equal(times_told(w), ended);
}

static void kill_supervisors(void) {
    for (int i = 0; i < supervisor_count; i++)
        test_signal(host, NULL, supervisors[i], DYNSUP_KILL);
    test_run(host);
}

void famine_end(void) {
    kill_supervisors();
    for (const test_body *body = host->bodies; body; body = body->next)
        if (!body->gone && body->key)
            fail_msg("somebody waits for a supervisor that is gone");
    for (int i = 0; i < watch_count; i++)
        check_watch(&watches[i]);
    dynsup_host_halt(host->host, 0);
    assert_int_equal(test_pass(host, 20000), DYNSUP_ENDED);
    check_events();
}
