/* Requests: what callers ask of a supervisor, and how they are answered. */
#ifndef DSI_REQUEST_H
#define DSI_REQUEST_H

#include "supervisor.h"

struct dsi_request {
    dsi_parked parked; /* in parked, in a child's waiters or in stop_waiters */
    dsi_node pending;  /* in host->requests */
    dynsup_pid target; /* what it waits for: the supervisor or the child */
    dynsup_pid caller; /* 0: nobody waits, so it is done now or not at all */
    uint64_t key;
    /* START */
    bool ensure;
    dsi_child *child; /* not accepted yet; NULL once it is (or is not needed any more) */
    const dynsup_body_ops *body_ops;
    void *body;
    /* TERMINATE: pid, the name, or (by_id; always of DELETE) id; RESTART: any of these; START: the
     * name */
    dynsup_pid pid;
    bool by_id;
    dynsup_value id;
    dynsup_reason reason; /* STOP */
    dynsup_ref ref;       /* RENEW: the child, */
    uint32_t incarnation; /* the one that is to be replaced, */
    bool has_waited;      /* and whether it has waited for the next one */
    size_t name_length;
    char name[];
};

/* A request of the current process to this one, with a copy of the name; NULL without memory. */
dsi_request *dsi_request_new(dynsup_host *host, enum dsi_parked_kind kind, dynsup_pid target,
                             const char *name, size_t name_length);

/* Answers the caller, if it still waits, and frees the request with what it still owns. The reply's
 * objects change hands. */
void dsi_request_reply(dynsup_host *host, dsi_request *request, dynsup_reply *reply);
void dsi_request_status(dynsup_host *host, dsi_request *request, int status);

/* Would a reply to the request reach nobody any more? */
bool dsi_request_is_left(dynsup_host *host, const dsi_request *request);

/* Ends the ownership of the reply's values. */
void dsi_reply_release(dynsup_host *host, dynsup_reply *reply);

/* As dsi_request_status, for all requests of a list. */
void dsi_requests_status(dynsup_host *host, dsi_list *requests, int status);

void dsi_request_free(dynsup_host *host, dsi_request *request);

/* Would a request to this process deadlock: is the current process it, its guest, or started by it
 * and not ready? */
bool dsi_request_asks_itself(const dynsup_host *host, const dsi_process *process);

#endif
