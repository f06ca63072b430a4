/* Mailboxes: messages on their way into a process. */
#include "mailbox.h"
#include "tiny.h"

#define FREE_MESSAGES_MAX DSI_TINY(4096, 1) /* per class: bounds what a burst leaves behind */

static const uint32_t class_capacity[DSI_MESSAGE_CLASSES] = {2, 4};

static int message_class(uint32_t count) {
    if (count <= class_capacity[0])
        return 0;
    return count <= class_capacity[1] ? 1 : -1;
}

size_t dsi_message_size(uint32_t count) {
    int class = message_class(count);
    uint32_t capacity = class < 0 ? count : class_capacity[class];
    return sizeof(dynsup_message) + capacity * sizeof(dynsup_value);
}

static dynsup_message *message_reuse(dynsup_host *host, int class) {
    dynsup_message *message = host->free_messages[class];
    if (!message)
        return NULL;
    host->free_messages[class] = message->next;
    host->free_message_count[class]--;
    return message;
}

dynsup_message *dsi_message_new(dynsup_host *host, uint32_t count) {
    int class = message_class(count);
    dynsup_message *message = class < 0 ? NULL : message_reuse(host, class);
    if (!message)
        message = dsi_memory_new(&host->memory, dsi_message_size(count));
    if (!message)
        return NULL;
    message->next = NULL;
    message->count = count;
    message->mark = 0;
    message->values[0] = dsi_value_nil(); /* is matched even with no values */
    for (uint32_t i = 1; i < count; i++)
        message->values[i] = dsi_value_nil();
    return message;
}

void dsi_message_free(dynsup_host *host, dynsup_message *message) {
    int class = message_class(message->count);
    if (class < 0 || host->free_message_count[class] >= FREE_MESSAGES_MAX) {
        dsi_memory_free(&host->memory, message, dsi_message_size(message->count));
        return;
    }
    message->next = host->free_messages[class];
    host->free_messages[class] = message;
    host->free_message_count[class]++;
}

void dsi_message_drop(dynsup_host *host, dynsup_message *message) {
    for (uint32_t i = 0; i < message->count; i++)
        dsi_value_release(host, &message->values[i]);
    dsi_message_free(host, message);
}

void dsi_mailbox_put(dsi_mailbox *mailbox, dynsup_message *message) {
    message->next = NULL;
    if (mailbox->head)
        mailbox->tail->next = message;
    else
        mailbox->head = message;
    mailbox->tail = message;
}

dynsup_message *dsi_mailbox_take(dsi_mailbox *mailbox, dynsup_message *prev) {
    dynsup_message **link = prev ? &prev->next : &mailbox->head;
    dynsup_message *message = *link;
    *link = message->next;
    if (mailbox->tail == message)
        mailbox->tail = prev;
    message->next = NULL;
    return message;
}

void dsi_messages_fini(dynsup_host *host) {
    for (int class = 0; class < DSI_MESSAGE_CLASSES; class ++) {
        dynsup_message *message;
        while ((message = message_reuse(host, class)))
            dsi_memory_free(&host->memory, message, dsi_message_size(message->count));
    }
}
