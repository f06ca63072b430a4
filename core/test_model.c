/*
 * A reference model, see test_model.h: what it is made of, how processes end, and the pump. Its
 * other parts are its processes, children and supervisors, each in a file of its own.
 */
#include "test_model_parts.h"

void model_init(model *m, uint64_t now_ns) {
    m->process_count = m->child_count = m->request_count = 0;
    m->relation_count = m->monitor_count = 0;
    m->doomed_head = m->doomed_tail = m->ready_head = m->ready_tail = 0;
    m->now_ns = now_ns;
    m->order = 0;
    for (int i = 0; i < MODEL_NAMES; i++)
        m->name_process[i] = m->name_child[i] = -1;
}

bool model_has_room(const model *m) {
    return m->process_count < MODEL_PROCESSES - 256 && m->child_count < MODEL_CHILDREN - 8 &&
           m->request_count < MODEL_REQUESTS - 8 && m->relation_count < MODEL_RELATIONS - 64 &&
           m->doomed_tail < MODEL_QUEUE - 512 && m->ready_tail < MODEL_QUEUE - 512;
}

model_reason model_reason_atom(enum dynsup_atom atom) {
    dynsup_reason reason = dynsup_reason_atom(atom);
    return (model_reason){reason.kind, atom};
}

/* ---- arrays ---- */

void model_push(int *items, int *count, int item) {
    items[(*count)++] = item;
}

bool model_take_out(int *items, int *count, int item) {
    for (int i = 0; i < *count; i++) {
        if (items[i] != item)
            continue;
        memmove(items + i, items + i + 1, (size_t)(--*count - i) * sizeof *items);
        return true;
    }
    return false;
}

int model_shift(int *items, int *count) {
    int first = items[0];
    model_take_out(items, count, first);
    return first;
}

/* ---- ends ---- */

static void tell_partners(model *m, int p) {
    for (int i = m->relation_count - 1; i >= 0; i--) {
        model_relation *r = &m->relations[i];
        if (r->ended || r->monitor || (r->from != p && r->to != p))
            continue;
        r->ended = true;
        model_link_signal(m, p, r->from == p ? r->to : r->from, m->processes[p].reason);
    }
    for (int i = m->relation_count - 1; i >= 0; i--) {
        model_relation *r = &m->relations[i];
        if (r->ended || !r->monitor || r->to != p)
            continue;
        r->ended = true;
        if (r->from != p)
            model_deliver(m, r->from, DYNSUP_DOWN, r->number, m->processes[p].reason.atom);
    }
}

static void end(model *m, int p) {
    model_process *process = &m->processes[p];
    process->alive = false;
    if (process->name >= 0 && m->name_process[process->name] == p)
        m->name_process[process->name] = -1;
    for (int i = 0; i < m->relation_count; i++)
        m->relations[i].ended |= m->relations[i].monitor && m->relations[i].from == p;
    if (process->is_supervisor)
        model_supervisor_ended(m, p);
    tell_partners(m, p);
    int c = process->child;
    if (c < 0 || !model_lives(m, m->children[c].supervisor))
        return;
    int s = m->children[c].supervisor;
    model_push(m->processes[s].parked, &m->processes[s].parked_count, -2 - c);
    model_supervisor_drain(m, s);
}

/* ---- time ---- */

static void slice(model *m, int p) {
    model_process *process = &m->processes[p];
    process->queued = false;
    if (!model_lives(m, p))
        return;
    if (process->is_supervisor) {
        model_supervisor_slice(m, p);
        return;
    }
    process->traps |= process->fresh && process->will_trap;
    process->fresh = false;
}

/* Forgets what has been handled, when it is not looked at. */
static void compact(model *m) {
    int kept = 0;
    for (int i = 0; i < m->relation_count; i++)
        if (!m->relations[i].ended)
            m->relations[kept++] = m->relations[i];
    m->relation_count = kept;
    m->doomed_head = m->doomed_tail = m->ready_head = m->ready_tail = 0;
}

void model_run(model *m) {
    for (;;) {
        if (m->doomed_head < m->doomed_tail)
            end(m, m->doomed[m->doomed_head++]);
        else if (m->ready_head < m->ready_tail)
            slice(m, m->ready[m->ready_head++]);
        else
            break;
    }
    compact(m);
}

typedef struct next_timer {
    uint64_t at_ns, order;
    int process, child;
} next_timer;

static void consider(next_timer *next, uint64_t at_ns, uint64_t order, int process, int child) {
    if (at_ns == 0 || at_ns > next->at_ns || (at_ns == next->at_ns && order > next->order))
        return;
    *next = (next_timer){at_ns, order, process, child};
}

static next_timer find_timer(const model *m, uint64_t until_ns) {
    next_timer next = {until_ns, UINT64_MAX, -1, -1};
    for (int p = 0; p < m->process_count; p++)
        if (model_lives(m, p))
            consider(&next, m->processes[p].kill_ns, m->processes[p].kill_order, p, -1);
    for (int c = 0; c < m->child_count; c++)
        consider(&next, m->children[c].timer_ns, m->children[c].timer_order, -1, c);
    return next;
}

static bool fire_one(model *m, uint64_t until_ns) {
    next_timer next = find_timer(m, until_ns);
    if (next.process < 0 && next.child < 0)
        return false;
    if (next.at_ns > m->now_ns)
        m->now_ns = next.at_ns;
    if (next.child >= 0) {
        model_child_timer(m, next.child);
    } else {
        m->processes[next.process].kill_ns = 0;
        model_doom(m, next.process, model_reason_atom(DYNSUP_KILLED));
    }
    return true;
}

void model_pass(model *m, uint64_t until_ns) {
    model_run(m);
    while (fire_one(m, until_ns)) {
        while (fire_one(m, m->now_ns)) {
        }
        model_run(m);
    }
    m->now_ns = until_ns;
}
