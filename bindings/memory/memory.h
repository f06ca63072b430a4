/*
 * The memory of one lua_State: how much is in use, how much may be, and which process it belongs
 * to.
 *
 * Design notes.
 * A dsl_memory stands between a lua_State and where its blocks come from. It counts them (in_use)
 * and refuses what would exceed `limit`; beyond that it keeps accounts. While an account is the
 * running one, each new block is debited to it: a header of 8 bytes in front of the block names the
 * account, which is credited when the block is freed, whichever process runs then. All other blocks
 * have no header. Addresses distinguish the two kinds: blocks come from the source aligned to 16
 * bytes, so one behind a header is aligned to 8 only, which is all that Lua needs. So accounts may
 * begin at any time in the life of a state, and cost nothing before: until then the state has the
 * allocator that it was made with.
 * A block that grows is debited as a whole to the account that is running: a table that several
 * processes fill belongs to the one for which it grew last. When no account is running it stays
 * with its own. A block without a header never gets one: Lua's table of strings and the stacks of
 * the binding would be charged to whichever process needs the next string. The price is that the
 * array of a table made without an account (by libraries, or before accounts began) is charged to
 * none, however it grows.
 * Lua collects all of its garbage when a block is refused, and asks once more; nothing else can be
 * asked for in between. So a refusal counts when the same request is refused twice in a row, or
 * when another request follows: a luaL_Buffer does not ask again.
 * An account lives until its process has closed it and its last block is freed.
 */
#ifndef DSL_MEMORY_H
#define DSL_MEMORY_H

#include "core/dynsup.h"

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each refusal has cost the whole state a full collection, for which all processes wait; and one or
 * two "not enough memory" errors are warning enough. */
#define DSL_REFUSALS_MAX 3

/* An account: blocks that are counted together, those of a process. */
typedef struct dsl_account {
    size_t in_use;     /* bytes, with the headers */
    size_t limit;      /* 0: none */
    uint32_t refusals; /* those that counted, so far */
    bool closed;       /* debited no more: freed with its last block */
} dsl_account;

typedef struct dsl_memory {
    dsl_account *running; /* the account that is debited, or NULL. See dsl_memory_enter */
    dsl_account common;   /* of what is made for other processes: it becomes theirs as it grows */
    size_t in_use;        /* bytes, with the headers; in an existing state, only those since */
    size_t limit; /* of in_use; 0: none. May be changed, except in a state that existed before */
    struct {
        bool is_open;         /* the last answer was a refusal, which does not count yet */
        dsl_account *account; /* whose limit it was; NULL: the state's */
        const void *block;    /* what was asked for */
        size_t size;
    } refused;
    /* Called when the running account has been refused DSL_REFUSALS_MAX times; in the allocator, so
     * it may set hooks and flags and do nothing else. NULL: not called. */
    void (*on_exceeded)(void *ud);
    void *exceeded_ud;
    /* Could a refusal by the state's limit be reported? Otherwise the request is granted. NULL:
     * always. */
    bool (*may_refuse)(void *ud);
    void *refuse_ud;
    lua_Alloc alloc; /* where blocks come from */
    void *ud;
    struct dsl_arena *arena; /* ud, if it is this memory's own arena; or NULL */
    const void *last;        /* the state's last block, with which the memory ends; or NULL */
} dsl_memory;

/* A memory for a state that is about to be made by lua_newstate(dsl_memory_alloc, memory). Blocks
 * come from alloc, which must align them to 16 bytes, as malloc does; NULL: from an arena of its
 * own. limit: in bytes, 0: none. NULL without memory. */
dsl_memory *dsl_memory_new(lua_Alloc alloc, void *ud, size_t limit);

/* Frees it, after its state was closed and all else was returned. Not for a memory that
 * dsl_memory_open has put into a state: that ends with the state. */
void dsl_memory_free(dsl_memory *memory);

/* The memory of the state, or NULL if that has another allocator. */
dsl_memory *dsl_memory_of(lua_State *L);

/* The memory of the state, put before its allocator if there was none. 0; DYNSUP_EMISUSE: the
 * allocator is the program's own, whose alignment is unknown; DYNSUP_ENOMEM. With an error
 * *memory_out is NULL. Allocates nothing in Lua. */
int dsl_memory_open(lua_State *L, dsl_memory **memory_out);

/* A lua_Alloc, for Lua's blocks; ud is the dsl_memory. */
void *dsl_memory_alloc(void *ud, void *block, size_t old_size, size_t size);

/* The same for the binding's own blocks (a dynsup_alloc_fn): counted and limited, but debited to no
 * account. */
void *dsl_memory_plain(void *ud, void *block, size_t old_size, size_t size);

/* From now on the account (NULL: none) is debited. Returns the one before, to be put back in the
 * same way. With memory NULL nothing happens. */
static inline dsl_account *dsl_memory_enter(dsl_memory *memory, dsl_account *account) {
    if (!memory)
        return NULL;
    dsl_account *before = memory->running;
    memory->running = account;
    return before;
}

/* How often an account was refused memory. Lua raises an error then, which the running code may
 * have caught. */
uint32_t dsl_account_refusals(dsl_memory *memory, const dsl_account *account);

/* A new account; limit in bytes, 0: none. NULL without memory. */
dsl_account *dsl_account_new(dsl_memory *memory, size_t limit);

/* The account's process has ended: blocks that are left are credited as before. The account must
 * not be running. NULL is allowed. */
void dsl_account_close(dsl_memory *memory, dsl_account *account);

#endif
