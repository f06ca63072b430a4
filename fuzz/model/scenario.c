/* Scenarios, their games and their text. */
#include "campaign.h"

#include "famine.h"

#include <inttypes.h>

/* ---- games ---- */

static test_play play; /* large */

static void model_begin(test_host *host, bool traced) {
    play.tracing = traced;
    play_init(&play, host);
}

static bool model_play(const play_op *op) {
    return play_run(&play, op);
}

static void model_end(void) {
    play_end(&play);
}

const game_ops game_model = {"model",     play_op_random, play_op_name, play_op_find,
                             model_begin, model_play,     model_end};

const game_ops game_famine = {"famine",     famine_op_random, famine_op_name, famine_op_find,
                              famine_begin, famine_run,       famine_end};

/* ---- scenarios ---- */

void scenario_random(scenario *s, const game_ops *game, uint64_t seed, int count) {
    s->game = game;
    s->count = count;
    for (int i = 0; i < count; i++)
        s->ops[i] = game->random(&seed);
}

static bool game_read(scenario *s, const char *name) {
    s->game = strcmp(name, game_model.name) == 0    ? &game_model
              : strcmp(name, game_famine.name) == 0 ? &game_famine
                                                    : NULL;
    return s->game;
}

static bool line_read(scenario *s, char *line) {
    char name[32];
    uint64_t seed;
    char *comment = strchr(line, '#');
    if (comment)
        *comment = 0;
    int fields = sscanf(line, "%31s %" SCNx64, name, &seed);
    if (fields <= 0)
        return true;
    if (!s->game)
        return game_read(s, name);
    int kind = s->game->find(name);
    if (fields != 2 || kind < 0 || s->count == SCENARIO_MAX)
        return false;
    s->ops[s->count++] = (play_op){kind, seed};
    return true;
}

bool scenario_read(scenario *s, const char *path, int *line_out) {
    char line[256];
    bool good = true;
    FILE *file = fopen(path, "r");
    *line_out = s->count = 0;
    s->game = NULL;
    if (!file)
        return false;
    while (good && fgets(line, sizeof line, file)) {
        ++*line_out;
        good = line_read(s, line);
    }
    fclose(file);
    return good && s->game;
}

void scenario_write(const scenario *s, FILE *file) {
    fprintf(file, "%s\n", s->game->name);
    for (int i = 0; i < s->count; i++)
        fprintf(file, "%s %016" PRIx64 "\n", s->game->name_of(s->ops[i].kind), s->ops[i].seed);
}
