/* Values and reasons as the core handles them, and the texts of its atoms. */
#include "value.h"

#include "state.h"

#include <stdio.h>

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

dynsup_reason dsi_reason_copy(dynsup_host *host, const dynsup_reason *reason) {
    return (dynsup_reason){reason->class, dsi_value_copy(host, reason->value)};
}

void dsi_reason_release(dynsup_host *host, dynsup_reason *reason) {
    dsi_value_release(host, &reason->value);
    reason->class = DYNSUP_REASON_OTHER;
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
