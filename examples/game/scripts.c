/* The host of the workers in Lua: makes it, runs it in each frame, and passes on the player's acts.
 */
#include "scripts.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#define MS          1000000u
#define MAX_BYTES   ((size_t)64 << 20)
#define PATIENCE_NS (1000u * (uint64_t)MS)
#define LATE_MS     (SCRIPTS_BUDGET_MS * 1.5)

/* ---- what happens in the tree ---- */

/* The first line of a reason; of the place in a file that it begins with, without the folders. */
static void reason_line(dynsup_lua_host *host, const dynsup_reason *reason, char *line,
                        size_t size) {
    char text[256] = "";
    if (reason)
        dynsup_lua_reason_text(host, reason, text, sizeof text);
    text[strcspn(text, "\n")] = 0;
    const char *end = strstr(text, ".lua:"), *begin = text;
    for (const char *c = text; end && c < end; c++)
        if (*c == '/')
            begin = c + 1;
    snprintf(line, size, "%s", begin);
}

static void note_delay(scripts *s, const dynsup_event *event) {
    delay *d = &s->delays[s->next_delay];
    s->next_delay = (s->next_delay + 1) % SCRIPTS_DELAYS;
    snprintf(d->name, sizeof d->name, "%s", event->name ? event->name : "");
    d->until_ns = event->at_ns + event->delay_ns;
}

static void note_end(scripts *s, const dynsup_event *event, const char *name) {
    char reason[WORLD_LINE];
    reason_line(s->host, event->reason, reason, sizeof reason);
    if (event->kind == DYNSUP_EVENT_CRASHED) { /* tree.lua, or by its link the whole tree */
        s->has_failed = true;
        fprintf(stderr, "game: %s has ended: %s\n", name, reason);
        return;
    }
    s->counts.crashes++;
    world_tell(s->world, "%s: %s", name, reason);
}

static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    scripts *s = ud;
    const char *name = event->name ? event->name : "somebody";
    (void)host; /* s->host */
    if (event->kind == DYNSUP_EVENT_EXITED)
        world_remove(s->world, event->pid);
    else if (event->kind == DYNSUP_EVENT_CHILD_TERMINATED || event->kind == DYNSUP_EVENT_CRASHED)
        note_end(s, event, name);
    else if (event->kind == DYNSUP_EVENT_CHILD_DELAYED)
        note_delay(s, event);
    else if (event->kind == DYNSUP_EVENT_CHILD_RESTARTED)
        s->counts.restarts++;
    else if (event->kind == DYNSUP_EVENT_GAVE_UP)
        world_tell(s->world, "a supervisor gives up because of %s", name);
}

/* ---- making and ending ---- */

typedef struct setup {
    scripts *scripts;
    const char *folder;
    uint64_t seed;
} setup;

/* In protected mode: the main process is tree.lua with the stage, the folder and a seed. */
static int load_tree(lua_State *L) {
    const setup *s = lua_touserdata(L, 1);
    dynsup_lua_host *host = s->scripts->host;
    lua_getglobal(L, "package");
    lua_pushfstring(L, "%s/?.lua", s->folder);
    lua_setfield(L, -2, "path");
    lua_pushfstring(L, "%s/tree.lua", s->folder);
    if (luaL_loadfile(L, lua_tostring(L, -1)))
        return lua_error(L);
    if (dynsup_lua_worker_push(host, L, &stage_ops, &s->scripts->stage))
        return luaL_error(L, "not enough memory");
    lua_pushstring(L, s->folder);
    lua_pushinteger(L, (lua_Integer)s->seed);
    if (dynsup_lua_spawn_main(host, L, 3, NULL))
        return luaL_error(L, "not enough memory");
    return 0;
}

static bool start(setup *s) {
    lua_State *L = dynsup_lua_host_state(s->scripts->host);
    lua_pushcfunction(L, load_tree);
    lua_pushlightuserdata(L, s);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return true;
    fprintf(stderr, "game: %s\n", lua_tostring(L, -1));
    lua_pop(L, 1);
    return false;
}

bool scripts_open(scripts *s, pace *p, world *w, const char *folder, uint64_t seed) {
    *s = (scripts){.pace = p, .world = w, .stage = {.world = w}};
    const dynsup_lua_config config = {
        .virtual_clock = p->is_counted,
        .now = p->is_counted ? NULL : pace_now,
        .now_ud = p,
        .slice_ms = 0.5,
        .max_bytes = MAX_BYTES,
        .events = UINT32_MAX,
        .on_event = on_event,
        .event_ud = s,
        .seed = seed,
    };
    int error = dynsup_lua_host_new(NULL, &config, &s->host);
    if (error) {
        fprintf(stderr, "game: no host: %s\n", dynsup_atom_text((enum dynsup_atom) - error));
        return false;
    }
    return start(&(setup){s, folder, seed});
}

void scripts_close(scripts *s) {
    if (s->host)
        dynsup_lua_host_close(s->host, PATIENCE_NS);
    s->host = NULL;
}

/* ---- frames ---- */

/* A virtual clock is moved by whoever steps. */
static void follow_pace(scripts *s) {
    if (s->pace->is_counted)
        dynsup_lua_host_advance(s->host, pace_now(s->pace) - dynsup_lua_host_now(s->host));
}

void scripts_step(scripts *s) {
    uint64_t begun = pace_spent(s->pace);
    follow_pace(s);
    int state = dynsup_lua_host_step(s->host, (uint64_t)(SCRIPTS_BUDGET_MS * MS), NULL);
    double used_ms = (double)(pace_spent(s->pace) - begun) / MS;
    s->used_ms[s->counts.frames % SCRIPTS_HISTORY] = used_ms;
    s->counts.frames++;
    s->counts.preempted += state == DYNSUP_READY;
    s->counts.late += used_ms > LATE_MS;
}

void scripts_tell_lamp(scripts *s) {
    for (int i = 0; i < s->world->count; i++)
        if (s->world->creatures[i].sees_lamp)
            stage_tell_lamp(s->host, s->world, &s->world->creatures[i]);
}

void scripts_tell_keeper(scripts *s, const char *word) {
    const dynsup_lua_value value = dynsup_lua_text(word, strlen(word));
    dynsup_pid keeper = dynsup_whereis(dynsup_lua_host_core(s->host), "keeper", 6);
    dynsup_lua_send(s->host, keeper, &value, 1);
}

void scripts_kill(scripts *s, dynsup_pid pid) {
    const dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
    dynsup_exit(dynsup_lua_host_core(s->host), pid, &kill);
}

double scripts_delay_ms(const scripts *s, const char *name) {
    uint64_t now = dynsup_lua_host_now(s->host);
    for (int i = 0; i < SCRIPTS_DELAYS; i++)
        if (strcmp(s->delays[i].name, name) == 0 && s->delays[i].until_ns > now)
            return (double)(s->delays[i].until_ns - now) / MS;
    return 0;
}
