/* The vault: Lua values that the core or a C structure holds on to. */
#include "bindings/vault.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 256u

void dsl_vault_init(lua_State *L, dsl_vault *vault) {
    memset(vault, 0, sizeof *vault);
    vault->L = lua_newthread(L);
    vault->thread = luaL_ref(L, LUA_REGISTRYINDEX);
}

void dsl_vault_fini(dsl_vault *vault) {
    for (uint32_t i = 0; i < vault->page_count; i++)
        luaL_unref(vault->L, LUA_REGISTRYINDEX, vault->pages[i]);
    luaL_unref(vault->L, LUA_REGISTRYINDEX, vault->thread);
    free(vault->pages);
    free(vault->slots);
    memset(vault, 0, sizeof *vault);
}

/* Puts the new page's slots in front of the free list, lowest number first. */
static void page_free_slots(dsl_vault *vault, uint32_t page) {
    for (uint32_t i = PAGE_SIZE; i-- > 0;) {
        uint32_t number = page * PAGE_SIZE + i;
        if (number == 0)
            continue;
        vault->slots[number] = (dsl_slot){0, vault->free};
        vault->free = number;
        vault->free_count++;
    }
}

static void arrays_grow(lua_State *L, dsl_vault *vault) {
    uint32_t count = vault->page_count + 1;
    if (vault->page_count & (vault->page_count - 1))
        return; /* the arrays double at powers of two */
    size_t capacity = vault->page_count ? (size_t)vault->page_count * 2 : count;
    int *pages = realloc(vault->pages, capacity * sizeof *pages);
    if (pages)
        vault->pages = pages;
    dsl_slot *slots = realloc(vault->slots, capacity * PAGE_SIZE * sizeof *slots);
    if (slots)
        vault->slots = slots;
    if (!pages || !slots)
        (void)luaL_error(L, "not enough memory");
}

static void page_add(lua_State *L, dsl_vault *vault) {
    luaL_checkstack(L, 3, NULL);
    arrays_grow(L, vault);
    lua_createtable(L, PAGE_SIZE, 0);
    for (uint32_t i = 1; i <= PAGE_SIZE; i++) {
        lua_pushboolean(L, 0);
        lua_rawseti(L, -2, i);
    }
    vault->pages[vault->page_count] = luaL_ref(L, LUA_REGISTRYINDEX);
    page_free_slots(vault, vault->page_count++);
}

void dsl_vault_reserve(lua_State *L, dsl_vault *vault, uint32_t count) {
    while (vault->free_count < count)
        page_add(L, vault);
}

static void slot_set(lua_State *L, const dsl_vault *vault, uint32_t slot) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, vault->pages[slot / PAGE_SIZE]);
    lua_insert(L, -2);
    lua_rawseti(L, -2, slot % PAGE_SIZE + 1);
    lua_pop(L, 1);
}

uint32_t dsl_vault_put(lua_State *L, dsl_vault *vault) {
    uint32_t slot = vault->free;
    vault->free = vault->slots[slot].next;
    vault->free_count--;
    vault->used_count++;
    vault->slots[slot].owners = 1;
    slot_set(L, vault, slot);
    return slot;
}

void dsl_vault_push(lua_State *L, const dsl_vault *vault, uint32_t slot) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, vault->pages[slot / PAGE_SIZE]);
    lua_rawgeti(L, -1, slot % PAGE_SIZE + 1);
    lua_replace(L, -2);
}

void dsl_vault_retain(dsl_vault *vault, uint32_t slot) {
    vault->slots[slot].owners++;
}

void dsl_vault_release(dsl_vault *vault, uint32_t slot) {
    if (slot == 0 || --vault->slots[slot].owners > 0)
        return;
    lua_pushboolean(vault->L, 0);
    slot_set(vault->L, vault, slot);
    vault->slots[slot].next = vault->free;
    vault->free = slot;
    vault->free_count++;
    vault->used_count--;
}
