/*
 * The vault: Lua values that the core or a C structure holds on to.
 *
 * Design notes.
 * Values are in pages: Lua tables of 256 in their array part, on the stack of a thread of the
 * vault's own. No page ever rehashes, an existing slot can be written without an allocation, and a
 * page is reached without a look-up. Slot numbers start at 1; each slot counts its owners.
 * Reserving may raise; put, get, retain and release never do. They work whichever coroutine is
 * running. Between reserving and putting nothing may be allocated in Lua: that could run
 * finalizers, which may use the vault as well.
 */
#ifndef DSL_VAULT_H
#define DSL_VAULT_H

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Its number of owners; for a free slot the next free one, with DSL_SLOT_FREE. */
typedef uint32_t dsl_slot;

#define DSL_SLOT_FREE (1u << 31)

static inline bool dsl_slot_has_owners(dsl_slot slot) {
    return slot > 0 && slot < DSL_SLOT_FREE;
}

typedef struct dsl_vault {
    lua_State *L;    /* the thread; its stack above the pages is scratch */
    int thread;      /* its registry reference */
    dsl_slot *slots; /* of all pages; number 0 is not used */
    uint32_t page_count;
    uint32_t free; /* the first free slot, 0: none */
    uint32_t free_count;
    uint32_t used_count;
} dsl_vault;

/* Raises without memory. */
void dsl_vault_init(lua_State *L, dsl_vault *vault);

/* Lets go of everything. */
void dsl_vault_fini(dsl_vault *vault);

/* Makes free slots, until there are count of them. Raises without memory. */
void dsl_vault_grow(lua_State *L, dsl_vault *vault, uint32_t count);

/* Makes sure that count puts can follow. Raises without memory. */
static inline void dsl_vault_reserve(lua_State *L, dsl_vault *vault, uint32_t count) {
    if (vault->free_count < count)
        dsl_vault_grow(L, vault, count);
}

/* Keeps the value on top of the stack; there must be a free slot. [-1, +0] */
uint32_t dsl_vault_put(lua_State *L, dsl_vault *vault);

/* [-0, +1] */
void dsl_vault_push(lua_State *L, const dsl_vault *vault, uint32_t slot);

/* Pushes the table in *slot; if *slot is 0 it is made first, with weak keys or values ("k", "v") or
 * neither (NULL). Raises without memory. [-0, +1] */
void dsl_vault_table_push(lua_State *L, dsl_vault *vault, uint32_t *slot, const char *mode);

void dsl_vault_retain(dsl_vault *vault, uint32_t slot);

/* Ends an owner's share; the last one clears the slot. 0 is allowed. */
void dsl_vault_release(dsl_vault *vault, uint32_t slot);

#endif
