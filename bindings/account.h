/*
 * Accounts of processes: how much of the state's memory each of them has.
 *
 * Design notes.
 * A host keeps accounts once they are asked for: then each process gets one with its next slice, or
 * at its birth when it has a limit, and keeps it from coroutine to coroutine. In its slices it is
 * debited, and in its close handlers. Start functions are nobody's. What is made for a process by
 * others (coroutines) is the common account's and becomes the process's as it grows.
 * A process that was refused DSL_REFUSALS_MAX times ends as soon as it gives way, as if it were
 * killed, but with the reason memory_exceeded; likewise one that does not catch the error before.
 */
#ifndef DSL_ACCOUNT_H
#define DSL_ACCOUNT_H

#include "bindings/host.h"
#include "bindings/memory.h"

/* How much more a process may have once it ends, for its close handlers: bytes. */
#define DSL_CLOSE_RESERVE ((size_t)64 << 10)

/* The host keeps accounts from now on. 0; DYNSUP_EMISUSE: the state's allocator is the program's
 * own; DYNSUP_ENOMEM. */
int dsl_accounts_open(lua_State *L, dsl_host *host);

/* The same for a face of the host's, for limits of children that may be in any of its heaps: where
 * the allocator makes it impossible, a warning is logged. 0 then, or DYNSUP_ENOMEM. */
int dsl_accounts_open_or_warn(lua_State *L, dsl_host *face);

/* The same in all its heaps, also in those that are opened later: for limits of children that may
 * be in any of them. Where that is not possible, or there is no memory for it, a warning is logged.
 */
void dsl_accounts_open_everywhere(dsl_host *host);

/* The body's process may have so many bytes; 0: nothing is done. Accounts are open, and it has none
 * yet. False without memory. */
bool dsl_account_limit(dsl_body *body, size_t limit);

/* What a start function's body is limited to is the limit of the process that it has started. */
void dsl_account_hand_on(const dsl_body *guest, dynsup_pid pid);

/* What the process has by its account: bytes; 0 without one. */
size_t dsl_account_in_use(const dynsup_process_info *info);

/* The body's process is debited from now on. Returns who was before, for dsl_memory_enter. */
dsl_account *dsl_account_debit(dsl_body *body); /* where there are accounts */
static inline dsl_account *dsl_account_enter(dsl_body *body) {
    return body->host->memory ? dsl_account_debit(body) : NULL;
}

/* The same for its close handlers, which have some more. */
dsl_account *dsl_account_enter_end(dsl_body *body);

/* Was the body's process refused memory so often that it is to end? */
static inline bool dsl_account_exceeded(const dsl_body *body) {
    return body->account && body->account->refusals >= DSL_REFUSALS_MAX;
}

/* Ends it, at the end of its slice, whose result is returned; of a start function that alone. */
enum dynsup_slice dsl_account_end(const dsl_body *body, dynsup_outcome *outcome);

/* Why a process ends that has failed for want of memory: by its limit, or by the host's. */
dynsup_reason dsl_account_reason(const dsl_body *body);

#endif
