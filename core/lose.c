/* Losses: processes that end together, by something outside of the core. */
#include "child.h"
#include "life.h"

/* Counts the loss for this child's supervisor, unless another child has done so: then true. A child
 * that is told to stop is not restarted, or its restart does not count: it does not take part. */
static bool claim_loss(const dsi_child *child, uint64_t loss) {
    dsi_supervisor *supervisor = child->supervisor;
    if (child->state == DSI_CHILD_STOPPING || child->state == DSI_CHILD_RENEWING)
        return false;
    if (supervisor->loss == loss || !dsi_life_counts(child))
        return supervisor->loss == loss;
    supervisor->loss = loss;
    return false;
}

void dynsup_lose(dynsup_host *host, dynsup_pid pid, const dynsup_reason *reason, uint64_t loss) {
    dsi_process *process = dsi_process_find_alive(host, pid);
    if (!process)
        return;
    dsi_child *child = process->child;
    while (child) {
        child->is_counted_elsewhere = claim_loss(child, loss);
        child = child->extra ? child->extra->next_same : NULL;
    }
    dsi_process_doom(host, process, reason);
}
