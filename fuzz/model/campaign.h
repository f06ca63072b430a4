/*
 * The campaign: scenarios of random operations on a host, of two games: "model" holds the host
 * against the reference model, "famine" (famine.h) against its invariants, without memory.
 *
 * A scenario is played in a process of its own, so that a crash, an assertion or an endless loop is
 * a difference like any other.
 */
#ifndef CAMPAIGN_H
#define CAMPAIGN_H

#include "test_play.h"

enum { SCENARIO_MAX = 4000 };

typedef struct game_ops {
    const char *name;
    play_op (*random)(uint64_t *random);
    const char *(*name_of)(int kind);
    int (*find)(const char *name); /* an operation's kind, -1: there is none */
    void (*begin)(test_host *host, bool traced);
    bool (*run)(const play_op *op); /* false: there is no more room */
    void (*end)(void);
} game_ops;

extern const game_ops game_model, game_famine;

typedef struct scenario {
    const game_ops *game;
    int count;
    play_op ops[SCENARIO_MAX];
} scenario;

/* So many operations, the same for the same seed. */
void scenario_random(scenario *s, const game_ops *game, uint64_t seed, int count);

/* Reads what scenario_write has written: the game, then a line for each operation, its name and
 * seed; text after a # is for humans. False: *line_out is the number of the wrong line, 0 when the
 * file cannot be read. */
bool scenario_read(scenario *s, const char *path, int *line_out);
void scenario_write(const scenario *s, FILE *file);

/* What a trial has come to. */
typedef struct verdict {
    bool differs;
    uint64_t operations; /* that were played */
    char text[4096];     /* the end of what was printed about a difference */
} verdict;

enum trial_voice { TRIAL_QUIET, TRIAL_NOTED, TRIAL_ALOUD };

/* Plays it in a process of its own. NOTED: the text says what was done, too; ALOUD: all of that
 * goes to stderr instead. */
void trial_run(const scenario *s, enum trial_voice voice, verdict *verdict_out);

/* Plays the scenarios of the seeds from first to last in one process, until one differs. Returns
 * that one's seed, or last + 1. */
uint64_t trial_seeds(const game_ops *game, uint64_t first, uint64_t last, int count,
                     verdict *verdict_out);

/* Leaves out of a scenario that differs whatever can be left out. */
void scenario_shrink(scenario *s);

#endif
