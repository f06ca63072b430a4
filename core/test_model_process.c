/* The processes of the reference model, their signals, links and monitors: see test_model.h. */
#include "test_model_parts.h"

bool model_lives(const model *m, int p) {
    return p >= 0 && m->processes[p].alive && !m->processes[p].doomed;
}

void model_make_ready(model *m, int p) {
    model_process *process = &m->processes[p];
    if (process->queued || process->doomed)
        return;
    process->queued = true;
    m->ready[m->ready_tail++] = p;
}

int model_spawn(model *m, int parent, bool traps) {
    model_process *process = &m->processes[m->process_count];
    *process = (model_process){.alive = true,
                               .fresh = true,
                               .will_trap = traps,
                               .parent = parent,
                               .child = -1,
                               .name = -1,
                               .request = -1,
                               .asked = -1,
                               .guest_child = -1,
                               .guest_request = -1,
                               .started_ns = m->now_ns};
    model_make_ready(m, m->process_count);
    return m->process_count++;
}

void model_deliver(model *m, int p, enum dynsup_atom tag, int from, enum dynsup_atom atom) {
    model_process *process = &m->processes[p];
    if (model_lives(m, p) && !process->is_supervisor)
        process->inbox[process->received++ % MODEL_INBOX] = (model_message){tag, from, atom};
}

void model_send(model *m, int p) {
    model_process *process = &m->processes[p];
    model_deliver(m, p, DYNSUP_NO_ATOM, -1, DYNSUP_NO_ATOM);
    if (!model_lives(m, p) || !process->has_guest)
        return;
    process->guest_go = true;
    model_make_ready(m, p);
}

void model_doom(model *m, int p, model_reason reason) {
    if (!model_lives(m, p))
        return;
    m->processes[p].doomed = true;
    m->processes[p].reason = reason;
    m->processes[p].kill_ns = 0;
    m->doomed[m->doomed_tail++] = p;
}

/* ---- signals ---- */

void model_link_signal(model *m, int from, int to, model_reason reason) {
    model_process *target = &m->processes[to];
    if (!model_lives(m, to))
        return;
    if (target->is_supervisor)
        model_supervisor_signal(m, from, to, reason);
    else if (target->traps)
        model_deliver(m, to, DYNSUP_EXIT, from < 0 ? to : from, reason.atom); /* there is no main */
    else if (reason.kind != DYNSUP_REASON_NORMAL || from == to)
        model_doom(m, to, reason);
}

void model_signal(model *m, int from, int to, model_reason reason) {
    if (reason.kind == DYNSUP_REASON_KILL)
        model_doom(m, to, model_reason_atom(DYNSUP_KILLED));
    else
        model_link_signal(m, from, to, reason);
}

void model_exit(model *m, int p, model_reason reason) {
    m->processes[p].traps |= m->processes[p].fresh && m->processes[p].will_trap;
    m->processes[p].fresh = false;
    model_doom(m, p, reason);
}

/* ---- links and monitors ---- */

static model_relation *find_link(model *m, int a, int b) {
    for (int i = 0; i < m->relation_count; i++) {
        model_relation *r = &m->relations[i];
        if (!r->monitor && !r->ended &&
            ((r->from == a && r->to == b) || (r->from == b && r->to == a)))
            return r;
    }
    return NULL;
}

/* A child that its supervisor spawned itself has its link in parent_link. */
static int spawned_child(const model *m, int a, int b) {
    const model_process *x = &m->processes[a], *y = &m->processes[b];
    if (x->child >= 0 && x->parent == b && !m->children[x->child].guest)
        return a;
    if (y->child >= 0 && y->parent == a && !m->children[y->child].guest)
        return b;
    return -1;
}

void model_relate(model *m, int a, int b, bool monitor) {
    m->relations[m->relation_count++] =
        (model_relation){a, b, monitor ? m->monitor_count++ : -1, monitor, false};
}

void model_link(model *m, int a, int b) {
    if (a == b)
        return;
    if (!model_lives(m, b)) {
        model_link_signal(m, b, a, model_reason_atom(DYNSUP_NOPROC));
        return;
    }
    int child = spawned_child(m, a, b);
    if (child >= 0)
        m->processes[child].parent_link = true;
    else if (!find_link(m, a, b))
        model_relate(m, a, b, false);
}

void model_unlink(model *m, int a, int b) {
    if (a == b || !m->processes[b].alive)
        return;
    int child = spawned_child(m, a, b);
    model_relation *link = find_link(m, a, b);
    if (child >= 0)
        m->processes[child].parent_link = false;
    if (link)
        link->ended = true;
}

int model_monitor(model *m, int watcher, int target) {
    model_relate(m, watcher, target, true);
    int number = m->monitor_count - 1;
    if (model_lives(m, target))
        return number;
    m->relations[m->relation_count - 1].ended = true;
    model_deliver(m, watcher, DYNSUP_DOWN, number, DYNSUP_NOPROC);
    return number;
}
