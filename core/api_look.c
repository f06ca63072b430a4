/* The public functions for looking into a host: pages, waits, pauses, supervisors and children. */
#include "dynsup_look.h"
#include "monitor.h"
#include "request.h"

size_t dynsup_process_page(const dynsup_host *host, uint32_t *cursor, uint32_t places,
                           dynsup_pid *pids_out, size_t capacity) {
    const dsi_process *process = NULL;
    size_t count = 0;
    while (count < capacity && (process = dsi_slots_next_within(&host->processes, cursor, &places)))
        if (dsi_process_alive(process))
            pids_out[count++] = process->slot.id;
    if (!process && places > 0) /* neither the page is full nor the places are used up */
        *cursor = 0;
    return count;
}

void dynsup_round_end(dynsup_host *host) {
    host->round_over = true;
}

/* ---- waits ---- */

/* The process whose answer this one waits for: the target of the monitor whose ref it waits with,
 * in a call or a selective receive. */
static dynsup_pid answerer(const dynsup_host *host, const dsi_process *process) {
    bool has_key = process->state == DSI_PROCESS_WAITING && process->has_key;
    const dsi_monitor *monitor =
        has_key ? dsi_slots_find(&host->monitors, process->wait_key) : NULL;
    bool is_its = monitor && monitor->watcher == process && monitor->target;
    return is_its ? monitor->target->slot.id : 0;
}

static enum dynsup_waits what_waits(const dsi_process *process, dynsup_pid target) {
    static const enum dynsup_waits kinds[] = {[DSI_WAIT_NONE] = DYNSUP_WAITS_NOT,
                                              [DSI_WAIT_MESSAGE] = DYNSUP_WAITS_MESSAGE,
                                              [DSI_WAIT_TIME] = DYNSUP_WAITS_TIME,
                                              [DSI_WAIT_KEY] = DYNSUP_WAITS_KEY};
    if (process->state != DSI_PROCESS_WAITING)
        return DYNSUP_WAITS_NOT;
    if (target)
        return DYNSUP_WAITS_ANSWER;
    return kinds[process->wait];
}

bool dynsup_process_wait(const dynsup_host *host, dynsup_pid pid, dynsup_wait *wait_out) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process)
        return false;
    bool waits = process->state == DSI_PROCESS_WAITING;
    dynsup_pid target = answerer(host, process);
    bool has_end = waits && dsi_process_is_timed(process);
    *wait_out = (dynsup_wait){
        .pid = pid,
        .what = what_waits(process, target),
        .target = target,
        .deadline_ns = has_end ? process->timer.deadline_ns : DYNSUP_NEVER,
    };
    return true;
}

void dynsup_requests_each(const dynsup_host *host, bool (*visit)(void *ud, const dynsup_wait *wait),
                          void *ud) {
    dsi_list_each (node, &host->requests) {
        dsi_request *request = dsi_item(node, dsi_request, pending);
        dynsup_wait wait;
        if (!dynsup_process_wait(host, request->caller, &wait) || wait.what != DYNSUP_WAITS_KEY ||
            dsi_process_find(host, request->caller)->wait_key != request->key)
            continue; /* its caller is gone, or has given up */
        wait.what = DYNSUP_WAITS_REQUEST;
        wait.target = request->target;
        if (!visit(ud, &wait))
            return;
    }
}

/* ---- pause ---- */

bool dynsup_pause(dynsup_host *host, dynsup_pid pid) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process || (process->flags & DSI_FLAG_SUPERVISOR))
        return false;
    dsi_process_pause(host, process);
    return true;
}

bool dynsup_resume(dynsup_host *host, dynsup_pid pid) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (process)
        dsi_process_resume(host, process);
    return process != NULL;
}

/* ---- supervisors and children ---- */

bool dynsup_supervisor_inspect(const dynsup_host *host, dynsup_pid pid,
                               dynsup_supervisor_info *info_out) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    dsi_supervisor *supervisor = process ? dsi_supervisor_of(process) : NULL;
    if (!supervisor)
        return false;
    dsi_intensity *intensity = &supervisor->intensity;
    *info_out = (dynsup_supervisor_info){
        .restarts = dsi_intensity_count(intensity, dsi_supervisor_time(supervisor) / 1000000),
        .max_restarts = intensity->max_restarts,
        .period_ms = intensity->period_ms,
        .max_children = supervisor->max_children,
        .is_stopping = supervisor->state == DSI_SUPERVISOR_STOPPING,
        .has_guest = supervisor->has_guest,
    };
    dynsup_count_children(host, pid, &info_out->counts);
    return true;
}

bool dynsup_child_of(const dynsup_host *host, dynsup_pid pid, dynsup_child_info *info_out) {
    const dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process || !process->child)
        return false;
    dsi_child_inspect(process->child, info_out);
    return true;
}

bool dynsup_child_find(const dynsup_host *host, dynsup_ref ref, dynsup_child_info *info_out) {
    const dsi_child *child = dsi_slots_find(&host->children, ref);
    if (child)
        dsi_child_inspect(child, info_out);
    return child != NULL;
}
