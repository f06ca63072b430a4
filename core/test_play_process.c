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
    play_starve(play);
    test_body *body = links ? test_spawn_link(test, from) : test_spawn(test, from);
    if (play_starved(play, body ? 0 : DYNSUP_ENOMEM) || !body)
        return;
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
    play_starve(play);
    int status = dynsup_monitor(test->host, play_pid(play, b), NULL,
                                &play->refs[m->monitor_count % PLAY_REFS]);
    test_leave(test);
    if (play_starved(play, status))
        return;
    play_same("status of monitor", a, 0, status);
    model_monitor(m, a, b);
}

/* A monitor held by a process that can act, or NULL. */
static model_relation *pick_monitor(test_play *play) {
    model *m = &play->model;
    model_relation *found = NULL;
    uint64_t salt = dsi_test_random(&play->random_state), least = UINT64_MAX;
    for (int i = 0; i < m->relation_count; i++) {
        model_relation *r = &m->relations[i];
        uint64_t rank =
            play_mix(salt, play_mix(play->process_keys[r->from], play->process_keys[r->to]));
        if (!r->monitor || r->call >= 0 || rank >= least || !play_can_act(play, r->from))
            continue;
        found = r;
        least = rank;
    }
    return found;
}

void play_demonitor(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    const model_relation *monitor = pick_monitor(play);
    if (!monitor)
        return;
    play_note(play, "demonitor %d %d", monitor->from, monitor->to);
    test_enter(m->processes[monitor->from].body);
    bool was_there = dynsup_demonitor(test->host, play->refs[monitor->number % PLAY_REFS]);
    test_leave(test);
    play_same("DOWN in the mailbox", monitor->from, false, was_there);
    model_demonitor(m, monitor->number);
}

void play_trap(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int p = play_pick(play, play_can_act);
    bool traps = play_chance(play, 60), old = false;
    if (p < 0)
        return;
    play_note(play, "%d traps exits%s", p, traps ? "" : " no more");
    test_enter(m->processes[p].body);
    play_starve(play);
    int status = dynsup_trap_exit(test->host, traps, &old);
    test_leave(test);
    if (play_starved(play, status))
        return;
    play_same("status of trap_exit", p, 0, status);
    play_same("trapping exits", p, m->processes[p].traps, old);
    m->processes[p].traps = traps;
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

void play_register(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int p = play_pick_target(play), name = (int)play_below(play, MODEL_NAMES);
    char text[2] = {(char)('a' + name), 0};
    if (p < 0)
        return;
    play_note(play, "register %s %d", text, p);
    play_starve(play);
    int status = dynsup_register(test->host, text, 1, play_pid(play, p));
    if (play_starved(play, status))
        return;
    bool alive = m->processes[p].alive;
    bool free_name = m->name_process[name] < 0 && m->name_child[name] < 0;
    int held = m->processes[p].name;
    bool has_one = held >= 0 && m->name_process[held] == p;
    int expected = !alive ? DYNSUP_ENOPROC : has_one || !free_name ? DYNSUP_ETAKEN : 0;
    play_same("status of register", p, expected, status);
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
    play_same("status of unregister", name,
              c >= 0   ? DYNSUP_ETAKEN
              : p >= 0 ? 0
                       : DYNSUP_ENOPROC,
              status);
    if (status == 0)
        m->name_process[name] = m->processes[p].name = -1;
}
