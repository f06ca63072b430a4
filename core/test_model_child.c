/* The children of the reference model, their starts, restarts and ends: see test_model.h. */
#include "test_model_parts.h"

/* ---- removal ---- */

static void name_free(model *m, int c) {
    int name = m->children[c].name;
    if (name < 0 || m->name_child[name] != c)
        return;
    m->name_child[name] = -1; /* a process that goes on keeps it */
}

void model_child_remove(model *m, int c) {
    model_child *child = &m->children[c];
    model_process *supervisor = &m->processes[child->supervisor];
    child->state = MODEL_GONE;
    child->timer_ns = 0;
    model_tell(m, DYNSUP_EVENT_CHILD_REMOVED);
    model_take_out(supervisor->children, &supervisor->child_count, c);
    model_take_out(supervisor->retries, &supervisor->retry_count, c);
    model_take_out(supervisor->parked, &supervisor->parked_count, -2 - c);
    for (int i = 0; i < child->waiter_count; i++) {
        int r = child->waiters[i];
        if (m->requests[r].kind == MODEL_TERMINATE || m->requests[r].kind == MODEL_RESTART) {
            model_answer(m, r, m->requests[r].kind == MODEL_RESTART ? DYNSUP_ENOT_FOUND : 0, -1);
            continue;
        }
        model_push(supervisor->parked, &supervisor->parked_count, r);
        if (!supervisor->has_guest)
            model_make_ready(m, child->supervisor);
    }
    name_free(m, c);
    model_supervisor_end_if_done(m, child->supervisor);
}

void model_child_end(model *m, int c) {
    if (m->processes[m->children[c].supervisor].is_static)
        model_static_child_end(m, c);
    else
        model_child_remove(m, c);
}

void model_child_stop(model *m, int c) {
    model_child *child = &m->children[c];
    model_process *process = &m->processes[child->process];
    if (child->state == MODEL_RESTARTING || child->state == MODEL_FAILED) {
        model_child_end(m, c);
        return;
    }
    if (child->state == MODEL_STOPPING)
        return;
    child->state = MODEL_STOPPING;
    if (!model_lives(m, child->process))
        return;
    bool brutal = child->shutdown_ms == DYNSUP_SHUTDOWN_BRUTAL_KILL;
    model_signal(m, child->supervisor, child->process,
                 model_reason_atom(brutal ? DYNSUP_KILL : DYNSUP_SHUTDOWN));
    if (!model_lives(m, child->process) || child->shutdown_ms < 0)
        return;
    process->kill_ns = m->now_ns + (uint64_t)(child->shutdown_ms * 1e6);
    process->kill_order = m->order++;
}

void model_child_lost(model *m, int s, int c) {
    model_child *child = &m->children[c];
    model_process *process = child->process >= 0 ? &m->processes[child->process] : NULL;
    child->state = MODEL_GONE;
    child->timer_ns = 0;
    if (process && process->child == c) {
        process->child = -1;
        process->kill_ns = 0;
        if (!child->guest && process->parent_link)
            model_link_signal(m, s, child->process, m->processes[s].reason);
    }
    for (int i = 0; i < child->waiter_count; i++)
        model_answer(m, child->waiters[i], DYNSUP_ENOPROC, -1);
    if (child->starting >= 0)
        model_answer(m, child->starting, DYNSUP_ENOPROC, -1);
    name_free(m, c);
}

/* ---- starts and restarts ---- */

void model_child_incarnate(model *m, int c) {
    model_child *child = &m->children[c];
    int p = model_spawn(m, child->supervisor, child->traps);
    m->processes[p].child = c;
    m->processes[p].parent_link = true;
    m->processes[p].name = child->name;
    child->process = p;
    child->incarnations++;
    if (child->name >= 0)
        m->name_process[child->name] = p;
    if (child->ready && child->timeout_ms >= 0) {
        child->timer_ns = m->now_ns + (uint64_t)(child->timeout_ms * 1e6);
        child->timer_order = m->order++;
    }
}

void model_child_tell_up(model *m, int c) {
    model_child *child = &m->children[c];
    int kept[64] = {0}, count = 0;
    for (int i = 0; i < child->waiter_count; i++) {
        int r = child->waiters[i];
        if (m->requests[r].kind == MODEL_TERMINATE)
            kept[count++] = r;
        else
            model_answer(m, r, 0, child->process);
    }
    memcpy(child->waiters, kept, sizeof kept);
    child->waiter_count = count;
}

static void delay(model *m, int c) {
    model_child *child = &m->children[c];
    if (child->lived_ns >= 1000000000 || child->next_delay_ms == 0)
        child->next_delay_ms = 100;
    model_tell(m, DYNSUP_EVENT_CHILD_DELAYED);
    child->lived_ns = 0;
    child->delayed = true;
    child->timer_ns = m->now_ns + (uint64_t)(child->next_delay_ms * 1e6);
    child->timer_order = m->order++;
    child->next_delay_ms = child->next_delay_ms * 2 > 500 ? 500 : child->next_delay_ms * 2;
}

static void retry_later(model *m, int c) {
    model_process *supervisor = &m->processes[m->children[c].supervisor];
    if (supervisor->parked_count)
        model_push(supervisor->parked, &supervisor->parked_count, -2 - c);
    else
        model_push(supervisor->retries, &supervisor->retry_count, c);
    if (!supervisor->has_guest)
        model_make_ready(m, m->children[c].supervisor);
}

/* Is one more restart now within the limit? A restart exactly 5 s old still counts. */
static bool window_allows(const model *m, uint64_t *restarts_ms, int *count,
                          uint64_t max_restarts) {
    uint64_t now_ms = m->now_ns / 1000000;
    int kept = 0;
    for (int i = 0; i < *count; i++)
        if (now_ms - restarts_ms[i] <= 5000)
            restarts_ms[kept++] = restarts_ms[i];
    restarts_ms[kept++] = now_ms;
    *count = kept;
    return (uint64_t)kept <= max_restarts;
}

/* Counts a restart: by the child's own limit, if it has one; else by its supervisor's, unless it
 * backs off. */
static bool restart_allowed(model *m, model_child *child) {
    model_process *supervisor = &m->processes[child->supervisor];
    if (child->limit >= 0)
        return window_allows(m, child->restarts_ms, &child->restart_count, (uint64_t)child->limit);
    return child->backoff || window_allows(m, supervisor->restarts_ms, &supervisor->restart_count,
                                           supervisor->max_restarts);
}

/* Answers with this the requests that wait for the child, except for its end. */
static void tell_waiters(model *m, int c, bool all, int status) {
    model_child *child = &m->children[c];
    int kept = 0;
    for (int i = 0; i < child->waiter_count; i++) {
        int r = child->waiters[i];
        bool told =
            m->requests[r].kind == MODEL_RESTART || (all && m->requests[r].kind != MODEL_TERMINATE);
        if (told)
            model_answer(m, r, status, -1);
        else
            child->waiters[kept++] = r;
    }
    child->waiter_count = kept;
}

static void give_up(model *m, int c) {
    model_child *child = &m->children[c];
    int s = child->supervisor;
    if (child->limit < 0) {
        model_tell(m, DYNSUP_EVENT_GAVE_UP);
        model_child_end(m, c);
        model_supervisor_stop(m, s, model_reason_atom(DYNSUP_SHUTDOWN));
        return;
    }
    child->state = MODEL_FAILED;
    child->timer_ns = 0;
    model_tell(m, DYNSUP_EVENT_CHILD_FAILED);
    tell_waiters(m, c, true, DYNSUP_EFAILED);
    if (m->processes[s].is_static)
        model_static_failed(m, c);
}

void model_child_restart_failed(model *m, int c) {
    model_tell(m, DYNSUP_EVENT_START_ERROR);
    if (!m->children[c].backoff)
        retry_later(m, c);
    else if (restart_allowed(m, &m->children[c]))
        delay(m, c);
    else
        give_up(m, c);
}

void model_child_deny(model *m, int c) {
    const model_child *child = &m->children[c];
    bool is_told = false;
    for (int i = 0; i < child->waiter_count; i++)
        is_told |= m->requests[child->waiters[i]].kind == MODEL_RESTART &&
                   !model_is_left(m, child->waiters[i]);
    if (!is_told)
        model_tell(m, DYNSUP_EVENT_START_ERROR);
    tell_waiters(m, c, false, child->guest ? DYNSUP_EBAD_RETURN : DYNSUP_EREASON);
}

void model_child_ignored(model *m, int c) {
    tell_waiters(m, c, false, DYNSUP_EIGNORE);
    model_child_end(m, c);
}

/* Starts the child alone: in a process of its own, or by a start function. */
void model_child_try(model *m, int c) {
    model_child *child = &m->children[c];
    child->made++;
    if (child->guest) {
        model_guest_begin(m, c, -1);
    } else if (!child->fails) {
        model_child_incarnate(m, c);
        child->state = MODEL_RUNNING;
        model_tell(m, DYNSUP_EVENT_CHILD_RESTARTED);
        model_child_tell_up(m, c);
    } else if (child->state == MODEL_FAILED) {
        model_child_deny(m, c);
    } else {
        model_child_restart_failed(m, c);
    }
}

void model_child_attempt(model *m, int c) {
    const model_process *supervisor = &m->processes[m->children[c].supervisor];
    if (supervisor->is_static && supervisor->order.strategy != DYNSUP_ONE_FOR_ONE)
        model_static_restart(m, c);
    else
        model_child_try(m, c);
}

void model_child_forgive(model *m, int c) {
    m->children[c].restart_count = 0;
    m->children[c].next_delay_ms = 0;
    m->children[c].delayed = false;
}

/* Restarts the child; a restart that was delayed has been counted already. */
void model_child_restart(model *m, int c) {
    model_child *child = &m->children[c];
    bool was_delayed = child->backoff && child->delayed;
    if (!was_delayed && !restart_allowed(m, child))
        give_up(m, c);
    else if (!was_delayed && child->backoff)
        delay(m, c);
    else
        model_child_attempt(m, c);
}

/* ---- exits and timers ---- */

static bool is_abnormal(model_reason reason) {
    return reason.kind != DYNSUP_REASON_NORMAL && reason.kind != DYNSUP_REASON_SHUTDOWN;
}

static bool is_due(const model_child *child, model_reason reason) {
    if (child->restart != DYNSUP_TRANSIENT)
        return child->restart == DYNSUP_PERMANENT;
    return is_abnormal(reason);
}

bool model_child_not_ready(const model *m, int c) {
    const model_child *child = &m->children[c];
    if (child->state != MODEL_STARTING) /* it was stopped */
        return child->timed_out;
    return child->restart == DYNSUP_PERMANENT || is_abnormal(m->processes[child->process].reason);
}

void model_child_exited(model *m, int c) {
    model_child *child = &m->children[c];
    model_process *process = &m->processes[child->process];
    process->child = -1;
    child->timer_ns = 0;
    child->delayed = false;
    if (child->starting >= 0) {
        if (model_child_not_ready(m, c))
            model_start_failed(m, child->starting);
        model_answer(m, child->starting, child->timed_out ? DYNSUP_ETIMEOUT : DYNSUP_EREASON, -1);
        child->starting = -1;
        model_child_remove(m, c);
    } else if (child->state == MODEL_RUNNING && is_due(child, process->reason)) {
        child->state = MODEL_RESTARTING;
        model_child_restart(m, c);
    } else {
        model_child_end(m, c);
    }
    if (m->processes[child->supervisor].is_static)
        model_static_advance(m, child->supervisor);
}

void model_child_timer(model *m, int c) {
    model_child *child = &m->children[c];
    child->timer_ns = 0;
    if (child->state == MODEL_RESTARTING) {
        retry_later(m, c);
        return;
    }
    if (!model_lives(m, child->process)) /* its end waits for its turn */
        return;
    if (child->state == MODEL_STARTING) {
        child->timed_out = true;
        child->state = MODEL_STOPPING;
    } else if (child->state != MODEL_RUNNING) {
        return;
    }
    model_signal(m, child->supervisor, child->process, model_reason_atom(DYNSUP_KILL));
}
