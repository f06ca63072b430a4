/* Objects: values of Lua that the core holds, in any heap. */
#include "bindings/object.h"

#include "bindings/binding.h"
#include "bindings/heap/heap.h"
#include "bindings/heap/heap_group.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 256u /* of a vault */

static dsl_heap *heap_of(const dsl_host *host, uint64_t object) {
    return dsl_heap_at(host->whole, (uint32_t)(object >> DSL_OBJECT_HEAP) & DSL_OBJECT_NUMBER);
}

static struct dsl_heap_group *group_of(uint64_t object) {
    return (void *)dsl_object_parcel(object);
}

/* ---- owners ---- */

/* The last one of a closed heap's lets its record go. */
static void kept_release(dsl_heap *heap, uint32_t slot) {
    dsl_remains *kept = &heap->kept;
    if (--kept->slots[slot] > 0)
        return;
    if (kept->parcels)
        dsl_parcel_release(kept->parcels[slot]);
    if (--kept->used == 0)
        dsl_heap_forget(heap);
}

static void vault_retain(dsl_host *host, uint64_t object) {
    dsl_heap *heap = heap_of(host, object);
    uint32_t slot = (uint32_t)object;
    if (!heap)
        dsl_vault_retain(&host->whole->vault, slot);
    else if (heap->state == DSL_HEAP_CLOSED)
        heap->kept.slots[slot]++;
    else
        dsl_vault_retain(&heap->face.vault, slot);
}

static void vault_release(dsl_host *host, uint64_t object) {
    dsl_heap *heap = heap_of(host, object);
    uint32_t slot = (uint32_t)object;
    if (!heap)
        dsl_vault_release(&host->whole->vault, slot);
    else if (heap->state == DSL_HEAP_CLOSED)
        kept_release(heap, slot);
    else
        dsl_vault_release(&heap->face.vault, slot);
}

void dsl_object_retain(dsl_host *host, uint64_t object) {
    if (dsl_object_is_own(host, object))
        dsl_vault_retain(&host->vault, (uint32_t)object);
    else if (!(object & DSL_OBJECT_PARCEL))
        vault_retain(host, object);
    else if ((object & DSL_OBJECT_GROUP) == DSL_OBJECT_GROUP)
        dsl_heap_group_retain(group_of(object));
    else
        dsl_parcel_retain(dsl_object_parcel(object));
}

void dsl_object_release(dsl_host *host, uint64_t object) {
    if (dsl_object_is_own(host, object))
        dsl_vault_release(&host->vault, (uint32_t)object);
    else if (!(object & DSL_OBJECT_PARCEL))
        vault_release(host, object);
    else if ((object & DSL_OBJECT_GROUP) == DSL_OBJECT_GROUP)
        dsl_heap_group_release(group_of(object));
    else
        dsl_parcel_release(dsl_object_parcel(object));
}

dsl_host *dsl_object_face(dsl_host *host, uint64_t object) {
    dsl_heap *heap = object & DSL_OBJECT_PARCEL ? NULL : heap_of(host, object);
    return heap && heap->state != DSL_HEAP_CLOSED ? &heap->face : host->whole;
}

/* ---- copies ---- */

static dsl_parcel *pack(lua_State *L, dsl_host *host, int index) {
    dsl_packing packing = {.alloc = host->whole->alloc,
                           .alloc_ud = host->whole->alloc_ud,
                           .root = "value",
                           .lenient = true};
    dsl_codec_trouble trouble;
    dsl_parcel *parcel = NULL;
    index = lua_absindex(L, index);
    if (dsl_codec_pack(L, index, 1, &packing, &parcel, &trouble) != DSL_CODEC_OK)
        return NULL;
    return parcel;
}

/* The value of a vault as a parcel, or NULL. */
static dsl_parcel *pack_slot(dsl_host *face, uint32_t slot) {
    lua_State *L = face->vault.L;
    dsl_vault_push(L, &face->vault, slot);
    dsl_parcel *parcel = pack(L, face, -1);
    lua_pop(L, 1);
    return parcel;
}

/* The object for another heap: a parcel with one more owner, or NULL. */
static dsl_parcel *parcel_take(dsl_host *host, uint64_t object) {
    dsl_parcel *parcel = NULL;
    if (object & DSL_OBJECT_PARCEL) {
        parcel = dsl_object_parcel(object);
    } else {
        dsl_heap *heap = heap_of(host, object);
        if (!heap || heap->state != DSL_HEAP_CLOSED)
            return pack_slot(heap ? &heap->face : host->whole, (uint32_t)object);
        parcel = heap->kept.parcels ? heap->kept.parcels[(uint32_t)object] : NULL;
    }
    if (parcel)
        dsl_parcel_retain(parcel);
    return parcel;
}

typedef struct unpacking {
    const dsl_parcel *parcel;
    int only;      /* the value with this number; 0: all */
    bool is_plain; /* no function of a type is called */
} unpacking;

/* If the parts' types cannot be made, each part becomes a text that says so. */
static int unpack_protected(lua_State *L) {
    const unpacking *u = lua_touserdata(L, 1);
    dsl_codec_trouble trouble;
    int count = (int)u->parcel->count;
    enum dsl_codec_status status = u->is_plain
                                       ? dsl_parcel_unpack_plain(L, u->parcel, &count, &trouble)
                                       : dsl_parcel_unpack(L, u->parcel, &count, &trouble);
    if (status != DSL_CODEC_OK) {
        luaL_checkstack(L, count + 1, NULL);
        lua_pushstring(L, trouble.text);
        for (int i = 1; i < count; i++)
            lua_pushvalue(L, -1);
    }
    if (u->only)
        lua_settop(L, u->only + 1);
    return u->only ? 1 : count;
}

/* On the face's own thread: the coroutine that gets the values may be suspended. */
static bool unpack(lua_State *L, dsl_host *host, unpacking u) {
    lua_State *thread = host->L;
    int count = u.only ? 1 : (int)u.parcel->count;
    if (!lua_checkstack(thread, count + 3))
        return false;
    lua_pushcfunction(thread, unpack_protected);
    lua_pushlightuserdata(thread, &u);
    if (lua_pcall(thread, 1, count, 0) != LUA_OK) {
        lua_pop(thread, 1);
        return false;
    }
    if (thread != L)
        lua_xmove(thread, L, count);
    return true;
}

static void push_copy(lua_State *L, dsl_host *host, uint64_t object, bool is_plain) {
    dsl_parcel *parcel = parcel_take(host, object);
    uint32_t part = dsl_value_part(&(dynsup_value){DYNSUP_OBJECT, {.object = object}});
    if (!parcel || !unpack(L, host, (unpacking){parcel, part ? (int)part : 1, is_plain}))
        dsl_atom_push(L, host->runtime, DYNSUP_NOMEM);
    dsl_parcel_release(parcel);
}

void dsl_object_push_in_slice(lua_State *L, dsl_host *host, uint64_t object) {
    if (dsl_object_is_own(host, object))
        dsl_vault_push(L, &host->vault, (uint32_t)object);
    else
        push_copy(L, host, object, false);
}

static void push_apart(lua_State *L, dsl_host *host, uint64_t object, bool is_plain) {
    if (dsl_object_is_own(host, object)) {
        dsl_vault_push(L, &host->vault, (uint32_t)object);
        return;
    }
    bool runs = dsl_apart_begin(L, host->runtime);
    push_copy(L, host, object, is_plain);
    dsl_apart_end(L, host->runtime, runs);
}

void dsl_object_push(lua_State *L, dsl_host *host, uint64_t object) {
    push_apart(L, host, object, false);
}

void dsl_object_push_plain(lua_State *L, dsl_host *host, uint64_t object) {
    push_apart(L, host, object, true);
}

/* ---- parts ---- */

/* All parts are made where the first values are to be; then each is moved to its place, which is no
 * lower, the last one first. */
void dsl_parts_push_in_slice(lua_State *L, dsl_host *host, const dynsup_value *values, int count) {
    int base = lua_gettop(L);
    bool made = unpack(L, host, (unpacking){.parcel = dsl_object_parcel(values[0].as.object)});
    lua_settop(L, base + count);
    for (int i = count; i > 0; i--) {
        uint32_t part = dsl_value_part(&values[i - 1]);
        if (part && made) {
            lua_copy(L, base + (int)part, base + i);
            continue;
        }
        if (part)
            dsl_atom_push(L, host->runtime, DYNSUP_NOMEM);
        else
            dsl_value_push_in_slice(L, host, &values[i - 1]);
        lua_replace(L, base + i);
    }
}

void dsl_parts_push(lua_State *L, dsl_host *host, const dynsup_value *values, int count) {
    bool runs = dsl_apart_begin(L, host->runtime);
    dsl_parts_push_in_slice(L, host, values, count);
    dsl_apart_end(L, host->runtime, runs);
}

dynsup_value dsl_value_abroad(lua_State *L, dsl_host *host, int index) {
    dynsup_value value = dsl_value_plain(L, index);
    if (value.kind != DYNSUP_OBJECT)
        return value;
    dsl_parcel *parcel = pack(L, host, index);
    if (!parcel)
        return dynsup_reason_atom(DYNSUP_NOMEM).value;
    value.as.object = dsl_object_of_parcel(parcel);
    return value;
}

/* ---- what is kept ---- */

void dsl_remains_init(dsl_host *face, dsl_remains *kept) {
    dsl_vault *vault = &face->vault;
    *kept = (dsl_remains){.count = vault->page_count * PAGE_SIZE, .used = vault->used_count};
    if (kept->used) {
        kept->parcels = calloc(kept->count, sizeof *kept->parcels);
        for (uint32_t i = 1; kept->parcels && i < kept->count; i++)
            kept->parcels[i] = dsl_slot_has_owners(vault->slots[i]) ? pack_slot(face, i) : NULL;
        kept->slots = vault->slots;
        vault->slots = NULL;
    }
    dsl_vault_fini(vault);
}

void dsl_remains_fini(dsl_remains *kept) {
    for (uint32_t i = 1; kept->parcels && i < kept->count; i++)
        if (dsl_slot_has_owners(kept->slots[i]))
            dsl_parcel_release(kept->parcels[i]);
    free(kept->parcels);
    free(kept->slots);
    memset(kept, 0, sizeof *kept);
}

/* ---- as the core sees them ---- */

static void object_retain(void *ud, uint64_t object) {
    dsl_object_retain(ud, object);
}

static void object_release(void *ud, uint64_t object) {
    dsl_object_release(ud, object);
}

static bool object_equal(void *ud, uint64_t a, uint64_t b) {
    dsl_host *host = ud;
    lua_State *L = host->vault.L;
    dsl_object_push(L, host, a);
    dsl_object_push(L, host, b);
    bool equal = lua_rawequal(L, -1, -2) || a == b;
    lua_pop(L, 2);
    return equal;
}

#define HASH_SAMPLES 64 /* bytes of a string that are looked at, at most */

static uint64_t string_hash(const char *text, size_t size) {
    uint64_t hash = size;
    size_t step = size / HASH_SAMPLES + 1;
    for (size_t i = 0; i < size; i += step)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

/* The address of a copy means nothing. */
static uint64_t address_hash(lua_State *L, const dsl_host *host, uint64_t object) {
    return dsl_object_is_own(host, object) ? (uint64_t)(uintptr_t)lua_topointer(L, -1) : object;
}

static uint64_t object_hash(void *ud, uint64_t object) {
    dsl_host *host = ud;
    lua_State *L = host->vault.L;
    size_t size;
    dsl_object_push(L, host, object);
    bool is_string = lua_type(L, -1) == LUA_TSTRING;
    const char *text = is_string ? lua_tolstring(L, -1, &size) : NULL;
    uint64_t hash = is_string ? string_hash(text, size) : address_hash(L, host, object);
    lua_pop(L, 1);
    return hash;
}

const dynsup_object_ops dsl_object_ops = {
    .retain = object_retain,
    .release = object_release,
    .describe = dsl_object_describe,
    .trace = dsl_object_trace,
    .equal = object_equal,
    .hash = object_hash,
};
