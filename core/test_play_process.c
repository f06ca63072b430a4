/* Operations on processes, their links, monitors and names: see test_play.h. */
#include "test_play.h"

void play_spawn(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int parent = play_chance(play, 50) ? play_pick(play, play_can_act) : -1;
    bool links = parent >= 0 && play_chance(play, 70), traps = play_chance(play, 40);
    if (play_alive_count(play) >= PLAY_ALIVE_MAX)
        return;
    play_note(play, "spawn %d, parent %d%s%s", m->process_count, parent, links ? ", linked" : "",
              traps ? ", traps" : "");
    test_body *from = parent >= 0 ? m->processes[parent].body : NULL;
    test_body *body = links ? test_spawn_link(test, from) : test_spawn(test, from);
    body->traps = traps;
    int p = model_spawn(m, parent, traps);
    if (links)
        model_link(m, parent, p);
    play_meet(play, p, body);
}

void play_link(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int a = play_pick(play, play_can_act), b = play_pick_target(play);
    bool unlinks = play_chance(play, 30);
    if (a < 0 || b < 0)
        return;
    play_note(play, "%s %d %d", unlinks ? "unlink" : "link", a, b);
    test_enter(m->processes[a].body);
    if (unlinks)
        dynsup_unlink(test->host, play_pid(play, b));
    else
        assert_int_equal(dynsup_link(test->host, play_pid(play, b)), 0);
    test_leave(test);
    if (unlinks)
        model_unlink(m, a, b);
    else
        model_link(m, a, b);
}

void play_monitor(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int a = play_pick(play, play_can_act), b = play_pick_target(play);
    if (a < 0 || b < 0)
        return;
    play_note(play, "monitor %d %d", a, b);
    test_enter(m->processes[a].body);
    assert_int_equal(dynsup_monitor(test->host, play_pid(play, b), NULL,
                                    &play->refs[m->monitor_count % PLAY_REFS]),
                     0);
    test_leave(test);
    model_monitor(m, a, b);
}

void play_signal(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int from = play_chance(play, 60) ? play_pick(play, play_can_act) : -1,
        to = play_pick_target(play);
    model_reason reason = play_reason(play);
    if (to < 0)
        return;
    play_note(play, "signal %s from %d to %d", dynsup_atom_text(reason.atom), from, to);
    test_signal(test, from >= 0 ? m->processes[from].body : NULL, play_pid(play, to), reason.atom);
    model_signal(m, from, to, reason);
}

void play_massacre(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    for (uint32_t left = 2 + play_below(play, 4); left > 0; left--) {
        int to = play_pick_target(play);
        if (to < 0)
            return;
        play_note(play, "kill %d", to);
        test_signal(test, NULL, play_pid(play, to), DYNSUP_KILL);
        model_signal(m, -1, to, model_reason_atom(DYNSUP_KILL));
    }
}

void play_exit(test_play *play) {
    model *m = &play->model;
    int p = play_pick(play, play_can_act);
    model_reason reason = play_reason(play);
    if (p < 0)
        return;
    if (play_chance(play, 15))
        reason = (model_reason){DYNSUP_REASON_SHUTDOWN, DYNSUP_IGNORE};
    play_note(play, "exit %d with %s", p, dynsup_atom_text(reason.atom));
    test_exit(m->processes[p].body, reason.kind, test_atom(reason.atom));
    model_exit(m, p, reason);
}

void play_send(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int to = play_chance(play, 50) ? play_pick(play, play_supervises) : play_pick_target(play);
    dynsup_value value = test_integer(1);
    if (to < 0)
        return;
    play_note(play, "send %d", to);
    assert_int_equal(dynsup_send(test->host, play_pid(play, to), &value, 1), 0);
    model_send(m, to);
}

void play_register(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int p = play_pick_target(play), name = (int)play_below(play, MODEL_NAMES);
    char text[2] = {(char)('a' + name), 0};
    if (p < 0)
        return;
    play_note(play, "register %s %d", text, p);
    int status = dynsup_register(test->host, text, 1, play_pid(play, p));
    bool alive = m->processes[p].alive;
    bool free_name = m->name_process[name] < 0 && m->name_child[name] < 0;
    int held = m->processes[p].name;
    bool has_one = held >= 0 && m->name_process[held] == p;
    int expected = !alive ? DYNSUP_ENOPROC : has_one || !free_name ? DYNSUP_ETAKEN : 0;
    play_same(play, "status of register", p, expected, status);
    if (status)
        return;
    m->name_process[name] = p;
    m->processes[p].name = name;
}

void play_unregister(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int name = (int)play_below(play, MODEL_NAMES);
    char text[2] = {(char)('a' + name), 0};
    play_note(play, "unregister %s", text);
    int p = m->name_process[name], c = m->name_child[name];
    int status = dynsup_unregister(test->host, text, 1);
    play_same(play, "status of unregister", name,
              c >= 0   ? DYNSUP_ETAKEN
              : p >= 0 ? 0
                       : DYNSUP_ENOPROC,
              status);
    if (status == 0)
        m->name_process[name] = m->processes[p].name = -1;
}
