/*
 * Selective receive: the first message in the mailbox that matches.
 *
 * Design notes.
 * Stack: 1 what, 2 ms (true: what is refs, as of receive_end), 3 the deadline (an integer, -1 for
 * never), 4 the last message that was examined and did not match, as a light userdata (NULL: none
 * yet). That message stays in the mailbox unless the process takes one in another way, or its limit
 * drops some, which takes_of shows.
 * Where possible a value is compared with the messages' first values without Lua: each message that
 * is passed gets a mark of its first value, and later those whose mark differs from the value's are
 * passed by a glance at it.
 */
#include "bindings/process/body.h"
#include "bindings/process/message.h"
#include "bindings/native.h"

#include <string.h>

enum { MATCH_WHAT = 1, MATCH_MS, MATCH_DEADLINE, MATCH_BEFORE };
enum { MATCH_ENDS = MATCH_MS };

/* Changes when messages have left the mailbox. */
static uint32_t takes_of(const dsl_host *host, const dsl_body *body) {
    return body->takes + (uint32_t)dynsup_mailbox_removed(host->core);
}

static void match_pass(lua_State *L, dynsup_message *message) {
    lua_pushlightuserdata(L, message);
    lua_replace(L, MATCH_BEFORE);
}

/* The message to be looked at, or NULL. */
static dynsup_message *match_next(lua_State *L, const dsl_host *host) {
    const dynsup_message *before = lua_touserdata(L, MATCH_BEFORE);
    return before ? before->next : dynsup_mailbox_first(host->core);
}

static int match_take(lua_State *L, dsl_host *host, dsl_body *body) {
    body->takes++;
    dynsup_message *before = lua_touserdata(L, MATCH_BEFORE);
    return dsl_message_take(L, host, body, before);
}

static bool is_of_ends(lua_State *L) {
    return lua_isboolean(L, MATCH_ENDS);
}

/* The first value of the message that is to end the wait; 0: any. A DOWN begins differently. */
static uint64_t match_key(lua_State *L) {
    const void *pointer = lua_touserdata(L, MATCH_WHAT);
    bool is_id = lua_islightuserdata(L, MATCH_WHAT) && dsl_is_id(pointer) && !is_of_ends(L);
    return is_id ? (uintptr_t)pointer : 0;
}

static int match_waited_k(lua_State *L, int status, lua_KContext context);

static int match_wait(lua_State *L, dsl_host *host, dsl_body *body) {
    lua_Integer deadline = lua_tointeger(L, MATCH_DEADLINE);
    if (deadline >= 0 && (uint64_t)deadline <= dynsup_now(host->core))
        return dsl_fail(L, DYNSUP_TIMEOUT);
    dynsup_wait_message(host->core, match_key(L), deadline < 0 ? DYNSUP_NEVER : (uint64_t)deadline);
    return dsl_suspend(L, body, DSL_WAIT_MATCH, takes_of(host, body), match_waited_k);
}

/* ---- a value ---- */

/* The value that is looked for. A string may be in a message as an atom; any other object only as
 * an object, of kind DYNSUP_OBJECT. */
typedef struct wanted {
    dynsup_value value;
    uint32_t mark; /* of an object, see mark_of */
} wanted;

/* A mark of a text, not 0: the same for equal texts, and different for most short ones. */
static uint32_t text_mark(const char *text, size_t size) {
    uint64_t words[2] = {0, 0};
    size_t part = size < sizeof words[0] ? size : sizeof words[0];
    memcpy(&words[0], text, part);
    memcpy(&words[1], text + size - part, part);
    uint64_t mark = (words[0] ^ size) * 0x9e3779b97f4a7c15u ^ words[1] * 0xc2b2ae3d27d4eb4fu;
    return (uint32_t)(mark >> 32) | 1;
}

/* A mark that rawequal objects have in common; 0: unknown, as for objects of other heaps, where the
 * address of a copy means nothing. */
static uint32_t mark_of(lua_State *L, int index, bool is_copy) {
    size_t size;
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, index, &size);
        return text_mark(text, size);
    }
    return is_copy ? 0 : (uint32_t)((uintptr_t)lua_topointer(L, index) >> 3) | 1;
}

static wanted wanted_get(lua_State *L, const dsl_host *host) {
    wanted w = {.value = dsl_value_plain(L, MATCH_WHAT)};
    if (w.value.kind != DYNSUP_OBJECT)
        return w;
    w.mark = mark_of(L, MATCH_WHAT, false);
    if (lua_type(L, MATCH_WHAT) == LUA_TSTRING) {
        w.value.kind = DYNSUP_ATOM;
        w.value.as.atom = dsl_atom_of(L, host->runtime, MATCH_WHAT);
    }
    return w;
}

/* The text pushed in place of a copy for which there is no memory. It may succeed next time. */
static bool may_be_missing(lua_State *L, const dsl_host *host, bool is_copy) {
    return is_copy && lua_type(L, -1) == LUA_TSTRING &&
           dsl_atom_of(L, host->runtime, -1) == DYNSUP_NOMEM;
}

/* Compares as Lua does, also for numbers. An object that is passed for the first time gets a mark,
 * which shows later comparisons what it cannot be. [-0, +0] */
static bool equals_by_lua(lua_State *L, dsl_host *host, dynsup_message *message) {
    const dynsup_value *first = &message->values[0];
    dsl_value_push(L, host, first);
    if (first->kind == DYNSUP_OBJECT && message->mark == 0) {
        bool is_copy = !dsl_object_is_own(host, first->as.object);
        message->mark = may_be_missing(L, host, is_copy) ? 0 : mark_of(L, -1, is_copy);
    }
    bool equal = lua_rawequal(L, -1, MATCH_WHAT);
    lua_pop(L, 1);
    return equal;
}

static bool plain_equals(lua_State *L, dsl_host *host, dynsup_message *message, const wanted *w) {
    const dynsup_value *first = &message->values[0];
    switch (first->kind) {
    case DYNSUP_ATOM:
        return w->value.kind == DYNSUP_ATOM && w->value.as.atom == first->as.atom;
    case DYNSUP_ID:
        return w->value.kind == DYNSUP_ID && w->value.as.id == first->as.id;
    case DYNSUP_INTEGER:
        if (w->value.kind == DYNSUP_INTEGER)
            return w->value.as.integer == first->as.integer;
        return w->value.kind == DYNSUP_NUMBER && equals_by_lua(L, host, message);
    case DYNSUP_NUMBER:
        return (w->value.kind == DYNSUP_INTEGER || w->value.kind == DYNSUP_NUMBER) &&
               equals_by_lua(L, host, message);
    case DYNSUP_BOOLEAN:
        return w->value.kind == DYNSUP_BOOLEAN && w->value.as.boolean == first->as.boolean;
    default:
        return false;
    }
}

static inline bool first_equals(lua_State *L, dsl_host *host, dynsup_message *message,
                                const wanted *w) {
    if (message->values[0].kind != DYNSUP_OBJECT)
        return plain_equals(L, host, message, w);
    if (message->mark && message->mark != w->mark)
        return false;
    return equals_by_lua(L, host, message);
}

static int match_value(lua_State *L, dsl_host *host, dsl_body *body) {
    dynsup_message *before = lua_touserdata(L, MATCH_BEFORE);
    dynsup_message *message = match_next(L, host);
    wanted w = wanted_get(L, host);
    while (message && !first_equals(L, host, message, &w)) {
        before = message;
        message = message->next;
    }
    match_pass(L, before);
    return message ? match_take(L, host, body) : match_wait(L, host, body);
}

/* ---- ends ---- */

/* The ref of a message `ref, ...` or "DOWN", ref, ...; 0 for any other. */
static uint64_t end_of(const dynsup_message *message) {
    const dynsup_value *value = &message->values[0];
    if (value->kind == DYNSUP_ATOM && value->as.atom == DYNSUP_DOWN && message->count > 1)
        value++;
    return value->kind == DYNSUP_ID ? value->as.id : 0;
}

/* Is it the ref at MATCH_WHAT, or a key of the table there? [-0, +0] */
static bool is_wanted(lua_State *L, uint64_t ref) {
    if (!lua_istable(L, MATCH_WHAT))
        return (uintptr_t)lua_touserdata(L, MATCH_WHAT) == ref;
    dsl_id_push(L, ref);
    bool is_key = lua_rawget(L, MATCH_WHAT) != LUA_TNIL;
    lua_pop(L, 1);
    return is_key;
}

static int match_end(lua_State *L, dsl_host *host, dsl_body *body) {
    dynsup_message *before = lua_touserdata(L, MATCH_BEFORE);
    dynsup_message *message = match_next(L, host);
    uint64_t ref;
    while (message && !((ref = end_of(message)) && is_wanted(L, ref))) {
        before = message;
        message = message->next;
    }
    match_pass(L, before);
    return message ? match_take(L, host, body) : match_wait(L, host, body);
}

/* ---- a function ---- */

/* The function's answer for the next message is on top: does the message match? */
static bool match_accepts(lua_State *L, const dsl_host *host, const dsl_body *body,
                          uint32_t takes) {
    bool accepts = lua_toboolean(L, -1);
    lua_settop(L, MATCH_BEFORE);
    if (takes_of(host, body) != takes) { /* some are gone: look again from the first */
        match_pass(L, NULL);
        return false;
    }
    if (!accepts)
        match_pass(L, match_next(L, host));
    return accepts;
}

static int match_predicate_k(lua_State *L, int status, lua_KContext takes);

/* As dsl_values_push_in_slice. Finalizers may take the message away meanwhile; its pushed values
 * stay. A message with many values is pushed so that finalizers cannot run. */
static void values_push(lua_State *L, dsl_host *host, const dynsup_message *message) {
    dynsup_value values[DSL_INLINE_VALUES];
    int count = (int)message->count;
    if (count > DSL_INLINE_VALUES) {
        dsl_values_push(L, host, message->values, count);
        return;
    }
    memcpy(values, message->values, (size_t)count * sizeof *values);
    for (int i = 0; i < count; i++)
        if (values[i].kind == DYNSUP_OBJECT)
            dsl_object_retain(host, values[i].as.object);
    dsl_values_push_in_slice(L, host, values, count);
    for (int i = 0; i < count; i++)
        dsl_value_release(host, &values[i]);
}

static int match_function(lua_State *L, dsl_host *host, dsl_body *body) {
    const dynsup_message *message;
    while ((message = match_next(L, host)) != NULL) {
        int count = (int)message->count;
        luaL_checkstack(L, count + 3, "too many values in a message");
        uint32_t takes = takes_of(host, body);
        lua_pushvalue(L, MATCH_WHAT);
        values_push(L, host, message);
        lua_callk(L, count, 1, takes, match_predicate_k);
        if (match_accepts(L, host, body, takes))
            return match_take(L, host, body);
    }
    return match_wait(L, host, body);
}

/* The function waited or was preempted, and has answered now. */
static int match_predicate_k(lua_State *L, int status, lua_KContext takes) {
    (void)status;
    dsl_host *host = dsl_host_of(L);
    if (match_accepts(L, host, host->current, (uint32_t)takes))
        return match_take(L, host, host->current);
    return match_function(L, host, host->current);
}

static int match_scan(lua_State *L, dsl_host *host, dsl_body *body) {
    if (lua_isfunction(L, MATCH_WHAT))
        return match_function(L, host, body);
    return is_of_ends(L) ? match_end(L, host, body) : match_value(L, host, body);
}

static int match_waited_k(lua_State *L, int status, lua_KContext takes) {
    (void)status;
    dsl_host *host = dsl_host_of(L);
    lua_settop(L, MATCH_BEFORE);
    if (takes_of(host, host->current) != (uint32_t)takes)
        match_pass(L, NULL);
    if (host->current->timed_out && !match_next(L, host))
        return dsl_fail(L, DYNSUP_TIMEOUT);
    return match_scan(L, host, host->current);
}

/* Reads the time at MATCH_MS and looks for what is at MATCH_WHAT. */
static int match_begin(lua_State *L, dsl_host *host, dsl_body *body, bool ends) {
    double ms = dsl_check_ms(L, MATCH_MS);
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    uint64_t deadline = dsl_check_deadline(L, host, MATCH_MS);
    lua_settop(L, MATCH_MS);
    if (ms == 0)
        deadline = 0;
    if (ends) {
        lua_pushboolean(L, 1);
        lua_replace(L, MATCH_ENDS);
    }
    lua_pushinteger(L, deadline == DYNSUP_NEVER ? -1 : (lua_Integer)deadline);
    lua_pushlightuserdata(L, NULL);
    return match_scan(L, host, body);
}

int dsl_receive_match(lua_State *L) {
    dsl_host *host;
    dsl_body *body = dsl_body_of(L, &host);
    dsl_check_count(L, 1, 2);
    luaL_argcheck(L, !lua_isnil(L, MATCH_WHAT), MATCH_WHAT, "nil matches no message");
    return match_begin(L, host, body, false);
}

int dsl_receive_end(lua_State *L) {
    dsl_host *host;
    dsl_body *body = dsl_body_of(L, &host);
    return match_begin(L, host, body, true);
}
