/* Accounts of processes: the running process is debited, and ends when it was refused memory too
 * often. */
#include "bindings/memory/account.h"

#include "bindings/process/body.h"
#include "bindings/heap/heap.h"
#include "bindings/log/log.h"
#include "bindings/process/preempt.h"
#include "bindings/child/program.h"
#include "bindings/server/server.h"
#include "bindings/child/spec_limits.h"
#include "core/dynsup_limits.h"

/* In the allocator: the slice ends at the next instruction that can end it. */
static void on_exceeded(void *ud) {
    const dsl_runtime *runtime = ud;
    if (runtime->host)
        dsl_preempt_now(runtime->host);
}

int dsl_accounts_open(lua_State *L, dsl_host *host) {
    if (host->memory)
        return 0;
    int status = dsl_memory_open(L, &host->memory);
    if (status)
        return status;
    host->memory->on_exceeded = on_exceeded;
    host->memory->exceeded_ud = host->runtime;
    return 0;
}

static void warn(dsl_host *face) {
    dsl_log(face->whole, DYNSUP_LEVEL_WARNING,
            "max_memory of a supervisor's limits has no effect in heap %u",
            face->heap ? (unsigned)face->heap->number : 0u);
}

int dsl_accounts_open_or_warn(lua_State *L, dsl_host *face) {
    int status = dsl_accounts_open(L, face);
    if (status == DYNSUP_EMISUSE)
        warn(face);
    return status == DYNSUP_EMISUSE ? 0 : status;
}

static void open_here(dsl_host *face) {
    if (dsl_accounts_open_or_warn(face->L, face))
        warn(face);
}

void dsl_accounts_open_everywhere(dsl_host *host) {
    dsl_host *whole = host->whole;
    const dsl_heaps *heaps = whole->heaps;
    if (whole->has_accounts)
        return;
    whole->has_accounts = true;
    open_here(whole);
    for (uint32_t i = 1; heaps && i < heaps->capacity; i++)
        if (heaps->table[i] && heaps->table[i]->state != DSL_HEAP_CLOSED)
            open_here(&heaps->table[i]->face);
}

bool dsl_account_limit(dsl_body *body, size_t limit) {
    if (limit == 0)
        return true;
    body->account = dsl_account_new(body->host->memory, limit);
    return body->account;
}

/* Where the process's account is kept; NULL: the process has no body in Lua. */
static dsl_account **account_at(const dynsup_process_info *info) {
    if (info->ops == &dsl_body_ops)
        return &((dsl_body *)info->body)->account;
    if (info->ops == &dsl_server_ops)
        return &((dsl_server *)info->body)->account;
    return NULL;
}

/* The account is in the memory of the process's heap. A process that has not begun gets it, and its
 * limit, when it begins: see account_open. 0, with *why_out if there can be no account; or
 * DYNSUP_ENOMEM. */
static int limit_set(const dynsup_process_info *info, size_t limit, const char **why_out) {
    dsl_account **at = account_at(info);
    bool begins = info->ops == &dsl_begin_ops;
    if (!at && !begins) {
        *why_out = "max_memory has no effect on a child that is a supervisor or a worker in C";
        return 0;
    }
    dsl_host *face = dsl_face_in(info);
    int status = dsl_accounts_open(face->L, face);
    if (status == DYNSUP_EMISUSE) {
        *why_out =
            "max_memory has no effect on a child in a heap with an allocator of the program's";
        return 0;
    }
    if (status || begins)
        return status;
    if (!*at)
        *at = dsl_account_new(face->memory, 0);
    if (!*at)
        return DYNSUP_ENOMEM;
    (*at)->limit = limit;
    return 0;
}

void dsl_account_hand_on(const dsl_body *guest, dynsup_pid pid) {
    dynsup_process_info info;
    dsl_host *host = guest->host;
    if (!guest->account || !dynsup_process_glance(host->core, pid, &info))
        return;
    const char *why = NULL;
    if (limit_set(&info, guest->account->limit, &why) == DYNSUP_ENOMEM)
        dynsup_exceeded(host->core, pid, DYNSUP_NOMEM);
    else if (why)
        dsl_log(host, DYNSUP_LEVEL_WARNING, "%s", why);
}

size_t dsl_account_in_use(const dynsup_process_info *info) {
    dsl_account *const *at = account_at(info);
    return at && *at ? (*at)->in_use : 0;
}

/* The running process's limit as a child, which may be its supervisor's default. */
static size_t limit_of(const dsl_host *host) {
    const dynsup_limits *limits = dynsup_process_limits(host->core, dynsup_self(host->core));
    return limits ? dsl_limits_memory(limits) : 0;
}

static void account_open(dsl_body *body) {
    if (!body->account)
        body->account = dsl_account_new(body->host->memory, 0);
    if (body->account && !body->account->limit)
        body->account->limit = limit_of(body->host);
}

dsl_account *dsl_account_debit(dsl_body *body) {
    if (!body->is_guest)
        account_open(body);
    return dsl_memory_enter(body->host->memory, body->account);
}

dsl_account *dsl_account_enter_end(dsl_body *body) {
    if (body->account && body->account->limit)
        body->account->limit += DSL_CLOSE_RESERVE;
    return dsl_account_enter(body);
}

dynsup_reason dsl_account_reason(const dsl_body *body) {
    dsl_memory *memory = body->host->memory;
    bool by_limit = body->account && dsl_account_refusals(memory, body->account) > 0;
    return dynsup_reason_atom(by_limit ? DYNSUP_MEMORY_EXCEEDED : DYNSUP_NOMEM);
}

enum dynsup_slice dsl_account_end(const dsl_body *body, dynsup_outcome *outcome) {
    dynsup_host *core = body->host->core;
    if (body->is_guest) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED).value;
        return DYNSUP_SLICE_EXIT;
    }
    dynsup_exceeded(core, dynsup_self(core), DYNSUP_MEMORY_EXCEEDED);
    return DYNSUP_SLICE_AGAIN;
}
