/*
 * Extra arguments of a supervisor whose children are in another heap than they are.
 *
 * Where the supervisor has heaps, its group has them packed. Else they are in the vault of the heap
 * that it was started in; a child whose code is in another one gets a parcel, which is made when it
 * is started and kept for its later incarnations.
 */
#ifndef DSL_EXTRA_H
#define DSL_EXTRA_H

#include "bindings/codec.h"
#include "bindings/host.h"

typedef struct dsl_extra {
    dsl_parcel *parcel; /* NULL: there is nothing to pack */
    enum dsl_codec_status status;
    bool is_raised; /* a __pack has failed: the trouble is its error */
    dsl_codec_trouble trouble;
} dsl_extra;

/* Are there extra arguments that are in another heap than that of the face `to`? NULL: than one
 * that a child is to have of its own. */
bool dsl_extra_travels(const dsl_host *host, const dsl_host *to, dynsup_pid supervisor);

/* Packs them, if so; those of a group, which are packed, get an owner more for a child with a heap
 * of its own. __pack functions run in the heap of the arguments and find no host, as those for
 * values of types (codec.h). False: it was not possible; then there is no parcel, and
 * dsl_extra_failed says why. Never raises. */
bool dsl_extra_pack(dsl_host *host, const dsl_host *to, dynsup_pid supervisor, dsl_extra *out);

/* Pushes nil, "invalid_extra_arguments" and why; returns their number. Raises without memory, and
 * what a __pack has raised. [-0, +3] */
int dsl_extra_failed(lua_State *L, const dsl_extra *extra);

#endif
