/* An index of children by their ids: the children of a static supervisor. */
#include "child_index.h"

#include <assert.h>

#define CAPACITY_MIN 8

void dsi_child_index_init(dsi_child_index *index, dynsup_host *host) {
    *index = (dsi_child_index){.host = host};
}

void dsi_child_index_fini(dsi_child_index *index) {
    dsi_memory_free(&index->host->memory, index->places, index->capacity * sizeof *index->places);
    index->places = NULL;
    index->capacity = index->count = 0;
}

static size_t place_after(const dsi_child_index *index, size_t at) {
    return (at + 1) & (index->capacity - 1);
}

static size_t home(const dsi_child_index *index, uint64_t hash) {
    return (size_t)hash & (index->capacity - 1);
}

static bool has_id(const dynsup_host *host, const dsi_child *child, const dynsup_value *id) {
    dynsup_value own = dsi_child_id(child);
    return dsi_value_equal(host, &own, id);
}

static uint64_t child_hash(const dsi_child_index *index, const dsi_child *child) {
    dynsup_value id = dsi_child_id(child);
    return dsi_value_hash(index->host, &id);
}

dsi_child *dsi_child_index_find(const dsi_child_index *index, const dynsup_value *id) {
    if (index->count == 0)
        return NULL;
    uint64_t hash = dsi_value_hash(index->host, id);
    for (size_t at = home(index, hash); index->places[at].child; at = place_after(index, at)) {
        const dsi_child_place *place = &index->places[at];
        if (place->hash == hash && has_id(index->host, place->child, id))
            return place->child;
    }
    return NULL;
}

static void put(dsi_child_index *index, uint64_t hash, dsi_child *child) {
    size_t at = home(index, hash);
    while (index->places[at].child)
        at = place_after(index, at);
    index->places[at] = (dsi_child_place){hash, child};
}

bool dsi_child_index_reserve(dsi_child_index *index) {
    if ((index->count + 1) * 2 <= index->capacity)
        return true;
    dsi_child_index grown = *index;
    grown.capacity = index->capacity ? index->capacity * 2 : CAPACITY_MIN;
    grown.places = dsi_memory_new(&index->host->memory, grown.capacity * sizeof *grown.places);
    if (!grown.places)
        return false;
    for (size_t at = 0; at < index->capacity; at++)
        if (index->places[at].child)
            put(&grown, index->places[at].hash, index->places[at].child);
    dsi_memory_free(&index->host->memory, index->places, index->capacity * sizeof *index->places);
    *index = grown;
    return true;
}

void dsi_child_index_add(dsi_child_index *index, dsi_child *child) {
    assert((index->count + 1) * 2 <= index->capacity && "there must be room");
    put(index, child_hash(index, child), child);
    index->count++;
}

/* Moves back the children that stand behind the hole only because an earlier place was taken. */
static void close_hole(dsi_child_index *index, size_t hole) {
    size_t mask = index->capacity - 1;
    for (size_t at = place_after(index, hole); index->places[at].child;
         at = place_after(index, at)) {
        size_t wanted = home(index, index->places[at].hash);
        if (((at - wanted) & mask) < ((at - hole) & mask))
            continue; /* the hole lies before its home place */
        index->places[hole] = index->places[at];
        hole = at;
    }
    index->places[hole].child = NULL;
}

void dsi_child_index_remove(dsi_child_index *index, const dsi_child *child) {
    size_t at = home(index, child_hash(index, child));
    while (index->places[at].child != child)
        at = place_after(index, at);
    close_hole(index, at);
    index->count--;
}
