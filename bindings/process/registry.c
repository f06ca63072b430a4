/*
 * The C half of dynsup.registry.
 *
 * Look-ups return one flat list. Nothing is allocated in Lua while the core's entries are walked,
 * as a finalizer might run and change them: the list is made first, with room for all entries, and
 * then filled with those still there.
 */
#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/process/name.h"
#include "bindings/native.h"
#include "bindings/child/request.h"

#include <limits.h>

/* Finds the registry at index 1. False: it is none, and nil, reason are pushed. Raises for a value
 * that cannot name a registry. [-0, +0|2] */
static bool registry_get(lua_State *L, const dsl_host *host, dynsup_pid *registry,
                         dynsup_registry_info *info) {
    bool named = dsl_process_read(L, host, 1, registry);
    luaL_argexpected(L, named, 1, "pid or registered name of a registry");
    int status = dynsup_registry_inspect(host->core, *registry, info);
    if (status)
        dsl_fail(L, (enum dynsup_atom) - status);
    return status == 0;
}

static void key_get(lua_State *L, dsl_key *key) {
    luaL_argcheck(L, dsl_is_key(L, 2), 2, "a key is anything but nil and NaN");
    dsl_key_read(L, 2, key);
}

/* start(unique [, name]): pid; nil, "already_started", pid */
static int start(lua_State *L) {
    dsl_host *host;
    dynsup_pid pid;
    size_t length = 0;
    dsl_check_linkable(L, dsl_body_of(L, &host));
    const char *name = NULL;
    if (!lua_isnil(L, 2))
        dsl_name_read(L, 2, &name, &length);
    int status = dynsup_registry_start(host->core, lua_toboolean(L, 1), name, length, &pid);
    dsl_check_status(L, status);
    if (status)
        dsl_fail(L, (enum dynsup_atom) - status);
    dsl_holder_push(L, host, pid, name, length);
    return dsl_told(L, host, "start_link", status ? 3 : 1);
}

/* refused(reason, detail): nil, reason, detail, for options that are wrong */
static int refused(lua_State *L) {
    const dsl_host *host = dsl_host_or_null(L);
    lua_settop(L, 2);
    lua_pushnil(L);
    lua_insert(L, 1);
    return host ? dsl_told(L, host, "start_link", 3) : 3;
}

/* stop(registry, reason): true, or nil, reason */
static int stop(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_pid registry;
    dynsup_registry_info info;
    if (!registry_get(L, host, &registry, &info))
        return 2;
    dsl_check_reason(L, 2);
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_reason reason = dsl_reason_get(L, host, 2);
    dynsup_registry_stop(host->core, registry, &reason);
    if (reason.value.kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)reason.value.as.object);
    lua_pushboolean(L, 1);
    return 1;
}

static void value_release(dsl_host *host, const dynsup_value *value) {
    if (value->kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)value->as.object);
}

static int taken(lua_State *L, dynsup_pid owner) {
    dsl_fail_text(L, "already_registered");
    if (owner)
        dsl_id_push(L, owner);
    else
        lua_pushliteral(L, "restarting");
    return 3;
}

/* Adds the entry, the value at index 3. 0; DYNSUP_ETAKEN, with *owner_out; or another code. */
static int entry_add(lua_State *L, dsl_host *host, dynsup_pid registry, const dsl_key *key,
                     dynsup_pid *owner_out) {
    dsl_vault_reserve(L, &host->vault, 2);
    dynsup_value key_value = dsl_value_get(L, host, 2);
    dynsup_value value = dsl_value_get(L, host, 3);
    int status =
        dynsup_entry_add(host->core, registry, key->text, key->length, key_value, value, owner_out);
    if (status) {
        value_release(host, &key_value);
        value_release(host, &value);
    }
    return dsl_check_status(L, status);
}

/* register(registry, key, value) */
static int register_entry(lua_State *L) {
    dsl_host *host;
    dynsup_pid registry, owner;
    dynsup_registry_info info;
    dsl_key key = {.length = 0};
    dsl_body_of(L, &host);
    dsl_check_count(L, 2, 3);
    lua_settop(L, 3);
    key_get(L, &key);
    if (!registry_get(L, host, &registry, &info))
        return 2;
    int status = entry_add(L, host, registry, &key, &owner);
    if (status == DYNSUP_ETAKEN)
        return taken(L, owner);
    if (status)
        return dsl_fail(L, (enum dynsup_atom) - status);
    lua_pushboolean(L, 1);
    return 1;
}

static bool is_own(const dsl_host *host, const dynsup_entry *entry) {
    return dynsup_entry_inspect(entry).pid == dynsup_self(host->core);
}

/* Finds the first entry under the key of the arguments (registry, key), or NULL. False: two results
 * say why there can be none. */
static bool first_get(lua_State *L, dsl_host **host_out, dynsup_entry **entry_out) {
    dynsup_pid registry;
    dynsup_registry_info info;
    dsl_key key = {.length = 0};
    dsl_body_of(L, host_out);
    key_get(L, &key);
    if (!registry_get(L, *host_out, &registry, &info))
        return false;
    *entry_out = dynsup_entry_first((*host_out)->core, registry, key.text, key.length);
    return true;
}

/* unregister(registry, key): ends the caller's entries under the key */
static int unregister(lua_State *L) {
    dsl_host *host;
    dynsup_entry *entry;
    if (!first_get(L, &host, &entry))
        return 2;
    while (entry) {
        dynsup_entry *next = dynsup_entry_next(entry);
        if (is_own(host, entry) && dynsup_entry_remove(host->core, entry))
            return dsl_fail(L, DYNSUP_TAKEN);
        entry = next;
    }
    lua_pushboolean(L, 1);
    return 1;
}

enum { SOME_NUMBERS = 3, SOME_COUNT };

static lua_Integer number_of(const dynsup_entry *entry) {
    return (lua_Integer)dynsup_entry_inspect(entry).number;
}

static lua_Integer number_at(lua_State *L, lua_Integer place) {
    lua_rawgeti(L, SOME_NUMBERS, place);
    lua_Integer number = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return number;
}

/* unregister_some(registry, key, numbers, count): ends the caller's entries under the key that have
 * these numbers. Both are in ascending order; some entries may be gone. */
static int unregister_some(lua_State *L) {
    dsl_host *host;
    dynsup_entry *entry, *next;
    lua_Integer count = lua_tointeger(L, SOME_COUNT);
    if (!first_get(L, &host, &entry))
        return 2;
    luaL_checkstack(L, 2, NULL);
    for (lua_Integer i = 1; entry && i <= count; entry = next) {
        next = dynsup_entry_next(entry);
        while (i <= count && number_at(L, i) < number_of(entry))
            i++;
        if (i > count || number_at(L, i) != number_of(entry))
            continue;
        if (dynsup_entry_remove(host->core, entry))
            return dsl_fail(L, DYNSUP_TAKEN);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* update(registry, key, value): whether the caller has the key of a unique registry */
static int update(lua_State *L) {
    dsl_host *host;
    dynsup_pid registry;
    dynsup_registry_info info;
    dsl_key key = {.length = 0};
    dsl_body_of(L, &host);
    lua_settop(L, 3);
    key_get(L, &key);
    if (!registry_get(L, host, &registry, &info))
        return 2;
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_entry *entry = dynsup_entry_first(host->core, registry, key.text, key.length);
    bool own = entry && is_own(host, entry);
    if (own)
        dynsup_entry_set(host->core, entry, dsl_value_get(L, host, 3));
    lua_pushboolean(L, own);
    return 1;
}

/* whereis(registry, key): pid or nil; nil, reason */
static int whereis(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    dynsup_pid registry;
    dynsup_registry_info info;
    dsl_key key = {.length = 0};
    dsl_check_count(L, 2, 2);
    key_get(L, &key);
    if (!registry_get(L, host, &registry, &info))
        return 2;
    luaL_argcheck(L, info.unique, 1, "its keys are duplicate: lookup tells who has one");
    dynsup_pid pid = dynsup_registry_whereis(host->core, registry, key.text, key.length);
    if (pid)
        dsl_id_push(L, pid);
    else
        lua_pushnil(L);
    return 1;
}

/* ---- lists ---- */

typedef dynsup_entry *(*next_fn)(const dynsup_entry *entry);

typedef struct query {
    dynsup_pid registry, pid;
    dsl_key key;
    next_fn next;
    bool numbered;
} query;

static dynsup_entry *query_first(const dsl_host *host, const query *q) {
    if (q->next == dynsup_entry_next)
        return dynsup_entry_first(host->core, q->registry, q->key.text, q->key.length);
    if (q->next == dynsup_owned_next)
        return dynsup_owned_first(host->core, q->registry, q->pid);
    return dynsup_registry_first(host->core, q->registry);
}

static lua_Integer query_count(const dsl_host *host, const query *q) {
    lua_Integer count = 0;
    for (const dynsup_entry *entry = query_first(host, q); entry; entry = q->next(entry))
        count++;
    return count;
}

/* Places of an entry in a flat list: pid, key, value, and its number if that is asked for. */
enum { FLAT = 3, FLAT_NUMBERED };

static void entry_put(lua_State *L, dsl_host *host, const dynsup_entry *entry, lua_Integer at,
                      lua_Integer width) {
    dynsup_entry_info info = dynsup_entry_inspect(entry);
    dsl_id_push(L, info.pid);
    lua_rawseti(L, -2, at + 1);
    dsl_value_push(L, host, &info.key);
    lua_rawseti(L, -2, at + 2);
    dsl_value_push(L, host, &info.value);
    lua_rawseti(L, -2, at + 3);
    if (width == FLAT)
        return;
    lua_pushinteger(L, (lua_Integer)info.number);
    lua_rawseti(L, -2, at + FLAT_NUMBERED);
}

/* Pushes the flat list and its number of entries. [-0, +2] */
static int query_push(lua_State *L, dsl_host *host, const query *q) {
    lua_Integer room = query_count(host, q);
    lua_Integer width = q->numbered ? FLAT_NUMBERED : FLAT;
    luaL_checkstack(L, 4, NULL);
    if (room > INT_MAX / width)
        return luaL_error(L, "too many entries");
    lua_createtable(L, (int)(room * width), 0);
    lua_Integer count = 0;
    const dynsup_entry *entry = query_first(host, q);
    for (; entry && count < room; entry = q->next(entry), count++)
        entry_put(L, host, entry, count * width, width);
    lua_pushinteger(L, count);
    return 2;
}

static int lookup_as(lua_State *L, bool numbered) {
    dsl_host *host = dsl_host_of(L);
    query q = {.next = dynsup_entry_next, .numbered = numbered};
    dynsup_registry_info info;
    dsl_check_count(L, 2, 2);
    key_get(L, &q.key);
    if (!registry_get(L, host, &q.registry, &info))
        return 2;
    return query_push(L, host, &q);
}

/* lookup(registry, key): a flat list and its length; nil, reason */
static int lookup(lua_State *L) {
    return lookup_as(L, false);
}

/* lookup_numbered(registry, key): the same with the entries' numbers */
static int lookup_numbered(lua_State *L) {
    return lookup_as(L, true);
}

/* owned(registry, pid), entries(registry): the same */
static int owned(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    query q = {.next = dynsup_owned_next};
    dynsup_registry_info info;
    dsl_check_count(L, 2, 2);
    q.pid = dsl_check_pid(L, 2);
    return registry_get(L, host, &q.registry, &info) ? query_push(L, host, &q) : 2;
}

static int entries(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    query q = {.next = dynsup_registry_next};
    dynsup_registry_info info;
    dsl_check_count(L, 1, 1);
    return registry_get(L, host, &q.registry, &info) ? query_push(L, host, &q) : 2;
}

/* count(registry [, key]) */
static int count(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    query q = {.next = dynsup_entry_next};
    dynsup_registry_info info;
    dsl_check_count(L, 1, 2);
    bool of_key = lua_gettop(L) == 2;
    if (of_key)
        key_get(L, &q.key);
    if (!registry_get(L, host, &q.registry, &info))
        return 2;
    lua_pushinteger(L, of_key ? query_count(host, &q) : (lua_Integer)info.entry_count);
    return 1;
}

/* unique(registry): whether its keys are; nil, reason */
static int unique(lua_State *L) {
    dynsup_pid registry;
    dynsup_registry_info info;
    if (!registry_get(L, dsl_host_of(L), &registry, &info))
        return 2;
    lua_pushboolean(L, info.unique);
    return 1;
}

const luaL_Reg dsl_registry_functions[] = {
    {"check_wait", dsl_check_wait},
    {"start", start},
    {"stop", stop},
    {"register", register_entry},
    {"update", update},
    {"whereis", whereis},
    {"unregister", unregister},
    {"unregister_some", unregister_some},
    {"lookup", lookup},
    {"lookup_numbered", lookup_numbered},
    {"owned", owned},
    {"entries", entries},
    {"count", count},
    {"unique", unique},
    {"refused", refused},
    {NULL, NULL},
};
