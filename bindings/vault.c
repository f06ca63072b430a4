/* The vault: Lua values that the core or a C structure holds on to. */
#include "bindings/vault.h"

#include "bindings/memory/memory.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 256u
#define SCRATCH   (2 * LUA_MINSTACK) /* for readers in the middle of the core's work */

void dsl_vault_init(lua_State *L, dsl_vault *vault) {
    memset(vault, 0, sizeof *vault);
    lua_State *thread = lua_newthread(L);
    vault->thread = luaL_ref(L, LUA_REGISTRYINDEX);
    vault->L = thread; /* last: now there is something to let go of */
}

void dsl_vault_fini(dsl_vault *vault) {
    luaL_unref(vault->L, LUA_REGISTRYINDEX, vault->thread);
    free(vault->slots);
    memset(vault, 0, sizeof *vault);
}

/* Puts the new page's slots in front of the free list, lowest number first. */
static void page_free_slots(dsl_vault *vault, uint32_t page) {
    for (uint32_t i = PAGE_SIZE; i-- > 0;) {
        uint32_t number = page * PAGE_SIZE + i;
        if (number == 0)
            continue;
        vault->slots[number] = DSL_SLOT_FREE | vault->free;
        vault->free = number;
        vault->free_count++;
    }
}

static void slots_grow(lua_State *L, dsl_vault *vault) {
    if (vault->page_count & (vault->page_count - 1))
        return; /* they double at powers of two */
    size_t capacity = vault->page_count ? (size_t)vault->page_count * 2 : 1;
    dsl_slot *slots = realloc(vault->slots, capacity * PAGE_SIZE * sizeof *slots);
    if (!slots)
        (void)luaL_error(L, "not enough memory");
    else
        vault->slots = slots;
}

/* A page is charged to no account, whichever process needs it. After an error the rest of the slice
 * is not, either. */
static void page_add(lua_State *L, dsl_vault *vault) {
    dsl_memory *memory = dsl_memory_of(L);
    dsl_account *before = dsl_memory_enter(memory, NULL);
    luaL_checkstack(L, 1, NULL);
    lua_createtable(L, PAGE_SIZE, 0); /* first: it may run finalizers, which may add pages too */
    if (!lua_checkstack(vault->L, SCRATCH))
        (void)luaL_error(L, "not enough memory");
    slots_grow(L, vault);
    lua_xmove(L, vault->L, 1);
    page_free_slots(vault, vault->page_count++);
    dsl_memory_enter(memory, before);
}

void dsl_vault_grow(lua_State *L, dsl_vault *vault, uint32_t count) {
    while (vault->free_count < count)
        page_add(L, vault);
}

/* [-1, +0] of the vault's thread */
static void slot_set(const dsl_vault *vault, uint32_t slot) {
    lua_rawseti(vault->L, (int)(slot / PAGE_SIZE + 1), slot % PAGE_SIZE + 1);
}

uint32_t dsl_vault_put(lua_State *L, dsl_vault *vault) {
    assert(vault->free_count > 0 && "a slot has been reserved");
    uint32_t slot = vault->free;
    vault->free = vault->slots[slot] & ~DSL_SLOT_FREE;
    vault->free_count--;
    vault->used_count++;
    vault->slots[slot] = 1;
    lua_xmove(L, vault->L, 1);
    slot_set(vault, slot);
    return slot;
}

void dsl_vault_push(lua_State *L, const dsl_vault *vault, uint32_t slot) {
    lua_rawgeti(vault->L, (int)(slot / PAGE_SIZE + 1), slot % PAGE_SIZE + 1);
    lua_xmove(vault->L, L, 1);
}

static void table_new(lua_State *L, const char *mode) {
    lua_newtable(L);
    if (!mode)
        return;
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
}

void dsl_vault_table_push(lua_State *L, dsl_vault *vault, uint32_t *slot, const char *mode) {
    if (*slot == 0) {
        table_new(L, mode);
        dsl_vault_reserve(L, vault, 1);
        if (*slot) /* a finalizer has needed it meanwhile */
            lua_pop(L, 1);
        else
            *slot = dsl_vault_put(L, vault);
    }
    dsl_vault_push(L, vault, *slot);
}

void dsl_vault_retain(dsl_vault *vault, uint32_t slot) {
    vault->slots[slot]++;
}

void dsl_vault_release(dsl_vault *vault, uint32_t slot) {
    if (slot == 0 || --vault->slots[slot] > 0)
        return;
    lua_pushnil(vault->L);
    slot_set(vault, slot);
    vault->slots[slot] = DSL_SLOT_FREE | vault->free;
    vault->free = slot;
    vault->free_count++;
    vault->used_count--;
}
