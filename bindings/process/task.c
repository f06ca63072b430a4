/* The C half of dynsup.task. */
#include "bindings/process/message.h"
#include "bindings/native.h"

static bool traps_exits(const dsl_host *host) {
    dynsup_process_info info;
    return dynsup_process_glance(host->core, dynsup_self(host->core), &info) && info.trap_exit;
}

static bool is_exit_of(const dynsup_message *message, dynsup_pid pid) {
    return message->count > 1 && message->values[0].kind == DYNSUP_ATOM &&
           message->values[0].as.atom == DYNSUP_EXIT && message->values[1].kind == DYNSUP_ID &&
           message->values[1].as.id == pid;
}

static bool is_reply_of(const dynsup_message *message, dynsup_ref ref) {
    return message->values[0].kind == DYNSUP_ID && message->values[0].as.id == ref;
}

/* Drops the caller's first message of that id. Does nothing in a process that is ending, whose
 * messages are not read any more. */
static int flush(lua_State *L, bool (*is_one_of)(const dynsup_message *, uint64_t), uint64_t id) {
    dsl_host *host;
    dsl_body *body = dsl_body_of(L, &host);
    dynsup_message *before = NULL;
    dynsup_message *message = body->closing ? NULL : dynsup_mailbox_first(host->core);
    while (message && !is_one_of(message, id)) {
        before = message;
        message = message->next;
    }
    if (message) {
        body->takes++;
        dsl_message_take(L, host, body, before);
    }
    return 0;
}

/* flush_exit(pid): takes the EXIT of an unlinked process out of the caller's mailbox. There is at
 * most one of a pid, and none where exits are not trapped. */
static int flush_exit(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dynsup_pid pid = dsl_check_pid(L, 1);
    return traps_exits(host) ? flush(L, is_exit_of, pid) : 0;
}

/* flush_reply(ref): takes the message that begins with the ref out of the caller's mailbox, also
 * where it cannot wait. */
static int flush_reply(lua_State *L) {
    return flush(L, is_reply_of, (uintptr_t)lua_touserdata(L, 1));
}

/* may_wait(): whether the caller can wait; nothing if its process is ending, and never can again.
 */
static int may_wait(lua_State *L) {
    dsl_host *host;
    if (dsl_body_of(L, &host)->closing)
        return 0;
    lua_pushboolean(L, dsl_can_wait(L, host));
    return 1;
}

const luaL_Reg dsl_task_functions[] = {{"undivided", dsl_undivided},
                                       {"check_wait", dsl_check_wait},
                                       {"flush_exit", flush_exit},
                                       {"flush_reply", flush_reply},
                                       {"may_wait", may_wait},
                                       {"receive_end", dsl_receive_end},
                                       {NULL, NULL}};
