/*
 * Observers: processes that receive events.
 *
 * Design notes.
 * The core reports an event in the middle of its work, so only a note of it is taken then; it
 * becomes a message between slices (the core's after_events). No user code runs here: a function
 * that observes runs in a process of its own (scripts/dynsup/observation.lua). An observer's
 * messages are made in the heap that it was opened in (its face). Notes and mailboxes are bounded.
 * Events that an observer misses are counted, and their number comes with the next event.
 */
#include "bindings/observe/observe.h"

#include "bindings/interrupt.h"
#include "bindings/log/log.h"
#include "bindings/observe/look.h"
#include "bindings/native.h"
#include "bindings/protect.h"

#include <string.h>

#define NOTES_MAX   65536
#define ALL_EVENTS  UINT32_MAX
#define MAILBOX_MAX 10000 /* with so many messages in its mailbox, an observer gets no more */

typedef struct dsl_observer {
    struct dsl_observer *next;
    dsl_host *face;
    size_t size; /* of this block */
    uint64_t number;
    uint64_t first;    /* the first note that is for it */
    dynsup_pid target; /* 0: its events are kept in a ring */
    uint32_t ring;     /* a list in the vault */
    uint32_t ring_next, ring_limit;
    uint32_t events; /* bits; ALL_EVENTS: no kind was named */
    enum dynsup_report_level level;
    dynsup_pid supervisor, pid; /* 0: by name, or any */
    const char *supervisor_name, *name;
    uint64_t lost; /* and not reported yet */
    bool closed;   /* closed during delivery: it is freed after that */
    char texts[];
} dsl_observer;

/* ---- what observers want ---- */

static uint32_t program_events(const dsl_host *host) {
    return host->config->on_event ? host->config->events : 0;
}

uint32_t dsl_observe_events(const dsl_host *host) {
    uint32_t events = program_events(host);
    for (const dsl_observer *o = host->observers; o; o = o->next)
        if (!o->closed)
            events |= o->events & dsl_level_events((enum dynsup_level)o->level);
    return events;
}

static bool is_one(dynsup_pid wanted, const char *wanted_name, dynsup_pid pid, const char *name) {
    if (wanted_name)
        return name && strcmp(wanted_name, name) == 0;
    return wanted == 0 || wanted == pid;
}

static bool wants(const dsl_observer *o, const dynsup_event *event,
                  enum dynsup_report_level level) {
    bool is_itself = o->target && event->pid == o->target;
    return !o->closed && (o->events >> event->kind & 1) && level <= o->level && !is_itself &&
           is_one(o->supervisor, o->supervisor_name, event->supervisor, event->supervisor_name) &&
           is_one(o->pid, o->name, event->pid, event->name);
}

static bool is_there(const dsl_host *host, const dsl_observer *o) {
    return o->target == 0 || dynsup_is_alive(host->core, o->target);
}

bool dsl_observe_asks(const dsl_host *host, enum dynsup_event_kind kind) {
    dynsup_event event = {.kind = kind};
    host = host->whole;
    const dsl_observer *o = host->observers;
    while (o && !(o->target && o->events != ALL_EVENTS && is_there(host, o) &&
                  wants(o, &event, dynsup_report_level(&event))))
        o = o->next;
    return o != NULL;
}

/* ---- notes ---- */

static void note_append(dsl_host *host, dsl_note *note) {
    if (!host->notes)
        host->last_note = &host->notes;
    note->number = host->note_number++;
    *host->last_note = note;
    host->last_note = &note->next;
    host->note_count++;
}

static dsl_note *note_pop(dsl_host *host) {
    dsl_note *note = host->notes;
    if (note) {
        host->notes = note->next;
        host->note_count--;
    }
    return note;
}

static void count_lost(dsl_host *host, const dynsup_event *event) {
    enum dynsup_report_level level = dynsup_report_level(event);
    host->events_lost += program_events(host) >> event->kind & 1;
    for (dsl_observer *o = host->observers; o; o = o->next)
        o->lost += wants(o, event, level);
}

static bool is_wanted(const dsl_host *host, const dynsup_event *event) {
    if (program_events(host) >> event->kind & 1)
        return true;
    enum dynsup_report_level level = dynsup_report_level(event);
    const dsl_observer *o = host->observers;
    while (o && !wants(o, event, level))
        o = o->next;
    return o;
}

void dsl_observe_event(dsl_host *host, const dynsup_event *event) {
    if ((!host->observers && !program_events(host)) || !is_wanted(host, event))
        return;
    dsl_note *note = host->note_count < NOTES_MAX ? dsl_note_new(host, event) : NULL;
    if (note)
        note_append(host, note);
    else
        count_lost(host, event);
}

/* ---- delivery ---- */

static void observer_free(dsl_host *host, dsl_observer *o) {
    dsl_vault_release(&o->face->vault, o->ring);
    host->alloc(host->alloc_ud, o, o->size, 0);
}

/* Forgets observers that were closed or whose process has ended; not during delivery, which goes
 * through them. */
static void observers_sweep(dsl_host *host) {
    bool changed = false;
    dsl_observer **link = &host->observers;
    while (*link && !host->telling) {
        dsl_observer *o = *link;
        if (!o->closed && is_there(host, o)) {
            link = &o->next;
            continue;
        }
        *link = o->next;
        changed = true;
        observer_free(host, o);
    }
    if (changed)
        dsl_events_want(host);
}

/* The one with this number that is not closed, or NULL. */
static dsl_observer *observer_find(const dsl_host *host, uint64_t number) {
    dsl_observer *o = host->observers;
    while (o && (o->closed || o->number != number))
        o = o->next;
    return o;
}

typedef struct telling {
    dsl_host *host;
    dsl_observer *observer;
    const dsl_note *note;
} telling;

/* The table on top into the observer's ring. */
static void keep_in_ring(lua_State *L, dsl_host *host, dsl_observer *o) {
    dsl_vault_push(L, &host->vault, o->ring);
    lua_insert(L, -2);
    lua_rawseti(L, -2, (lua_Integer)o->ring_next + 1);
    o->ring_next = (o->ring_next + 1) % o->ring_limit;
}

/* The table on top into the observer's mailbox. */
static void send_event(lua_State *L, dsl_host *host, const dsl_observer *o) {
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_value values[2] = {{DYNSUP_ATOM, {.atom = DYNSUP_EVENT}}, dsl_value_get(L, host, -1)};
    if (dynsup_send(host->core, o->target, values, 2)) {
        dsl_vault_release(&host->vault, (uint32_t)values[1].as.object);
        dsl_error(L, "not enough memory");
    }
}

/* A finalizer may run meanwhile, and close this observer or any other. */
static int tell_protected(lua_State *L) {
    const telling *t = lua_touserdata(L, 1);
    dsl_observer *o = t->observer;
    dsl_note_push(L, o->face, t->note);
    if (o->closed)
        return 0;
    if (o->lost) {
        lua_pushinteger(L, (lua_Integer)o->lost);
        lua_setfield(L, -2, "lost");
    }
    if (o->target)
        send_event(L, o->face, o);
    else
        keep_in_ring(L, o->face, o);
    o->lost = 0;
    return 0;
}

static void tell(dsl_host *host, dsl_observer *o, const dsl_note *note) {
    dynsup_process_info info = {0};
    telling t = {host, o, note};
    if (note->number < o->first || !wants(o, &note->event, note->level) ||
        (o->target && !dynsup_process_glance(host->core, o->target, &info)))
        return;
    if (info.message_count >= MAILBOX_MAX || dsl_protect(o->face->L, tell_protected, &t) != LUA_OK)
        o->lost++;
}

static void tell_program(dsl_host *host, const dsl_note *note) {
    const dynsup_lua_config *config = host->config;
    if (program_events(host) >> note->event.kind & 1)
        config->on_event(config->event_ud, host, &note->event);
}

/* Events that the program causes meanwhile have their turn after the next slices. */
void dsl_observe_tell(dsl_host *host) {
    dsl_note *note;
    if (host->telling || (!host->observers && !host->notes))
        return;
    host->telling = true;
    for (uint32_t left = host->note_count; left > 0 && (note = note_pop(host)); left--) {
        tell_program(host, note);
        for (dsl_observer *o = host->observers; o; o = o->next)
            tell(host, o, note);
        dsl_note_free(host, note);
    }
    host->telling = false;
    observers_sweep(host);
}

uint64_t dynsup_lua_host_lost(const dynsup_lua_host *host) {
    return host->whole->events_lost;
}

void dsl_observe_fini(dsl_host *host) {
    dsl_note *note;
    while ((note = note_pop(host)))
        dsl_note_free(host, note);
    while (host->observers) {
        dsl_observer *o = host->observers;
        host->observers = o->next;
        observer_free(host, o);
    }
}

/* A ring ends with its heap; messages for a process of another heap are made in the first heap from
 * now on. */
void dsl_observe_part(dsl_host *face) {
    dsl_host *whole = face->whole;
    for (dsl_observer *o = whole->observers; o; o = o->next) {
        if (o->face != face)
            continue;
        o->closed = o->closed || !o->target;
        dsl_vault_release(&face->vault, o->ring);
        o->ring = 0;
        o->face = whole;
    }
    observers_sweep(whole);
}

/* ---- the C half of dynsup.observation ---- */

/* The process at the index: a pid, a name or nil, which the script has checked. */
static void read_who(lua_State *L, int index, dynsup_pid *pid_out, const char **name_out) {
    *name_out = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
    *pid_out = dsl_is_pid(L, index) ? (uintptr_t)lua_touserdata(L, index) : 0;
}

static const char *keep(char **at, const char *text) {
    if (!text)
        return NULL;
    char *copy = *at;
    size_t size = strlen(text) + 1;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* Makes the ring of an observer that has a limit in place of a process. */
static void ring_open(lua_State *L, dsl_host *host, dsl_observer *o) {
    if (dsl_is_pid(L, 1)) {
        o->target = dsl_check_pid(L, 1);
        return;
    }
    o->ring_limit = (uint32_t)luaL_checkinteger(L, 1);
    lua_newtable(L);
    dsl_vault_reserve(L, &host->vault, 1);
    o->ring = dsl_vault_put(L, &host->vault);
}

static size_t kept_size(const char *text) {
    return text ? strlen(text) + 1 : 0;
}

/* A copy in its own block, with the names. Raises without memory. */
static dsl_observer *observer_copy(lua_State *L, dsl_host *host, dsl_observer *new) {
    new->size = sizeof *new + kept_size(new->supervisor_name) + kept_size(new->name);
    dsl_observer *o = host->alloc(host->alloc_ud, NULL, 0, new->size);
    if (!o) {
        dsl_vault_release(&new->face->vault, new->ring);
        dsl_error(L, "not enough memory");
        return NULL;
    }
    *o = *new;
    char *at = o->texts;
    o->supervisor_name = keep(&at, new->supervisor_name);
    o->name = keep(&at, new->name);
    return o;
}

/* open(target or limit of a ring, events, level, supervisor, pid) -> number of the observer */
static int observer_open(lua_State *L) {
    dsl_host *face = dsl_host_of(L);
    dsl_host *host = face->whole;
    dsl_observer new = {
        .face = face,
        .events = (uint32_t)luaL_checkinteger(L, 2),
        .level = (enum dynsup_report_level)luaL_checkinteger(L, 3),
        .number = ++host->observer_number,
        .first = host->note_number,
    };
    read_who(L, 4, &new.supervisor, &new.supervisor_name);
    read_who(L, 5, &new.pid, &new.name);
    ring_open(L, face, &new);
    dsl_observer *o = observer_copy(L, host, &new);
    o->next = host->observers;
    host->observers = o;
    if (o->target && o->events != ALL_EVENTS && (o->events >> DYNSUP_EVENT_HUP & 1))
        dsl_interrupt_hup_is_event();
    dsl_events_want(host);
    lua_pushinteger(L, (lua_Integer)o->number);
    return 1;
}

/* close(run, number) -> whether the observer existed. In another run of the state the number means
 * another one. */
static int observer_close(lua_State *L) {
    dsl_host *host = dsl_host_or_null(L);
    bool is_here = host && host->core && host->number == (uint64_t)lua_tointeger(L, 1);
    dsl_observer *o = is_here ? observer_find(host->whole, (uint64_t)lua_tointeger(L, 2)) : NULL;
    if (o) {
        o->closed = true;
        observers_sweep(host->whole);
    }
    lua_pushboolean(L, o != NULL);
    return 1;
}

/* kept(run, number) -> the ring's list and how many places of it come before the oldest event; nil
 * if the ring is gone. Pending events are delivered first, unless delivery is under way. */
static int observer_kept(lua_State *L) {
    dsl_host *host = dsl_host_or_null(L);
    if (!host || host->number != (uint64_t)lua_tointeger(L, 1))
        return 0;
    dsl_observe_tell(host->whole);
    const dsl_observer *o = observer_find(host->whole, (uint64_t)lua_tointeger(L, 2));
    if (!o || !o->ring)
        return 0;
    dsl_vault_push(L, &host->vault, o->ring);
    lua_pushinteger(L, o->ring_next);
    return 2;
}

int dsl_here(lua_State *L) {
    const dsl_host *host = dsl_host_of(L);
    lua_pushinteger(L, (lua_Integer)host->number);
    if (dynsup_self(host->core))
        dsl_id_push(L, dynsup_self(host->core));
    else
        lua_pushnil(L);
    return 2;
}

/* kinds() -> { name = bit } */
static int kinds(lua_State *L) {
    lua_createtable(L, 0, DYNSUP_EVENT_COUNT);
    for (int kind = 0; kind < DYNSUP_EVENT_COUNT; kind++) {
        lua_pushinteger(L, (lua_Integer)1 << kind);
        lua_setfield(L, -2, dynsup_event_name((enum dynsup_event_kind)kind));
    }
    return 1;
}

/* deaf(pid) -> why it reads no messages; nil: it may */
static int deaf(lua_State *L) {
    dynsup_process_info info;
    dynsup_registry_info registry;
    dynsup_host *core = dsl_host_of(L)->core;
    dynsup_pid pid = dsl_check_pid(L, 1);
    const char *why = NULL;
    if (dynsup_process_glance(core, pid, &info) && info.is_supervisor)
        why = "is_a_supervisor";
    else if (dynsup_registry_inspect(core, pid, &registry) == 0)
        why = "is_a_registry";
    lua_pushstring(L, why);
    return 1;
}

const luaL_Reg dsl_observe_functions[] = {
    {"open", observer_open}, {"close", observer_close}, {"kept", observer_kept}, {"here", dsl_here},
    {"dest", dsl_look_dest}, {"kinds", kinds},          {"deaf", deaf},          {NULL, NULL},
};
