/*
 * A reference model, see test_model.h: what it is made of, how processes end, and the pump. Its
 * other parts are its processes, children and supervisors, each in a file of its own.
 */
#include "test_model_parts.h"

void model_init(model *m, uint64_t now_ns) {
    m->process_count = m->child_count = m->request_count = 0;
    m->relation_count = m->monitor_count = 0;
    m->timer_count = m->entry_count = 0;
    memset(m->events, 0, sizeof m->events);
    m->doomed_head = m->doomed_tail = m->ready_head = m->ready_tail = 0;
    m->now_ns = now_ns;
    m->order = 0;
    for (int i = 0; i < MODEL_NAMES; i++)
        m->name_process[i] = m->name_child[i] = -1;
}

bool model_has_room(const model *m) {
    return m->process_count < MODEL_PROCESSES - 256 && m->child_count < MODEL_CHILDREN - 8 &&
           m->request_count < MODEL_REQUESTS - 8 && m->relation_count < MODEL_RELATIONS - 64 &&
           m->timer_count < MODEL_TIMERS - 8 && m->entry_count < MODEL_ENTRIES - 8 &&
           m->doomed_tail < MODEL_QUEUE - 512 && m->ready_tail < MODEL_QUEUE - 512;
}

void model_tell(model *m, enum dynsup_event_kind kind) {
    m->events[kind]++;
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
        if (r->call >= 0)
            model_answer(m, r->call, DYNSUP_EREASON, -1);
        else if (r->from != p)
            model_deliver(m, r->from, DYNSUP_DOWN, r->number, m->processes[p].reason.atom);
    }
}

static void end(model *m, int p) {
    model_process *process = &m->processes[p];
    process->alive = false;
    model_tell(m, DYNSUP_EVENT_EXITED);
    if (process->name >= 0 && m->name_process[process->name] == p)
        m->name_process[process->name] = -1;
    for (int i = 0; i < m->relation_count; i++)
        m->relations[i].ended |= m->relations[i].monitor && m->relations[i].from == p;
    for (int i = 0; i < m->timer_count; i++)
        m->timers[i].is_set &= m->timers[i].to != p;
    model_entries_end(m, p);
    if (process->is_supervisor)
        model_supervisor_ended(m, p);
    if (process->is_registry)
        model_registry_ended(m, p);
    tell_partners(m, p);
    int c = process->child;
    if (c < 0 || !model_lives(m, m->children[c].supervisor))
        return;
    int s = m->children[c].supervisor;
    model_process *supervisor = &m->processes[s];
    m->children[c].lived_ns = m->now_ns - process->started_ns;
    bool awaited = supervisor->is_static && supervisor->order.awaited == c;
    bool busy =
        supervisor->has_guest || supervisor->parked_count || supervisor->order.job != MODEL_IDLE;
    if (!busy || awaited) {
        model_child_exited(m, c);
        return;
    }
    model_push(supervisor->parked, &supervisor->parked_count, -2 - c);
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

/* Removes ended relations and entries, while nothing refers to them by number. */
static void compact(model *m) {
    int kept = 0;
    for (int i = 0; i < m->relation_count; i++)
        if (!m->relations[i].ended)
            m->relations[kept++] = m->relations[i];
    m->relation_count = kept;
    kept = 0;
    for (int i = 0; i < m->entry_count; i++)
        if (!m->entries[i].ended)
            m->entries[kept++] = m->entries[i];
    m->entry_count = kept;
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

/* The timer that expires next: of a process's shutdown time, a child, or a message. */
typedef struct next_timer {
    uint64_t at_ns, order;
    int process, child, message;
} next_timer;

static bool is_before(uint64_t at_ns, uint64_t order, const next_timer *next) {
    return at_ns != 0 && (at_ns < next->at_ns || (at_ns == next->at_ns && order < next->order));
}

static next_timer find_timer(const model *m, uint64_t until_ns) {
    next_timer next = {until_ns, UINT64_MAX, -1, -1, -1};
    for (int p = 0; p < m->process_count; p++) {
        const model_process *process = &m->processes[p];
        if (process->kill_ns && model_lives(m, p) &&
            is_before(process->kill_ns, process->kill_order, &next))
            next = (next_timer){process->kill_ns, process->kill_order, p, -1, -1};
    }
    for (int c = 0; c < m->child_count; c++) {
        const model_child *child = &m->children[c];
        if (is_before(child->timer_ns, child->timer_order, &next))
            next = (next_timer){child->timer_ns, child->timer_order, -1, c, -1};
    }
    for (int i = 0; i < m->timer_count; i++) {
        const model_timer *timer = &m->timers[i];
        if (timer->is_set && is_before(timer->at_ns, timer->order, &next))
            next = (next_timer){timer->at_ns, timer->order, -1, -1, i};
    }
    return next;
}

static void fire(model *m, const next_timer *next) {
    if (next->child >= 0) {
        model_child_timer(m, next->child);
    } else if (next->message >= 0) {
        m->timers[next->message].is_set = false;
        model_send(m, m->timers[next->message].to, next->message);
    } else {
        m->processes[next->process].kill_ns = 0;
        model_doom(m, next->process, model_reason_atom(DYNSUP_KILLED));
    }
}

static bool fire_one(model *m, uint64_t until_ns) {
    next_timer next = find_timer(m, until_ns);
    if (next.process < 0 && next.child < 0 && next.message < 0)
        return false;
    if (next.at_ns > m->now_ns)
        m->now_ns = next.at_ns;
    fire(m, &next);
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
