/* A reference model: see test_model.h. */
#include "test_model.h"

static void doom(model *m, int p, model_reason reason);
static void drain(model *m, int s);
static void restart(model *m, int c);
static void child_remove(model *m, int c);

/* ---- arrays ---- */

static void push(int *items, int *count, int item) {
    items[(*count)++] = item;
}

static bool take_out(int *items, int *count, int item) {
    for (int i = 0; i < *count; i++) {
        if (items[i] != item)
            continue;
        memmove(items + i, items + i + 1, (size_t)(--*count - i) * sizeof *items);
        return true;
    }
    return false;
}

static int shift(int *items, int *count) {
    int first = items[0];
    take_out(items, count, first);
    return first;
}

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
    return (model_reason){reason.class, atom};
}

static bool lives(const model *m, int p) {
    return p >= 0 && m->processes[p].alive && !m->processes[p].doomed;
}

/* ---- processes ---- */

static void make_ready(model *m, int p) {
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
    make_ready(m, m->process_count);
    return m->process_count++;
}

static void deliver(model *m, int p, enum dynsup_atom tag, int from, enum dynsup_atom atom) {
    model_process *process = &m->processes[p];
    if (lives(m, p) && !process->is_supervisor)
        process->inbox[process->received++ % MODEL_INBOX] = (model_message){tag, from, atom};
}

void model_send(model *m, int p) {
    model_process *process = &m->processes[p];
    deliver(m, p, DYNSUP_NO_ATOM, -1, DYNSUP_NO_ATOM);
    if (!lives(m, p) || !process->has_guest)
        return;
    process->guest_go = true;
    make_ready(m, p);
}

static void doom(model *m, int p, model_reason reason) {
    if (!lives(m, p))
        return;
    m->processes[p].doomed = true;
    m->processes[p].reason = reason;
    m->processes[p].kill_ns = 0;
    m->doomed[m->doomed_tail++] = p;
}

/* ---- requests ---- */

static void answer(model *m, int r, int status, int pid) {
    model_request *request = &m->requests[r];
    request->done = true;
    request->status = status;
    request->pid = pid;
    if (lives(m, request->caller) && m->processes[request->caller].request == r)
        m->processes[request->caller].request = -1;
}

/* ---- signals ---- */

static void child_stop(model *m, int c) {
    model_child *child = &m->children[c];
    model_process *process = &m->processes[child->process];
    if (child->state == MODEL_RESTARTING) {
        child_remove(m, c);
        return;
    }
    if (child->state == MODEL_STOPPING)
        return;
    child->state = MODEL_STOPPING;
    if (!lives(m, child->process))
        return;
    bool brutal = child->shutdown_ms == DYNSUP_SHUTDOWN_BRUTAL_KILL;
    model_signal(m, child->supervisor, child->process,
                 model_reason_atom(brutal ? DYNSUP_KILL : DYNSUP_SHUTDOWN));
    if (!lives(m, child->process) || child->shutdown_ms < 0)
        return;
    process->kill_ns = m->now_ns + (uint64_t)(child->shutdown_ms * 1e6);
    process->kill_order = m->order++;
}

static void end_if_done(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->stopping && supervisor->child_count == 0)
        doom(m, s, supervisor->stop_reason);
}

static void stop_begin(model *m, int s, model_reason reason) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    supervisor->stop_reason = reason;
    int children[256], count = supervisor->child_count;
    memcpy(children, supervisor->children, sizeof children);
    for (int i = 0; i < count; i++)
        child_stop(m, children[i]);
    end_if_done(m, s);
}

static void supervisor_signal(model *m, int from, int s, model_reason reason) {
    model_process *supervisor = &m->processes[s];
    if (from != supervisor->parent || supervisor->stopping || supervisor->parent_parked)
        return;
    supervisor->parent_parked = true;
    supervisor->parent_reason = reason;
    push(supervisor->parked, &supervisor->parked_count, -1);
    if (!supervisor->has_guest)
        make_ready(m, s);
}

static void link_signal(model *m, int from, int to, model_reason reason) {
    model_process *target = &m->processes[to];
    if (!lives(m, to))
        return;
    if (target->is_supervisor)
        supervisor_signal(m, from, to, reason);
    else if (target->traps)
        deliver(m, to, DYNSUP_EXIT, from, reason.atom);
    else if (reason.class != DYNSUP_REASON_NORMAL || from == to)
        doom(m, to, reason);
}

void model_signal(model *m, int from, int to, model_reason reason) {
    if (reason.class == DYNSUP_REASON_KILL)
        doom(m, to, model_reason_atom(DYNSUP_KILLED));
    else
        link_signal(m, from, to, reason);
}

void model_exit(model *m, int p, model_reason reason) {
    m->processes[p].traps |= m->processes[p].fresh && m->processes[p].will_trap;
    m->processes[p].fresh = false;
    doom(m, p, reason);
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

static void relate(model *m, int a, int b, bool monitor) {
    m->relations[m->relation_count++] =
        (model_relation){a, b, monitor ? m->monitor_count++ : -1, monitor, false};
}

void model_link(model *m, int a, int b) {
    if (a == b)
        return;
    if (!lives(m, b)) {
        link_signal(m, b, a, model_reason_atom(DYNSUP_NOPROC));
        return;
    }
    int child = spawned_child(m, a, b);
    if (child >= 0)
        m->processes[child].parent_link = true;
    else if (!find_link(m, a, b))
        relate(m, a, b, false);
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
    relate(m, watcher, target, true);
    int number = m->monitor_count - 1;
    if (lives(m, target))
        return number;
    m->relations[m->relation_count - 1].ended = true;
    deliver(m, watcher, DYNSUP_DOWN, number, DYNSUP_NOPROC);
    return number;
}

/* ---- children ---- */

static void name_free(model *m, int c) {
    int name = m->children[c].name;
    if (name < 0 || m->name_child[name] != c)
        return;
    m->name_child[name] = -1; /* a process that goes on keeps it */
}

static void child_remove(model *m, int c) {
    model_child *child = &m->children[c];
    model_process *supervisor = &m->processes[child->supervisor];
    child->state = MODEL_GONE;
    child->timer_ns = 0;
    take_out(supervisor->children, &supervisor->child_count, c);
    take_out(supervisor->retries, &supervisor->retry_count, c);
    take_out(supervisor->parked, &supervisor->parked_count, -2 - c);
    for (int i = 0; i < child->waiter_count; i++) {
        int r = child->waiters[i];
        if (m->requests[r].kind == MODEL_TERMINATE) {
            answer(m, r, 0, -1);
            continue;
        }
        push(supervisor->parked, &supervisor->parked_count, r);
        if (!supervisor->has_guest)
            make_ready(m, child->supervisor);
    }
    name_free(m, c);
    end_if_done(m, child->supervisor);
}

static void tell_up(model *m, int c) {
    model_child *child = &m->children[c];
    int kept[64] = {0}, count = 0;
    for (int i = 0; i < child->waiter_count; i++) {
        int r = child->waiters[i];
        if (m->requests[r].kind == MODEL_TERMINATE)
            kept[count++] = r;
        else
            answer(m, r, 0, child->process);
    }
    memcpy(child->waiters, kept, sizeof kept);
    child->waiter_count = count;
}

static void incarnate(model *m, int c) {
    model_child *child = &m->children[c];
    int p = model_spawn(m, child->supervisor, child->traps);
    m->processes[p].child = c;
    m->processes[p].parent_link = true;
    m->processes[p].name = child->name;
    child->process = p;
    if (child->name >= 0)
        m->name_process[child->name] = p;
    if (child->ready && child->timeout_ms >= 0) {
        child->timer_ns = m->now_ns + (uint64_t)(child->timeout_ms * 1e6);
        child->timer_order = m->order++;
    }
}

static void guest_begin(model *m, int c, int request) {
    model_process *supervisor = &m->processes[m->children[c].supervisor];
    supervisor->has_guest = true;
    supervisor->guest_go = !m->children[c].slow;
    supervisor->guest_child = c;
    supervisor->guest_request = request;
    make_ready(m, m->children[c].supervisor);
}

static void delay(model *m, int c) {
    model_child *child = &m->children[c];
    if (child->lived_ns >= 1000000000 || child->next_delay_ms == 0)
        child->next_delay_ms = 100;
    child->lived_ns = 0;
    child->delayed = true;
    child->timer_ns = m->now_ns + (uint64_t)(child->next_delay_ms * 1e6);
    child->timer_order = m->order++;
    child->next_delay_ms = child->next_delay_ms * 2 > 500 ? 500 : child->next_delay_ms * 2;
}

static void retry_later(model *m, int c) {
    model_process *supervisor = &m->processes[m->children[c].supervisor];
    if (supervisor->parked_count)
        push(supervisor->parked, &supervisor->parked_count, -2 - c);
    else
        push(supervisor->retries, &supervisor->retry_count, c);
    if (!supervisor->has_guest)
        make_ready(m, m->children[c].supervisor);
}

static void restart_failed(model *m, int c) {
    if (m->children[c].backoff)
        delay(m, c);
    else
        retry_later(m, c);
}

static void attempt(model *m, int c) {
    model_child *child = &m->children[c];
    child->made++;
    if (child->guest) {
        guest_begin(m, c, -1);
    } else if (child->fails) {
        restart_failed(m, c);
    } else {
        incarnate(m, c);
        child->state = MODEL_RUNNING;
        tell_up(m, c);
    }
}

/* One more restart now: within what is allowed? A restart exactly 5 s old still counts. */
static bool intensity_allows(model *m, model_process *supervisor) {
    uint64_t now_ms = m->now_ns / 1000000;
    int kept = 0;
    for (int i = 0; i < supervisor->restart_count; i++)
        if (now_ms - supervisor->restarts_ms[i] <= 5000)
            supervisor->restarts_ms[kept++] = supervisor->restarts_ms[i];
    supervisor->restarts_ms[kept++] = now_ms;
    supervisor->restart_count = kept;
    return (uint64_t)kept <= supervisor->max_restarts;
}

static void restart(model *m, int c) {
    model_child *child = &m->children[c];
    if (child->backoff && !child->delayed) {
        delay(m, c);
    } else if (child->backoff || intensity_allows(m, &m->processes[child->supervisor])) {
        attempt(m, c);
    } else {
        int s = child->supervisor;
        child_remove(m, c);
        stop_begin(m, s, model_reason_atom(DYNSUP_SHUTDOWN));
    }
}

static bool is_due(const model_child *child, model_reason reason) {
    if (child->restart != DYNSUP_TRANSIENT)
        return child->restart == DYNSUP_PERMANENT;
    return reason.class != DYNSUP_REASON_NORMAL && reason.class != DYNSUP_REASON_SHUTDOWN;
}

static void child_exited(model *m, int c) {
    model_child *child = &m->children[c];
    model_process *process = &m->processes[child->process];
    process->child = -1;
    child->timer_ns = 0;
    child->lived_ns = m->now_ns - process->started_ns;
    child->delayed = false;
    if (child->starting >= 0) {
        answer(m, child->starting, child->timed_out ? DYNSUP_ETIMEOUT : DYNSUP_EREASON, -1);
        child->starting = -1;
        child_remove(m, c);
    } else if (child->state == MODEL_RUNNING && is_due(child, process->reason)) {
        child->state = MODEL_RESTARTING;
        restart(m, c);
    } else {
        child_remove(m, c);
    }
}

/* ---- what a supervisor is asked ---- */

static void accept(model *m, int c) {
    model_process *supervisor = &m->processes[m->children[c].supervisor];
    m->children[c].accepted = true;
    push(supervisor->children, &supervisor->child_count, c);
}

/* DYNSUP_PENDING: wait; 1000: go on. */
static int look_up_name(const model *m, int s, int name, bool ensure, int *pid_out) {
    int p = m->name_process[name], c = m->name_child[name];
    if (p < 0 && c < 0)
        return 1000;
    *pid_out = p;
    if (!ensure)
        return DYNSUP_EALREADY_STARTED;
    if (lives(m, p) && (c < 0 || m->children[c].state == MODEL_RUNNING))
        return 0;
    return c >= 0 && m->children[c].supervisor == s ? DYNSUP_PENDING : DYNSUP_EALREADY_STARTED;
}

static int start_plain(model *m, int c, int r, int *pid_out) {
    model_child *child = &m->children[c];
    child->made++;
    if (child->fails)
        return DYNSUP_EREASON;
    if (child->name >= 0)
        m->name_child[child->name] = c;
    incarnate(m, c);
    accept(m, c);
    *pid_out = child->process;
    child->state = child->ready ? MODEL_STARTING : MODEL_RUNNING;
    child->starting = child->ready ? r : -1;
    return child->ready ? DYNSUP_PENDING : 0;
}

static int start(model *m, int s, int r, int *pid_out) {
    model_request *request = &m->requests[r];
    model_child *child = &m->children[request->child];
    bool ensure = request->kind == MODEL_ENSURE;
    int named = child->name < 0 ? 1000 : look_up_name(m, s, child->name, ensure, pid_out);
    if (named == DYNSUP_PENDING) {
        model_child *other = &m->children[m->name_child[child->name]];
        push(other->waiters, &other->waiter_count, r);
        return DYNSUP_PENDING;
    }
    if (named != 1000 && ensure)
        return named;
    if ((uint64_t)m->processes[s].child_count >= m->processes[s].max_children)
        return DYNSUP_EMAX_CHILDREN;
    if (named != 1000)
        return named;
    if (!child->guest)
        return start_plain(m, request->child, r, pid_out);
    child->made++;
    guest_begin(m, request->child, r);
    return DYNSUP_PENDING;
}

static int terminate(model *m, int s, int r) {
    model_process *supervisor = &m->processes[s];
    for (int i = 0; i < supervisor->child_count; i++) {
        int c = supervisor->children[i];
        model_child *child = &m->children[c];
        if (child->process != m->requests[r].process)
            continue;
        if (child->state == MODEL_RESTARTING) {
            child_remove(m, c);
            return 0;
        }
        push(child->waiters, &child->waiter_count, r);
        child_stop(m, c);
        return DYNSUP_PENDING;
    }
    return DYNSUP_ENOT_FOUND;
}

static int handle(model *m, int s, int r, int *pid_out) {
    model_request *request = &m->requests[r];
    if (request->kind == MODEL_STOP) {
        model_process *supervisor = &m->processes[s];
        push(supervisor->stoppers, &supervisor->stopper_count, r);
        stop_begin(m, s, request->reason);
        return DYNSUP_PENDING;
    }
    if (m->processes[s].stopping)
        return DYNSUP_ENOPROC;
    if (request->kind == MODEL_TERMINATE)
        return terminate(m, s, r);
    return request->kind == MODEL_TURN ? 0 : start(m, s, r, pid_out);
}

static void drain(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    while (!supervisor->has_guest && lives(m, s) && supervisor->parked_count) {
        int item = shift(supervisor->parked, &supervisor->parked_count), pid = -1;
        if (item == -1) {
            stop_begin(m, s, supervisor->parent_reason);
        } else if (item < -1 && m->children[-2 - item].state == MODEL_RESTARTING) {
            push(supervisor->retries, &supervisor->retry_count, -2 - item);
        } else if (item < -1) {
            child_exited(m, -2 - item);
        } else {
            int status = handle(m, s, item, &pid);
            if (status != DYNSUP_PENDING)
                answer(m, item, status, pid);
        }
    }
}

int model_ask(model *m, int caller, int s, enum model_kind kind, int child, int process,
              model_reason reason) {
    int r = m->request_count++, pid = -1;
    m->requests[r] = (model_request){.kind = kind,
                                     .caller = caller,
                                     .supervisor = s,
                                     .child = child,
                                     .process = process,
                                     .reason = reason};
    model_process *supervisor = &m->processes[s];
    if (!lives(m, s) || (supervisor->stopping && kind != MODEL_STOP)) {
        answer(m, r, DYNSUP_ENOPROC, -1);
        return DYNSUP_ENOPROC;
    }
    m->processes[caller].request = r;
    if (supervisor->has_guest || supervisor->parked_count) {
        push(supervisor->parked, &supervisor->parked_count, r);
        if (!supervisor->has_guest)
            make_ready(m, s);
        return DYNSUP_PENDING;
    }
    int status = handle(m, s, r, &pid);
    if (status != DYNSUP_PENDING)
        answer(m, r, status, pid);
    return status;
}

void model_ready(model *m, int p) {
    int c = m->processes[p].child;
    if (c < 0 || !m->children[c].ready)
        return;
    m->children[c].timer_ns = 0;
    if (m->children[c].state != MODEL_STARTING)
        return;
    answer(m, m->children[c].starting, 0, p);
    m->children[c].starting = -1;
    m->children[c].state = MODEL_RUNNING;
    tell_up(m, c);
}

/* ---- guests ---- */

static int guest_makes(model *m, int c) {
    model_child *child = &m->children[c];
    int p = child->is_supervisor
                ? model_supervisor(m, child->supervisor, child->nested_restarts, 1000)
                : model_spawn(m, child->supervisor, child->traps);
    if (!child->is_supervisor)
        relate(m, child->supervisor, p, false);
    m->processes[p].child = c;
    child->process = p;
    child->state = MODEL_RUNNING;
    return p;
}

static void guest_first(model *m, int c, int r) {
    model_child *child = &m->children[c];
    if (child->ignores || child->fails) {
        answer(m, r, child->ignores ? DYNSUP_EIGNORE : DYNSUP_EBAD_RETURN, -1);
        child->state = MODEL_GONE;
        return;
    }
    accept(m, c);
    answer(m, r, 0, guest_makes(m, c));
}

static void guest_again(model *m, int c) {
    if (m->children[c].ignores) {
        child_remove(m, c);
    } else if (m->children[c].fails) {
        restart_failed(m, c);
    } else {
        guest_makes(m, c);
        tell_up(m, c);
    }
}

static void guest_slice(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    int c = supervisor->guest_child, r = supervisor->guest_request;
    if (!supervisor->guest_go)
        return;
    supervisor->has_guest = false;
    supervisor->guest_child = supervisor->guest_request = -1;
    if (r >= 0)
        guest_first(m, c, r);
    else
        guest_again(m, c);
    if (r < 0 || supervisor->retry_count == 0) /* restarts and requests take turns */
        drain(m, s);
    if (supervisor->retry_count)
        make_ready(m, s);
}

static void supervisor_slice(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->has_guest) {
        guest_slice(m, s);
        return;
    }
    supervisor->queued = true; /* while it runs; then it is behind those that became ready */
    if (supervisor->retry_count)
        restart(m, shift(supervisor->retries, &supervisor->retry_count));
    drain(m, s);
    supervisor->queued = false;
    if (supervisor->has_guest || supervisor->retry_count)
        make_ready(m, s);
}

int model_supervisor(model *m, int parent, uint64_t max_restarts, uint64_t max_children) {
    int s = model_spawn(m, parent, true);
    m->processes[s].is_supervisor = true;
    m->processes[s].max_restarts = max_restarts;
    m->processes[s].max_children = max_children;
    m->processes[s].queued = false; /* it has no first slice */
    m->ready_tail--;
    if (parent >= 0)
        relate(m, parent, s, false);
    return s;
}

/* ---- ends ---- */

static void child_lost(model *m, int s, int c) {
    model_child *child = &m->children[c];
    model_process *process = child->process >= 0 ? &m->processes[child->process] : NULL;
    child->state = MODEL_GONE;
    child->timer_ns = 0;
    if (process && process->child == c) {
        process->child = -1;
        if (!child->guest && process->parent_link)
            link_signal(m, s, child->process, m->processes[s].reason);
    }
    for (int i = 0; i < child->waiter_count; i++)
        answer(m, child->waiters[i], DYNSUP_ENOPROC, -1);
    if (child->starting >= 0)
        answer(m, child->starting, DYNSUP_ENOPROC, -1);
    name_free(m, c);
}

static void supervisor_ended(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->has_guest && supervisor->guest_request >= 0) {
        m->children[supervisor->guest_child].state = MODEL_GONE;
        answer(m, supervisor->guest_request, DYNSUP_ENOPROC, -1);
    }
    for (int i = 0; i < supervisor->child_count; i++)
        child_lost(m, s, supervisor->children[i]);
    for (int i = 0; i < supervisor->parked_count; i++) {
        if (supervisor->parked[i] >= 0)
            answer(m, supervisor->parked[i], DYNSUP_ENOPROC, -1);
    }
    for (int i = 0; i < supervisor->stopper_count; i++) {
        int r = supervisor->stoppers[i];
        bool same = m->requests[r].reason.atom == supervisor->reason.atom;
        answer(m, r, same ? 0 : DYNSUP_EREASON, -1);
    }
}

static void tell_partners(model *m, int p) {
    for (int i = m->relation_count - 1; i >= 0; i--) {
        model_relation *r = &m->relations[i];
        if (r->ended || r->monitor || (r->from != p && r->to != p))
            continue;
        r->ended = true;
        link_signal(m, p, r->from == p ? r->to : r->from, m->processes[p].reason);
    }
    for (int i = m->relation_count - 1; i >= 0; i--) {
        model_relation *r = &m->relations[i];
        if (r->ended || !r->monitor || r->to != p)
            continue;
        r->ended = true;
        if (r->from != p)
            deliver(m, r->from, DYNSUP_DOWN, r->number, m->processes[p].reason.atom);
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
        supervisor_ended(m, p);
    tell_partners(m, p);
    int c = process->child;
    if (c < 0 || !lives(m, m->children[c].supervisor))
        return;
    int s = m->children[c].supervisor;
    push(m->processes[s].parked, &m->processes[s].parked_count, -2 - c);
    drain(m, s);
}

/* ---- time ---- */

static void slice(model *m, int p) {
    model_process *process = &m->processes[p];
    process->queued = false;
    if (!lives(m, p))
        return;
    if (process->is_supervisor) {
        supervisor_slice(m, p);
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

static void child_timer(model *m, int c) {
    model_child *child = &m->children[c];
    child->timer_ns = 0;
    if (child->state == MODEL_RESTARTING) {
        retry_later(m, c);
        return;
    }
    if (child->state == MODEL_STARTING) {
        child->timed_out = true;
        child->state = MODEL_STOPPING;
    } else if (child->state != MODEL_RUNNING) {
        return;
    }
    model_signal(m, child->supervisor, child->process, model_reason_atom(DYNSUP_KILL));
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
        if (lives(m, p))
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
        child_timer(m, next.child);
    } else {
        m->processes[next.process].kill_ns = 0;
        doom(m, next.process, model_reason_atom(DYNSUP_KILLED));
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
