/* Messages: send, receive, delayed sends. */
#include "bindings/process/message.h"

#include "bindings/process/body.h"
#include "bindings/codec/crossing.h"
#include "bindings/log/log.h"
#include "bindings/module.h"

#include <limits.h>
#include <math.h>

int dsl_message_push(lua_State *L, dsl_host *host, dynsup_message *message) {
    int count = (int)message->count;
    if (!lua_checkstack(L, count + 3)) {
        dsl_log(host, DYNSUP_LEVEL_ERROR, "a message of %d values was lost: no stack left", count);
        count = 0;
    }
    dsl_values_push_in_slice(L, host, message->values, count);
    for (uint32_t i = 0; i < message->count; i++)
        dsl_value_release(host, &message->values[i]);
    dynsup_message_free(host->core, message);
    return count;
}

/* ---- send ---- */

/* A waiting receive has the slots of any C function, and uses none. */
static bool has_room(lua_State *receiver, int count) {
    return count <= LUA_MINSTACK || lua_checkstack(receiver, count);
}

/* Puts the values on the stack of a coroutine of another heap that waits for any message, if each
 * value needs only its stack slot. [-0, +0] */
static __attribute__((noinline)) bool deliver_abroad(lua_State *L, dsl_host *host, dsl_body *body,
                                                     dynsup_pid pid, int first, int count) {
    dynsup_value values[DSL_INLINE_VALUES];
    if (count > DSL_INLINE_VALUES || !lua_checkstack(body->inner, count))
        return false;
    for (int i = 0; i < count; i++) {
        values[i] = dsl_value_plain(L, first + i);
        if (values[i].kind == DYNSUP_OBJECT)
            return false;
    }
    for (int i = 0; i < count; i++)
        dsl_value_push(body->inner, body->host, &values[i]);
    body->nargs = count;
    dynsup_receiver_delivered(host->core, pid);
    dsl_last_note(body->inner, body->host, body, count);
    return true;
}

/* Moves the count values on top straight to the stack of a coroutine that waits for any message, or
 * does nothing. [-count|0, +0] */
static bool deliver(lua_State *L, dsl_host *host, dynsup_pid pid, int count) {
    dsl_body *body = dynsup_receiver(host->core, pid, &dsl_body_ops);
    if (!body || body->wait != DSL_WAIT_MESSAGE)
        return false;
    if (body->host != host)
        return deliver_abroad(L, host, body, pid, lua_gettop(L) - count + 1, count);
    if (!has_room(body->inner, count))
        return false;
    lua_xmove(L, body->inner, count);
    body->nargs = count;
    dynsup_receiver_delivered(host->core, pid);
    dsl_last_note(body->inner, host, body, count); /* last: it may run finalizers */
    return true;
}

/* Converts the values from index `first` on for the core and the process; into `fixed` or, if there
 * are many, into a block that the collector owns (pushed). NULL: they are too big for the process.
 * Raises without memory, and for values that cannot go to another heap, before any value is taken.
 * [-0, +0|1] */
static dynsup_value *values_get(lua_State *L, dsl_host *host, dynsup_pid pid, int first, int count,
                                dynsup_value *fixed) {
    dynsup_value *values = fixed;
    if (count > DSL_INLINE_VALUES)
        values = lua_newuserdatauv(L, (size_t)count * sizeof *values, 0);
    if (dsl_is_abroad(host, pid))
        return dsl_values_pack(L, host, pid, "message", first, count, values) ? NULL : values;
    dsl_vault_reserve(L, &host->vault, (uint32_t)count);
    for (int i = 0; i < count; i++)
        values[i] = dsl_value_get(L, host, first + i);
    return values;
}

static void values_release(dsl_host *host, const dynsup_value *values, int count) {
    for (int i = 0; i < count; i++)
        dsl_value_release(host, &values[i]);
}

static void check_message(lua_State *L, int first) {
    luaL_argcheck(L, !lua_isnoneornil(L, first), first,
                  "the first value of a message must not be nil");
}

/* Sends into the mailbox: a function of its own, as most messages do not need it. */
static __attribute__((noinline)) int post(lua_State *L, dsl_host *host, dynsup_pid pid, int first,
                                          int count) {
    dynsup_value fixed[DSL_INLINE_VALUES];
    dynsup_value *values = values_get(L, host, pid, first, count, fixed);
    if (!values)
        return DYNSUP_EMESSAGE_TOO_BIG;
    int status = dynsup_send(host->core, pid, values, (uint32_t)count);
    if (status)
        values_release(host, values, count);
    if (status == DYNSUP_ENOMEM)
        dsl_error(L, "not enough memory");
    return status;
}

int dsl_message_send(lua_State *L, dsl_host *host, dynsup_pid pid, int first, int count) {
    if (host->config->copy_messages)
        dsl_copy_values(L, first, count);
    return deliver(L, host, pid, count) ? 0 : post(L, host, pid, first, count);
}

static int send(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_pid pid = dsl_check_dest(L, host, 1);
    check_message(L, 2);
    if (pid == 0)
        return dsl_fail(L, DYNSUP_NOPROC);
    int status = dsl_message_send(L, host, pid, 2, lua_gettop(L) - 1);
    if (status)
        return dsl_go_on(L, host, dsl_fail(L, (enum dynsup_atom) - status));
    lua_pushboolean(L, 1);
    return 1;
}

static int send_after(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_value fixed[DSL_INLINE_VALUES];
    dynsup_timer timer;
    dsl_check_count(L, 3, INT_MAX);
    double ms = dsl_check_ms(L, 1);
    dynsup_pid pid = dsl_check_dest(L, host, 2);
    check_message(L, 3);
    if (pid == 0)
        return dsl_fail(L, DYNSUP_NOPROC);
    int count = lua_gettop(L) - 2;
    if (host->config->copy_messages)
        dsl_copy_values(L, 3, count);
    dynsup_value *values = values_get(L, host, pid, 3, count, fixed);
    if (!values)
        return dsl_fail(L, DYNSUP_MESSAGE_TOO_BIG);
    uint64_t deadline = dsl_deadline_from(dynsup_process_now(host->core, pid), ms);
    if (dynsup_send_at(host->core, deadline, pid, values, (uint32_t)count, &timer)) {
        values_release(host, values, count);
        return luaL_error(L, "not enough memory");
    }
    if (timer == 0) /* to the dead: as if it had been sent */
        timer = UINT64_C(3) << 62;
    dsl_id_push(L, timer);
    return 1;
}

static int cancel_timer(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    uint64_t left_ns;
    dsl_check_count(L, 1, 1);
    uint64_t timer = (uintptr_t)lua_touserdata(L, 1);
    luaL_argexpected(L, lua_islightuserdata(L, 1) && timer >> 62 == 3, 1, "timer");
    if (dynsup_cancel_timer(host->core, timer, &left_ns))
        lua_pushnumber(L, left_ns == DYNSUP_NEVER ? HUGE_VAL : (double)left_ns / 1e6);
    else
        lua_pushnil(L);
    return 1;
}

/* ---- receive ---- */

int dsl_message_take(lua_State *L, dsl_host *host, const dsl_body *body, dynsup_message *before) {
    const dynsup_message *message = before ? before->next : dynsup_mailbox_first(host->core);
    if (message->count > DSL_FEW_VALUES)
        luaL_checkstack(L, (int)message->count + 3, "too many values in a message");
    int count = dsl_message_push(L, host, dynsup_mailbox_take(host->core, before));
    dsl_last_note(L, host, body, count);
    return count;
}

/* A function of its own: a receive that waits needs none of this. */
static __attribute__((noinline)) int take_first(lua_State *L, dsl_host *host, dsl_body *body) {
    body->takes++;
    return dsl_message_take(L, host, body, NULL);
}

static int receive(lua_State *L) {
    dsl_host *host;
    dsl_body *body = dsl_body_of(L, &host);
    bool is_limited = dsl_check_count(L, 0, 1) > 0;
    double ms = is_limited ? dsl_check_ms(L, 1) : HUGE_VAL;
    if (!dsl_can_wait(L, host))
        return dsl_cannot_wait(L, host);
    if (dynsup_mailbox_first(host->core))
        return take_first(L, host, body);
    if (ms == 0)
        return dsl_fail(L, DYNSUP_TIMEOUT);
    dynsup_wait_message(host->core, 0, is_limited ? dsl_deadline_of(host, ms) : DYNSUP_NEVER);
    return dsl_suspend(L, body, DSL_WAIT_MESSAGE, 0, NULL);
}

const luaL_Reg dsl_message_functions[] = {
    {"send", send},
    {"receive", receive},
    {"receive_match", dsl_receive_match},
    {"send_after", send_after},
    {"cancel_timer", cancel_timer},
    {NULL, NULL},
};
