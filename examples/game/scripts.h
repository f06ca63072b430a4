/*
 * The host of the workers in Lua: how it is made, gets a budget in each frame and the player's
 * acts, and is ended. tree.lua is its main process and starts the tree; what goes on there arrives
 * as events.
 */
#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "pace.h"
#include "stage.h"
#include "world.h"

enum { SCRIPTS_HISTORY = 108, SCRIPTS_DELAYS = 8, SCRIPTS_NAME = 24 };

#define SCRIPTS_BUDGET_MS 4.0

/* How a game has gone so far. */
typedef struct counts {
    uint64_t frames;
    uint64_t crashes; /* creatures that ended abnormally, and others of the tree */
    uint64_t restarts;
    uint64_t preempted; /* frames in which someone was cut short and had to go on in the next */
    uint64_t late;      /* frames in which scripts took much longer than their budget */
} counts;

/* A child that waits for its backoff. */
typedef struct delay {
    char name[SCRIPTS_NAME];
    uint64_t until_ns;
} delay;

typedef struct scripts {
    dynsup_lua_host *host;
    pace *pace;
    world *world;
    stage stage;
    counts counts;
    double
        used_ms[SCRIPTS_HISTORY]; /* of the budget, in a ring: frames % SCRIPTS_HISTORY is next */
    delay delays[SCRIPTS_DELAYS];
    int next_delay;
    bool has_failed; /* the tree has ended: nothing can happen any more */
} scripts;

/* Makes the host and its main process. False: what there is to say has been printed. */
bool scripts_open(scripts *s, pace *p, world *w, const char *folder, uint64_t seed);

/* Runs workers for a frame. */
void scripts_step(scripts *s);

/* Sends the lamp's position to the creatures that watch it. */
void scripts_tell_lamp(scripts *s);

/* Tells the keeper a word. */
void scripts_tell_keeper(scripts *s, const char *word);

void scripts_kill(scripts *s, dynsup_pid pid);

/* How long the child with that name waits for its restart, in ms; 0: it does not. */
double scripts_delay_ms(const scripts *s, const char *name);

/* The orderly end. */
void scripts_close(scripts *s);

#endif
