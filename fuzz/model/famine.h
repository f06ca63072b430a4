/*
 * Famine: random operations on a host that gets no memory at random moments, even in the middle of
 * its own work. No model predicts what it does then; but nothing may be lost: its invariants
 * hold, every process that began has ended or still exists, every waiting process gets an answer,
 * every monitor fires once, and in the end all memory is returned.
 */
#ifndef FAMINE_H
#define FAMINE_H

#include "test_play.h"

play_op famine_op_random(uint64_t *random);
const char *famine_op_name(int kind);
int famine_op_find(const char *name);

/* On a host that has just begun; traced to stderr if so. */
void famine_begin(test_host *host, bool traced);

/* False: there is no more room. */
bool famine_run(const play_op *op);

/* Memory is there again: everything must come to its end. */
void famine_end(void);

#endif
