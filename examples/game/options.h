/* The game's command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct options {
    bool is_headless;
    uint64_t frames; /* after which the game ends; 0: never */
    uint64_t seed;   /* of everything that is random; 0: another one each time */
    const char *scripts;
    const char *picture; /* where the last frame goes, or NULL */
} options;

/* Reads the words. False when the game is not to be played: *code_out is the exit code then, and
 * what there is to say has been said. */
bool options_read(options *o, int count, char **words, int *code_out);

#endif
