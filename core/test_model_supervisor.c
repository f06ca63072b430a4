/* The supervisors of the reference model, their requests and guests: see test_model.h. */
#include "test_model_parts.h"

#include "tiny.h"

#define TURNS_A_SLICE DSI_TINY(64, 2)

int model_supervisor(model *m, int parent, uint64_t max_restarts, uint64_t max_children) {
    int s = model_spawn(m, parent, true);
    m->processes[s].is_supervisor = true;
    m->processes[s].max_restarts = max_restarts;
    m->processes[s].max_children = max_children;
    m->processes[s].queued = false; /* it has no first slice */
    m->ready_tail--;
    if (parent >= 0)
        model_relate(m, parent, s, false, -1);
    return s;
}

void model_supervisor_end_if_done(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->stopping && supervisor->child_count == 0)
        model_doom(m, s, supervisor->stop_reason);
}

void model_supervisor_stop(model *m, int s, model_reason reason) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    supervisor->stop_reason = reason;
    if (supervisor->is_static)
        model_static_stop(m, s);
    int children[256], count = supervisor->is_static ? 0 : supervisor->child_count;
    memcpy(children, supervisor->children, sizeof children);
    for (int i = 0; i < count; i++)
        model_child_stop(m, children[i]);
    model_supervisor_end_if_done(m, s);
}

void model_supervisor_signal(model *m, int from, int s, model_reason reason) {
    model_process *supervisor = &m->processes[s];
    if (from != supervisor->parent || supervisor->stopping || supervisor->parent_parked)
        return;
    supervisor->parent_parked = true;
    supervisor->parent_reason = reason;
    model_push(supervisor->parked, &supervisor->parked_count, -1);
    if (!supervisor->has_guest)
        model_make_ready(m, s);
}

/* ---- what it is asked ---- */

void model_answer(model *m, int r, int status, int pid) {
    model_request *request = &m->requests[r];
    request->done = true;
    request->status = status;
    request->pid = pid;
    if (model_lives(m, request->caller) && m->processes[request->caller].request == r)
        m->processes[request->caller].request = -1;
}

bool model_is_left(const model *m, int r) {
    int caller = m->requests[r].caller;
    return !model_lives(m, caller) || m->processes[caller].request != r;
}

void model_start_failed(model *m, int r) {
    if (model_is_left(m, r))
        model_tell(m, DYNSUP_EVENT_START_ERROR);
}

static void accept(model *m, int c) {
    model_process *supervisor = &m->processes[m->children[c].supervisor];
    m->children[c].accepted = true;
    model_push(supervisor->children, &supervisor->child_count, c);
}

bool model_name_taken(const model *m, int c, int *pid_out) {
    int name = m->children[c].name;
    *pid_out = name >= 0 ? m->name_process[name] : -1;
    return name >= 0 && m->name_child[name] != c &&
           (m->name_process[name] >= 0 || m->name_child[name] >= 0);
}

/* DYNSUP_PENDING: wait; 1000: go on. */
static int look_up_name(const model *m, int s, int name, bool ensure, int *pid_out) {
    int p = m->name_process[name], c = m->name_child[name];
    if (p < 0 && c < 0)
        return 1000;
    *pid_out = p;
    if (!ensure)
        return DYNSUP_EALREADY_STARTED;
    if (model_lives(m, p) && (c < 0 || m->children[c].state == MODEL_RUNNING))
        return 0;
    if (c >= 0 && m->children[c].state == MODEL_FAILED)
        return DYNSUP_EFAILED;
    return c >= 0 && m->children[c].supervisor == s ? DYNSUP_PENDING : DYNSUP_EALREADY_STARTED;
}

static int start_plain(model *m, int c, int r, int *pid_out) {
    model_child *child = &m->children[c];
    child->made++;
    if (child->fails) {
        model_start_failed(m, r);
        return DYNSUP_EREASON;
    }
    if (child->name >= 0)
        m->name_child[child->name] = c;
    model_child_incarnate(m, c);
    accept(m, c);
    *pid_out = child->process;
    child->state = child->ready ? MODEL_STARTING : MODEL_RUNNING;
    child->starting = child->ready ? r : -1;
    if (!child->ready)
        model_tell(m, DYNSUP_EVENT_CHILD_STARTED);
    return child->ready ? DYNSUP_PENDING : 0;
}

static int start(model *m, int s, int r, int *pid_out) {
    model_request *request = &m->requests[r];
    model_child *child = &m->children[request->child];
    bool ensure = request->kind == MODEL_ENSURE;
    int named = child->name < 0 ? 1000 : look_up_name(m, s, child->name, ensure, pid_out);
    if (named == DYNSUP_PENDING) {
        model_child *other = &m->children[m->name_child[child->name]];
        model_push(other->waiters, &other->waiter_count, r);
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
    model_guest_begin(m, request->child, r);
    return DYNSUP_PENDING;
}

static int terminate(model *m, int s, int r) {
    model_process *supervisor = &m->processes[s];
    for (int i = 0; i < supervisor->child_count; i++) {
        int c = supervisor->children[i];
        model_child *child = &m->children[c];
        if (child->process != m->requests[r].process)
            continue;
        if (child->state == MODEL_RESTARTING || child->state == MODEL_FAILED) {
            model_child_remove(m, c);
            return 0;
        }
        model_push(child->waiters, &child->waiter_count, r);
        model_child_stop(m, c);
        return DYNSUP_PENDING;
    }
    return DYNSUP_ENOT_FOUND;
}

/* Restarts a failed child. */
static int restart(model *m, int s, int r) {
    const model_process *supervisor = &m->processes[s];
    for (int i = 0; i < supervisor->child_count; i++) {
        int c = supervisor->children[i];
        model_child *child = &m->children[c];
        if (child->process != m->requests[r].process)
            continue;
        if (child->state != MODEL_FAILED)
            return child->state == MODEL_RESTARTING ? DYNSUP_ERESTARTING : DYNSUP_ERUNNING;
        model_push(child->waiters, &child->waiter_count, r);
        model_child_forgive(m, c);
        model_child_try(m, c);
        return DYNSUP_PENDING;
    }
    return DYNSUP_ENOT_FOUND;
}

static int handle(model *m, int s, int r, int *pid_out) {
    model_request *request = &m->requests[r];
    if (request->kind == MODEL_STOP) {
        model_process *supervisor = &m->processes[s];
        model_push(supervisor->stoppers, &supervisor->stopper_count, r);
        model_supervisor_stop(m, s, request->reason);
        return DYNSUP_PENDING;
    }
    if (m->processes[s].stopping)
        return DYNSUP_ENOPROC;
    if (m->processes[s].is_static && request->kind != MODEL_TURN)
        return model_static_handle(m, s, r, pid_out);
    if (request->kind >= MODEL_TERMINATE_ID)
        return DYNSUP_ENOT_STATIC;
    if (request->kind == MODEL_TERMINATE)
        return terminate(m, s, r);
    if (request->kind == MODEL_RESTART)
        return restart(m, s, r);
    return request->kind == MODEL_TURN ? 0 : start(m, s, r, pid_out);
}

static bool has_turn(const model *m, int s) {
    const model_process *supervisor = &m->processes[s];
    return !supervisor->has_guest && supervisor->order.job == MODEL_IDLE && model_lives(m, s) &&
           supervisor->parked_count;
}

void model_supervisor_drain(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    for (int turn = 0; turn < TURNS_A_SLICE && has_turn(m, s); turn++) {
        int item = model_shift(supervisor->parked, &supervisor->parked_count), pid = -1;
        if (item == -1) {
            model_supervisor_stop(m, s, supervisor->parent_reason);
        } else if (item < -1 && m->children[-2 - item].state == MODEL_RESTARTING) {
            model_push(supervisor->retries, &supervisor->retry_count, -2 - item);
            model_make_ready(m, s);
        } else if (item < -1) {
            model_child_exited(m, -2 - item);
        } else {
            int status = handle(m, s, item, &pid);
            if (status != DYNSUP_PENDING)
                model_answer(m, item, status, pid);
        }
    }
    if (has_turn(m, s))
        model_make_ready(m, s);
}

/* A start function, which needs the supervisor's process, comes after restarts that are due. */
static bool must_wait(const model *m, const model_process *supervisor, enum model_kind kind,
                      int child) {
    if (kind == MODEL_STOP && supervisor->stopping)
        return false;
    bool starts = kind == MODEL_START || kind == MODEL_ENSURE;
    if (starts && m->children[child].guest && supervisor->retry_count)
        return true;
    bool in_its_slice = kind == MODEL_RESTART ||
                        (supervisor->is_static && kind != MODEL_STOP && kind != MODEL_TURN);
    return in_its_slice || supervisor->has_guest || supervisor->parked_count ||
           supervisor->order.job != MODEL_IDLE;
}

/* Is the process waited for until it has started? */
static bool is_awaited(const model *m, int p) {
    const model_process *process = &m->processes[p];
    if (process->is_supervisor)
        return process->order.job == MODEL_INIT;
    int c = process->child;
    return c >= 0 && m->children[c].state == MODEL_STARTING &&
           m->processes[m->children[c].supervisor].is_static;
}

static bool asks_itself(const model *m, int caller, int s) {
    int p = caller;
    while (p >= 0 && p != s && is_awaited(m, p))
        p = m->processes[p].parent;
    return p == s;
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
    bool calls_itself = model_lives(m, s) && asks_itself(m, caller, s);
    if (!model_lives(m, s) || calls_itself || (supervisor->stopping && kind != MODEL_STOP)) {
        int status = calls_itself ? DYNSUP_ECALLS_ITSELF : DYNSUP_ENOPROC;
        model_answer(m, r, status, -1);
        return status;
    }
    m->processes[caller].request = r;
    if (must_wait(m, supervisor, kind, child)) {
        model_push(supervisor->parked, &supervisor->parked_count, r);
        if (!supervisor->has_guest)
            model_make_ready(m, s);
        return DYNSUP_PENDING;
    }
    m->asks = true;
    int status = handle(m, s, r, &pid);
    m->asks = false;
    if (status != DYNSUP_PENDING)
        model_answer(m, r, status, pid);
    return status;
}

void model_ready(model *m, int p) {
    int c = m->processes[p].child;
    if (c < 0 || !m->children[c].ready)
        return;
    m->children[c].timer_ns = 0;
    if (m->children[c].state != MODEL_STARTING)
        return;
    if (m->processes[m->children[c].supervisor].is_static) {
        model_static_ready(m, c);
        return;
    }
    model_tell(m, DYNSUP_EVENT_CHILD_STARTED);
    model_answer(m, m->children[c].starting, 0, p);
    m->children[c].starting = -1;
    m->children[c].state = MODEL_RUNNING;
    model_child_tell_up(m, c);
}

/* ---- guests ---- */

void model_guest_begin(model *m, int c, int request) {
    model_process *supervisor = &m->processes[m->children[c].supervisor];
    supervisor->has_guest = true;
    supervisor->guest_go = !m->children[c].slow;
    supervisor->guest_child = c;
    supervisor->guest_request = request;
    model_make_ready(m, m->children[c].supervisor);
}

int model_guest_makes(model *m, int c) {
    model_child *child = &m->children[c];
    int p = child->is_supervisor
                ? model_supervisor(m, child->supervisor, child->nested_restarts, 1000)
                : model_spawn(m, child->supervisor, child->traps);
    if (!child->is_supervisor)
        model_relate(m, child->supervisor, p, false, -1);
    m->processes[p].child = c;
    child->process = p;
    child->incarnations++;
    child->state = MODEL_RUNNING;
    return p;
}

static void guest_first(model *m, int c, int r) {
    model_child *child = &m->children[c];
    if (child->ignores || child->fails) {
        if (!child->ignores)
            model_start_failed(m, r);
        model_answer(m, r, child->ignores ? DYNSUP_EIGNORE : DYNSUP_EBAD_RETURN, -1);
        child->state = MODEL_GONE;
        return;
    }
    accept(m, c);
    model_answer(m, r, 0, model_guest_makes(m, c));
    model_tell(m, DYNSUP_EVENT_CHILD_STARTED);
}

static void guest_again(model *m, int c) {
    if (m->children[c].ignores) {
        model_child_ignored(m, c);
    } else if (m->children[c].fails && m->children[c].state == MODEL_FAILED) {
        model_child_deny(m, c);
    } else if (m->children[c].fails) {
        model_child_restart_failed(m, c);
    } else {
        model_guest_makes(m, c);
        model_tell(m, DYNSUP_EVENT_CHILD_RESTARTED);
        model_child_tell_up(m, c);
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
    else if (supervisor->order.job != MODEL_IDLE)
        model_static_guest_done(m, c);
    else
        guest_again(m, c);
    if (supervisor->is_static)
        model_static_advance(m, s);
    if (r < 0 || supervisor->retry_count == 0) /* restarts and requests take turns */
        model_supervisor_drain(m, s);
    if (supervisor->retry_count)
        model_make_ready(m, s);
}

/* ---- slices and the end ---- */

static void turn(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->retry_count)
        model_child_restart(m, model_shift(supervisor->retries, &supervisor->retry_count));
    model_supervisor_drain(m, s);
}

void model_supervisor_slice(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->has_guest) {
        guest_slice(m, s);
        return;
    }
    supervisor->queued = true; /* while it runs; then it is behind those that became ready */
    if (supervisor->order.job != MODEL_IDLE)
        model_static_advance(m, s);
    if (supervisor->order.job == MODEL_IDLE)
        turn(m, s);
    supervisor->queued = false;
    bool retries = supervisor->order.job == MODEL_IDLE && supervisor->retry_count;
    if (supervisor->has_guest || retries || has_turn(m, s) || model_static_goes_on(m, s))
        model_make_ready(m, s);
}

void model_supervisor_ended(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    if (supervisor->has_guest && supervisor->guest_request >= 0) {
        m->children[supervisor->guest_child].state = MODEL_GONE;
        model_answer(m, supervisor->guest_request, DYNSUP_ENOPROC, -1);
    }
    if (supervisor->is_static)
        model_static_ended(m, s);
    for (int i = 0; i < supervisor->child_count; i++)
        model_child_lost(m, s, supervisor->children[i]);
    for (int i = 0; i < supervisor->parked_count; i++) {
        if (supervisor->parked[i] >= 0)
            model_answer(m, supervisor->parked[i], DYNSUP_ENOPROC, -1);
    }
    for (int i = 0; i < supervisor->stopper_count; i++) {
        int r = supervisor->stoppers[i];
        bool same = m->requests[r].reason.atom == supervisor->reason.atom;
        model_answer(m, r, same ? 0 : DYNSUP_EREASON, -1);
    }
}
