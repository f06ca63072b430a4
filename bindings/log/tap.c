/*
 * Taps: processes that receive the lines of their host's log, as text for people.
 *
 * Design notes.
 * A line of the log may be written in the middle of the core's work, so it is only kept then, and
 * becomes messages between slices. The kept lines and the taps' mailboxes are bounded; lines left
 * out are counted, and their number comes with the next line. Without taps all this costs nothing.
 */
#include "bindings/log/log.h"
#include "bindings/protect.h"

#include <string.h>

#define LINES_MAX   1000 /* lines kept until they are delivered */
#define MAILBOX_MAX 1000 /* with so many messages in its mailbox, a process gets no more */

struct dsl_tap {
    struct dsl_tap *next;
    dynsup_pid target;
    enum dynsup_level level;
    uint64_t lost; /* and not reported yet */
};

struct dsl_tap_line {
    struct dsl_tap_line *next;
    enum dynsup_level level;
    size_t size;
    char text[];
};

/* ---- what is kept ---- */

bool dsl_is_tapped(const dsl_host *host, enum dynsup_level level) {
    const struct dsl_tap *tap = host->taps;
    while (tap && tap->level < level)
        tap = tap->next;
    return tap != NULL;
}

static void count_lost(dsl_host *host, enum dynsup_level level) {
    for (struct dsl_tap *tap = host->taps; tap; tap = tap->next)
        tap->lost += level <= tap->level;
}

void dsl_tap_line(dsl_host *host, enum dynsup_level level, const char *text, size_t size) {
    struct dsl_tap_line *line = NULL;
    if (!dsl_is_tapped(host, level))
        return;
    if (host->tap_line_count < LINES_MAX)
        line = host->alloc(host->alloc_ud, NULL, 0, sizeof *line + size);
    if (!line) {
        count_lost(host, level);
        return;
    }
    *line = (struct dsl_tap_line){.level = level, .size = size};
    memcpy(line->text, text, size);
    if (!host->tap_lines)
        host->last_tap_line = &host->tap_lines;
    *host->last_tap_line = line;
    host->last_tap_line = &line->next;
    host->tap_line_count++;
}

static void line_drop(dsl_host *host) {
    struct dsl_tap_line *line = host->tap_lines;
    host->tap_lines = line->next;
    host->tap_line_count--;
    host->alloc(host->alloc_ud, line, sizeof *line + line->size, 0);
}

/* ---- delivery ---- */

typedef struct telling {
    dsl_host *host;
    const struct dsl_tap *tap;
    const struct dsl_tap_line *line;
} telling;

/* [-0, +1] { level =, text =, lost = } */
static void message_push(lua_State *L, const telling *t) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, dsl_level_names[t->line->level]);
    lua_setfield(L, -2, "level");
    lua_pushlstring(L, t->line->text, t->line->size);
    lua_setfield(L, -2, "text");
    if (!t->tap->lost)
        return;
    lua_pushinteger(L, (lua_Integer)t->tap->lost);
    lua_setfield(L, -2, "lost");
}

/* Sends "LOG" and the message. */
static int tell_protected(lua_State *L) {
    const telling *t = lua_touserdata(L, 1);
    dsl_vault *vault = &t->host->vault;
    lua_pushliteral(L, "LOG");
    message_push(L, t);
    dsl_vault_reserve(L, vault, 2);
    dynsup_value values[2] = {dsl_value_get(L, t->host, -2), dsl_value_get(L, t->host, -1)};
    if (dynsup_send(t->host->core, t->tap->target, values, 2) == 0)
        return 0;
    dsl_vault_release(vault, (uint32_t)values[0].as.object);
    dsl_vault_release(vault, (uint32_t)values[1].as.object);
    return luaL_error(L, "not enough memory");
}

static void tell(dsl_host *host, struct dsl_tap *tap, const struct dsl_tap_line *line) {
    telling t = {host, tap, line};
    dynsup_process_info info;
    if (line->level > tap->level || !dynsup_process_glance(host->core, tap->target, &info))
        return;
    bool told =
        info.message_count < MAILBOX_MAX && dsl_protect(host->L, tell_protected, &t) == LUA_OK;
    tap->lost = told ? 0 : tap->lost + 1;
}

/* Forgets the taps of processes that have ended, and that of this process (0: none). */
static void taps_sweep(dsl_host *host, dynsup_pid target) {
    struct dsl_tap **link = &host->taps;
    while (*link) {
        struct dsl_tap *tap = *link;
        if (tap->target != target && dynsup_is_alive(host->core, tap->target)) {
            link = &tap->next;
            continue;
        }
        *link = tap->next;
        host->alloc(host->alloc_ud, tap, sizeof *tap, 0);
    }
}

void dsl_tap_flush(dsl_host *host) {
    if (!host->tap_lines)
        return;
    taps_sweep(host, 0);
    while (host->tap_lines) {
        for (struct dsl_tap *tap = host->taps; tap; tap = tap->next)
            tell(host, tap, host->tap_lines);
        line_drop(host);
    }
}

void dsl_tap_fini(dsl_host *host) {
    while (host->tap_lines)
        line_drop(host);
    while (host->taps) {
        struct dsl_tap *tap = host->taps;
        host->taps = tap->next;
        host->alloc(host->alloc_ud, tap, sizeof *tap, 0);
    }
}

/* ---- for the script ---- */

int dsl_tap(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    host = host->whole;
    dynsup_pid target = dynsup_self(host->core);
    enum dynsup_level level = (enum dynsup_level)luaL_checkoption(L, 1, NULL, dsl_level_names);
    taps_sweep(host, target);
    if (level == DYNSUP_LEVEL_OFF)
        return 0;
    struct dsl_tap *tap = host->alloc(host->alloc_ud, NULL, 0, sizeof *tap);
    if (!tap)
        return luaL_error(L, "not enough memory");
    *tap = (struct dsl_tap){.next = host->taps, .target = target, .level = level};
    host->taps = tap;
    return 0;
}
