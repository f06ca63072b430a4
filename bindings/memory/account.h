/*
 * Accounts of processes: how much of the state's memory each one uses.
 *
 * Design notes.
 * A host keeps accounts once they are asked for. Each process then gets one with its next slice, or
 * at its birth when it has a limit, and keeps it from coroutine to coroutine. It is debited in its
 * slices and its close handlers; start functions are charged to no account. What others make for a
 * process (coroutines) is charged to the common account, and to the process's as it grows.
 * A process that was refused memory DSL_REFUSALS_MAX times ends as soon as it gives way, as if
 * killed, but with the reason memory_exceeded; so does one that fails by the error before.
 */
#ifndef DSL_ACCOUNT_H
#define DSL_ACCOUNT_H

#include "bindings/host.h"
#include "bindings/memory/memory.h"

/* Bytes that an ending process may use beyond its limit, for its close handlers. */
#define DSL_CLOSE_RESERVE ((size_t)64 << 10)

/* Makes the host keep accounts. 0; DYNSUP_EMISUSE: the state's allocator is the program's own;
 * DYNSUP_ENOMEM. */
int dsl_accounts_open(lua_State *L, dsl_host *host);

/* The same for one face of the host, for limits of children that may be in any of its heaps. Where
 * the allocator makes that impossible a warning is logged, and 0 returned. 0 or DYNSUP_ENOMEM. */
int dsl_accounts_open_or_warn(lua_State *L, dsl_host *face);

/* The same in all heaps of the host, also those opened later. Where that is impossible, or there is
 * no memory for it, a warning is logged. */
void dsl_accounts_open_everywhere(dsl_host *host);

/* Limits the body's process to so many bytes; 0: does nothing. Accounts must be open, and the
 * process have none yet. False without memory. */
bool dsl_account_limit(dsl_body *body, size_t limit);

/* Gives the limit of a start function's body to the process that the function has started. */
void dsl_account_hand_on(const dsl_body *guest, dynsup_pid pid);

/* The bytes that the process's account shows; 0 without an account. */
size_t dsl_account_in_use(const dynsup_process_info *info);

/* Debits the body's process from now on. Returns the account that was debited before, for
 * dsl_memory_enter. */
dsl_account *dsl_account_debit(dsl_body *body); /* where there are accounts */
static inline dsl_account *dsl_account_enter(dsl_body *body) {
    return body->host->memory ? dsl_account_debit(body) : NULL;
}

/* The same for its close handlers, which may use some more. */
dsl_account *dsl_account_enter_end(dsl_body *body);

/* Was the body's process refused memory so often that it is to end? */
static inline bool dsl_account_exceeded(const dsl_body *body) {
    return body->account && body->account->refusals >= DSL_REFUSALS_MAX;
}

/* Ends the process at the end of its slice, whose result is returned; a start function's body ends
 * alone, not its supervisor. */
enum dynsup_slice dsl_account_end(const dsl_body *body, dynsup_outcome *outcome);

/* The reason of a process that has failed for want of memory: its own limit, or the host's. */
dynsup_reason dsl_account_reason(const dsl_body *body);

#endif
