/* The game's time: sixty frames a second, and the clock that its workers live by. */
#include "pace.h"

#include <SDL.h>

#define FRAME_NS 16666667u

static uint64_t system_now(void) {
    return (uint64_t)((double)SDL_GetPerformanceCounter() * 1e9 /
                      (double)SDL_GetPerformanceFrequency());
}

void pace_init(pace *p, bool is_counted) {
    *p = (pace){.is_counted = is_counted, .system_ns = system_now()};
    p->due_ns = p->system_ns + FRAME_NS;
    p->frame_ms = FRAME_NS / 1e6;
}

uint64_t pace_now(void *ud) {
    pace *p = ud;
    if (p->is_counted)
        return p->game_ns;
    uint64_t now = system_now();
    if (!p->is_paused)
        p->game_ns += now - p->system_ns;
    p->system_ns = now;
    return p->game_ns;
}

void pace_pause(pace *p, bool is_paused) {
    pace_now(p); /* up to here time goes by the old rule */
    p->is_paused = is_paused;
}

uint64_t pace_spent(const pace *p) {
    return p->is_counted ? 0 : system_now();
}

static void await_frame(const pace *p, uint64_t now) {
    if (now < p->due_ns)
        SDL_Delay((Uint32)((p->due_ns - now + 500000) / 1000000));
}

void pace_next_frame(pace *p) {
    if (p->is_counted) {
        p->game_ns += p->is_paused ? 0 : FRAME_NS;
        return;
    }
    await_frame(p, system_now());
    uint64_t now = system_now();
    double frame_ms = (double)(now - p->due_ns + FRAME_NS) / 1e6;
    p->frame_ms += (frame_ms - p->frame_ms) / 30;
    p->due_ns = now > p->due_ns + FRAME_NS ? now + FRAME_NS : p->due_ns + FRAME_NS;
}
