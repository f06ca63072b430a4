/* Losses: processes that end together, by a cause outside of the core. */
#include "child.h"
#include "life.h"

/* True: another child of the supervisor has counted this loss. Else this one does, unless its
 * restart does not count or (it is being stopped) does not come. */
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
