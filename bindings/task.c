/* The C half of dynsup.task. */
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

/* flush_exit(pid): takes the EXIT of a process that has been unlinked out of the caller's mailbox.
 * There is none where exits are not trapped; and of a pid there is one at most. */
static int flush_exit(lua_State *L) {
    dsl_host *host;
    dsl_body *body = dsl_body_of(L, &host);
    dynsup_pid pid = dsl_check_pid(L, 1);
    dynsup_message *before = NULL;
    if (!traps_exits(host))
        return 0;
    dynsup_message *message = dynsup_mailbox_first(host->core);
    while (message && !is_exit_of(message, pid)) {
        before = message;
        message = message->next;
    }
    if (message) {
        body->takes++;
        dsl_message_take(L, host, body, before);
    }
    return 0;
}

const luaL_Reg dsl_task_functions[] = {{"undivided", dsl_undivided},
                                       {"check_wait", dsl_check_wait},
                                       {"flush_exit", flush_exit},
                                       {"receive_end", dsl_receive_end},
                                       {NULL, NULL}};
