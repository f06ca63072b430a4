/* Operations on registries: see test_play.h. */
#include "test_play.h"

static bool is_registry(test_play *play, int p) {
    const model *m = &play->model;
    return m->processes[p].alive && m->processes[p].is_registry;
}

void play_registry(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int parent = play_chance(play, 50) ? play_pick(play, play_can_act) : -1;
    bool is_unique = play_chance(play, 70);
    dynsup_pid pid = 0;
    if (play_alive_count(play) >= PLAY_ALIVE_MAX)
        return;
    play_note(play, "registry %d, parent %d%s", m->process_count, parent,
              is_unique ? ", unique" : "");
    if (parent >= 0)
        test_enter(m->processes[parent].body);
    play_starve(play);
    int status = dynsup_registry_start(test->host, is_unique, NULL, 0, &pid);
    if (parent >= 0)
        test_leave(test);
    if (play_starved(play, status))
        return;
    play_same("status of a registry's start", m->process_count, 0, status);
    m->processes[model_registry(m, parent, is_unique)].pid = pid;
}

void play_enter(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    int p = play_pick(play, play_can_act);
    int registry = play_chance(play, 95) ? play_pick(play, is_registry) : play_pick_target(play);
    int key = (int)play_below(play, MODEL_KEYS), expected_holder;
    char text = (char)('0' + key);
    dynsup_pid holder = 0;
    if (p < 0 || registry < 0)
        return;
    play_note(play, "%d enters key %d of %d", p, key, registry);
    test_enter(m->processes[p].body);
    play_starve(play);
    int status = dynsup_entry_add(test->host, play_pid(play, registry), &text, 1, test_integer(key),
                                  test_integer(p), &holder);
    test_leave(test);
    if (play_starved(play, status))
        return;
    int expected = model_enter(m, p, registry, key, &expected_holder);
    play_same("status of an entry", p, expected, status);
    play_same("holder of its key", p, (long long)play_pid(play, expected_holder),
              (long long)holder);
}

/* The oldest entry of the process with this key. */
static dynsup_entry *find_entry(test_play *play, int registry, int p, char key) {
    dynsup_entry *entry = dynsup_entry_first(play->test->host, play_pid(play, registry), &key, 1);
    while (entry && dynsup_entry_inspect(entry).pid != play_pid(play, p))
        entry = dynsup_entry_next(entry);
    return entry;
}

void play_withdraw(test_play *play) {
    model *m = &play->model;
    int p = play_pick(play, play_can_act), registry = play_pick(play, is_registry);
    int key = (int)play_below(play, MODEL_KEYS);
    if (p < 0 || registry < 0)
        return;
    play_note(play, "%d withdraws from key %d of %d", p, key, registry);
    dynsup_entry *entry = find_entry(play, registry, p, (char)('0' + key));
    play_same("having an entry", p, model_withdraw(m, p, registry, key), entry != NULL);
    if (entry)
        assert_int_equal(dynsup_entry_remove(play->test->host, entry), 0);
}

void play_registry_stop(test_play *play) {
    model *m = &play->model;
    int registry = play_pick(play, is_registry);
    model_reason reason = play_reason(play);
    if (registry < 0)
        return;
    play_note(play, "registry %d stops with %s", registry, dynsup_atom_text(reason.atom));
    dynsup_reason own = dynsup_reason_atom(reason.atom);
    assert_true(dynsup_registry_stop(play->test->host, play_pid(play, registry), &own));
    model_doom(m, registry, reason);
}
