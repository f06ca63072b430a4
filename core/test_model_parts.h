/*
 * What the parts of the reference model do for each other; the tests use test_model.h. Processes,
 * children and requests are known by their numbers: p or s (a supervisor), c and r.
 */
#ifndef DSI_TEST_MODEL_PARTS_H
#define DSI_TEST_MODEL_PARTS_H

#include "test_model.h"

/* ---- arrays ---- */

void model_push(int *items, int *count, int item);

/* False: it is not there. */
bool model_take_out(int *items, int *count, int item);

/* The first, taken out. */
int model_shift(int *items, int *count);

/* ---- processes ---- */

/* Not for doomed ones, nor for -1. */
bool model_lives(const model *m, int p);

/* To be run behind those that are ready. */
void model_make_ready(model *m, int p);

/* A message; from is a process or the number of a monitor. */
void model_deliver(model *m, int p, enum dynsup_atom tag, int from, enum dynsup_atom atom);

/* It ends with this reason, unless it does so already. */
void model_doom(model *m, int p, model_reason reason);

/* A monitor or a link more, whatever is there. */
void model_relate(model *m, int a, int b, bool monitor);

/* What a link brings: a kill is like any other reason. */
void model_link_signal(model *m, int from, int to, model_reason reason);

/* ---- children ---- */

void model_child_remove(model *m, int c);

/* Asks it to end, as its spec says. */
void model_child_stop(model *m, int c);

/* Its supervisor ended before it. */
void model_child_lost(model *m, int s, int c);

/* A new process for a child with a body. */
void model_child_incarnate(model *m, int c);

/* Answers those who wait until it is up. */
void model_child_tell_up(model *m, int c);

void model_child_restart(model *m, int c);
void model_child_restart_failed(model *m, int c);

/* Its process ended. */
void model_child_exited(model *m, int c);

/* Its timer expired: a delay, or the time for its start. */
void model_child_timer(model *m, int c);

/* ---- supervisors ---- */

void model_supervisor_end_if_done(model *m, int s);

/* Begins to end: the children first. */
void model_supervisor_stop(model *m, int s, model_reason reason);

/* An exit signal, which counts when it is the parent's. */
void model_supervisor_signal(model *m, int from, int s, model_reason reason);

void model_answer(model *m, int r, int status, int pid);

/* Handles what is parked. */
void model_supervisor_drain(model *m, int s);

/* The start function of a child begins; request -1: for a restart. */
void model_guest_begin(model *m, int c, int request);

void model_supervisor_slice(model *m, int s);

/* Its process ended: children and callers learn of it. */
void model_supervisor_ended(model *m, int s);

#endif
