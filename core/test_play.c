/* Random operations on a host and the reference model, and what they share: see test_play.h. */
#include "test_play.h"

void play_init(test_play *play, test_host *test, uint64_t seed) {
    play->test = test;
    play->seed = play->random_state = seed;
    play->trace_length = 0;
    play->trace[0] = 0;
    model_init(&play->model, test->now_ns);
}

void play_take_down(test_play *play) {
    if (play->tracing)
        fprintf(stderr, "%s\n", play->line);
    if (play->trace_length + strlen(play->line) + 2 >= sizeof play->trace)
        return;
    play->trace_length += (size_t)sprintf(play->trace + play->trace_length, "%s\n", play->line);
}

static void differ(test_play *play, const char *what, int which, long long model_says,
                   long long host_says) {
    fprintf(stderr, "%sseed %llu: %s of %d: the model says %lld, the host %lld\n", play->trace,
            (unsigned long long)play->seed, what, which, model_says, host_says);
    fail();
}

void play_same(test_play *play, const char *what, int which, long long model_says,
               long long host_says) {
    if (model_says != host_says)
        differ(play, what, which, model_says, host_says);
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

int play_pick(test_play *play, bool (*fits)(test_play *play, int p)) {
    model *m = &play->model;
    int found = -1;
    uint32_t count = 0;
    for (int p = 0; p < m->process_count; p++)
        if (fits(play, p) && play_below(play, ++count) == 0)
            found = p;
    return found;
}

int play_pick_target(test_play *play) {
    model *m = &play->model;
    if (play_chance(play, 90) || m->process_count == 0)
        return play_pick(play, any);
    int p = (int)play_below(play, (uint32_t)m->process_count);
    return m->processes[p].pid ? p : -1;
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

static const struct operation {
    void (*run)(test_play *play);
    uint32_t weight;
} operation_table[] = {
    {play_spawn, 10},     {play_link, 6},       {play_monitor, 5}, {play_signal, 8},
    {play_massacre, 2},   {play_exit, 14},      {play_send, 8},    {play_register, 3},
    {play_unregister, 2}, {play_supervisor, 5}, {play_start, 24},  {play_terminate, 6},
    {play_stop, 1},       {play_ready, 5},      {play_change, 4},  {pass, 8},
};

void play_operation(test_play *play) {
    uint32_t total = 0;
    size_t count = sizeof operation_table / sizeof *operation_table;
    for (size_t i = 0; i < count; i++)
        total += operation_table[i].weight;
    uint32_t at = play_below(play, total);
    for (size_t i = 0; i < count; i++) {
        if (at < operation_table[i].weight) {
            operation_table[i].run(play);
            return;
        }
        at -= operation_table[i].weight;
    }
}
