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

/* To be run behind those that are ready. */
void model_make_ready(model *m, int p);

/* A message; from is a process or the number of a monitor. */
void model_deliver(model *m, int p, enum dynsup_atom tag, int from, enum dynsup_atom atom);

/* A monitor or a link more, whatever is there; call as in model_relation. */
void model_relate(model *m, int a, int b, bool monitor, int call);
void model_unlink_now(model *m, int a, int b);

/* What a link brings: a kill is like any other reason. */
void model_link_signal(model *m, int from, int to, model_reason reason);

/* One more event of this kind. */
void model_tell(model *m, enum dynsup_event_kind kind);

/* Has who asked gone? Then a start that fails is an error. */
bool model_is_left(const model *m, int r);
void model_start_failed(model *m, int r);

/* Its entries end with it; who has entries in it ends with it. */
void model_entries_end(model *m, int p);
void model_registry_ended(model *m, int p);

/* ---- children ---- */

void model_child_remove(model *m, int c);

/* It has ended for good, did not start, or is dropped: as its supervisor's policy has it. */
void model_child_end(model *m, int c);

/* Asks it to end, as its spec says. */
void model_child_stop(model *m, int c);

/* Its supervisor ended before it. */
void model_child_lost(model *m, int s, int c);

/* A new process for a child with a body. */
void model_child_incarnate(model *m, int c);

/* Answers those who wait until it is up. */
void model_child_tell_up(model *m, int c);

/* One attempt to start it again, whose turn it is: by itself, or with all that its supervisor's
 * policy restarts with it. */
void model_child_attempt(model *m, int c);
void model_child_restart(model *m, int c);

/* A failed one is started by hand: one attempt, which counts for nothing. */
void model_child_forgive(model *m, int c);
void model_child_try(model *m, int c);

/* A failed one could not be started by hand; its start function, or one again, asks to be ignored.
 */
void model_child_deny(model *m, int c);
void model_child_ignored(model *m, int c);
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

/* The process that a start function makes. */
int model_guest_makes(model *m, int c);

/* Who has the name of a child, if that is not the child itself: true, and the process or -1. */
bool model_name_taken(const model *m, int c, int *pid_out);

/* ---- static supervisors ---- */

/* Begins a job: it stops from `at` back, or (starts) starts from `at` on. advance must follow. */
void model_static_job(model *m, int s, enum model_job job, bool starts, int at);

/* Goes on with the job until it has to wait or is done. */
void model_static_advance(model *m, int s);
bool model_static_goes_on(const model *m, int s);

/* A child has ended, is dropped, or did not start. */
void model_static_child_end(model *m, int c);

/* The restart of a child is due, and allowed: one_for_all or rest_for_one. */
void model_static_restart(model *m, int c);

/* A child stays down: those behind it are started without it, if it holds them up. */
void model_static_failed(model *m, int c);

/* The child says that it is ready; its start function has returned. */
void model_static_ready(model *m, int c);
void model_static_guest_done(model *m, int c);

/* The whole of it begins to end; its process has ended. */
void model_static_stop(model *m, int s);
void model_static_ended(model *m, int s);

/* A request whose turn it is. */
int model_static_handle(model *m, int s, int r, int *pid_out);

#endif
