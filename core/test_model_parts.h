/*
 * What the parts of the reference model do for each other; the tests use test_model.h. Processes,
 * children and requests are known by their numbers: p or s (a supervisor), c and r.
 */
#ifndef DSI_TEST_MODEL_PARTS_H
#define DSI_TEST_MODEL_PARTS_H

#include "test_model.h"

/* ---- arrays ---- */

void model_push(int *items, int *count, int item);

/* False: it was not in the list. */
bool model_take_out(int *items, int *count, int item);

/* Takes the first one out. */
int model_shift(int *items, int *count);

/* ---- processes ---- */

/* Makes the process ready, after those that are. */
void model_make_ready(model *m, int p);

/* A message; from is a process or the number of a monitor. */
void model_deliver(model *m, int p, enum dynsup_atom tag, int from, enum dynsup_atom atom);

/* Adds a monitor or a link, without looking for an equal one; call as in model_relation. */
void model_relate(model *m, int a, int b, bool monitor, int call);
void model_unlink_now(model *m, int a, int b);

/* A signal along a link: there, kill is like any other reason. */
void model_link_signal(model *m, int from, int to, model_reason reason);

/* One more event of this kind. */
void model_tell(model *m, enum dynsup_event_kind kind);

/* Has the caller of the start gone? Then a start that fails is an error. */
bool model_is_left(const model *m, int r);
void model_start_failed(model *m, int r);

/* Is the end of a child that has not been ready a failed start? */
bool model_child_not_ready(const model *m, int c);

/* To be called when a process ends: its entries end; if it is a registry, processes with entries in
 * it are signalled. */
void model_entries_end(model *m, int p);
void model_registry_ended(model *m, int p);

/* ---- children ---- */

void model_child_remove(model *m, int c);

/* Handles a child that has ended for good, did not start, or is dropped, by its supervisor's
 * policy. */
void model_child_end(model *m, int c);

/* Asks the child to end, as its spec says. */
void model_child_stop(model *m, int c);

/* Handles a child whose supervisor has ended before it. */
void model_child_lost(model *m, int s, int c);

/* A new process for a child with a body. */
void model_child_incarnate(model *m, int c);

/* Answers requests that wait until the child runs. */
void model_child_tell_up(model *m, int c);

/* Try once to start the child again, at its turn: alone; with all that its supervisor's policy
 * restarts with it. */
void model_child_attempt(model *m, int c);
void model_child_restart(model *m, int c);

/* Starts a failed child by hand: one attempt, which does not count. */
void model_child_forgive(model *m, int c);
void model_child_try(model *m, int c);

/* Handle a failed child that could not be started by hand; a start function that asked to be
 * ignored; a restart that has failed. */
void model_child_deny(model *m, int c);
void model_child_ignored(model *m, int c);
void model_child_restart_failed(model *m, int c);

/* Handles the end of the child's process. */
void model_child_exited(model *m, int c);

/* Handles the child's timer: a delay, or the time for its start, is over. */
void model_child_timer(model *m, int c);

/* ---- supervisors ---- */

void model_supervisor_end_if_done(model *m, int s);

/* Begins the supervisor's end: the children first. */
void model_supervisor_stop(model *m, int s, model_reason reason);

/* Handles an exit signal to a supervisor; only the parent's counts. */
void model_supervisor_signal(model *m, int from, int s, model_reason reason);

void model_answer(model *m, int r, int status, int pid);

/* Handles what is parked. */
void model_supervisor_drain(model *m, int s);

/* Begins the start function of a child; request -1: for a restart. */
void model_guest_begin(model *m, int c, int request);

void model_supervisor_slice(model *m, int s);

/* Handles the end of the supervisor's process: children and callers learn of it. */
void model_supervisor_ended(model *m, int s);

/* Makes the process that a start function returns. */
int model_guest_makes(model *m, int c);

/* Is the name of a child taken, not by the child itself? Then *pid_out is the process, or -1. */
bool model_name_taken(const model *m, int c, int *pid_out);

/* ---- static supervisors ---- */

/* Begins a job: it stops children from `at` back, or (starts) starts them from `at` on. advance
 * must follow. */
void model_static_job(model *m, int s, enum model_job job, bool starts, int at);

/* Goes on with the job until it has to wait or is done. */
void model_static_advance(model *m, int s);
bool model_static_goes_on(const model *m, int s);

/* Handles a child that has ended, is dropped, or did not start. */
void model_static_child_end(model *m, int c);

/* Begins the restart of a child that is due and allowed, by one_for_all or rest_for_one. */
void model_static_restart(model *m, int c);

/* Handles a failed child: those behind it are started without it, if its start has blocked them. */
void model_static_failed(model *m, int c);

/* Handle a child that says that it is ready; one whose start function has returned. */
void model_static_ready(model *m, int c);
void model_static_guest_done(model *m, int c);

/* Handle a supervisor that begins to end; one whose process has ended. */
void model_static_stop(model *m, int s);
void model_static_ended(model *m, int s);

/* Handles a request at its turn. */
int model_static_handle(model *m, int s, int r, int *pid_out);

#endif
