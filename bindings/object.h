/*
 * Objects: values of Lua that the core holds.
 *
 * Design notes.
 * An object is a number of 64 bits. Bits 0 to 31 are a slot of a vault and bits 32 to 61 the number
 * of the heap that has the vault (0: the first); or bit 63 is set, and the rest is the address of a
 * parcel, which is of no heap; or bits 63 and 62 are set, for a group of heaps (heap_group.h),
 * which is no value. Objects of other heaps, and parcels, are pushed as copies.
 * Several values of a message may be parts of one parcel: then bits 48 to 61 are the value's number
 * in it, from 1 on, for an address has no more than 48 bits. Each part is an owner of the parcel. A
 * message has all parts of its parcel, in order, so they are unpacked together, and what they share
 * stays shared. To push a single part all are unpacked, and the others dropped.
 */
#ifndef DSL_OBJECT_H
#define DSL_OBJECT_H

#include "bindings/codec/codec.h"
#include "bindings/host.h"

#define DSL_OBJECT_HEAP   32
#define DSL_OBJECT_NUMBER 0x3fffffffu
#define DSL_OBJECT_PART   48
#define DSL_OBJECT_PARTS  0x3fffu
#define DSL_OBJECT_PARCEL (UINT64_C(1) << 63)
#define DSL_OBJECT_GROUP  (UINT64_C(3) << 62)

/* Is the object in the vault of the face's own heap? Then its lower 32 bits are its slot. */
static inline bool dsl_object_is_own(const dsl_host *host, uint64_t object) {
    return (object ^ host->heap_base) >> DSL_OBJECT_HEAP == 0;
}

/* One owner more, or fewer; host is any face. */
void dsl_object_retain(dsl_host *host, uint64_t object);
void dsl_object_release(dsl_host *host, uint64_t object);

/* The face whose vault holds the object; the first heap's if none does. */
dsl_host *dsl_object_face(dsl_host *host, uint64_t object);

/* Pushes the object; one that is not the face's own as a copy, or, without memory for that, the
 * text "not_enough_memory". Never raises; needs a free stack slot; L is any coroutine of the face's
 * heap. No finalizer runs while a copy is made (see dsl_apart_begin); in_slice: finalizers may run,
 * and it is cheaper. In both, functions registered for types (codec.h) find no host. [-0, +1] */
void dsl_object_push(lua_State *L, dsl_host *host, uint64_t object);
void dsl_object_push_in_slice(lua_State *L, dsl_host *host, uint64_t object);

/* As dsl_object_push, to be described: no function of a type is called. [-0, +1] */
void dsl_object_push_plain(lua_State *L, dsl_host *host, uint64_t object);

/* The parcel as an object, whose owner now owns the parcel. */
static inline uint64_t dsl_object_of_parcel(dsl_parcel *parcel) {
    return DSL_OBJECT_PARCEL | (uint64_t)(uintptr_t)parcel;
}

/* The parcel of such an object. */
static inline dsl_parcel *dsl_object_parcel(uint64_t object) {
    uint64_t address = object & ((UINT64_C(1) << DSL_OBJECT_PART) - 1);
    return (dsl_parcel *)(uintptr_t)address; // NOLINT(performance-no-int-to-ptr)
}

/* The number-th value of the parcel, from 1 to DSL_OBJECT_PARTS; the owner of the object is one of
 * the parcel. */
static inline uint64_t dsl_object_of_part(dsl_parcel *parcel, uint32_t number) {
    return dsl_object_of_parcel(parcel) | (uint64_t)number << DSL_OBJECT_PART;
}

/* Which of a parcel's values a value is; 0: no part. */
static inline uint32_t dsl_value_part(const dynsup_value *value) {
    bool is_copy = value->kind == DYNSUP_OBJECT && value->as.object & DSL_OBJECT_PARCEL;
    return is_copy ? (uint32_t)(value->as.object >> DSL_OBJECT_PART) & DSL_OBJECT_PARTS : 0;
}

/* Pushes a message's values from its first part on, as dsl_object_push does objects; in_slice: as
 * dsl_object_push_in_slice. Needs two stack slots more than there are values. [-0, +count] */
void dsl_parts_push(lua_State *L, dsl_host *host, const dynsup_value *values, int count);
void dsl_parts_push_in_slice(lua_State *L, dsl_host *host, const dynsup_value *values, int count);

/* The value at the index as a value for a process of another heap: plain ones as they are, others
 * as a parcel, in which what cannot travel is left out (lenient, see codec.h). Never raises;
 * without memory the atom DYNSUP_NOMEM. [-0, +0] */
dynsup_value dsl_value_abroad(lua_State *L, dsl_host *host, int index);

extern const dynsup_object_ops dsl_object_ops;

/* Writes an object of the core as a short text with a final 0, cut to size bytes; ud is the
 * dsl_host. Never raises. */
void dsl_object_describe(void *ud, uint64_t object, char *text, size_t size);

/* The same for the traceback of a crash object, and the last message of its process. */
void dsl_object_trace(void *ud, uint64_t object, char *text, size_t size);

#define DSL_DESCRIPTION_SIZE 512 /* of what is described, with the final 0, at most */

/* Writes a value as the text that describe makes of it, raw; cut to size, 0-terminated. Never
 * raises. */
void dsl_description_write(lua_State *L, int index, char *text, size_t size);

/* Pushes the same. Raises without memory. [-0, +1] */
void dsl_description_push(lua_State *L, int index);

/* ---- what is kept of a vault when its heap is closed ---- */

typedef struct dsl_remains {
    dsl_slot *slots;      /* the vault's */
    dsl_parcel **parcels; /* by slot; NULL: there was no memory for it */
    uint32_t count;       /* of slots */
    uint32_t used;        /* of them, by owners */
} dsl_remains;

/* Takes the values of a face's vault that have owners, which must all be objects by now, and ends
 * the vault. */
void dsl_remains_init(dsl_host *face, dsl_remains *kept);

void dsl_remains_fini(dsl_remains *kept);

#endif
