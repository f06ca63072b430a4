/* One exchange with a server. */
#include "bindings/http/http_transfer.h"

#include "bindings/net/pipe_guard.h"

#include <limits.h>
#include <string.h>

#define STREAM_MAX 65536u /* of a streamed body in the buffer, and one piece more */
#define HEAD_MAX   65536u /* of all heads of one exchange together */
#define BUFFER_MIN 1024u

/* ---- buffers ---- */

static bool buffer_grow(const dsl_host *host, dsl_buffer *buffer, size_t size) {
    size_t capacity = buffer->capacity > BUFFER_MIN ? buffer->capacity : BUFFER_MIN;
    while (capacity < size)
        capacity += capacity / 2;
    char *bytes = host->alloc(host->alloc_ud, buffer->bytes, buffer->capacity, capacity);
    if (!bytes)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

static bool buffer_add(const dsl_host *host, dsl_buffer *buffer, const char *bytes, size_t size) {
    size_t sum = buffer->size + size;
    if (sum > buffer->capacity && !buffer_grow(host, buffer, sum))
        return false;
    if (size > 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size = sum;
    return true;
}

static void buffer_fini(const dsl_host *host, dsl_buffer *buffer) {
    if (buffer->bytes)
        host->alloc(host->alloc_ud, buffer->bytes, buffer->capacity, 0);
    *buffer = (dsl_buffer){0};
}

/* ---- the waiting process ---- */

static void wake(dsl_transfer *transfer) {
    dynsup_host *core = transfer->http->host->core;
    dsl_body *body = transfer->key ? dynsup_waiter(core, transfer->pid, transfer->key) : NULL;
    if (!body)
        return;
    body->nargs = 0;
    dynsup_wake(core, transfer->pid, transfer->key);
    transfer->key = 0;
}

/* ---- how it ends ---- */

static const char *reason_of(CURLcode result) {
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "couldnt_resolve_host";
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
        return "couldnt_connect";
    case CURLE_OPERATION_TIMEDOUT:
        return "timeout";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_USE_SSL_FAILED:
        return "ssl_error";
    case CURLE_UNSUPPORTED_PROTOCOL: /* the URL's was looked at before: HTTP/0.9 */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR: /* a header that is none; when it is we who refuse, we say why */
        return "bad_response";
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return "connection_closed";
    case CURLE_URL_MALFORMAT:
        return "invalid_url";
    case CURLE_OUT_OF_MEMORY:
        return "no_memory";
    default:
        return "failed";
    }
}

/* Is the head coming? Of its first line libcurl's clock alone tells before it is whole: a body that
 * is being sent starts that, too, so memory that is short then passes for a line too long. */
static bool is_in_head(const dsl_transfer *transfer) {
    curl_off_t first_us = 0;
    transfer->http->curl->easy_getinfo(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
    return first_us > 0 && !transfer->head_done;
}

static const char *own_detail(dsl_transfer *transfer, const char *reason, const char *detail) {
    transfer->detail = detail;
    return reason;
}

/* What libcurl's code alone does not tell; with a detail where libcurl's own misleads. "Out of
 * memory" is a line beyond a limit of its own. */
static const char *reason_of_end(dsl_transfer *transfer, CURLcode result) {
    if (strstr(transfer->error, "Out of memory in chunked-enc"))
        return own_detail(transfer, "too_large", "the trailers of the response");
    if (strstr(transfer->error, "chunked-enc"))
        return "bad_response"; /* of several codes */
    if (!is_in_head(transfer))
        return reason_of(result);
    switch (result) {
    case CURLE_OUT_OF_MEMORY:
        return own_detail(transfer, "too_large", "the headers of the response");
    case CURLE_BAD_FUNCTION_ARGUMENT:
        return own_detail(transfer, "bad_response",
                          "the first header of the response begins with a space");
    case CURLE_UNSUPPORTED_PROTOCOL:
        return own_detail(transfer, "bad_response", "no response of HTTP/1");
    default:
        return reason_of(result);
    }
}

void dsl_transfer_fail(dsl_transfer *transfer, const char *reason, const char *detail) {
    if (!transfer || transfer->reason)
        return;
    transfer->reason = reason;
    transfer->detail = detail;
    transfer->over = true;
    wake(transfer);
}

static void easy_end(dsl_transfer *transfer) {
    const dsl_curl *curl = transfer->http->curl;
    dsl_pipe_guard guard;
    if (!transfer->easy)
        return;
    dsl_pipe_guard_begin(&guard);
    curl->multi_remove_handle(transfer->http->multi, transfer->easy);
    curl->easy_cleanup(transfer->easy);
    dsl_pipe_guard_end(&guard);
    transfer->easy = NULL;
}

void dsl_transfer_ended(dsl_transfer *transfer, CURLcode result) {
    if (result != CURLE_OK && !transfer->reason) {
        const char *told = transfer->http->curl->easy_strerror(result);
        transfer->detail = transfer->error[0] ? transfer->error : told;
        transfer->reason = reason_of_end(transfer, result);
    }
    if (!transfer->reason && !transfer->head_done) {
        transfer->reason = "connection_closed";
        transfer->detail = "in the headers of the response";
    }
    transfer->over = true;
    easy_end(transfer);
    wake(transfer);
}

/* ---- what libcurl brings ---- */

/* libcurl keeps the first text of a transfer. That of a kept connection which has ended without an
 * answer is to be none: libcurl sends the request again, and what then happens is the failure. */
static void texts_take(dsl_transfer *transfer, bool taken) {
    char *buffer = taken ? transfer->error : NULL;
    transfer->http->curl->easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, buffer);
}

/* A connection is being made. */
static int on_socket(void *p, curl_socket_t socket, curlsocktype purpose) {
    (void)socket, (void)purpose;
    texts_take(p, true);
    return CURL_SOCKOPT_OK;
}

/* There is a connection, and the request is about to be sent. */
static int on_request(void *p, char *ip, char *local_ip, int port, int local_port) {
    dsl_transfer *transfer = p;
    long made = 0;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    transfer->http->curl->easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &made);
    texts_take(transfer, made > 0);
    return CURL_PREREQFUNC_OK;
}

/* Tells libcurl to end the transfer: the size it expects is another. */
static size_t refuse(dsl_transfer *transfer, const char *reason, const char *detail) {
    if (!transfer->reason) {
        transfer->reason = reason;
        transfer->detail = detail;
    }
    return 0;
}

static bool is_empty_line(const char *line, size_t size) {
    return size <= 2 && (size == 0 || line[size - 1] == '\n') && (size < 2 || line[0] == '\r');
}

/* One line. The head of an interim response (100) gives way to the next; trailers are left out. */
static size_t on_head(char *line, size_t one, size_t size, void *p) {
    dsl_transfer *transfer = p;
    size *= one;
    if (transfer->head_total == 0)
        texts_take(transfer, true);
    transfer->head_total += size;
    if (transfer->head_total > HEAD_MAX)
        return refuse(transfer, "too_large", "the headers of the response");
    if (transfer->received == 0 && size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        transfer->head.size = 0;
        transfer->head_done = false;
    }
    if (transfer->head_done)
        return size;
    if (is_empty_line(line, size)) {
        transfer->head_done = true;
        transfer->http->curl->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE,
                                           &transfer->status);
    } else if (!buffer_add(transfer->http->host, &transfer->head, line, size)) {
        return refuse(transfer, "no_memory", "the headers of the response");
    }
    return size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *p) {
    dsl_transfer *transfer = p;
    size *= one;
    if (transfer->stream && transfer->body.size >= STREAM_MAX) {
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (size > transfer->max_bytes - transfer->received)
        return refuse(transfer, "too_large", "the body of the response");
    if (!buffer_add(transfer->http->host, &transfer->body, bytes, size))
        return refuse(transfer, "no_memory", "the body of the response");
    transfer->received += size;
    if (transfer->stream)
        wake(transfer);
    return size;
}

void dsl_transfer_taken(dsl_transfer *transfer) {
    transfer->body.size = 0;
    if (!transfer->paused || !transfer->easy)
        return;
    transfer->paused = false;
    dsl_pipe_guard guard;
    dsl_pipe_guard_begin(&guard);
    CURLcode result = transfer->http->curl->easy_pause(transfer->easy, CURLPAUSE_CONT);
    dsl_pipe_guard_end(&guard);
    if (result != CURLE_OK) /* of what it had kept for us, which libcurl tells here only */
        dsl_transfer_ended(transfer, result);
}

/* ---- life ---- */

static void options_set(dsl_transfer *transfer) {
    const dsl_curl *curl = transfer->http->curl;
    CURL *easy = transfer->easy;
    curl->easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    texts_take(transfer, true);
    curl->easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl->easy_setopt(easy, CURLOPT_SOCKOPTDATA, transfer);
    curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl->easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* else it waits for threads that resolve */
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)INT_MAX); /* ours are not libcurl's */
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl->easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static void transfer_release(dynsup_possession *possession) {
    dsl_transfer_close((dsl_transfer *)possession); /* its first member */
}

bool dsl_transfer_init(dsl_transfer *transfer, dsl_http *http) {
    dynsup_host *core = http->host->core;
    transfer->possession.release = transfer_release;
    transfer->http = http;
    transfer->link = &http->transfers;
    transfer->next = http->transfers;
    if (transfer->next)
        transfer->next->link = &transfer->next;
    http->transfers = transfer;
    transfer->easy = http->curl->easy_init();
    if (!transfer->easy || dynsup_own(core, dynsup_self(core), &transfer->possession))
        return false;
    options_set(transfer);
    return true;
}

bool dsl_transfer_header(dsl_transfer *transfer, const char *line) {
    struct curl_slist *list = transfer->http->curl->slist_append(transfer->headers, line);
    if (list)
        transfer->headers = list;
    return list != NULL;
}

void dsl_transfer_begin(dsl_transfer *transfer) {
    const dsl_curl *curl = transfer->http->curl;
    curl->easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    CURLMcode result = curl->multi_add_handle(transfer->http->multi, transfer->easy);
    if (result != CURLM_OK)
        dsl_transfer_ended(transfer, CURLE_OUT_OF_MEMORY);
}

void dsl_transfer_close(dsl_transfer *transfer) {
    dsl_http *http = transfer->http;
    if (!http)
        return;
    transfer->key = 0;
    dynsup_disown(&transfer->possession);
    easy_end(transfer);
    http->curl->slist_free_all(transfer->headers);
    transfer->headers = NULL;
    buffer_fini(http->host, &transfer->head);
    buffer_fini(http->host, &transfer->body);
    *transfer->link = transfer->next;
    if (transfer->next)
        transfer->next->link = transfer->link;
    transfer->http = NULL;
}
