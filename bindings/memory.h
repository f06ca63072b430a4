/*
 * The memory of one lua_State: how much of it there is, how much there may be, and whose it is.
 *
 * Design notes.
 * A dsl_memory stands between a lua_State and where its blocks come from. It counts them (in_use)
 * and refuses what would exceed `limit`; beyond that it keeps accounts. While an account is the
 * running one, each new block is debited to it: a header of 8 bytes in front of the block names the
 * account, which is credited when the block is freed, whoever is running then. All other blocks
 * have no header. The two are told apart by their addresses: where blocks come from they are
 * aligned to 16 bytes, and so a block behind a header lies 8 bytes beside that, which is as much as
 * Lua asks for. So accounts may begin at any time in the life of a state, and nobody pays for them
 * before: until then the state has the allocator that it was made with.
 * A block that grows is debited to who makes it grow, as a whole: a table that several processes
 * fill belongs to the one for which it grew last. When nobody is running it stays where it is. A
 * block without a header never gets one: Lua's table of strings and the stacks of the binding would
 * be debited to who happens to need the next string; the price is that the array of a table which
 * was made by nobody (libraries, whoever was there before accounts began) is nobody's, however it
 * grows.
 * Lua collects all of its garbage when a block is refused, and asks once more; nothing else can be
 * asked for in between. So a refusal counts when the same is refused twice in a row or something
 * else is asked for: a luaL_Buffer does not ask again.
 * An account lives until its process has closed it and its last block is freed.
 */
#ifndef DSL_MEMORY_H
#define DSL_MEMORY_H

#include "core/dynsup.h"

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each refusal has cost the whole state a full collection, which another process waits for; and an
 * error that says "not enough memory" is a fair warning once or twice. */
#define DSL_REFUSALS_MAX 3

/* Whose blocks are counted together: a process. */
typedef struct dsl_account {
    size_t in_use;     /* bytes, with the headers */
    size_t limit;      /* 0: none */
    uint32_t refusals; /* that counted, so far */
    bool closed;       /* nobody is debited any more: it goes with its last block */
} dsl_account;

typedef struct dsl_memory {
    dsl_account *running; /* who is debited; NULL: nobody. See dsl_memory_enter */
    dsl_account common;   /* of what is made for others: it becomes theirs as it grows */
    size_t in_use;        /* bytes, with the headers. Where it was put into a state: since then */
    size_t limit;         /* of in_use; 0: none. May be changed, unless it was put into a state */
    struct {
        bool is_open;         /* the last answer was a refusal, which does not count yet */
        dsl_account *account; /* whose limit it was; NULL: the state's */
        const void *block;    /* what was asked for */
        size_t size;
    } refused;
    /* The running account has been refused DSL_REFUSALS_MAX times. Called in the allocator: it may
     * set hooks and flags, and nothing else. NULL: nobody is told. */
    void (*on_exceeded)(void *ud);
    void *exceeded_ud;
    /* Could anybody be told that the state's limit refuses? Else it grants. NULL: always. */
    bool (*may_refuse)(void *ud);
    void *refuse_ud;
    lua_Alloc alloc; /* where blocks come from */
    void *ud;
    struct dsl_arena *arena; /* ud, where it is this memory's own; or NULL */
    const void *last;        /* the state's last block, with which the memory ends; or NULL */
} dsl_memory;

/* A memory for a state that is about to be made by lua_newstate(dsl_memory_alloc, memory). Blocks
 * come from alloc, which must give them aligned to 16 bytes, as malloc does; NULL: from an arena of
 * its own. limit: in bytes, 0: none. NULL without memory. */
dsl_memory *dsl_memory_new(lua_Alloc alloc, void *ud, size_t limit);

/* Frees it, after its state was closed and all else was returned. Not for those that
 * dsl_memory_open has put into a state: they end with it. */
void dsl_memory_free(dsl_memory *memory);

/* The memory of the state, or NULL: it has another allocator. */
dsl_memory *dsl_memory_of(lua_State *L);

/* The memory of the state, put before its allocator if there was none. 0; DYNSUP_EMISUSE: the
 * allocator is the program's own, of which it is not known how blocks are aligned; DYNSUP_ENOMEM.
 * With an error *memory_out is NULL. Allocates nothing in Lua. */
int dsl_memory_open(lua_State *L, dsl_memory **memory_out);

/* A lua_Alloc, of Lua's blocks; ud is the dsl_memory. */
void *dsl_memory_alloc(void *ud, void *block, size_t old_size, size_t size);

/* The same for the binding's own blocks (a dynsup_alloc_fn): counted and limited, but debited to
 * nobody. */
void *dsl_memory_plain(void *ud, void *block, size_t old_size, size_t size);

/* From now on the account (or nobody: NULL) is debited. Returns who was before, to be put back in
 * the same way. Memory NULL: nothing happens. */
static inline dsl_account *dsl_memory_enter(dsl_memory *memory, dsl_account *account) {
    if (!memory)
        return NULL;
    dsl_account *before = memory->running;
    memory->running = account;
    return before;
}

/* How often an account was refused memory. Lua raises an error then, which whoever runs may have
 * caught. */
uint32_t dsl_account_refusals(dsl_memory *memory, const dsl_account *account);

/* A new account; limit in bytes, 0: none. NULL without memory. */
dsl_account *dsl_account_new(dsl_memory *memory, size_t limit);

/* Its process has ended: blocks that are left are credited as before. It must not be running. NULL
 * is allowed. */
void dsl_account_close(dsl_memory *memory, dsl_account *account);

#endif
