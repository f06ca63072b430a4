/* Operations on messages, timers and calls: see test_play.h. */
#include "test_play.h"

void play_send(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int to = play_chance(play, 50) ? play_pick(play, play_supervises) : play_pick_target(play);
    int what = (int)play_below(play, 100);
    dynsup_value value = test_integer(what);
    if (to < 0)
        return;
    play_note(play, "send %d to %d", what, to);
    play_starve(play);
    int status = dynsup_send(test->host, play_pid(play, to), &value, 1);
    if (play_starved(play, status))
        return;
    play_same("status of send", to, 0, status);
    model_send(m, to, what);
}

void play_send_later(test_play *play) {
    static const uint32_t spans_ms[] = {0, 1, 50, 100, 200, 1000, 5000};
    model *m = &play->model;
    test_host *test = play->test;
    int to = play_pick_target(play), number = m->timer_count;
    uint32_t ms = spans_ms[play_below(play, 7)];
    uint64_t at_ns = test->now_ns + ms * UINT64_C(1000000);
    dynsup_value value = test_integer(number);
    if (to < 0)
        return;
    play_note(play, "timer %d to %d in %u ms", number, to, ms);
    play_starve(play);
    int status =
        dynsup_send_at(test->host, at_ns, play_pid(play, to), &value, 1, &play->timer_ids[number]);
    if (play_starved(play, status))
        return;
    play_same("status of send_at", to, 0, status);
    play_same("making a timer", to, model_lives(m, to), play->timer_ids[number] != 0);
    model_send_at(m, to, at_ns);
}

void play_cancel(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    uint64_t left_ns;
    uint32_t number = play_below(play, MODEL_TIMERS);
    if (m->timer_count == 0)
        return;
    int timer = (int)(number % (uint32_t)m->timer_count);
    play_note(play, "cancel timer %d", timer);
    bool was_set = dynsup_cancel_timer(test->host, play->timer_ids[timer], &left_ns);
    play_same("having the timer", timer, model_cancel(m, timer), was_set);
    uint64_t at_ns = m->timers[timer].at_ns;
    if (was_set)
        play_same("time left of timer", timer,
                  (long long)(at_ns > m->now_ns ? at_ns - m->now_ns : 0), (long long)left_ns);
}

void play_call(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int caller = play_pick(play, play_can_act), to = play_pick_target(play);
    if (caller < 0 || to < 0)
        return;
    play_note(play, "%d calls %d", caller, to);
    test_body *body = m->processes[caller].body;
    dynsup_value what = test_integer(0);
    dynsup_ref ref = 0;
    test_enter(body);
    play_starve(play);
    int status = dynsup_call(test->host, play_pid(play, to), DYNSUP_CALL, &what, &ref);
    bool starved = play_starved(play, status);
    body->reply = (dynsup_reply){.status = status, .key = ref};
    test_asked(body, status ? status : DYNSUP_PENDING);
    if (starved) {
        m->processes[caller].asked = -1;
        return;
    }
    play->call_refs[m->request_count] = ref;
    model_call(m, caller, to);
    play_asks(play, caller);
}

/* The request of an unanswered call, or -1; in few cases of an answered one. */
static int pick_call(test_play *play) {
    model *m = &play->model;
    int found = -1;
    bool late = play_chance(play, 10);
    uint64_t salt = dsi_test_random(&play->random_state), least = UINT64_MAX;
    for (int r = 0; r < m->request_count; r++) {
        const model_request *request = &m->requests[r];
        uint64_t rank = play_mix(salt, play->process_keys[request->caller]);
        if (request->kind != MODEL_CALL || request->done != late || rank >= least)
            continue;
        found = r;
        least = rank;
    }
    return found;
}

void play_reply(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int r = pick_call(play);
    if (r < 0)
        return;
    play_note(play, "reply to %d", m->requests[r].caller);
    test_body *body = dynsup_caller(test->host, play->call_refs[r], &test_body_ops);
    play_same("waiting for a reply", m->requests[r].caller, model_reply(m, r), body != NULL);
    if (!body)
        return;
    body->key = 0;
    body->replied = true;
    body->reply = (dynsup_reply){0};
    dynsup_call_replied(test->host, play->call_refs[r]);
}
