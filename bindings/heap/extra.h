/*
 * Extra arguments of a supervisor whose children are in another heap than the arguments.
 *
 * If the supervisor has heaps, its group holds them packed. Otherwise they are in the vault of the
 * heap that the supervisor was started in; a child whose code is in another heap gets a parcel,
 * which is made when the child is started and kept for its later incarnations.
 */
#ifndef DSL_EXTRA_H
#define DSL_EXTRA_H

#include "bindings/codec/codec.h"
#include "bindings/host.h"

typedef struct dsl_extra {
    dsl_parcel *parcel; /* NULL: there is nothing to pack */
    enum dsl_codec_status status;
    bool is_raised; /* a __pack has failed: the trouble is its error */
    dsl_codec_trouble trouble;
} dsl_extra;

/* Are there extra arguments in a heap other than that of the face `to`? `to` is NULL for a child
 * that is to have a heap of its own. */
bool dsl_extra_travels(const dsl_host *host, const dsl_host *to, dynsup_pid supervisor);

/* Packs them, if so; a group's, which are packed already, get one more owner for a child with a
 * heap of its own. __pack functions run in the heap of the arguments and find no host, as when
 * typed values are unpacked (codec.h). False: it failed, there is no parcel, and dsl_extra_failed
 * says why. Never raises. */
bool dsl_extra_pack(dsl_host *host, const dsl_host *to, dynsup_pid supervisor, dsl_extra *out);

/* Pushes nil, "invalid_extra_arguments" and why; returns their number. Raises without memory, and
 * what a __pack has raised. [-0, +3] */
int dsl_extra_failed(lua_State *L, const dsl_extra *extra);

#endif
