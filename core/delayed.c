/* Delayed messages: sent when their time has come, gone when their destination is. */
#include "delayed.h"

dsi_delayed *dsi_delayed_new(dynsup_host *host, dsi_process *destination,
                             const dynsup_value *values, uint32_t count, uint64_t deadline_ns) {
    dsi_process_extra *extra = dsi_process_extra_get(host, destination);
    dynsup_message *message = extra ? dsi_message_new(host, count) : NULL;
    dsi_delayed *delayed = message ? dsi_slots_new(&host->delayed) : NULL;
    if (!delayed) {
        if (message)
            dsi_message_free(host, message);
        return NULL;
    }
    dsi_message_fill(message, values);
    delayed->message = message;
    delayed->destination = destination;
    delayed->timer.purpose = DSI_PURPOSE_SEND;
    dsi_bag_add(&extra->delayed, &delayed->owned);
    delayed->timer.deadline_ns = deadline_ns;
    if (deadline_ns != DYNSUP_NEVER) /* a run does not wait for a message that is never due */
        dsi_timer_start(host, destination->slot.tag, &delayed->timer, deadline_ns);
    dsi_host_wake(host);
    return delayed;
}

static void delayed_end(dynsup_host *host, dsi_delayed *delayed) {
    dsi_timer_stop(host, delayed->destination->slot.tag, &delayed->timer);
    dsi_bag_remove(&delayed->owned);
    dsi_slots_free(&host->delayed, delayed);
}

dynsup_message *dsi_delayed_take(dynsup_host *host, dsi_delayed *delayed,
                                 dsi_process **destination_out) {
    dynsup_message *message = delayed->message;
    *destination_out = delayed->destination;
    delayed_end(host, delayed);
    return message;
}

void dsi_delayed_free(dynsup_host *host, dsi_delayed *delayed) {
    dsi_message_drop(host, delayed->message);
    delayed_end(host, delayed);
}

void dsi_delayed_release_all(dynsup_host *host, dsi_process_extra *extra) {
    while (extra->delayed.first)
        dsi_delayed_free(host, dsi_item(extra->delayed.first, dsi_delayed, owned));
}
