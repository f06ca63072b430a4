/* Values between Lua's stack and the core. */
#ifndef DSL_VALUE_H
#define DSL_VALUE_H

#include "bindings/host.h"
#include "bindings/object.h"
#include "core/tiny.h"

/* Pushes a pid, ref or timer: a light userdata. [-0, +1] */
void dsl_id_push(lua_State *L, uint64_t id);

bool dsl_is_pid(lua_State *L, int index);

/* Is a light userdata's pointer an id: of a pid, ref or timer? */
bool dsl_is_id(const void *pointer);

#define DSL_INLINE_VALUES DSI_TINY(8, 1)

/* The value at the index for the core; if it needs a vault slot, that must have been reserved
 * (dsl_vault_reserve). [-0, +0] */
dynsup_value dsl_value_get(lua_State *L, dsl_host *host, int index);

/* The same for a value that is no object; for an object the kind alone. [-0, +0] */
dynsup_value dsl_value_plain(lua_State *L, int index);

/* Pushes a value; objects as dsl_object_push (object.h): those of the face's heap without an
 * allocation. Never raises; needs a free stack slot. [-0, +1] */
void dsl_value_push(lua_State *L, dsl_host *host, const dynsup_value *value);

/* The same in a slice, where finalizers may run: cheaper for objects of other heaps. */
void dsl_value_push_in_slice(lua_State *L, dsl_host *host, const dynsup_value *value);

/* Push the values of a message, from any of them to the last: what parts of a parcel share stays
 * shared. Need two stack slots more than there are values. [-0, +count] */
static inline void dsl_values_push(lua_State *L, dsl_host *host, const dynsup_value *values,
                                   int count) {
    for (int i = 0; i < count; i++) {
        if (dsl_value_part(&values[i])) {
            dsl_parts_push(L, host, values + i, count - i);
            return;
        }
        dsl_value_push(L, host, &values[i]);
    }
}

static inline void dsl_values_push_in_slice(lua_State *L, dsl_host *host,
                                            const dynsup_value *values, int count) {
    for (int i = 0; i < count; i++) {
        if (values[i].kind != DYNSUP_OBJECT) {
            dsl_value_push(L, host, &values[i]);
        } else if (dsl_value_part(&values[i])) {
            dsl_parts_push_in_slice(L, host, values + i, count - i);
            return;
        } else {
            dsl_object_push_in_slice(L, host, values[i].as.object);
        }
    }
}

/* Releases the value's object, if it is one. */
static inline void dsl_value_release(dsl_host *host, const dynsup_value *value) {
    if (value->kind == DYNSUP_OBJECT)
        dsl_object_release(host, value->as.object);
}

/* The reason at the index; a slot must have been reserved. */
dynsup_reason dsl_reason_get(lua_State *L, dsl_host *host, int index);

/* Raises if the value at the index cannot be a reason. */
void dsl_check_reason(lua_State *L, int index);

/* Pushes the atom's text. [-0, +1] */
void dsl_atom_push(lua_State *L, dsl_runtime *runtime, enum dynsup_atom atom);

/* The atom whose text is the string at the index; DYNSUP_NO_ATOM: none. */
enum dynsup_atom dsl_atom_of(lua_State *L, const dsl_runtime *runtime, int index);

/* A reply as DSL_REPLY_VALUES raw values: status, pid, existing, its values (moved). [-0, +6] */
enum { DSL_REPLY_VALUES = 3 + DYNSUP_REPLY_VALUES };
void dsl_reply_push(lua_State *L, dsl_host *host, const dynsup_reply *reply);

#endif
