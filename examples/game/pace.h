/*
 * The game's time: sixty frames a second, and the clock that its workers live by. It stands still
 * while the game is paused. A counted clock is for tests: no real time passes, and each frame takes
 * as long as any other, so that a game goes the same way each time.
 */
#ifndef PACE_H
#define PACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pace {
    bool is_counted;
    bool is_paused;
    uint64_t game_ns;
    uint64_t system_ns; /* when game_ns was set */
    uint64_t due_ns;    /* when the next frame begins: the system's time, if not counted */
    double frame_ms;    /* how long frames take lately */
} pace;

void pace_init(pace *p, bool is_counted);

/* The game's time in ns: the function `now` of a host, whose argument is the pace. */
uint64_t pace_now(void *p);

/* A time in ns to measure what a frame takes; it stands still where the clock is counted. */
uint64_t pace_spent(const pace *p);

void pace_pause(pace *p, bool is_paused);

/* Waits until the next frame is due. */
void pace_next_frame(pace *p);

#endif
