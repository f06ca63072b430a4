/* Observers: processes that receive events. */
#ifndef DSL_OBSERVE_H
#define DSL_OBSERVE_H

#include "bindings/binding.h"

/* The events that any observer wants, as bits. */
uint32_t dsl_observe_events(const dsl_host *host);

/* Does an observer that can receive it ask for the kind by its name? */
bool dsl_observe_asks(const dsl_host *host, enum dynsup_event_kind kind);

/* Keeps the event for the observers that want it. Costs a test of a pointer when there are none. */
void dsl_observe_event(dsl_host *host, const dynsup_event *event);

/* Hands the kept events to the observers' mailboxes; between slices. */
void dsl_observe_tell(dsl_host *host);

/* The heap of this face is about to be closed. */
void dsl_observe_part(dsl_host *face);

/* Forgets all observers and what is kept. */
void dsl_observe_fini(dsl_host *host);

/* here() -> the number of the run, and the running process or nil. For scripts. */
int dsl_here(lua_State *L);

/* ---- note.c: events that are kept ---- */

typedef struct dsl_note {
    struct dsl_note *next;
    size_t size; /* of this block */
    uint64_t number;
    int64_t wall_ns;
    enum dynsup_report_level level;
    enum dynsup_next next_step;
    dynsup_event event; /* its texts are in this block, its values retained */
    dynsup_reason reason;
    dynsup_value detail, id;
    const char *function; /* or NULL */
    char texts[];
} dsl_note;

/* A copy of the event; NULL without memory. */
dsl_note *dsl_note_new(dsl_host *host, const dynsup_event *event);
void dsl_note_free(dsl_host *host, dsl_note *note);

/* Pushes the note as a table. Raises without memory. [-0, +1] */
void dsl_note_push(lua_State *L, dsl_host *host, const dsl_note *note);

#endif
