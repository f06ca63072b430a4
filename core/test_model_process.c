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
    model_tell(m, DYNSUP_EVENT_SPAWNED);
    model_make_ready(m, m->process_count);
    return m->process_count++;
}

void model_deliver(model *m, int p, enum dynsup_atom tag, int from, enum dynsup_atom atom) {
    model_process *process = &m->processes[p];
    if (model_lives(m, p) && !process->is_supervisor && !process->is_registry)
        process->inbox[process->received++ % MODEL_INBOX] = (model_message){tag, from, atom};
}

void model_send(model *m, int p, int what) {
    model_process *process = &m->processes[p];
    model_deliver(m, p, DYNSUP_NO_ATOM, what, DYNSUP_NO_ATOM);
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

/* Does this signal end the process if it is not trapped? */
static bool is_fatal(const model *m, int from, int to, model_reason reason) {
    if (m->processes[to].is_registry)
        return from == m->processes[to].parent;
    return reason.kind != DYNSUP_REASON_NORMAL || from == to;
}

void model_link_signal(model *m, int from, int to, model_reason reason) {
    const model_process *target = &m->processes[to];
    if (!model_lives(m, to))
        return;
    if (target->is_supervisor)
        model_supervisor_signal(m, from, to, reason);
    else if (target->traps)
        model_deliver(m, to, DYNSUP_EXIT, from < 0 ? to : from, reason.atom); /* there is no main */
    else if (is_fatal(m, from, to, reason))
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

/* The link of a child that was spawned by its supervisor is parent_link. */
static int spawned_child(const model *m, int a, int b) {
    const model_process *x = &m->processes[a], *y = &m->processes[b];
    if (x->child >= 0 && x->parent == b && !m->children[x->child].guest)
        return a;
    if (y->child >= 0 && y->parent == a && !m->children[y->child].guest)
        return b;
    return -1;
}

void model_relate(model *m, int a, int b, bool monitor, int call) {
    int number = monitor && call < 0 ? m->monitor_count++ : -1;
    m->relations[m->relation_count++] = (model_relation){a, b, number, call, monitor, false};
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
        model_relate(m, a, b, false, -1);
}

void model_unlink_now(model *m, int a, int b) {
    int child = spawned_child(m, a, b);
    model_relation *link = find_link(m, a, b);
    if (child >= 0)
        m->processes[child].parent_link = false;
    if (link)
        link->ended = true;
}

void model_unlink(model *m, int a, int b) {
    if (a != b && m->processes[b].alive)
        model_unlink_now(m, a, b);
}

int model_monitor(model *m, int watcher, int target) {
    model_relate(m, watcher, target, true, -1);
    int number = m->monitor_count - 1;
    if (model_lives(m, target))
        return number;
    m->relations[m->relation_count - 1].ended = true;
    model_deliver(m, watcher, DYNSUP_DOWN, number, DYNSUP_NOPROC);
    return number;
}

void model_demonitor(model *m, int number) {
    for (int i = 0; i < m->relation_count; i++)
        m->relations[i].ended |= m->relations[i].number == number;
}

/* ---- calls ---- */

int model_call(model *m, int caller, int p) {
    int r = m->request_count++;
    m->requests[r] = (model_request){.kind = MODEL_CALL, .caller = caller, .supervisor = -1};
    const model_process *process = &m->processes[p];
    int status = !model_lives(m, p)                               ? DYNSUP_ENOPROC
                 : p == caller                                    ? DYNSUP_ECALLS_ITSELF
                 : process->is_registry || process->is_supervisor ? DYNSUP_ENOT_A_SERVER
                                                                  : DYNSUP_PENDING;
    if (status != DYNSUP_PENDING) {
        model_answer(m, r, status, -1);
        return status;
    }
    m->processes[caller].request = r;
    model_relate(m, caller, p, true, r);
    model_send(m, p, -1);
    return DYNSUP_PENDING;
}

bool model_reply(model *m, int request) {
    for (int i = 0; i < m->relation_count; i++) {
        model_relation *call = &m->relations[i];
        if (call->ended || call->call != request)
            continue;
        call->ended = true;
        model_answer(m, request, 0, -1);
        return true;
    }
    return false;
}

/* ---- timers ---- */

void model_send_at(model *m, int p, uint64_t at_ns) {
    m->timers[m->timer_count++] = (model_timer){model_lives(m, p), p, at_ns, m->order++};
}

bool model_cancel(model *m, int timer) {
    bool was_set = m->timers[timer].is_set;
    m->timers[timer].is_set = false;
    return was_set;
}
