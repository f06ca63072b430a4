/*
 * campaign: plays random scenarios for a number of operations, and says which differ.
 *
 *   campaign [--game model|famine] [--operations N] [--seed N] [--steps N] [--differences N]
 *            [--out FOLDER]
 *   campaign [--game ...] --seed N [--steps N] --once    one scenario, printed step by step
 *   campaign --replay FILE                               one that was written down
 *
 * Seeds are counted up from the first one, each for a scenario of N steps. A scenario that
 * differs is reduced, printed, and written to FOLDER/GAME-N.txt. It ends with 0 when none
 * differs, 1 when some do, 2 for a wrong command line.
 */
#include "campaign.h"

#include <inttypes.h>
#include <sys/stat.h>

enum { BATCH = 200 };

typedef struct settings {
    const game_ops *game;
    uint64_t operations, seed;
    int steps, differences; /* it ends after so many */
    bool once;
    const char *replay, *out;
} settings;

static scenario current;
static verdict result;

static void usage(const char *what) {
    fprintf(stderr,
            "campaign: %s\n"
            "usage: campaign [--game model|famine] [--operations N] [--seed N] [--steps N]\n"
            "                [--differences N] [--out FOLDER]\n"
            "       campaign [--game model|famine] --seed N [--steps N] --once\n"
            "       campaign --replay FILE\n",
            what);
    exit(2);
}

static uint64_t number(const char *text) {
    char *end;
    uint64_t value = text ? strtoull(text, &end, 10) : 0;
    if (!text || value == 0 || *end)
        usage("a number above 0 is missing");
    return value;
}

static const game_ops *game_named(const char *name) {
    if (name && strcmp(name, game_famine.name) == 0)
        return &game_famine;
    if (!name || strcmp(name, game_model.name) != 0)
        usage("the games are model and famine");
    return &game_model;
}

static settings settings_read(char **argv) {
    settings s = {
        .game = &game_model, .operations = 100000, .seed = 1, .steps = 300, .differences = 20};
    for (; *argv; argv++) {
        const char *value = argv[1];
        if (strcmp(*argv, "--once") == 0) {
            s.once = true;
            continue;
        }
        if (strcmp(*argv, "--game") == 0)
            s.game = game_named(value);
        else if (strcmp(*argv, "--operations") == 0)
            s.operations = number(value);
        else if (strcmp(*argv, "--seed") == 0)
            s.seed = number(value);
        else if (strcmp(*argv, "--steps") == 0)
            s.steps = (int)number(value);
        else if (strcmp(*argv, "--differences") == 0)
            s.differences = (int)number(value);
        else if (strcmp(*argv, "--replay") == 0)
            s.replay = value;
        else if (strcmp(*argv, "--out") == 0)
            s.out = value;
        else
            usage(*argv);
        if (!value)
            usage("a value is missing");
        argv++;
    }
    if (s.steps > SCENARIO_MAX)
        usage("a scenario has at most 4000 steps");
    return s;
}

/* Plays the current scenario aloud. */
static int tell(void) {
    trial_run(&current, TRIAL_ALOUD, &result);
    printf("campaign: %" PRIu64 " operations, %s\n", result.operations,
           result.differs ? "DIFFERENT" : "no difference");
    return result.differs;
}

static int replay(const char *path) {
    int line;
    if (scenario_read(&current, path, &line))
        return tell();
    fprintf(stderr, line ? "campaign: %s:%d: no operation\n" : "campaign: %s: cannot be read\n",
            path, line);
    return 2;
}

static void write_down(const settings *s, uint64_t seed) {
    char path[512];
    if (!s->out)
        return;
    mkdir(s->out, 0777);
    snprintf(path, sizeof path, "%s/%s-%" PRIu64 ".txt", s->out, s->game->name, seed);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        return;
    }
    fprintf(file, "# campaign --replay %s\n", path);
    scenario_write(&current, file);
    fclose(file);
    printf("written to %s\n", path);
}

/* A scenario differs: makes it small and shows it. */
static void difference(const settings *s, uint64_t seed, uint64_t operations) {
    printf("seed %" PRIu64 " differs, after %" PRIu64 " operations in all\n", seed, operations);
    scenario_random(&current, s->game, seed, s->steps);
    scenario_shrink(&current);
    trial_run(&current, TRIAL_NOTED, &result);
    printf("the smallest scenario, %d operations:\n%s", current.count, result.text);
    write_down(s, seed);
    fflush(stdout);
}

static int campaign(const settings *s) {
    uint64_t operations = 0, seed = s->seed;
    int differences = 0;
    while (operations < s->operations && differences < s->differences) {
        uint64_t wanted =
            (s->operations - operations + (uint64_t)s->steps - 1) / (uint64_t)s->steps;
        uint64_t batch = wanted < BATCH ? wanted : BATCH;
        uint64_t last = seed + batch - 1;
        uint64_t at = trial_seeds(s->game, seed, last, s->steps, &result);
        operations += result.operations;
        if (result.differs) {
            difference(s, at, operations);
            differences++;
        }
        seed = result.differs ? at + 1 : last + 1;
    }
    printf("campaign: %s, %" PRIu64 " operations in %" PRIu64
           " scenarios of up to %d, seeds %" PRIu64 " to %" PRIu64 ": %d differ\n",
           s->game->name, operations, seed - s->seed, s->steps, s->seed, seed - 1, differences);
    return differences > 0;
}

int main(int argc, char **argv) {
    (void)argc;
    settings s = settings_read(argv + 1);
    if (s.replay)
        return replay(s.replay);
    if (!s.once)
        return campaign(&s);
    scenario_random(&current, s.game, s.seed, s.steps);
    return tell();
}
