/* The memory of a lua_State: limits, and headers that name a block's account. */
#include "bindings/memory/memory.h"

#include "bindings/memory/arena.h"
#include "bindings/embed/misuse.h"
#include "bindings/heap/heap_memory.h"
#include "bindings/memory/source.h"

#include <lauxlib.h>
#include <stdlib.h>

/* In front of a block that has an account. Its size distinguishes such blocks from others: the
 * source aligns blocks to twice as much. */
typedef struct header {
    dsl_account *owner;
} header;

_Static_assert(sizeof(header) == 8, "a block behind a header lies between two that have none");

static bool has_owner(const void *block) {
    return (uintptr_t)block & sizeof(header);
}

static header *header_of(void *block) {
    return (header *)block - 1;
}

/* ---- refusals ---- */

static void account_refuse(const dsl_memory *memory, dsl_account *account) {
    if (account->refusals < UINT32_MAX)
        account->refusals++;
    if (account->refusals == DSL_REFUSALS_MAX && memory->on_exceeded)
        memory->on_exceeded(memory->exceeded_ud);
}

/* The last refusal counts, if it has not done so. */
static void settle(dsl_memory *memory) {
    if (!memory->refused.is_open)
        return;
    memory->refused.is_open = false;
    if (memory->refused.account)
        account_refuse(memory, memory->refused.account);
}

/* A new request: is it the refused one once more? Otherwise that refusal counts. */
static void ask(dsl_memory *memory, const void *block, size_t size) {
    if (memory->refused.block != block || memory->refused.size != size)
        settle(memory);
}

/* Refused by the account's limit, or the state's (NULL). */
static void *refuse(dsl_memory *memory, dsl_account *account, const void *block, size_t size) {
    if (memory->refused.is_open) {
        settle(memory);
        return NULL;
    }
    memory->refused.is_open = true;
    memory->refused.account = account;
    memory->refused.block = block;
    memory->refused.size = size;
    return NULL;
}

static inline bool fits(size_t limit, size_t in_use, size_t more) {
    return limit == 0 || in_use + more <= limit;
}

/* Does it fit the state's limit? Or must it be granted, as Lua could not raise an error? */
static inline bool state_fits(const dsl_memory *memory, size_t more) {
    return fits(memory->limit, memory->in_use, more) ||
           (memory->may_refuse && !memory->may_refuse(memory->refuse_ud));
}

/* ---- plain blocks ---- */

/* Resizes a block that fits the limit, and counts it for the state. */
static inline void *count_resize(dsl_memory *memory, void *block, size_t old_size, size_t size) {
    void *result = memory->alloc(memory->ud, block, old_size, size);
    if (result || size == 0)
        memory->in_use += size - old_size;
    return result;
}

void *dsl_memory_plain(void *ud, void *block, size_t old_size, size_t size) {
    dsl_memory *memory = ud;
    size_t old = block ? old_size : 0; /* otherwise Lua passes a type */
    if (size <= old || fits(memory->limit, memory->in_use, size - old))
        return count_resize(memory, block, old, size);
    return NULL;
}

/* ---- blocks of accounts ---- */

static void account_free(dsl_memory *memory, dsl_account *account) {
    count_resize(memory, account, sizeof *account, 0);
}

static inline void credit(dsl_memory *memory, dsl_account *account, size_t size) {
    account->in_use -= size;
    if (account->in_use == 0 && account->closed)
        account_free(memory, account);
}

static void *owned_new(dsl_memory *memory, dsl_account *account, size_t size) {
    size_t all = size + sizeof(header);
    if (!state_fits(memory, all))
        return refuse(memory, NULL, NULL, size);
    if (!fits(account->limit, account->in_use, all))
        return refuse(memory, account, NULL, size);
    header *new = count_resize(memory, NULL, 0, all);
    if (!new)
        return NULL;
    new->owner = account;
    account->in_use += all;
    return new + 1;
}

/* The block becomes this large and the account's. */
static void *owned_move(dsl_memory *memory, void *block, size_t old_size, size_t size,
                        dsl_account *account) {
    dsl_account *before = header_of(block)->owner;
    size_t old_all = old_size + sizeof(header), all = size + sizeof(header);
    header *new = count_resize(memory, header_of(block), old_all, all);
    if (!new)
        return NULL;
    new->owner = account;
    account->in_use += all;
    credit(memory, before, old_all);
    return new + 1;
}

static bool can_pay(const dsl_account *payer, const dsl_account *owner, size_t old_size,
                    size_t size) {
    size_t debit = payer == owner ? size - old_size : size + sizeof(header);
    return fits(payer->limit, payer->in_use, debit);
}

/* A grown block is debited to the running account, or stays with its own if none runs. */
static void *owned_grow(dsl_memory *memory, void *block, size_t old_size, size_t size) {
    dsl_account *owner = header_of(block)->owner, *payer = memory->running;
    if (!state_fits(memory, size - old_size))
        return refuse(memory, NULL, block, size);
    if (payer && !can_pay(payer, owner, old_size, size))
        return refuse(memory, payer, block, size);
    return owned_move(memory, block, old_size, size, payer ? payer : owner);
}

static void owned_free(dsl_memory *memory, void *block, size_t size) {
    dsl_account *account = header_of(block)->owner;
    size_t all = size + sizeof(header);
    count_resize(memory, header_of(block), all, 0);
    credit(memory, account, all);
}

/* ---- Lua's blocks ---- */

static void *plain_grow(dsl_memory *memory, void *block, size_t old_size, size_t size) {
    if (!state_fits(memory, size - old_size))
        return refuse(memory, NULL, block, size);
    return count_resize(memory, block, old_size, size);
}

static void *lua_grow(dsl_memory *memory, void *block, size_t old_size, size_t size) {
    if (has_owner(block))
        return owned_grow(memory, block, old_size, size);
    if (!block && memory->running)
        return owned_new(memory, memory->running, size);
    return plain_grow(memory, block, old_size, size);
}

/* A request after a refusal. If it differs from the refused one, that refusal counts; once it is
 * granted, no refusal is open. */
static void *lua_grow_again(dsl_memory *memory, void *block, size_t old_size, size_t size) {
    ask(memory, block, size);
    void *result = lua_grow(memory, block, old_size, size);
    if (result)
        memory->refused.is_open = false;
    return result;
}

static void *lua_shrink(dsl_memory *memory, void *block, size_t old_size, size_t size) {
    if (has_owner(block))
        return owned_move(memory, block, old_size, size, header_of(block)->owner);
    return count_resize(memory, block, old_size, size);
}

/* With its last block the state ends, and so does a memory that was put into it. */
static void plain_free(dsl_memory *memory, void *block, size_t size) {
    bool is_last = block == memory->last;
    count_resize(memory, block, size, 0);
    if (is_last)
        memory->alloc(memory->ud, memory, sizeof *memory, 0);
}

static void lua_free(dsl_memory *memory, void *block, size_t size) {
    if (has_owner(block))
        owned_free(memory, block, size);
    else if (block)
        plain_free(memory, block, size);
}

void *dsl_memory_alloc(void *ud, void *block, size_t old_size, size_t size) {
    dsl_memory *memory = ud;
    size_t old = block ? old_size : 0; /* otherwise it is a type */
    if (size == 0) {
        lua_free(memory, block, old);
        return NULL;
    }
    if (size <= old)
        return lua_shrink(memory, block, old, size);
    return memory->refused.is_open ? lua_grow_again(memory, block, old, size)
                                   : lua_grow(memory, block, old, size);
}

/* ---- accounts ---- */

dsl_account *dsl_account_new(dsl_memory *memory, size_t limit) {
    dsl_account *account = dsl_memory_plain(memory, NULL, 0, sizeof *account);
    if (account)
        *account = (dsl_account){.limit = limit};
    return account;
}

void dsl_account_close(dsl_memory *memory, dsl_account *account) {
    if (!account)
        return;
    account->closed = true;
    if (memory->refused.account == account)
        memory->refused.is_open = false;
    credit(memory, account, 0);
}

uint32_t dsl_account_refusals(dsl_memory *memory, const dsl_account *account) {
    settle(memory);
    return account->refusals;
}

/* ---- life ---- */

/* AddressSanitizer sees each block only when it is malloc's. */
#ifdef __SANITIZE_ADDRESS__
static bool source_open(dsl_memory *memory) {
    memory->alloc = dsl_malloc_alloc;
    return true;
}
#else
static bool source_open(dsl_memory *memory) {
    memory->alloc = dsl_arena_alloc;
    memory->ud = memory->arena = dsl_arena_new();
    return memory->arena;
}
#endif

static void source_close(const dsl_memory *source) {
    if (source->arena)
        dsl_arena_free(source->arena);
}

dsl_memory *dsl_memory_new(lua_Alloc alloc, void *ud, size_t limit) {
    dsl_memory new = {.alloc = alloc, .ud = ud, .limit = limit};
    if (!alloc && !source_open(&new))
        return NULL;
    dsl_memory *memory = new.alloc(new.ud, NULL, 0, sizeof *memory);
    if (memory)
        *memory = new;
    else
        source_close(&new);
    return memory;
}

void dsl_memory_free(dsl_memory *memory) {
    dsl_memory old = *memory;
    old.alloc(old.ud, memory, sizeof *memory, 0);
    source_close(&old);
}

dsl_memory *dsl_memory_of(lua_State *L) {
    void *ud;
    return lua_getallocf(L, &ud) == dsl_memory_alloc ? ud : NULL;
}

/* Checks that the allocator is lauxlib's, on the C library's malloc, whose alignment shows which
 * blocks are counted. Only by a state that lauxlib makes can that be seen. 0, or why not. */
static int check_lauxlibs(lua_Alloc alloc, void *ud) {
    void *its_ud;
    lua_State *L = luaL_newstate();
    if (!L)
        return DYNSUP_ENOMEM;
    bool is_its = lua_getallocf(L, &its_ud) == alloc;
    lua_close(L);
    return is_its && dsl_check_alloc(alloc, ud) ? 0 : DYNSUP_EMISUSE;
}

static const void *last_block(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    const void *block = lua_getextraspace(lua_tothread(L, -1));
    lua_pop(L, 1);
    return block;
}

/* Puts a memory before the state's allocator. */
static int memory_put(lua_State *L, lua_Alloc alloc, void *ud, dsl_memory **memory_out) {
    dsl_memory *memory = alloc(ud, NULL, 0, sizeof *memory);
    if (!memory)
        return DYNSUP_ENOMEM;
    *memory = (dsl_memory){.alloc = alloc, .ud = ud, .last = last_block(L)};
    lua_setallocf(L, dsl_memory_alloc, memory);
    *memory_out = memory;
    return 0;
}

/* 0: the alignment of the state's blocks allows accounts; or as dsl_memory_open. */
static int check_source(dynsup_alloc_fn alloc, void *ud) {
    const dsl_heap_memory *heap = alloc == dsl_heap_memory_alloc ? ud : NULL;
    if (heap)
        return heap->is_aligned ? 0 : check_source(heap->alloc, heap->ud);
    bool is_ours = alloc == dsl_arena_alloc || alloc == dsl_memory_plain;
    return is_ours ? 0 : check_lauxlibs(alloc, ud);
}

int dsl_memory_open(lua_State *L, dsl_memory **memory_out) {
    void *ud;
    lua_Alloc alloc = lua_getallocf(L, &ud);
    *memory_out = NULL;
    if (alloc == dsl_memory_alloc) {
        *memory_out = ud;
        return 0;
    }
    int status = check_source(alloc, ud);
    return status ? status : memory_put(L, alloc, ud, memory_out);
}
