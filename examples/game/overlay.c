/* The overlay: the tree of supervisors and workers as it is now, and what scripts use of a frame.
 */
#include "overlay.h"

#include "font.h"

#include <dynsup/dynsup_look.h>
#include <stdio.h>

enum { LEFT = 254, TOP = 4, WIDTH = 222, BOTTOM = WINDOW_HEIGHT - 60, LINE = 10, GRAPH = 24 };

static const uint32_t WHITE = 0xf2efe6ff, GREY = 0x8fa39bff, GREEN = 0x7ed957ff,
                      YELLOW = 0xffd84aff, RED = 0xff6a5aff;

/* Where the next line of the tree goes. */
typedef struct cursor {
    scripts *scripts;
    window *window;
    int y, depth;
} cursor;

static void line(cursor *c, uint32_t colour, const char *text) {
    window_text(c->window, LEFT + 6, c->y, colour, text);
    c->y += LINE;
}

/* ---- the tree ---- */

static void tree(cursor *c, dynsup_pid supervisor);

/* What a child that has a process does, after a step: it waits, or was cut short. */
static uint32_t doing(const dynsup_process_info *info, char *text, size_t size) {
    bool wants_more = info->status == DYNSUP_STATUS_RUNNABLE;
    snprintf(text, size, "%s", wants_more ? "runs" : "waits");
    return wants_more ? YELLOW : GREEN;
}

static uint32_t waiting(const scripts *s, const char *name, char *text, size_t size) {
    snprintf(text, size, "%.1fs", scripts_delay_ms(s, name) / 1000);
    return RED;
}

static void draw_worker(cursor *c, const dynsup_child_info *child, const char *name) {
    char state[16], text[64];
    dynsup_process_info info = {0};
    dynsup_host *core = dynsup_lua_host_core(c->scripts->host);
    bool is_there = child->pid && dynsup_process_inspect(core, child->pid, &info);
    uint32_t colour = is_there ? doing(&info, state, sizeof state)
                               : waiting(c->scripts, name, state, sizeof state);
    snprintf(text, sizeof text, "%*s%-*.*s %-6s%4u %6llu %5zu", c->depth, "", 11 - c->depth,
             11 - c->depth, name, state, child->incarnation, (unsigned long long)info.slices,
             info.memory);
    line(c, colour, text);
}

static void draw_supervisor(cursor *c, dynsup_pid pid, const char *name) {
    char text[64];
    dynsup_supervisor_info info;
    if (!dynsup_supervisor_inspect(dynsup_lua_host_core(c->scripts->host), pid, &info))
        return;
    snprintf(text, sizeof text, "%*s%s: %zu of %zu up", c->depth, "", name, info.counts.active,
             info.counts.specs);
    line(c, WHITE, text);
    tree(c, pid);
}

/* The name in the child's spec, or the one that its process has taken. */
static const char *name_of(const cursor *c, const dynsup_child_info *child) {
    dynsup_process_info info;
    const char *name = child->name;
    if (!name && dynsup_process_inspect(dynsup_lua_host_core(c->scripts->host), child->pid, &info))
        name = info.name;
    return name ? name : "nobody";
}

static bool draw_child(void *ud, const dynsup_child_info *child) {
    cursor *c = ud;
    if (child->is_supervisor && child->pid)
        draw_supervisor(c, child->pid, name_of(c, child));
    else
        draw_worker(c, child, name_of(c, child));
    return c->y < BOTTOM - LINE; /* others would not fit */
}

static void tree(cursor *c, dynsup_pid supervisor) {
    c->depth++;
    dynsup_lua_children_each(c->scripts->host, supervisor, draw_child, c);
    c->depth--;
}

/* ---- the budget ---- */

static void draw_frame(cursor *c, int column, double used_ms) {
    int height = (int)(used_ms / SCRIPTS_BUDGET_MS * (GRAPH - 6) + 0.5);
    if (height > GRAPH)
        height = GRAPH;
    window_fill(c->window, LEFT + 6 + column * 2, c->y + GRAPH - height, 1, height,
                used_ms > SCRIPTS_BUDGET_MS * 1.1 ? RED : GREEN);
}

static void draw_budget(cursor *c) {
    const scripts *s = c->scripts;
    char text[64];
    uint64_t frames = s->counts.frames;
    double used_ms = frames ? s->used_ms[(frames - 1) % SCRIPTS_HISTORY] : 0;
    snprintf(text, sizeof text, "scripts %3.1f of %.0f ms   %3.0f frames/s", used_ms,
             SCRIPTS_BUDGET_MS, 1000 / s->pace->frame_ms);
    line(c, WHITE, text);
    window_fill(c->window, LEFT + 6, c->y + 6, SCRIPTS_HISTORY * 2 - 6, 1, GREY);
    for (int i = 0; i < SCRIPTS_HISTORY - 3; i++)
        draw_frame(c, i, s->used_ms[(frames + (uint64_t)i + 3) % SCRIPTS_HISTORY]);
    c->y += GRAPH + 4;
}

static void draw_counts(cursor *c) {
    const scripts *s = c->scripts;
    char text[64];
    snprintf(text, sizeof text, "crashes %llu  restarts %llu  reloads %llu",
             (unsigned long long)s->counts.crashes, (unsigned long long)s->counts.restarts,
             (unsigned long long)s->stage.reloads);
    line(c, WHITE, text);
    snprintf(text, sizeof text, "frames %llu  late %llu  Lua %d kB",
             (unsigned long long)s->counts.frames, (unsigned long long)s->counts.late,
             lua_gc(dynsup_lua_host_state(s->host), LUA_GCCOUNT));
    line(c, GREY, text);
}

void overlay_draw(scripts *s, window *w) {
    cursor c = {s, w, TOP + 6, 0};
    dynsup_pid root = dynsup_whereis(dynsup_lua_host_core(s->host), "game", 4);
    window_fill(w, LEFT, TOP, WIDTH, BOTTOM - TOP, 0x0a141ac0);
    draw_budget(&c);
    draw_counts(&c);
    c.y += 4;
    line(&c, GREY, "            state life slices bytes");
    draw_supervisor(&c, root, "game");
}
