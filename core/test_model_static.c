/* The static supervisors of the reference model, their jobs: see test_model.h. */
#include "test_model_parts.h"

#include "tiny.h"

#define STEPS_A_GO DSI_TINY(64, 2)

static model_order *order_of(model *m, int s) {
    return &m->processes[s].order;
}

static model_order *order_above(model *m, int c) {
    return order_of(m, m->children[c].supervisor);
}

/* ---- the order of children ---- */

static int last_of(const model_process *supervisor) {
    return supervisor->child_count ? supervisor->children[supervisor->child_count - 1] : -1;
}

/* The child that number of places behind; -1: there is none. */
static int neighbour(const model_process *supervisor, int c, int places) {
    for (int i = 0; i < supervisor->child_count; i++) {
        int at = i + places;
        if (supervisor->children[i] == c)
            return at >= 0 && at < supervisor->child_count ? supervisor->children[at] : -1;
    }
    return -1;
}

/* ---- what becomes of a child ---- */

static void tell(model *m, int s, int status, int pid) {
    int r = order_of(m, s)->request;
    order_of(m, s)->request = -1;
    if (r >= 0)
        model_answer(m, r, status, pid);
}

/* Puts the child down: only its spec stays, or nothing. */
static void put_down(model *m, int c) {
    model_child *child = &m->children[c];
    model_process *supervisor = &m->processes[child->supervisor];
    child->state = MODEL_DOWN;
    child->timer_ns = 0;
    if (supervisor->order.blocked_at == c)
        supervisor->order.blocked_at = -1;
    model_take_out(supervisor->retries, &supervisor->retry_count, c);
    model_take_out(supervisor->parked, &supervisor->parked_count, -2 - c);
    if (child->restart == DYNSUP_TEMPORARY || supervisor->stopping) {
        model_child_remove(m, c);
        return;
    }
    for (int i = 0; i < child->waiter_count; i++)
        model_answer(m, child->waiters[i], DYNSUP_EALREADY_PRESENT, -1);
    child->waiter_count = 0;
}

static void started(model *m, int c) {
    model_child *child = &m->children[c];
    bool again = child->incarnations > 1;
    child->state = MODEL_RUNNING;
    model_tell(m, again ? DYNSUP_EVENT_CHILD_RESTARTED : DYNSUP_EVENT_CHILD_STARTED);
    model_child_tell_up(m, c);
    if (order_above(m, c)->job == MODEL_START_ONE)
        tell(m, child->supervisor, 0, child->process);
}

static void failed(model *m, int c, int status, int pid) {
    int s = m->children[c].supervisor;
    model_order *order = order_of(m, s);
    bool ended_well = order->ended_well;
    order->ended_well = false;
    m->children[c].state = MODEL_DOWN;
    if (order->job == MODEL_START_ONE && !ended_well)
        model_start_failed(m, order->request);
    if (order->job == MODEL_INIT) {
        model_tell(m, DYNSUP_EVENT_START_ERROR);
        order->failure = DYNSUP_EFAILED_TO_START;
        order->at = c;
        order->starts = false;
    } else if (order->job == MODEL_GROUP) {
        order->at = -1;
        order->blocked_at = c;
        m->children[c].state = MODEL_RESTARTING;
        model_child_restart_failed(m, c);
    } else {
        bool revives = order->revives;
        tell(m, s, status, pid);
        if (order->is_new)
            model_child_remove(m, c);
        else
            put_down(m, c);
        if (revives)
            m->children[c].state = MODEL_FAILED;
    }
}

void model_static_child_end(model *m, int c) {
    model_order *order = order_above(m, c);
    bool awaited = order->awaited == c;
    if (awaited)
        order->awaited = -1;
    order->ended_well = awaited && order->starts && !model_child_not_ready(m, c);
    if (awaited && order->starts)
        failed(m, c, m->children[c].timed_out ? DYNSUP_ETIMEOUT : DYNSUP_EREASON, -1);
    else
        put_down(m, c);
}

void model_static_ready(model *m, int c) {
    order_above(m, c)->awaited = -1;
    started(m, c);
    model_make_ready(m, m->children[c].supervisor);
}

void model_static_guest_done(model *m, int c) {
    const model_child *child = &m->children[c];
    if (child->ignores) {
        if (order_above(m, c)->job == MODEL_START_ONE)
            tell(m, child->supervisor, DYNSUP_EIGNORE, -1);
        put_down(m, c);
    } else if (child->fails) {
        failed(m, c, DYNSUP_EBAD_RETURN, -1);
    } else {
        model_guest_makes(m, c);
        started(m, c);
    }
}

/* ---- jobs ---- */

void model_static_job(model *m, int s, enum model_job job, bool starts, int at) {
    model_order *order = order_of(m, s);
    bool alone = job == MODEL_TERMINATE_ONE || job == MODEL_START_ONE;
    order->job = job;
    order->starts = starts;
    order->awaited = -1;
    order->revives = false;
    if (job == MODEL_GROUP || job == MODEL_STOP_ALL)
        order->blocked_at = -1;
    order->first = alone ? at : -1;
    order->at = at;
}

static void done(model *m, int s) {
    const model_process *supervisor = &m->processes[s];
    order_of(m, s)->job = MODEL_IDLE;
    order_of(m, s)->awaited = -1;
    if ((supervisor->parked_count || supervisor->retry_count) && !supervisor->has_guest)
        model_make_ready(m, s);
}

static void stop_one(model *m, int s, int c) {
    model_process *supervisor = &m->processes[s];
    model_child *child = &m->children[c];
    model_order *order = &supervisor->order;
    order->at = c == order->first ? -1 : neighbour(supervisor, c, -1);
    if (child->state == MODEL_FAILED && order->job == MODEL_GROUP)
        return;
    if (child->state == MODEL_RESTARTING || child->state == MODEL_FAILED) {
        put_down(m, c);
    } else if (child->state == MODEL_DOWN) {
        if (supervisor->stopping)
            put_down(m, c);
    } else if (model_take_out(supervisor->parked, &supervisor->parked_count, -2 - c)) {
        child->state = MODEL_STOPPING; /* it ended before it was asked to */
        model_child_exited(m, c);
    } else {
        order->awaited = c;
        model_child_stop(m, c);
    }
}

static void start_process(model *m, int c) {
    model_child *child = &m->children[c];
    child->timed_out = false;
    model_child_incarnate(m, c);
    if (!child->ready) {
        started(m, c);
        return;
    }
    child->state = MODEL_STARTING;
    order_above(m, c)->awaited = c;
}

static void start_one(model *m, int s, int c) {
    model_process *supervisor = &m->processes[s];
    model_child *child = &m->children[c];
    int holder;
    bool alone = supervisor->order.job == MODEL_START_ONE;
    supervisor->order.at = alone ? -1 : neighbour(supervisor, c, 1);
    if (!alone && child->state != MODEL_DOWN)
        return;
    if (model_name_taken(m, c, &holder)) {
        failed(m, c, DYNSUP_EALREADY_STARTED, holder);
        return;
    }
    if (child->name >= 0)
        m->name_child[child->name] = c;
    child->made++;
    if (child->guest)
        model_guest_begin(m, c, -1);
    else if (child->fails)
        failed(m, c, DYNSUP_EREASON, -1);
    else
        start_process(m, c);
}

/* Ends the supervisor when the children that had been started are stopped again; its starter gets
 * no signal. */
static void first_start_failed(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    supervisor->stopping = true;
    model_unlink_now(m, supervisor->parent, s);
    model_doom(m, s, model_reason_atom(DYNSUP_SHUTDOWN));
    tell(m, s, supervisor->order.failure, -1);
    done(m, s);
}

static void part_done(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    model_order *order = &supervisor->order;
    if (order->starts) {
        if (order->job == MODEL_INIT)
            tell(m, s, 0, s);
        done(m, s);
    } else if (order->job == MODEL_GROUP) {
        order->starts = true;
        order->at = order->first >= 0         ? order->first
                    : supervisor->child_count ? supervisor->children[0]
                                              : -1;
    } else if (order->job == MODEL_INIT) {
        first_start_failed(m, s);
    } else {
        tell(m, s, 0, -1);
        done(m, s);
    }
}

bool model_static_goes_on(const model *m, int s) {
    const model_process *supervisor = &m->processes[s];
    const model_order *order = &supervisor->order;
    return order->job != MODEL_IDLE && order->awaited < 0 && !supervisor->has_guest &&
           model_lives(m, s);
}

static void go_on(model *m, int s) {
    const model_order *order = order_of(m, s);
    if (order->at < 0)
        part_done(m, s);
    else if (order->starts)
        start_one(m, s, order->at);
    else
        stop_one(m, s, order->at);
}

void model_static_advance(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    model_order *order = &supervisor->order;
    if (order->advances)
        return;
    order->advances = true;
    for (int left = m->asks ? 0 : STEPS_A_GO; left > 0; left--) {
        if (order->job != MODEL_IDLE && !supervisor->has_guest &&
            model_take_out(supervisor->parked, &supervisor->parked_count, -1))
            model_supervisor_stop(m, s, supervisor->parent_reason);
        if (model_static_goes_on(m, s))
            go_on(m, s);
        if (!model_static_goes_on(m, s))
            break;
    }
    order->advances = false;
    if (model_static_goes_on(m, s))
        model_make_ready(m, s);
}

void model_static_restart(model *m, int c) {
    int s = m->children[c].supervisor;
    model_static_job(m, s, MODEL_GROUP, false, last_of(&m->processes[s]));
    if (order_of(m, s)->strategy == DYNSUP_REST_FOR_ONE)
        order_of(m, s)->first = c;
    model_static_advance(m, s);
}

void model_static_failed(model *m, int c) {
    int s = m->children[c].supervisor;
    if (order_of(m, s)->blocked_at != c)
        return;
    model_static_job(m, s, MODEL_GROUP, true, neighbour(&m->processes[s], c, 1));
    model_static_advance(m, s);
}

/* ---- the end ---- */

static void cut(model *m, int s) {
    const model_process *supervisor = &m->processes[s];
    const model_order *order = &supervisor->order;
    if (order->job == MODEL_INIT)
        model_unlink_now(m, supervisor->parent, s);
    int status = order->job != MODEL_INIT ? DYNSUP_ENOPROC
                 : order->failure         ? order->failure
                                          : DYNSUP_EREASON;
    tell(m, s, status, -1);
}

void model_static_stop(model *m, int s) {
    model_process *supervisor = &m->processes[s];
    int kept = 0, awaited = supervisor->order.awaited;
    if (awaited >= 0 && m->children[awaited].state == MODEL_STARTING)
        m->children[awaited].state = MODEL_RUNNING; /* until its turn to stop */
    cut(m, s);
    for (int i = 0; i < supervisor->parked_count; i++) {
        int r = supervisor->parked[i];
        if (r < 0)
            supervisor->parked[kept++] = r;
        else if (m->requests[r].kind == MODEL_STOP)
            model_push(supervisor->stoppers, &supervisor->stopper_count, r);
        else
            model_answer(m, r, DYNSUP_ENOPROC, -1);
    }
    supervisor->parked_count = kept;
    model_static_job(m, s, MODEL_STOP_ALL, false, last_of(supervisor));
    model_static_advance(m, s);
}

void model_static_ended(model *m, int s) {
    cut(m, s);
    order_of(m, s)->job = MODEL_IDLE;
}
