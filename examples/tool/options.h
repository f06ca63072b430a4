/* The command line of logwatch. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct options {
    const char *file;    /* "-": standard input */
    const char *plugins; /* a folder */
    bool follow;         /* goes on when the end of the file is reached */
    bool status;         /* prints what has become of the plug-ins */
    uint64_t patience_ms;
    size_t memory_mb;
} options;

/* Reads the words. False when there is nothing to do: *code_out is the exit code then, and what
 * there is to say has been said. */
bool options_read(options *o, int count, char **words, int *code_out);

#endif
