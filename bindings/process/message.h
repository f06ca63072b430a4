/* Messages between Lua's stack and mailboxes, and the copies and notes that are made of them. */
#ifndef DSL_MESSAGE_H
#define DSL_MESSAGE_H

#include "bindings/binding.h"

/* ---- message.c ---- */

/* For so many values there is room on the stack of each function that receives. */
#define DSL_FEW_VALUES 8u

/* Moves a taken message's values to the stack and frees the message. Returns their number. */
int dsl_message_push(lua_State *L, dsl_host *host, dynsup_message *message);

/* Sends the count values on top of L, which begin at index `first`. May pop them. Raises without
 * memory. Returns 0; DYNSUP_EMESSAGE_TOO_BIG; or DYNSUP_EMAILBOX_FULL: the receiver's mailbox is
 * full, or was, and the receiver is the current process, which ends by that. */
int dsl_message_send(lua_State *L, dsl_host *host, dynsup_pid pid, int first, int count);

/* Takes the message behind `before` (NULL: the first), which must be there, from the current
 * process's mailbox, pushes its values, and returns their number. Raises where the stack has no
 * room for them: then the message stays in the mailbox. */
int dsl_message_take(lua_State *L, dsl_host *host, const dsl_body *body, dynsup_message *before);

/* ---- match.c ---- */

/* receive_match(what [, ms]) */
int dsl_receive_match(lua_State *L);

/* ---- copy.c ---- */

/* Replaces the tables among count values from index first on by copies. Raises without memory.
 * [-0, +0] */
void dsl_copy_values(lua_State *L, int first, int count);

/* ---- last.c: what a process has received last, for the report of its crash ---- */

__attribute__((noinline)) void dsl_last_keep(lua_State *L, dsl_host *host, const dsl_body *body,
                                             int count);

/* Remembers the count values on top of L as the body's last message, if the log level is debug;
 * otherwise it costs a comparison. Never raises. [-0, +0] */
static inline void dsl_last_note(lua_State *L, dsl_host *host, const dsl_body *body, int count) {
    if (host->config->level == DYNSUP_LEVEL_DEBUG)
        dsl_last_keep(L, host, body, count);
}

/* Pushes the last message as a list, or nil. [-0, +1] */
void dsl_last_push(lua_State *L, const dsl_host *host, const dsl_body *body);
void dsl_last_forget(dsl_host *host, const dsl_body *body);

#endif
