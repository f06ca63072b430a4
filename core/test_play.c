/* Random operations on a host and the reference model, and their common functions: see test_play.h.
 */
#include "test_play.h"
#include <assert.h>

void play_init(test_play *play, test_host *test) {
    play->test = test;
    play->processes_keyed = play->children_keyed = 0;
    memset(play->events, 0, sizeof play->events);
    model_init(&play->model, test->now_ns);
}

static void differ(const char *what, int which, long long model_says, long long host_says) {
    fail_msg("DIFFERENCE: %s of %d: the model says %lld, the host %lld", what, which, model_says,
             host_says);
}

void play_same(const char *what, int which, long long model_says, long long host_says) {
    if (model_says != host_says)
        differ(what, which, model_says, host_says);
}

uint32_t play_below(test_play *play, uint32_t limit) {
    return dsi_test_random_below(&play->random_state, limit);
}

bool play_chance(test_play *play, uint32_t percent) {
    return play_below(play, 100) < percent;
}

dynsup_pid play_pid(const test_play *play, int p) {
    return p < 0 ? 0 : play->model.processes[p].pid;
}

void play_starve(test_play *play) {
    dsi_test_alloc *alloc = &play->test->alloc;
    uint32_t nth = 1 + play_below(play, 4);
    if (play_chance(play, 6))
        alloc->fail_at = alloc->requests + nth;
}

bool play_starved(test_play *play, int status) {
    bool refused = play->test->alloc.fail_at && play->test->alloc.refused;
    play->test->alloc.fail_at = play->test->alloc.refused = 0;
    if (status == DYNSUP_ENOMEM && !refused)
        fail_msg("there was enough memory");
    if (status == DYNSUP_ENOMEM)
        play_note(play, "  for which there is no memory");
    return status == DYNSUP_ENOMEM;
}

uint64_t play_mix(uint64_t a, uint64_t b) {
    uint64_t state = a ^ (b << 32 | b >> 32);
    return dsi_test_random(&state);
}

int play_alive_count(const test_play *play) {
    const model *m = &play->model;
    int count = 0;
    for (int p = 0; p < m->process_count; p++)
        count += m->processes[p].alive;
    return count;
}

static bool any(test_play *play, int p) {
    const model *m = &play->model;
    return m->processes[p].alive && m->processes[p].pid;
}

bool play_can_act(test_play *play, int p) {
    const model *m = &play->model;
    return any(play, p) && m->processes[p].body && m->processes[p].request < 0;
}

bool play_supervises(test_play *play, int p) {
    const model *m = &play->model;
    return any(play, p) && m->processes[p].is_supervisor;
}

/* Chooses the process whose key, mixed with this number, comes first: removing others does not
 * change the choice. */
int play_pick(test_play *play, bool (*fits)(test_play *play, int p)) {
    model *m = &play->model;
    int found = -1;
    uint64_t salt = dsi_test_random(&play->random_state), least = UINT64_MAX;
    for (int p = 0; p < m->process_count; p++) {
        uint64_t rank = play_mix(salt, play->process_keys[p]);
        if (rank >= least || !fits(play, p))
            continue;
        found = p;
        least = rank;
    }
    return found;
}

static bool known(test_play *play, int p) {
    return play->model.processes[p].pid != 0;
}

int play_pick_target(test_play *play) {
    return play_pick(play, play_chance(play, 90) ? any : known);
}

model_reason play_reason(test_play *play) {
    static const enum dynsup_atom atoms[] = {DYNSUP_NORMAL,  DYNSUP_SHUTDOWN, DYNSUP_KILL,
                                             DYNSUP_TIMEOUT, DYNSUP_TIMEOUT,  DYNSUP_NOCONNECTION};
    return model_reason_atom(atoms[play_below(play, 6)]);
}

void play_meet(test_play *play, int p, test_body *body) {
    model *m = &play->model;
    m->processes[p].body = body;
    m->processes[p].pid = body->pid;
}

static void pass(test_play *play) {
    static const uint32_t spans[] = {1, 50, 100, 1000, 6000};
    model *m = &play->model;
    test_host *test = play->test;
    uint32_t ms = spans[play_below(play, 5)];
    play_note(play, "pass %u ms", ms);
    test_pass(test, ms);
    model_pass(m, test->now_ns);
}

/* Names in a scenario's text: they must not change. */
static const struct operation {
    const char *name;
    void (*run)(test_play *play);
    uint32_t weight;
} operation_table[] = {
    {"spawn", play_spawn, 10},
    {"link", play_link, 6},
    {"monitor", play_monitor, 5},
    {"demonitor", play_demonitor, 2},
    {"signal", play_signal, 8},
    {"massacre", play_massacre, 2},
    {"exit", play_exit, 14},
    {"trap", play_trap, 3},
    {"register", play_register, 3},
    {"unregister", play_unregister, 2},
    {"send", play_send, 8},
    {"send_later", play_send_later, 5},
    {"cancel", play_cancel, 2},
    {"call", play_call, 4},
    {"reply", play_reply, 4},
    {"registry", play_registry, 2},
    {"enter", play_enter, 6},
    {"withdraw", play_withdraw, 2},
    {"registry_stop", play_registry_stop, 1},
    {"supervisor", play_supervisor, 5},
    {"static", play_static, 5},
    {"start", play_start, 24},
    {"terminate", play_terminate, 6},
    {"restart", play_restart, 4},
    {"by_id", play_by_id, 8},
    {"stop", play_stop, 2},
    {"ready", play_ready, 6},
    {"change", play_change, 4},
    {"pass", pass, 10},
};

enum { OPERATIONS = sizeof operation_table / sizeof *operation_table };

play_op play_op_choose(uint64_t *random, uint32_t (*weight)(int kind), int count) {
    uint32_t total = 0, at;
    int kind = 0;
    for (int i = 0; i < count; i++)
        total += weight(i);
    assert(total > 0);
    at = dsi_test_random_below(random, total);
    while (at >= weight(kind))
        at -= weight(kind++);
    return (play_op){kind, dsi_test_random(random)};
}

static uint32_t weight_of(int kind) {
    return operation_table[kind].weight;
}

play_op play_op_random(uint64_t *random) {
    return play_op_choose(random, weight_of, OPERATIONS);
}

const char *play_op_name(int kind) {
    return operation_table[kind].name;
}

int play_op_find(const char *name) {
    for (int i = 0; i < OPERATIONS; i++)
        if (strcmp(operation_table[i].name, name) == 0)
            return i;
    return -1;
}

/* Gives new processes a key that does not depend on how many there were before. */
static void give_keys(test_play *play) {
    const model *m = &play->model;
    uint64_t count = 0;
    for (; play->children_keyed < m->child_count; play->children_keyed++)
        play->child_keys[play->children_keyed] = play_mix(play->op_seed, ++count);
    for (; play->processes_keyed < m->process_count; play->processes_keyed++) {
        int c = m->processes[play->processes_keyed].child;
        play->process_keys[play->processes_keyed] =
            c >= 0 ? play_mix(play->child_keys[c], (uint64_t)m->children[c].incarnations)
                   : play_mix(play->op_seed, ++count);
    }
}

bool play_run(test_play *play, const play_op *op) {
    if (!model_has_room(&play->model))
        return false;
    play->op_seed = play->random_state = op->seed;
    operation_table[op->kind].run(play);
    test_run(play->test);
    model_pass(&play->model, play->test->now_ns);
    give_keys(play);
    play_compare(play);
    return true;
}

/* Kills all processes: those without a limit of their shutdown time would block the end of a host,
 * as would those that wait for them. */
static enum dynsup_state kill_all(test_host *test) {
    uint32_t cursor = 0;
    dynsup_pid pid;
    while ((pid = dynsup_process_next(test->host, &cursor)))
        test_signal(test, NULL, pid, DYNSUP_KILL);
    return test_settle(test);
}

void play_end(test_play *play) {
    test_host *test = play->test;
    play_note(play, "the end");
    dynsup_host_halt(test->host, 0);
    enum dynsup_state state = test_pass(test, 20000);
    if (state != DYNSUP_ENDED)
        state = kill_all(test);
    play_same("state", 0, DYNSUP_ENDED, state);
    play_events(play);
    play_same("processes that have ended", 0, (long long)play->events[DYNSUP_EVENT_SPAWNED],
              (long long)play->events[DYNSUP_EVENT_EXITED]);
    for (int c = 0; c < play->model.child_count; c++)
        free(play->model.children[c].program->more);
}
