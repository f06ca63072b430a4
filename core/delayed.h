/* Delayed messages: sent when their time has come, gone when their destination is. */
#ifndef DSI_DELAYED_H
#define DSI_DELAYED_H

#include "process.h"

typedef struct dsi_delayed {
    dsi_slot slot;
    dsi_timer timer;
    dsi_bag_node owned; /* in the destination's extra->delayed */
    dsi_process *destination;
    dynsup_message *message; /* made beforehand: sending cannot fail */
} dsi_delayed;

/* NULL without memory. The values move into the message on success. */
dsi_delayed *dsi_delayed_new(dynsup_host *host, dsi_process *destination,
                             const dynsup_value *values, uint32_t count, uint64_t deadline_ns);

/* The message is the caller's, to be given to its destination, and the timer is gone. */
dynsup_message *dsi_delayed_take(dynsup_host *host, dsi_delayed *delayed,
                                 dsi_process **destination_out);

/* The message is dropped, and the timer is gone. */
void dsi_delayed_free(dynsup_host *host, dsi_delayed *delayed);

void dsi_delayed_release_all(dynsup_host *host, dsi_process_extra *extra);

#endif
