/* Values and reasons as the core handles them, and the texts of its atoms. */
#include "value.h"

#include "state.h"

#include <stdio.h>
#include <string.h>

dynsup_value dsi_value_copy(dynsup_host *host, dynsup_value value) {
    if (value.kind == DYNSUP_OBJECT)
        host->config.objects->retain(host->config.objects_ud, value.as.object);
    return value;
}

void dsi_value_release(dynsup_host *host, dynsup_value *value) {
    if (value->kind == DYNSUP_OBJECT)
        host->config.objects->release(host->config.objects_ud, value->as.object);
    *value = dsi_value_nil();
}

static bool objects_equal(const dynsup_host *host, uint64_t a, uint64_t b) {
    const dynsup_object_ops *ops = host->config.objects;
    return a == b || (ops->equal && ops->equal(host->config.objects_ud, a, b));
}

#define INT64_END 9223372036854775808.0 /* 2^63 */

/* Is the value a whole number? Then *whole_out is set. */
static bool whole(const dynsup_value *value, int64_t *whole_out) {
    if (value->kind == DYNSUP_INTEGER) {
        *whole_out = value->as.integer;
        return true;
    }
    double number = value->as.number;
    if (value->kind != DYNSUP_NUMBER || !(number >= -INT64_END && number < INT64_END))
        return false;
    *whole_out = (int64_t)number;
    return (double)*whole_out == number;
}

bool dsi_value_equal(const dynsup_host *host, const dynsup_value *a, const dynsup_value *b) {
    int64_t i, j;
    if (whole(a, &i) && whole(b, &j))
        return i == j;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case DYNSUP_NIL:
        return true;
    case DYNSUP_BOOLEAN:
        return a->as.boolean == b->as.boolean;
    case DYNSUP_NUMBER:
        return a->as.number == b->as.number;
    case DYNSUP_ID:
        return a->as.id == b->as.id;
    case DYNSUP_ATOM:
        return a->as.atom == b->as.atom;
    case DYNSUP_OBJECT:
        return objects_equal(host, a->as.object, b->as.object);
    case DYNSUP_INTEGER:
        break; /* it is whole */
    }
    return false;
}

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t dsi_value_hash(const dynsup_host *host, const dynsup_value *value) {
    const dynsup_object_ops *ops = host->config.objects;
    int64_t i = 0;
    uint64_t bits = 0;
    if (whole(value, &i))
        bits = (uint64_t)i;
    else if (value->kind == DYNSUP_BOOLEAN)
        bits = value->as.boolean;
    else if (value->kind == DYNSUP_ATOM)
        bits = value->as.atom;
    else if (value->kind == DYNSUP_OBJECT && ops->hash)
        bits = ops->hash(host->config.objects_ud, value->as.object);
    else if (value->kind != DYNSUP_NIL)
        memcpy(&bits, &value->as, sizeof bits);
    return mix(bits);
}

dynsup_reason dsi_reason_copy(dynsup_host *host, const dynsup_reason *reason) {
    return (dynsup_reason){reason->kind, dsi_value_copy(host, reason->value)};
}

void dsi_reason_release(dynsup_host *host, dynsup_reason *reason) {
    dsi_value_release(host, &reason->value);
    reason->kind = DYNSUP_REASON_OTHER;
}

static enum dynsup_reason_class atom_class(enum dynsup_atom atom) {
    switch (atom) {
    case DYNSUP_NORMAL:
        return DYNSUP_REASON_NORMAL;
    case DYNSUP_SHUTDOWN:
        return DYNSUP_REASON_SHUTDOWN;
    case DYNSUP_KILL:
        return DYNSUP_REASON_KILL;
    default:
        return DYNSUP_REASON_OTHER;
    }
}

dynsup_reason dynsup_reason_atom(enum dynsup_atom atom) {
    return (dynsup_reason){atom_class(atom), dsi_value_atom(atom)};
}

#define ATOM_TEXT(id, text, meaning)    [DYNSUP_##id] = text,
#define ATOM_MEANING(id, text, meaning) [DYNSUP_##id] = meaning,
static const char *const atom_texts[] = {DYNSUP_ATOMS(ATOM_TEXT)};
static const char *const atom_meanings[] = {DYNSUP_ATOMS(ATOM_MEANING)};

const char *dynsup_atom_text(enum dynsup_atom atom) {
    return atom > DYNSUP_NO_ATOM && atom < DYNSUP_ATOM_COUNT ? atom_texts[atom] : "?";
}

const char *dynsup_atom_meaning(enum dynsup_atom atom) {
    return atom > DYNSUP_NO_ATOM && atom < DYNSUP_ATOM_COUNT ? atom_meanings[atom] : "?";
}

void dynsup_id_format(uint64_t id, char *text, size_t size) {
    static const char *const prefixes[] = {"id", "", "ref", "timer"};
    snprintf(text, size, "%s<%u.%u.%u>", prefixes[dsi_id_kind_of(id)], dsi_id_node(id),
             dsi_id_slot(id), dsi_id_generation(id));
}
