/* The invariants of a supervisor and of its children, as check.c has those of the host. */
#include "check.h"
#include "cursor.h"
#include "host.h"
#include "limits.h"
#include "request.h"
#include "saved.h"
#include "static.h"

/* ---- children ---- */

static void check_waiters(const dsi_child *child, dsi_check_tally *met) {
    dsi_list_each (node, &child->extra->waiters) {
        const dsi_request *request = dsi_item(node, dsi_request, parked.node);
        MUST(request->parked.kind == DSI_PARKED_START ||
                 request->parked.kind == DSI_PARKED_TERMINATE ||
                 request->parked.kind == DSI_PARKED_RESTART ||
                 request->parked.kind == DSI_PARKED_RENEW,
             "a child is waited for to start, to end or to be renewed");
        met->children += request->child != NULL;
    }
}

static void check_restarting(const dsi_supervisor *supervisor, const dsi_child *child) {
    bool comes = dsi_node_linked(&child->parked.node) || supervisor->guest_child == child ||
                 (dsi_supervisor_is_static(supervisor) && child->extra &&
                  dsi_timer_started(&child->extra->timer));
    bool is_in_job = dsi_supervisor_is_static(supervisor) && supervisor->occupied; /* one by one */
    MUST(comes || is_in_job, "a restart has a turn, a delay or a guest");
    MUST(supervisor->state == DSI_SUPERVISOR_RUNNING || is_in_job, "only a running one restarts");
}

static void check_running(const dsi_supervisor *supervisor, const dsi_child *child) {
    const dsi_process *process = dsi_child_process(supervisor->host, child);
    bool late = child->parked.kind == DSI_PARKED_LATE && dsi_node_linked(&child->parked.node);
    MUST(late || (process && dsi_child_of(process, supervisor) == child),
         "a running child has a process");
    bool awaited = (child->extra && child->extra->starting) || supervisor->awaited == child;
    if (child->state == DSI_CHILD_STARTING)
        MUST(awaited && child->extra && child->extra->ready, "a child that starts is waited for");
    if (child->state == DSI_CHILD_RUNNING)
        MUST(!awaited, "a child that runs has been told of");
    if (supervisor->state == DSI_SUPERVISOR_STOPPING && !dsi_supervisor_is_static(supervisor))
        MUST(child->state == DSI_CHILD_STOPPING, "all children stop with their supervisor");
}

static void check_gone(const dsi_supervisor *supervisor, const dsi_child *child) {
    MUST(dsi_supervisor_is_static(supervisor), "only a static supervisor keeps who is gone");
    MUST(!dsi_node_linked(&child->parked.node), "who is gone waits for no turn");
    MUST(!child->extra || !dsi_timer_started(&child->extra->timer), "nor for a time");
    MUST(child->restart != DYNSUP_TEMPORARY || supervisor->occupied, "the temporary do not stay");
}

static void check_failed(const dsi_supervisor *supervisor, const dsi_child *child) {
    MUST(child->extra && child->extra->own, "who has failed has a limit of its own");
    bool is_noted = dsi_node_linked(&child->parked.node);
    MUST(dsi_supervisor_is_static(supervisor) ? !is_noted
                                              : is_noted != (supervisor->guest_child == child),
         "who has failed waits for no turn, and is among those that are down");
    MUST(!dsi_timer_started(&child->extra->timer), "nor for a time");
}

static void check_saved(const dsi_child *child) {
    const dsi_saved *saved = child->extra->saved;
    if (!saved)
        return;
    MUST(child->restart != DYNSUP_TEMPORARY, "a temporary child has nobody to leave a state to");
    MUST(saved->state.kind != DYNSUP_NIL, "a saved state is one");
    MUST(saved->attempt <= child->extra->max_restores, "a state that has failed is dropped");
}

static void check_child(const dsi_supervisor *supervisor, const dsi_child *child,
                        dsi_check_tally *met) {
    const dynsup_host *host = supervisor->host;
    met->children++;
    met->names += child->name != NULL;
    MUST(child->supervisor == supervisor, "a child is its supervisor's");
    if (child->name) {
        MUST(child->name->child == child, "a child's name is its");
        MUST(dsi_names_find_in(&host->names, child->name->registry, child->name->text,
                               child->name->length) == child->name,
             "a name is in the table");
    }
    if (child->extra) {
        dsi_check_timer(met, supervisor->process->slot.tag, &child->extra->timer);
        if (child->extra->limited)
            dsi_check_timer(met, supervisor->process->slot.tag, &child->extra->limited->deadline);
        check_waiters(child, met);
        check_saved(child);
    }
    if (!dsi_process_alive(supervisor->process))
        return;
    if (child->state == DSI_CHILD_RESTARTING)
        check_restarting(supervisor, child);
    else if (child->state == DSI_CHILD_GONE)
        check_gone(supervisor, child);
    else if (child->state == DSI_CHILD_FAILED)
        check_failed(supervisor, child);
    else
        check_running(supervisor, child);
}

/* ---- supervisors ---- */

static void check_counts(const dsi_supervisor *supervisor, dsi_check_tally *met) {
    size_t specs = 0, active = 0, supervisors = 0;
    MUST(dsi_check_list(&supervisor->children) == supervisor->specs, "specs are counted");
    dsi_list_each (node, &supervisor->children) {
        const dsi_child *child = dsi_child_of_node(node);
        check_child(supervisor, child, met);
        specs++;
        active += !dsi_child_is_down(child);
        supervisors += child->is_supervisor;
    }
    MUST(supervisor->supervisors == supervisors, "supervisors are counted");
    MUST(supervisor->workers == specs - supervisors, "workers are counted");
    if (dsi_process_alive(supervisor->process))
        MUST(supervisor->active == active, "active children are counted");
}

static void check_turns(const dsi_supervisor *supervisor, dsi_check_tally *met) {
    const dsi_process *process = supervisor->process;
    dsi_list_each (node, &supervisor->parked) {
        const dsi_parked *parked = dsi_item(node, dsi_parked, node);
        if (parked->kind == DSI_PARKED_START)
            met->children += dsi_item(parked, dsi_request, parked)->child != NULL;
        if (parked->kind == DSI_PARKED_RETRY)
            MUST(dsi_item(parked, dsi_child, parked)->state == DSI_CHILD_RESTARTING,
                 "only restarts are tried again");
        if (parked->kind == DSI_PARKED_STOP || parked->kind == DSI_PARKED_PARENT)
            MUST(dsi_node_linked(&supervisor->ending), "whose end waits is listed");
    }
    dsi_list_each (node, &supervisor->retries) {
        MUST(dsi_item(node, dsi_child, parked.node)->state == DSI_CHILD_RESTARTING,
             "only restarts are tried again");
    }
    dsi_list_each (node, &supervisor->down)
        MUST(dsi_child_is_down(dsi_item(node, dsi_child, parked.node)), "the down are down");
    bool idle = dsi_list_empty(&supervisor->parked) && dsi_list_empty(&supervisor->retries);
    if (!idle && !supervisor->has_guest && !supervisor->occupied)
        MUST(process->state != DSI_PROCESS_IDLE && process->state != DSI_PROCESS_WAITING,
             "a supervisor with something to do is ready");
}

static void check_guest(const dsi_supervisor *supervisor, dsi_check_tally *met) {
    const dsi_process *process = supervisor->process;
    bool drops = process->flags & DSI_FLAG_DROPS;
    MUST(supervisor->guest_child || dsi_list_empty(&supervisor->offspring),
         "offspring is of a guest that starts a child");
    MUST(drops == !supervisor->has_guest, "a supervisor reads messages while it has a guest");
    if (supervisor->has_guest) {
        const dsi_child *child = supervisor->guest_child;
        met->children += child && !dsi_node_linked(&child->node);
        return;
    }
    MUST(process->body == supervisor, "without a guest a supervisor runs itself");
    MUST(dsi_list_empty(&supervisor->strays), "strays are remembered for a guest only");
    MUST(supervisor->state != DSI_SUPERVISOR_INIT, "an init function is a guest");
}

/* Checks a static supervisor: its index, its weight, and that its job waits for something. */
static void check_order(const dsi_supervisor *supervisor) {
    const dynsup_draft *order = supervisor->order;
    size_t weight = 0;
    MUST(supervisor->occupied == (order->job != DSI_JOB_NONE), "who is occupied has a job");
    MUST(order->ids.count == supervisor->specs, "all children are in the index");
    dsi_list_each (node, &supervisor->children) {
        dsi_child *child = dsi_child_of_node(node);
        dynsup_value id = dsi_child_id(child);
        weight += child->weighs;
        MUST(child->significant || !child->weighs, "the significant weigh");
        MUST(id.kind == DYNSUP_NUMBER || dsi_child_index_find(&order->ids, &id) == child,
             "a child is found by its id");
    }
    MUST(order->weight == weight, "weights are counted");
    if (supervisor->occupied && dsi_process_alive(supervisor->process))
        MUST(supervisor->awaited || supervisor->has_guest ||
                 supervisor->process->state == DSI_PROCESS_RUNNABLE,
             "a job waits for somebody");
}

static void check_cursors(const dsi_supervisor *supervisor) {
    dsi_list_each (node, &supervisor->cursors) {
        const dynsup_cursor *cursor = dsi_item(node, dynsup_cursor, node);
        MUST(cursor->supervisor == supervisor, "a cursor is its supervisor's");
        MUST(cursor->next == &supervisor->children.head ||
                 dsi_child_of_node(cursor->next)->supervisor == supervisor,
             "a cursor stands on a child or at the end");
    }
}

void dsi_check_supervisor(const dsi_supervisor *supervisor, dsi_check_tally *met) {
    const dsi_process *process = supervisor->process;
    MUST(dsi_process_find(supervisor->host, process->slot.id) == process, "its process is there");
    MUST(dsi_supervisor_of(process) == supervisor, "a supervisor's process is its own");
    MUST(!supervisor->draining, "turns come to an end");
    check_counts(supervisor, met);
    check_turns(supervisor, met);
    check_guest(supervisor, met);
    check_cursors(supervisor);
    if (dsi_supervisor_is_static(supervisor))
        check_order(supervisor);
    if (supervisor->state == DSI_SUPERVISOR_STOPPING)
        MUST(supervisor->specs > 0 || !dsi_process_alive(process),
             "a supervisor ends with its last child");
    if (supervisor->state == DSI_SUPERVISOR_RUNNING)
        MUST(supervisor->specs <= supervisor->max_children, "max_children is kept");
}
