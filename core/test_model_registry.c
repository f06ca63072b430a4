/* The registries of the reference model and their entries: see test_model.h. */
#include "test_model_parts.h"

int model_registry(model *m, int parent, bool is_unique) {
    int p = model_spawn(m, parent, false);
    m->processes[p].is_registry = true;
    m->processes[p].is_unique = is_unique;
    m->processes[p].queued = false; /* it never runs */
    m->ready_tail--;
    if (parent >= 0)
        model_relate(m, parent, p, false, -1);
    return p;
}

static model_entry *find(model *m, int registry, int key) {
    for (int i = 0; i < m->entry_count; i++)
        if (!m->entries[i].ended && m->entries[i].registry == registry && m->entries[i].key == key)
            return &m->entries[i];
    return NULL;
}

int model_enter(model *m, int p, int registry, int key, int *holder_out) {
    *holder_out = -1;
    if (!model_lives(m, registry))
        return DYNSUP_ENOPROC;
    if (!m->processes[registry].is_registry)
        return DYNSUP_ENOT_A_REGISTRY;
    const model_entry *other = find(m, registry, key);
    if (other && m->processes[registry].is_unique) {
        *holder_out = other->process;
        return DYNSUP_ETAKEN;
    }
    uint64_t key_order = other ? other->key_order : m->order++;
    m->entries[m->entry_count++] = (model_entry){registry, p, key, key_order, false};
    return 0;
}

bool model_withdraw(model *m, int p, int registry, int key) {
    for (int i = 0; i < m->entry_count; i++) {
        model_entry *entry = &m->entries[i];
        if (entry->ended || entry->process != p || entry->registry != registry || entry->key != key)
            continue;
        entry->ended = true;
        return true;
    }
    return false;
}

void model_entries_end(model *m, int p) {
    for (int i = 0; i < m->entry_count; i++)
        m->entries[i].ended |= m->entries[i].process == p;
}

static model_entry *oldest(model *m, int registry) {
    model_entry *first = NULL;
    for (int i = 0; i < m->entry_count; i++) {
        model_entry *entry = &m->entries[i];
        if (!entry->ended && entry->registry == registry &&
            (!first || entry->key_order < first->key_order))
            first = entry;
    }
    return first;
}

static bool is_linked(const model *m, int a, int b) {
    for (int i = 0; i < m->relation_count; i++) {
        const model_relation *r = &m->relations[i];
        if (!r->monitor && !r->ended &&
            ((r->from == a && r->to == b) || (r->from == b && r->to == a)))
            return true;
    }
    return false;
}

/* Signals the owners key by key, in the order of the keys; each process once, and not those that
 * are linked. A normal end is signalled as shutdown, also to linked ones. */
void model_registry_ended(model *m, int p) {
    bool told[MODEL_PROCESSES] = {false};
    bool normal = m->processes[p].reason.kind == DYNSUP_REASON_NORMAL;
    model_reason reason = normal ? model_reason_atom(DYNSUP_SHUTDOWN) : m->processes[p].reason;
    model_entry *entry;
    while ((entry = oldest(m, p))) {
        int owner = entry->process;
        entry->ended = true;
        if (!told[owner] && (normal || !is_linked(m, owner, p)))
            model_link_signal(m, p, owner, reason);
        told[owner] = true;
    }
}
