/* Reading: bytes come in up to a mark, or as far as a process waits for them, and go out as it
 * asked. */
#include "bindings/net/net.h"

#include <string.h>

#define CHUNK_MIN        1024u
#define CHUNK_MAX        262144u
#define LINE_MAX_DEFAULT 65536u
#define AHEAD_MAX        65536u /* bytes that are buffered although nobody has asked for them */

/* ---- the buffer ---- */

static size_t buffered(const dsl_buffer *b) {
    return b->end - b->begin;
}

static void buffer_fini(dsl_buffer *b, const dsl_source *memory) {
    dsl_source_free(memory, b->data, b->capacity);
    size_t chunk = b->chunk;
    *b = (dsl_buffer){.chunk = chunk};
}

/* Room for a chunk behind the end. False without memory. */
static bool buffer_reserve(dsl_buffer *b, const dsl_source *memory) {
    if (b->chunk < CHUNK_MIN)
        b->chunk = CHUNK_MIN;
    if (b->begin > 0) {
        memmove(b->data, b->data + b->begin, buffered(b));
        b->end -= b->begin;
        b->begin = 0;
    }
    if (b->capacity - b->end >= b->chunk)
        return true;
    size_t capacity = b->end + b->chunk;
    if (capacity < b->capacity + b->capacity / 2)
        capacity = b->capacity + b->capacity / 2;
    char *data = dsl_source_resize(memory, b->data, b->capacity, capacity);
    if (!data)
        return false;
    b->data = data;
    b->capacity = capacity;
    return true;
}

/* An empty buffer costs nothing: most sockets are idle. */
static void buffer_take(dsl_buffer *b, const dsl_source *memory, size_t count) {
    b->begin += count;
    b->searched = 0;
    if (b->begin == b->end)
        buffer_fini(b, memory);
}

/* ---- is it enough? ---- */

enum answer { ANSWER_MORE, ANSWER_BYTES, ANSWER_TOO_LONG };

/* Is a line whose end has not come too long already? A CR behind it may be the beginning of that.
 */
static bool is_too_long(const char *data, size_t size, size_t max) {
    return size > max && (size - max > 1 || data[max] != '\r');
}

/* Sets *count_out to how many bytes are the answer, *drop_out to how many follow it unseen. */
static enum answer find_line(dsl_buffer *b, size_t max, size_t *count_out, size_t *drop_out) {
    const char *data = b->data + b->begin;
    size_t size = buffered(b);
    const char *feed =
        size > b->searched ? memchr(data + b->searched, '\n', size - b->searched) : NULL;
    if (!feed) {
        b->searched = size;
        return is_too_long(data, size, max) ? ANSWER_TOO_LONG : ANSWER_MORE;
    }
    size_t count = (size_t)(feed - data);
    b->searched = count;
    *drop_out = 1;
    if (count > 0 && data[count - 1] == '\r') {
        count--;
        *drop_out = 2;
    }
    *count_out = count;
    return count > max ? ANSWER_TOO_LONG : ANSWER_BYTES;
}

static enum answer look(dsl_socket *s, size_t *count_out, size_t *drop_out) {
    dsl_buffer *b = &s->buffer;
    size_t size = buffered(b);
    *count_out = size;
    *drop_out = 0;
    switch (s->need.want) {
    case DSL_WANT_SOME:
        return size > 0 ? ANSWER_BYTES : ANSWER_MORE;
    case DSL_WANT_COUNT:
        *count_out = s->need.count;
        return size >= s->need.count ? ANSWER_BYTES : ANSWER_MORE;
    case DSL_WANT_LINE:
        return find_line(b, s->need.max, count_out, drop_out);
    case DSL_WANT_ALL:
        if (size > s->need.max)
            return ANSWER_TOO_LONG;
        return s->ended ? ANSWER_BYTES : ANSWER_MORE;
    }
    return ANSWER_MORE;
}

static bool is_over(const dsl_socket *s) {
    return s->closing || s->ended || s->error;
}

/* ---- libuv's side ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)suggested;
    dsl_socket *s = handle->data;
    dsl_buffer *b = &s->buffer;
    *out = uv_buf_init(NULL, 0);
    if (buffer_reserve(b, &s->memory))
        *out = uv_buf_init(b->data + b->end, (unsigned)(b->capacity - b->end));
}

static void arrived(dsl_socket *s, ssize_t count) {
    dsl_buffer *b = &s->buffer;
    if (count == UV_EOF)
        s->ended = true;
    else if (count < 0)
        s->error = count == UV_ENOBUFS ? UV_ENOMEM : (int)count;
    else
        b->end += (size_t)count;
    if (count > 0 && b->end == b->capacity && b->chunk < CHUNK_MAX)
        b->chunk *= 2;
}

static void reading_stop(dsl_socket *s) {
    uv_read_stop(&s->uv.stream);
    s->reading = false;
}

/* Does a reader wait who has to wait on? */
static bool needs_more(dsl_socket *s) {
    size_t count, drop;
    return s->reader.key && !is_over(s) && look(s, &count, &drop) == ANSWER_MORE;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    (void)buf;
    dsl_socket *s = stream->data;
    arrived(s, count);
    bool more = needs_more(s);
    if (is_over(s) || (!more && buffered(&s->buffer) >= AHEAD_MAX))
        reading_stop(s);
    if (!more)
        dsl_pending_wake(&s->reader);
}

void dsl_read_close(dsl_socket *s) {
    buffer_fini(&s->buffer, &s->memory);
    dsl_pending_wake(&s->reader);
}

/* ---- read ---- */

enum { READ_SOCKET = 1, READ_WHAT, READ_MS, READ_MAX, READ_DEADLINE };

static void reader_abandon(dsl_pending *pending) {
    dsl_socket *s = (dsl_socket *)((char *)pending - offsetof(dsl_socket, reader));
    if (!s->closing)
        uv_unref(&s->uv.handle);
}

/* nil, the reason, and what had come before. */
static int push_end(lua_State *L, dsl_socket *s) {
    int count = s->error && !s->closing ? dsl_fail_uv(L, s->error) : dsl_fail_text(L, "closed");
    size_t rest = buffered(&s->buffer);
    if (rest == 0)
        return count;
    lua_pushlstring(L, s->buffer.data + s->buffer.begin, rest);
    buffer_take(&s->buffer, &s->memory, rest);
    return count + 1;
}

/* Pushes the answer; 0: there is none yet. */
static int answer_push(lua_State *L, dsl_socket *s) {
    size_t count, drop;
    switch (look(s, &count, &drop)) {
    case ANSWER_BYTES:
        lua_pushlstring(L, count ? s->buffer.data + s->buffer.begin : "", count);
        buffer_take(&s->buffer, &s->memory, count + drop);
        return 1;
    case ANSWER_TOO_LONG:
        return dsl_fail_text(L, "too_long");
    default:
        return is_over(s) ? push_end(L, s) : 0;
    }
}

static int read_on(lua_State *L, dsl_socket *s);

static int read_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    dsl_socket *s = dsl_check_socket(L, READ_SOCKET, DSL_CONNECTION);
    bool timed_out = dsl_pending_timed_out(L);
    if (!s->closing)
        uv_unref(&s->uv.handle);
    dsl_pending_end(&s->reader);
    lua_settop(L, READ_DEADLINE);
    int count = answer_push(L, s);
    if (count)
        return count;
    return timed_out ? dsl_fail(L, DYNSUP_TIMEOUT) : read_on(L, s);
}

/* Waits for more. */
static int read_on(lua_State *L, dsl_socket *s) {
    dsl_check_status(L, dsl_pending_begin(s->host, &s->reader, reader_abandon));
    int status = s->reading ? 0 : uv_read_start(&s->uv.stream, on_alloc, on_read);
    if (status) {
        dsl_pending_end(&s->reader);
        return dsl_fail_uv(L, status);
    }
    s->reading = true;
    if (!s->options.background)
        uv_ref(&s->uv.handle);
    return dsl_pending_wait(L, &s->reader, dsl_deadline_to(L, READ_DEADLINE), read_k);
}

static dsl_need check_need(lua_State *L) {
    static const char *const words[] = {"some", "line", "all", NULL};
    static const enum dsl_want wants[] = {DSL_WANT_SOME, DSL_WANT_LINE, DSL_WANT_ALL};
    dsl_need need = {.want = DSL_WANT_COUNT, .max = SIZE_MAX - 1};
    if (lua_type(L, READ_WHAT) == LUA_TNUMBER) {
        lua_Integer count = luaL_checkinteger(L, READ_WHAT);
        luaL_argcheck(L, count >= 0, READ_WHAT, "the number of bytes must be >= 0");
        need.count = (size_t)count;
    } else {
        need.want = wants[luaL_checkoption(L, READ_WHAT, NULL, words)];
    }
    if (need.want == DSL_WANT_LINE)
        need.max = LINE_MAX_DEFAULT;
    if (!lua_isnoneornil(L, READ_MAX)) {
        lua_Integer max = luaL_checkinteger(L, READ_MAX);
        luaL_argcheck(L, max > 0, READ_MAX, "the most bytes must be > 0");
        need.max = (size_t)max;
    }
    return need;
}

static int socket_read(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_check_count(L, 2, 4);
    dsl_socket *s = dsl_check_socket(L, READ_SOCKET, DSL_CONNECTION);
    dsl_need need = check_need(L);
    uint64_t deadline_ns = dsl_check_io_deadline(L, host, READ_MS);
    dsl_waiter_of(L, &host);
    dsl_check_run(L, s, host);
    if (s->reader.key)
        return dsl_fail_text(L, "busy");
    s->need = need;
    lua_settop(L, READ_MAX);
    dsl_deadline_push(L, deadline_ns);
    int count = answer_push(L, s);
    return count ? count : read_on(L, s);
}

/* ---- lines ---- */

/* Upvalues: runtime, socket, ms, max. */
static int lines_next(lua_State *L) {
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushliteral(L, "line");
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_pushvalue(L, lua_upvalueindex(4));
    return socket_read(L);
}

static int socket_lines(lua_State *L) {
    dsl_check_count(L, 1, 3);
    dsl_check_socket(L, 1, DSL_CONNECTION);
    dsl_check_ms(L, 2);
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushcclosure(L, lines_next, 4);
    return 1;
}

const luaL_Reg dsl_read_methods[] = {
    {"read", socket_read},
    {"lines", socket_lines},
    {NULL, NULL},
};
