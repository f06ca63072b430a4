/* The meadow as last reported: creatures with their places, what they say, the latest news. */
#include "world.h"

#include "font.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NEAR = 14, PUFF_FRAMES = 24 };

void world_init(world *w) {
    memset(w, 0, sizeof *w);
    w->lamp = (place){128, 130};
}

static creature *find(world *w, dynsup_pid pid) {
    for (int i = 0; i < w->count; i++)
        if (w->creatures[i].pid == pid)
            return &w->creatures[i];
    return NULL;
}

creature *world_creature(world *w, dynsup_pid pid) {
    creature *c = find(w, pid);
    if (c || w->count == WORLD_CREATURES)
        return c;
    c = &w->creatures[w->count++];
    *c = (creature){.pid = pid, .kind = ART_KINDS}; /* not seen before it has a kind */
    return c;
}

void world_move(creature *c, float x, float y) {
    memmove(c->trail + 1, c->trail, sizeof c->trail - sizeof *c->trail);
    c->trail[0] = c->at;
    c->at = (place){x, y};
}

creature *world_at(world *w, float x, float y) {
    creature *best = NULL;
    float nearest = NEAR;
    for (int i = 0; i < w->count; i++) {
        float far = hypotf(w->creatures[i].at.x - x, w->creatures[i].at.y - y);
        if (far >= nearest)
            continue;
        nearest = far;
        best = &w->creatures[i];
    }
    return best;
}

void world_remove(world *w, dynsup_pid pid) {
    creature *c = find(w, pid);
    if (!c)
        return;
    if (c->kind != ART_KINDS) {
        w->puffs[w->next_puff] = (puff){c->at, PUFF_FRAMES};
        w->next_puff = (w->next_puff + 1) % WORLD_PUFFS;
    }
    *c = w->creatures[--w->count];
}

void world_tell(world *w, const char *format, ...) {
    va_list arguments;
    memmove(w->news, w->news + 1, sizeof w->news - sizeof *w->news);
    va_start(arguments, format);
    vsnprintf(w->news[WORLD_NEWS - 1], sizeof *w->news, format, arguments);
    va_end(arguments);
}

/* ---- drawing ---- */

static void draw_trail(const creature *c, window *screen) {
    for (int i = WORLD_TRAIL - 1; i >= 0; i--) {
        int size = 5 - i / 5;
        if (c->trail[i].x > 0)
            window_fill(screen, (int)c->trail[i].x - size / 2, (int)c->trail[i].y - size / 2, size,
                        size, i % 4 < 2 ? 0x7ed957ff : 0x4e9a40ff);
    }
}

static void draw_text(const creature *c, window *screen) {
    int width = (int)strlen(c->text) * FONT_STEP;
    int x = (int)c->at.x - width / 2, y = (int)c->at.y - 20;
    if (!width)
        return;
    window_fill(screen, x - 2, y - 2, width + 3, FONT_HEIGHT + 4, 0xf2efe6e0);
    window_text(screen, x, y, 0x14141cff, c->text);
}

static void draw_creature(const creature *c, window *screen) {
    if (c->kind == ART_KINDS)
        return;
    if (c->kind == ART_SNAKE)
        draw_trail(c, screen);
    else
        window_fill(screen, (int)c->at.x - 5, (int)c->at.y + 5, 10, 2, 0x00000060);
    window_picture(screen, c->kind, (int)c->at.x, (int)c->at.y, c->looks_left);
}

static void draw_puff(puff *p, window *screen) {
    static const place directions[] = {{1, 0},       {-1, 0},       {0, 1},        {0, -1},
                                       {0.7f, 0.7f}, {-0.7f, 0.7f}, {0.7f, -0.7f}, {-0.7f, -0.7f}};
    if (!p->frames_left)
        return;
    float far = (float)(PUFF_FRAMES - p->frames_left--) / 2 + 3;
    uint32_t alpha = 0xf0u * (uint32_t)p->frames_left / PUFF_FRAMES;
    for (int i = 0; i < 8; i++)
        window_fill(screen, (int)(p->at.x + directions[i].x * far) - 1,
                    (int)(p->at.y + directions[i].y * far) - 1, 3, 3, 0xf2efe600 | alpha);
}

/* The older a piece of news, the paler it is. */
static void draw_news(const world *w, window *screen) {
    for (int i = 0; i < WORLD_NEWS; i++)
        window_text(screen, 6, WINDOW_HEIGHT - (WORLD_NEWS - i) * 10 - 2,
                    0xf2efe600 | (uint32_t)(95 + i * 40), w->news[i]);
}

void world_draw(world *w, window *screen) {
    window_glow(screen, (int)w->lamp.x, (int)w->lamp.y, 190);
    window_picture(screen, ART_LAMP, (int)w->lamp.x, (int)w->lamp.y, false);
    for (int i = 0; i < w->count; i++)
        draw_creature(&w->creatures[i], screen);
    for (int i = 0; i < w->count; i++)
        draw_text(&w->creatures[i], screen);
    for (int i = 0; i < WORLD_PUFFS; i++)
        draw_puff(&w->puffs[i], screen);
    draw_news(w, screen);
}
