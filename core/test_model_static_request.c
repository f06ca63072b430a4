/* What callers ask of the static supervisors of the reference model: see test_model.h. */
#include "test_model_parts.h"

static int find_id(const model *m, int s, int id) {
    const model_process *supervisor = &m->processes[s];
    for (int i = 0; i < supervisor->child_count; i++)
        if (m->children[supervisor->children[i]].id == id)
            return supervisor->children[i];
    return -1;
}

int model_static(model *m, int caller, enum dynsup_strategy strategy, uint64_t max_restarts,
                 int first, int count) {
    int s = model_supervisor(m, caller, max_restarts, DYNSUP_NO_LIMIT);
    int r = m->request_count++;
    model_process *supervisor = &m->processes[s];
    m->requests[r] = (model_request){.kind = MODEL_FIRST_START, .caller = caller, .supervisor = s};
    m->processes[caller].request = r;
    supervisor->is_static = true;
    supervisor->order = (model_order){.strategy = strategy, .request = -1, .blocked_at = -1};
    for (int i = 0; i < count; i++) {
        m->children[first + i].supervisor = s;
        m->children[first + i].state = MODEL_DOWN;
        m->children[first + i].accepted = true;
        model_push(supervisor->children, &supervisor->child_count, first + i);
    }
    model_static_job(m, s, MODEL_INIT, true, first);
    supervisor->order.request = r;
    model_make_ready(m, s);
    return s;
}

static int await_named(model *m, int c, int r) {
    model_child *child = &m->children[c];
    if (child->state == MODEL_DOWN)
        return DYNSUP_EALREADY_PRESENT;
    model_push(child->waiters, &child->waiter_count, r);
    return DYNSUP_PENDING;
}

/* ensure_child for a name that is taken: answers, or waits. */
static int ensure(model *m, int s, int r, int *pid_out) {
    int name = m->children[m->requests[r].child].name;
    int p = m->name_process[name], c = m->name_child[name];
    *pid_out = p;
    if (model_lives(m, p) && (c < 0 || m->children[c].state == MODEL_RUNNING))
        return 0;
    if (c >= 0 && m->children[c].state == MODEL_FAILED)
        return DYNSUP_EFAILED;
    return c >= 0 && m->children[c].supervisor == s ? await_named(m, c, r)
                                                    : DYNSUP_EALREADY_STARTED;
}

static void job_for(model *m, int s, int r, enum model_job job, bool is_new, int c) {
    model_order *order = &m->processes[s].order;
    order->request = r;
    order->is_new = is_new;
    model_static_job(m, s, job, job == MODEL_START_ONE, c);
    order->revives = job == MODEL_START_ONE && m->children[c].state == MODEL_FAILED;
    model_static_advance(m, s);
}

static int start(model *m, int s, int r, int *pid_out) {
    model_process *supervisor = &m->processes[s];
    int c = m->requests[r].child;
    model_child *child = &m->children[c];
    bool taken = model_name_taken(m, c, pid_out);
    if (taken && m->requests[r].kind == MODEL_ENSURE)
        return ensure(m, s, r, pid_out);
    int present = find_id(m, s, child->id);
    if (present >= 0 && m->children[present].state == MODEL_RUNNING) {
        *pid_out = m->children[present].process;
        return DYNSUP_EALREADY_STARTED;
    }
    if (present >= 0)
        return DYNSUP_EALREADY_PRESENT;
    if (taken)
        return DYNSUP_EALREADY_STARTED;
    if (child->name >= 0)
        m->name_child[child->name] = c;
    child->state = MODEL_DOWN;
    child->accepted = true;
    model_push(supervisor->children, &supervisor->child_count, c);
    job_for(m, s, r, MODEL_START_ONE, true, c);
    return DYNSUP_PENDING;
}

static int find_process(const model *m, int s, int p) {
    const model_process *supervisor = &m->processes[s];
    for (int i = 0; i < supervisor->child_count; i++) {
        const model_child *child = &m->children[supervisor->children[i]];
        if (child->process == p && child->state != MODEL_DOWN)
            return supervisor->children[i];
    }
    return -1;
}

static int terminate(model *m, int s, int r, int c) {
    if (c < 0)
        return DYNSUP_ENOT_FOUND;
    if (m->children[c].state == MODEL_DOWN)
        return 0;
    job_for(m, s, r, MODEL_TERMINATE_ONE, false, c);
    return DYNSUP_PENDING;
}

static int change(model *m, int s, int r, int c) {
    if (c < 0)
        return DYNSUP_ENOT_FOUND;
    bool has_failed = m->children[c].state == MODEL_FAILED;
    if (m->children[c].state != MODEL_DOWN && !has_failed)
        return m->children[c].state == MODEL_RESTARTING ? DYNSUP_ERESTARTING : DYNSUP_ERUNNING;
    if (m->requests[r].kind == MODEL_DELETE_ID) {
        model_child_remove(m, c);
        return 0;
    }
    if (has_failed)
        model_child_forgive(m, c);
    job_for(m, s, r, MODEL_START_ONE, false, c);
    return DYNSUP_PENDING;
}

int model_static_handle(model *m, int s, int r, int *pid_out) {
    const model_request *request = &m->requests[r];
    switch (request->kind) {
    case MODEL_START:
    case MODEL_ENSURE:
        return start(m, s, r, pid_out);
    case MODEL_TERMINATE:
        return terminate(m, s, r, find_process(m, s, request->process));
    case MODEL_RESTART:
        return change(m, s, r, find_process(m, s, request->process));
    case MODEL_TERMINATE_ID:
        return terminate(m, s, r, find_id(m, s, request->child));
    default:
        return change(m, s, r, find_id(m, s, request->child));
    }
}
