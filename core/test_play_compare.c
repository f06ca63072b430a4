/* The host held against the reference model: see test_play.h. */
#include "test_play.h"

/* Learns the body and pid of each child's newest process. */
static void meet_children(test_play *play) {
    model *m = &play->model;
    for (int c = 0; c < m->child_count; c++) {
        const model_child *child = &m->children[c];
        if (child->process < 0 || m->processes[child->process].pid)
            continue;
        model_process *process = &m->processes[child->process];
        struct play_plan *plan = child->program->more;
        process->body = !child->guest          ? child->program->last
                        : child->is_supervisor ? NULL
                                               : plan->made;
        process->pid = child->guest ? plan->pid : process->body ? process->body->pid : 0;
        play_same("having been started", c, true, process->pid != 0);
    }
}

static void compare_messages(test_play *play, int p) {
    model *m = &play->model;
    model_process *process = &m->processes[p];
    const test_body *body = process->body;
    play_same("number of messages", p, process->received, (long long)body->received);
    assert_true(process->received - process->compared <= MODEL_INBOX);
    for (; process->compared < process->received; process->compared++) {
        const model_message *expected = &process->inbox[process->compared % MODEL_INBOX];
        const test_message *got = &body->inbox[process->compared];
        play_same("kind of message", p, expected->tag, got->tag);
        bool is_plain = expected->tag == DYNSUP_NO_ATOM;
        if (is_plain)
            play_same("what was sent", p, expected->from,
                      got->value.kind == DYNSUP_INTEGER ? (long long)got->value.as.integer : -1);
        if (is_plain)
            continue;
        play_same("reason in message", p, expected->atom, got->value.as.atom);
        if (expected->tag == DYNSUP_DOWN)
            play_same("ref in message", p, (long long)play->refs[expected->from],
                      (long long)got->from);
        else if (expected->from < 0 || play_pid(play, expected->from))
            play_same("pid in message", p, (long long)play_pid(play, expected->from),
                      (long long)got->from);
    }
}

static void compare_reply(test_play *play, int p) {
    model *m = &play->model;
    const model_process *process = &m->processes[p];
    if (process->asked < 0 || !process->body)
        return;
    const model_request *request = &m->requests[process->asked];
    play_same("being answered", p, request->done, process->body->replied);
    if (!request->done)
        return;
    play_same("status of the answer", p, request->status, process->body->reply.status);
    bool names_one = request->kind == MODEL_START || request->kind == MODEL_ENSURE ||
                     request->kind == MODEL_RESTART_ID || request->kind == MODEL_RESTART ||
                     request->kind == MODEL_FIRST_START;
    bool met = request->pid < 0 || play_pid(play, request->pid); /* else it was restarted already */
    if (names_one && met && (request->status == 0 || request->status == DYNSUP_EALREADY_STARTED))
        play_same("pid in the answer", p, (long long)play_pid(play, request->pid),
                  (long long)process->body->reply.pid);
}

static bool is_active(const model_child *child) {
    return child->state != MODEL_RESTARTING && child->state != MODEL_FAILED &&
           child->state != MODEL_DOWN;
}

/* The n-th child to be shown; a static supervisor shows the last one first. */
static const model_child *shown(const model *m, const model_process *supervisor, int n) {
    return &m->children[supervisor->children[supervisor->is_static ? supervisor->child_count - 1 - n
                                                                   : n]];
}

static void compare_children(test_play *play, int s) {
    model *m = &play->model;
    test_host *test = play->test;
    const model_process *supervisor = &m->processes[s];
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor->pid);
    assert_non_null(cursor);
    dynsup_child_info info;
    for (int i = 0; i < supervisor->child_count; i++) {
        const model_child *child = shown(m, supervisor, i);
        play_same("number of children", s, supervisor->child_count,
                  dynsup_cursor_next(cursor, &info) ? supervisor->child_count : i);
        play_same("pid of a child", s,
                  (long long)(is_active(child) ? play_pid(play, child->process) : 0),
                  (long long)info.pid);
        play_same("last pid of a child", s, (long long)play_pid(play, child->process),
                  (long long)info.last_pid);
        bool has_name = child->name >= 0 && m->name_child[child->name] == child - m->children;
        play_same("name of a child", s, has_name ? child->name : -1,
                  info.name ? info.name[0] - 'a' : -1);
    }
    play_same("number of children", s, supervisor->child_count,
              supervisor->child_count + dynsup_cursor_next(cursor, &info));
    dynsup_cursor_close(test->host, cursor);
}

static void compare_supervisor(test_play *play, int s) {
    model *m = &play->model;
    test_host *test = play->test;
    const model_process *supervisor = &m->processes[s];
    dynsup_counts counts;
    long long active = 0, supervisors = 0;
    for (int i = 0; i < supervisor->child_count; i++) {
        active += is_active(&m->children[supervisor->children[i]]);
        supervisors += m->children[supervisor->children[i]].is_supervisor;
    }
    assert_int_equal(dynsup_count_children(test->host, supervisor->pid, &counts), 0);
    play_same("specs", s, supervisor->child_count, (long long)counts.specs);
    play_same("active", s, active, (long long)counts.active);
    play_same("supervisors", s, supervisors, (long long)counts.supervisors);
    play_same("workers", s, supervisor->child_count - supervisors, (long long)counts.workers);
    compare_children(play, s);
}

static void compare_registry(test_play *play, int p) {
    model *m = &play->model;
    dynsup_registry_info info;
    long long count = 0;
    int holders[MODEL_KEYS] = {-1, -1, -1, -1};
    for (int i = 0; i < m->entry_count; i++) {
        if (m->entries[i].registry != p || m->entries[i].ended)
            continue;
        count++;
        holders[m->entries[i].key] = m->entries[i].process;
    }
    assert_int_equal(dynsup_registry_inspect(play->test->host, play_pid(play, p), &info), 0);
    play_same("entries", p, count, (long long)info.entry_count);
    for (int key = 0; key < MODEL_KEYS && info.unique; key++) {
        char text = (char)('0' + key);
        play_same(
            "holder of a key", p, (long long)play_pid(play, holders[key]),
            (long long)dynsup_registry_whereis(play->test->host, play_pid(play, p), &text, 1));
    }
}

/* The link to the supervisor that has spawned a child is kept with the child. */
static long long count_links(const model *m, int p) {
    long long count = m->processes[p].child >= 0 && m->processes[p].parent_link;
    for (int i = 0; i < m->relation_count; i++) {
        const model_relation *r = &m->relations[i];
        count += !r->ended && !r->monitor && (r->from == p || r->to == p);
    }
    for (int i = 0; i < m->processes[p].child_count; i++) {
        const model_child *child = &m->children[m->processes[p].children[i]];
        count += is_active(child) && !child->guest && m->processes[child->process].parent_link &&
                 m->processes[child->process].alive;
    }
    return count;
}

static void compare_relations(test_play *play, int p) {
    model *m = &play->model;
    dynsup_process_info info;
    long long watches = 0, watched = 0;
    for (int i = 0; i < m->relation_count; i++) {
        const model_relation *r = &m->relations[i];
        watches += !r->ended && r->monitor && r->from == p;
        watched += !r->ended && r->monitor && r->to == p;
    }
    assert_true(dynsup_process_inspect(play->test->host, play_pid(play, p), &info));
    play_same("links", p, count_links(m, p), (long long)info.link_count);
    play_same("monitors", p, watches, (long long)info.monitor_count);
    play_same("being monitored", p, watched, (long long)info.monitored_by_count);
}

static void compare_process(test_play *play, int p) {
    model *m = &play->model;
    test_host *test = play->test;
    model_process *process = &m->processes[p];
    if (process->seen_dead)
        return;
    process->seen_dead = !process->alive;
    if (!process->pid) {
        play_same("life", p, process->alive, false);
        return;
    }
    play_same("life", p, process->alive, dynsup_is_alive(test->host, process->pid));
    if (!process->alive)
        return;
    compare_relations(play, p);
    if (process->is_registry)
        compare_registry(play, p);
    else if (process->is_supervisor)
        compare_supervisor(play, p);
    else if (process->request < 0)
        compare_messages(play, p);
    compare_reply(play, p);
}

static void compare_names(test_play *play) {
    model *m = &play->model;
    test_host *test = play->test;
    for (int i = 0; i < MODEL_NAMES; i++) {
        char text[2] = {(char)('a' + i), 0};
        play_same("owner of name", i, (long long)play_pid(play, m->name_process[i]),
                  (long long)dynsup_whereis(test->host, text, 1));
    }
}

void play_events(test_play *play) {
    test_host *test = play->test;
    for (size_t i = 0; i < test->event_count; i++)
        play->events[test->events[i].kind]++;
    test->event_count = 0;
}

static void compare_events(test_play *play) {
    static const struct counted {
        enum dynsup_event_kind kind;
        const char *what;
    } all[] = {
        {DYNSUP_EVENT_SPAWNED, "events of processes begun"},
        {DYNSUP_EVENT_EXITED, "events of processes ended"},
        {DYNSUP_EVENT_CHILD_STARTED, "events of children started"},
        {DYNSUP_EVENT_CHILD_RESTARTED, "events of children restarted"},
        {DYNSUP_EVENT_CHILD_DELAYED, "events of restarts delayed"},
        {DYNSUP_EVENT_CHILD_REMOVED, "events of children removed"},
        {DYNSUP_EVENT_START_ERROR, "events of restarts that failed"},
        {DYNSUP_EVENT_GAVE_UP, "events of giving up"},
        {DYNSUP_EVENT_CHILD_FAILED, "events of children that have failed"},
    };
    play_events(play);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        play_same(all[i].what, -1, (long long)play->model.events[all[i].kind],
                  (long long)play->events[all[i].kind]);
}

void play_compare(test_play *play) {
    model *m = &play->model;
    meet_children(play);
    for (int p = 0; p < m->process_count; p++)
        compare_process(play, p);
    compare_names(play);
    compare_events(play);
    for (int c = 0; c < m->child_count; c++) {
        play_same("number of starts", c, (long long)m->children[c].made,
                  (long long)m->children[c].program->made);
        if (m->children[c].accepted && m->children[c].state == MODEL_GONE)
            play_same("end of the program", c, true, m->children[c].program->released);
    }
}
