/*
 * The meadow as last reported: creatures with their places, what they say, and the latest news. Of
 * the workers it knows only their pids.
 */
#ifndef WORLD_H
#define WORLD_H

#include "window.h"

#include <dynsup/dynsup.h>

enum {
    WORLD_CREATURES = 64,
    WORLD_TRAIL = 16,
    WORLD_PUFFS = 16,
    WORLD_NEWS = 5,
    WORLD_TEXT = 28,
    WORLD_LINE = 72
};

typedef struct place {
    float x, y;
} place;

typedef struct creature {
    dynsup_pid pid;
    enum art_kind kind;
    place at;
    bool looks_left;
    bool sees_lamp; /* it gets the lamp's position */
    char text[WORLD_TEXT];
    place trail[WORLD_TRAIL]; /* where it was, the latest first */
} creature;

typedef struct puff {
    place at;
    int frames_left;
} puff;

typedef struct world {
    creature creatures[WORLD_CREATURES];
    int count;
    puff puffs[WORLD_PUFFS];
    int next_puff;
    char news[WORLD_NEWS][WORLD_LINE]; /* the latest last */
    place lamp;
} world;

void world_init(world *w);

/* The creature with that pid, a new one if there is none; NULL when there are too many. */
creature *world_creature(world *w, dynsup_pid pid);

void world_move(creature *c, float x, float y);

/* The creature that is nearest to there, if one is near; NULL: none is. */
creature *world_at(world *w, float x, float y);

/* The process with that pid is gone: so is its creature, in a puff of smoke. */
void world_remove(world *w, dynsup_pid pid);

void world_tell(world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Draws the next frame of it. */
void world_draw(world *w, window *screen);

#endif
