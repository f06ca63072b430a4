/*
 * A night on a meadow. Its creatures are workers in Lua under supervisors: in each frame they have
 * 4 ms, whatever they do. One crashes at the lamp and comes back, one thinks without end, one may
 * be edited while it creeps about.
 */
#define SDL_MAIN_HANDLED

#include "options.h"
#include "overlay.h"
#include "pace.h"
#include "scripts.h"
#include "window.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct game {
    options options;
    pace pace;
    window window;
    world world;
    scripts scripts;
    bool hides_overlay;
} game;

static void obey_mouse(game *g, const input *in) {
    creature *c = in->has_clicked ? world_at(&g->world, (float)in->x, (float)in->y) : NULL;
    if (c)
        scripts_kill(&g->scripts, c->pid);
    if (!in->has_moved)
        return;
    g->world.lamp = (place){(float)in->x, (float)in->y};
    scripts_tell_lamp(&g->scripts);
}

static void obey_key(game *g, SDL_Keycode key) {
    if (key == SDLK_SPACE)
        pace_pause(&g->pace, !g->pace.is_paused);
    else if (key == SDLK_TAB)
        g->hides_overlay = !g->hides_overlay;
    else if (key == SDLK_r)
        scripts_tell_keeper(&g->scripts, "rabbit");
    else if (key == SDLK_o)
        scripts_tell_keeper(&g->scripts, "owl");
}

static void draw(game *g, const char *picture) {
    window_begin(&g->window);
    world_draw(&g->world, &g->window);
    if (!g->hides_overlay)
        overlay_draw(&g->scripts, &g->window);
    if (picture && !window_save(&g->window, picture))
        fprintf(stderr, "game: no picture: %s\n", SDL_GetError());
    window_end(&g->window);
}

/* Plays a frame; with a picture writes it there. False: the game is over. */
static bool play(game *g, const char *picture) {
    input in;
    window_input(&in);
    obey_mouse(g, &in);
    obey_key(g, in.key);
    scripts_step(&g->scripts);
    draw(g, picture);
    pace_next_frame(&g->pace);
    return !in.wants_end && !g->scripts.has_failed;
}

static bool play_many(game *g, uint64_t frames) {
    bool goes_on = true;
    for (uint64_t i = 1; goes_on && (i <= frames || frames == 0); i++)
        goes_on = play(g, i == frames ? g->options.picture : NULL);
    return goes_on;
}

static void print_counts(const game *g) {
    const counts *n = &g->scripts.counts;
    printf("frames %" PRIu64 " crashes %" PRIu64 " restarts %" PRIu64 " preempted %" PRIu64
           " reloads %" PRIu64 " refused %" PRIu64 " late %" PRIu64 " creatures %d\n",
           n->frames, n->crashes, n->restarts, n->preempted, g->scripts.stage.reloads,
           g->scripts.stage.refused, n->late, g->world.count);
    fflush(stdout);
}

/* A number of frames in each line; others end the game. */
static void play_lines(game *g) {
    char line[32];
    while (fgets(line, sizeof line, stdin) && atoi(line) > 0 && play_many(g, (uint64_t)atoi(line)))
        print_counts(g);
}

static void play_all(game *g) {
    if (g->options.is_headless && !g->options.frames) {
        play_lines(g);
        return;
    }
    play_many(g, g->options.frames);
    if (g->options.frames)
        print_counts(g);
}

static int run(game *g) {
    const options *o = &g->options;
    if (!window_open(&g->window, o->is_headless)) {
        fprintf(stderr, "game: no window: %s\n", SDL_GetError());
        return 1;
    }
    pace_init(&g->pace, o->is_headless);
    world_init(&g->world);
    if (!scripts_open(&g->scripts, &g->pace, &g->world, o->scripts, o->seed))
        return 1;
    play_all(g);
    pace_pause(&g->pace, false); /* the end takes time, too */
    return g->scripts.has_failed;
}

int main(int count, char **words) {
    static game g;
    int code;
    if (!options_read(&g.options, count, words, &code))
        return code;
    code = run(&g);
    scripts_close(&g.scripts);
    window_close(&g.window);
    return code;
}
