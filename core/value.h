/* Values and reasons as the core handles them: copied by retaining, ended by releasing. */
#ifndef DSI_VALUE_H
#define DSI_VALUE_H

#include "dynsup.h"

struct dynsup_host;

static inline dynsup_value dsi_value_nil(void) {
    return (dynsup_value){.kind = DYNSUP_NIL, .as.integer = 0};
}

static inline dynsup_value dsi_value_id(uint64_t id) {
    return (dynsup_value){.kind = DYNSUP_ID, .as.id = id};
}

static inline dynsup_value dsi_value_atom(enum dynsup_atom atom) {
    dynsup_value value = {.kind = DYNSUP_ATOM, .as.object = 0};
    value.as.atom = atom;
    return value;
}

/* The same value with one more owner. */
dynsup_value dsi_value_copy(struct dynsup_host *host, dynsup_value value);

/* Ends an owner's share of the value and makes it nil. */
void dsi_value_release(struct dynsup_host *host, dynsup_value *value);

/* Are they the same value, as by Lua's rawequal? NaN equals nothing. Equal values have the same
 * hash. */
bool dsi_value_equal(const struct dynsup_host *host, const dynsup_value *a, const dynsup_value *b);
uint64_t dsi_value_hash(const struct dynsup_host *host, const dynsup_value *value);

dynsup_reason dsi_reason_copy(struct dynsup_host *host, const dynsup_reason *reason);
void dsi_reason_release(struct dynsup_host *host, dynsup_reason *reason);

/* The reason as others see it (not the process that waits for the start): a normal end is "normal"
 * whatever its value is, as after a start that is to be ignored. The value is not copied. */
static inline dynsup_reason dsi_reason_told(const dynsup_reason *reason) {
    if (reason->kind != DYNSUP_REASON_NORMAL)
        return *reason;
    return (dynsup_reason){DYNSUP_REASON_NORMAL, dsi_value_atom(DYNSUP_NORMAL)};
}

#endif
