/* What processes own outside of the core: released when they end. */
#include "process.h"

static void possession_link(dynsup_possession **head, dynsup_possession *possession) {
    possession->next = *head;
    possession->link = head;
    if (possession->next)
        possession->next->link = &possession->next;
    *head = possession;
}

void dynsup_disown(dynsup_possession *possession) {
    if (!possession->link)
        return;
    *possession->link = possession->next;
    if (possession->next)
        possession->next->link = possession->link;
    possession->next = NULL;
    possession->link = NULL;
}

static bool can_own(const dynsup_host *host, const dsi_process *process) {
    return dsi_process_alive(process) || process == host->current;
}

int dynsup_own(dynsup_host *host, dynsup_pid pid, dynsup_possession *possession) {
    dsi_process *process = dsi_process_find(host, pid);
    if (!process || !can_own(host, process))
        return DYNSUP_ENOPROC;
    dsi_process_extra *extra = dsi_process_extra_get(host, process);
    if (!extra)
        return DYNSUP_ENOMEM;
    dynsup_disown(possession);
    possession_link(&extra->possessions, possession);
    return 0;
}

static void release_all(dsi_process_extra *extra) {
    while (extra->possessions) {
        dynsup_possession *possession = extra->possessions;
        dynsup_disown(possession);
        possession->release(possession);
    }
}

void dsi_possessions_release(dynsup_host *host, dsi_process *process) {
    if (!process->extra || !process->extra->possessions)
        return;
    dsi_process *outer = host->current;
    bool outer_closing = host->closing;
    host->current = process;
    host->closing = true;
    release_all(process->extra);
    host->closing = outer_closing;
    host->current = outer;
}
