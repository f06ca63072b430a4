/*
 * Crossing: values on their way to a process of another heap.
 *
 * They are packed when they are sent, so that the sender gets the error for what cannot travel, and
 * unpacked when they are received. What two values of a message share is shared on arrival, too, if
 * it has an identity: tables and userdata are packed together (see object.h).
 */
#ifndef DSL_CROSSING_H
#define DSL_CROSSING_H

#include "bindings/binding.h"
#include "bindings/heap/heap.h"

/* Is the process's code in a heap other than this one? */
static inline bool dsl_is_abroad(const dsl_host *host, dynsup_pid pid) {
    if (!host->whole->heaps)
        return false;
    const dsl_host *face = dsl_face_of(host, pid);
    return face && face != host;
}

/* The count values from index first (absolute) on, as a message for that process, packed where
 * necessary; the caller owns them. 0, or DYNSUP_EMESSAGE_TOO_BIG: the process accepts no message of
 * so many bytes, and no values are returned. Raises without memory, what a __pack raises, and for
 * what cannot travel: that error says where in `what` it is. [-0, +0] */
int dsl_values_pack(lua_State *L, dsl_host *host, dynsup_pid pid, const char *what, int first,
                    int count, dynsup_value *values_out);

/* The request at index (absolute) for that process: of the vault, or packed, as dsl_values_pack
 * does. [-0, +0] */
int dsl_request_for(lua_State *L, dsl_host *host, dynsup_pid pid, int index,
                    dynsup_value *value_out);

#endif
