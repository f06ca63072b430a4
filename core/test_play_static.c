/* Operations on static supervisors: see test_play.h. */
#include "test_play.h"

enum { CHILDREN_MAX = 4 };

static const char *const strategies[] = {"one_for_one", "one_for_all", "rest_for_one"};

/* The draft, or NULL without memory; the children from `first` on. */
static dynsup_draft *draft_of(test_play *play, int first, int count) {
    dynsup_draft *draft = dynsup_draft_new(play->test->host);
    char name[2];
    assert_non_null(draft);
    for (int i = 0; i < count; i++) {
        dynsup_child_spec spec = play_spec(play, first + i, name);
        play_note(play, "  child %d: %s", first + i,
                  play_child_text(&play->model.children[first + i]));
        assert_int_equal(dynsup_draft_add(draft, &spec), 0);
    }
    return draft;
}

void play_static(test_play *play) {
    static const uint64_t restarts[] = {0, 1, 3, 10};
    model *m = &play->model;
    test_host *test = play->test;
    int caller = play_pick(play, play_can_act), first = m->child_count;
    int count = (int)play_below(play, CHILDREN_MAX + 1);
    dynsup_supervisor_options options = {.period_ms = 5000};
    options.max_restarts = restarts[play_below(play, 4)];
    options.strategy = (enum dynsup_strategy)play_below(play, 3);
    if (caller < 0 || play_alive_count(play) + count >= PLAY_ALIVE_MAX)
        return;
    play_note(play, "%d starts static supervisor %d, %s, %d restarts", caller, m->process_count,
              strategies[options.strategy], (int)options.max_restarts);
    for (int i = 0; i < count; i++)
        play_child(play, m->process_count);
    dynsup_draft *draft = draft_of(play, first, count);
    test_body *body = m->processes[caller].body;
    test_enter(body);
    play_starve(play);
    int status = dynsup_static_start(test->host, &options, draft, &body->reply);
    dynsup_pid pid = body->reply.pid;
    test_asked(body, status);
    if (play_starved(play, status)) {
        for (int i = 0; i < count; i++)
            m->children[first + i].state = MODEL_GONE;
        m->processes[caller].asked = -1;
        return;
    }
    int s =
        model_static(m, caller, options.strategy, options.max_restarts, count ? first : -1, count);
    m->processes[s].pid = pid;
    play_asks(play, caller);
}

static bool is_static(test_play *play, int p) {
    return play_supervises(play, p) && play->model.processes[p].is_static;
}

/* One of its ids, or an unused one; in few cases any id that has ever been used. */
static int pick_id(test_play *play, int s) {
    const model *m = &play->model;
    const model_process *supervisor = &m->processes[s];
    int found = -1;
    bool lost = play_chance(play, 5);
    uint64_t salt = dsi_test_random(&play->random_state), least = UINT64_MAX;
    for (int i = 0; i < supervisor->child_count; i++) {
        int c = supervisor->children[i];
        uint64_t rank = play_mix(salt, play->child_keys[c]);
        if (rank >= least)
            continue;
        found = m->children[c].id;
        least = rank;
    }
    return lost ? -1 : found;
}

void play_by_id(test_play *play) {
    static const char *const verbs[] = {"terminates", "restarts", "deletes"};
    static const enum model_kind kinds[] = {MODEL_TERMINATE_ID, MODEL_RESTART_ID, MODEL_DELETE_ID};
    model *m = &play->model;
    test_host *test = play->test;
    int caller = play_pick(play, play_can_act);
    int s = play_pick(play, play_chance(play, 95) ? is_static : play_supervises);
    uint32_t what = play_below(play, 3);
    if (caller < 0 || s < 0)
        return;
    int id = pick_id(play, s);
    play_note(play, "%d %s id %d of %d", caller, verbs[what], id, s);
    test_body *body = m->processes[caller].body;
    test_enter(body);
    play_starve(play);
    int status = test_asked(body, dynsup_static_request(test->host, play_pid(play, s),
                                                        (enum dynsup_static_request)what,
                                                        test_integer(id), true, &body->reply));
    if (play_starved(play, status)) {
        m->processes[caller].asked = -1;
        return;
    }
    model_ask(m, caller, s, kinds[what], id, -1, (model_reason){0});
    play_asks(play, caller);
}
