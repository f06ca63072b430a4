/*
 * Mailboxes: messages on their way into a process.
 *
 * Design notes.
 * A message is one block: header and values. Blocks for up to 2 and up to 4 values are kept in free
 * lists of the host, so that a message in flight costs no allocation in the steady state. The queue
 * is singly linked; a selective receive takes from the middle by the predecessor it has walked
 * past.
 */
#ifndef DSI_MAILBOX_H
#define DSI_MAILBOX_H

#include "state.h"

#include <string.h>

typedef struct dsi_mailbox {
    dynsup_message *head;
    dynsup_message *tail;
} dsi_mailbox;

/* A message of count nils to be filled in, or NULL without memory. There is always a first value:
 * nil when count is 0. */
dynsup_message *dsi_message_new(dynsup_host *host, uint32_t count);

/* Moves in as many values as it was made for; with none, values may be NULL. */
static inline void dsi_message_fill(dynsup_message *message, const dynsup_value *values) {
    if (message->count > 0)
        memcpy(message->values, values, message->count * sizeof *values);
}

/* The bytes of a message with count values. */
size_t dsi_message_size(uint32_t count);

/* Frees the block alone; its values have been moved out. */
void dsi_message_free(dynsup_host *host, dynsup_message *message);

/* Releases the values and frees the block. */
void dsi_message_drop(dynsup_host *host, dynsup_message *message);

void dsi_mailbox_put(dsi_mailbox *mailbox, dynsup_message *message);

/* Takes the message behind prev (NULL: the first); there must be one. */
dynsup_message *dsi_mailbox_take(dsi_mailbox *mailbox, dynsup_message *prev);

/* Returns the free lists' blocks to the allocator. */
void dsi_messages_fini(dynsup_host *host);

#endif
