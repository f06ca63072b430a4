/* The host held against the reference model: see test_play.h. */
#include "test_play.h"

/* The newest process of each child: which body and pid it has. */
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
        process->pid = child->guest ? plan->pid : process->body->pid;
    }
}

static void compare_messages(test_play *play, int p) {
    model *m = &play->model;
    model_process *process = &m->processes[p];
    const test_body *body = process->body;
    play_same(play, "number of messages", p, process->received, (long long)body->received);
    assert_true(process->received - process->compared <= MODEL_INBOX);
    for (; process->compared < process->received; process->compared++) {
        const model_message *expected = &process->inbox[process->compared % MODEL_INBOX];
        const test_message *got = &body->inbox[process->compared];
        play_same(play, "kind of message", p, expected->tag, got->tag);
        if (expected->tag == DYNSUP_NO_ATOM)
            continue;
        play_same(play, "reason in message", p, expected->atom, got->value.as.atom);
        if (expected->tag == DYNSUP_DOWN)
            play_same(play, "ref in message", p, (long long)play->refs[expected->from],
                      (long long)got->from);
        else if (expected->from < 0 || play_pid(play, expected->from))
            play_same(play, "pid in message", p, (long long)play_pid(play, expected->from),
                      (long long)got->from);
    }
}

static void compare_reply(test_play *play, int p) {
    model *m = &play->model;
    const model_process *process = &m->processes[p];
    if (process->asked < 0 || !process->body)
        return;
    const model_request *request = &m->requests[process->asked];
    play_same(play, "being answered", p, request->done, process->body->replied);
    if (!request->done)
        return;
    play_same(play, "status of the answer", p, request->status, process->body->reply.status);
    bool names_one = request->kind == MODEL_START || request->kind == MODEL_ENSURE;
    bool met = request->pid < 0 || play_pid(play, request->pid); /* else it was restarted already */
    if (names_one && met && (request->status == 0 || request->status == DYNSUP_EALREADY_STARTED))
        play_same(play, "pid in the answer", p, (long long)play_pid(play, request->pid),
                  (long long)process->body->reply.pid);
}

static void compare_children(test_play *play, int s) {
    model *m = &play->model;
    test_host *test = play->test;
    const model_process *supervisor = &m->processes[s];
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor->pid);
    dynsup_child_info info;
    for (int i = 0; i < supervisor->child_count; i++) {
        const model_child *child = &m->children[supervisor->children[i]];
        bool restarting = child->state == MODEL_RESTARTING;
        play_same(play, "number of children", s, supervisor->child_count,
                  dynsup_cursor_next(cursor, &info) ? supervisor->child_count : i);
        play_same(play, "pid of a child", s,
                  (long long)(restarting ? 0 : play_pid(play, child->process)),
                  (long long)info.pid);
        play_same(play, "last pid of a child", s, (long long)play_pid(play, child->process),
                  (long long)info.last_pid);
        play_same(play, "name of a child", s, child->name, info.name ? info.name[0] - 'a' : -1);
    }
    play_same(play, "number of children", s, supervisor->child_count,
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
        active += m->children[supervisor->children[i]].state != MODEL_RESTARTING;
        supervisors += m->children[supervisor->children[i]].is_supervisor;
    }
    assert_int_equal(dynsup_count_children(test->host, supervisor->pid, &counts), 0);
    play_same(play, "specs", s, supervisor->child_count, (long long)counts.specs);
    play_same(play, "active", s, active, (long long)counts.active);
    play_same(play, "supervisors", s, supervisors, (long long)counts.supervisors);
    play_same(play, "workers", s, supervisor->child_count - supervisors, (long long)counts.workers);
    compare_children(play, s);
}

static void compare_process(test_play *play, int p) {
    model *m = &play->model;
    test_host *test = play->test;
    model_process *process = &m->processes[p];
    if (process->seen_dead)
        return;
    process->seen_dead = !process->alive;
    if (!process->pid) {
        play_same(play, "life", p, process->alive, false);
        return;
    }
    play_same(play, "life", p, process->alive, dynsup_is_alive(test->host, process->pid));
    if (!process->alive)
        return;
    if (process->is_supervisor)
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
        play_same(play, "owner of name", i, (long long)play_pid(play, m->name_process[i]),
                  (long long)dynsup_whereis(test->host, text, 1));
    }
}

void play_compare(test_play *play) {
    model *m = &play->model;
    meet_children(play);
    for (int p = 0; p < m->process_count; p++)
        compare_process(play, p);
    compare_names(play);
    for (int c = 0; c < m->child_count; c++) {
        play_same(play, "number of starts", c, (long long)m->children[c].made,
                  (long long)m->children[c].program->made);
        if (m->children[c].accepted && m->children[c].state == MODEL_GONE)
            play_same(play, "end of the program", c, true, m->children[c].program->released);
    }
}
