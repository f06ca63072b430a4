/*
 * One exchange with a server: a request, and its response as far as it has come.
 *
 * Design notes.
 * A transfer is begun once and closed once (close is idempotent). In between it ends, because
 * libcurl says so or a limit is exceeded: then it is over, with or without a reason. Until it is
 * closed, the data that has arrived can still be read.
 * A body that is streamed is buffered up to STREAM_MAX, then libcurl is paused, which stops reading
 * from the socket, until the buffer is taken.
 */
#ifndef DSL_HTTP_TRANSFER_H
#define DSL_HTTP_TRANSFER_H

#include "bindings/http/http_client.h"

typedef struct dsl_buffer {
    char *bytes;
    size_t size, capacity;
} dsl_buffer;

typedef struct dsl_transfer {
    dynsup_possession possession;      /* of the process that began it */
    dsl_http *http;                    /* NULL: not begun, or closed */
    struct dsl_transfer *next, **link; /* in http->transfers */
    CURL *easy;
    struct curl_slist *headers;
    dynsup_pid pid; /* of the process that waits, with the key; key 0: it does not */
    uint64_t key;
    long status;     /* of the response, once head_done */
    dsl_buffer head; /* status line and headers, up to the empty line */
    dsl_buffer body; /* what has not been taken yet */
    size_t head_total;
    uint64_t received; /* bytes of the body */
    uint64_t max_bytes;
    bool stream;
    bool paused;
    bool head_done;
    bool over;
    const char *reason;          /* why it failed, or NULL */
    const char *detail;          /* of the reason: a literal, or error */
    char error[CURL_ERROR_SIZE]; /* libcurl's */
} dsl_transfer;

/* Adds a zeroed transfer to the client, and to the current process, whose end closes it; and gives
 * it a handle of libcurl's with the options that all transfers have. False without memory; the
 * transfer must be closed all the same. */
bool dsl_transfer_init(dsl_transfer *transfer, dsl_http *http);

/* Adds a line "Name: value" to the request. False without memory. */
bool dsl_transfer_header(dsl_transfer *transfer, const char *line);

/* Starts the transfer. What its options point to must stay until it is closed. */
void dsl_transfer_begin(dsl_transfer *transfer);

/* Cancels the transfer, if it is not over, and frees all that it has. */
void dsl_transfer_close(dsl_transfer *transfer);

/* The body's buffer has been read: more may come. May end the transfer. */
void dsl_transfer_taken(dsl_transfer *transfer);

/* Called by the client: the transfer is over, with libcurl's result. */
void dsl_transfer_ended(dsl_transfer *transfer, CURLcode result);

/* Called inside a callback of libcurl's: the transfer has failed. NULL is allowed. The texts are
 * literals. */
void dsl_transfer_fail(dsl_transfer *transfer, const char *reason, const char *detail);

#endif
