/*
 * A play: random operations, made on a host and on the reference model alike, and the comparison of
 * the two. Processes, children and requests are known by their numbers in the model; a play with
 * the same seed is the same in every run.
 */
#ifndef DSI_TEST_PLAY_H
#define DSI_TEST_PLAY_H

#include "test_model.h"

#include <stdio.h>

enum { PLAY_ALIVE_MAX = 40, PLAY_REFS = 1 << 16 };

/* One operation: what it does, and to which processes, depends on its seed alone, as far as
 * possible, and not on earlier operations, so that a scenario can be made smaller. */
typedef struct play_op {
    int kind;
    uint64_t seed;
} play_op;

typedef struct test_play {
    model model;
    test_host *test;
    uint64_t random_state, op_seed;
    dynsup_ref refs[PLAY_REFS];             /* of monitors, by number */
    dynsup_ref call_refs[MODEL_REQUESTS];   /* of calls, by request */
    dynsup_timer timer_ids[MODEL_TIMERS];   /* by number */
    uint64_t process_keys[MODEL_PROCESSES]; /* identifies it, independent of its number */
    uint64_t child_keys[MODEL_CHILDREN];
    int processes_keyed, children_keyed;
    uint64_t events[DYNSUP_EVENT_COUNT]; /* how many the host has emitted */
    bool tracing;                        /* print what is done */
} test_play;

/* What a start function does. */
struct play_plan {
    bool slow, traps, is_supervisor;
    int status;
    uint64_t restarts;
    test_body *made;
    dynsup_pid pid;
};

/* Resets everything except tracing. */
void play_init(test_play *play, test_host *test);

/* The next random operation of a series; the name of its kind (static), and the kind of a name (-1:
 * none). */
play_op play_op_random(uint64_t *random);
const char *play_op_name(int kind);
int play_op_find(const char *name);

/* A random operation out of `count` kinds by their weights, for games with operations of their own.
 */
play_op play_op_choose(uint64_t *random, uint32_t (*weight)(int kind), int count);

/* Does the operation on both and compares them: fails the test when they differ. False, with
 * nothing done: the model has no more room. */
bool play_run(test_play *play, const play_op *op);

/* Halts the host: everything must come to its end. Then the plans of its children are freed. */
void play_end(test_play *play);

/* Fails the test when host and model differ; both must have come to rest. */
void play_compare(test_play *play);

/* Counts the emitted events. */
void play_events(test_play *play);

/* ---- what operations and comparison share ---- */

/* Prints what is done, as by printf: play_note(play, format, ...). */
#define play_note(play, ...)                                                                       \
    do {                                                                                           \
        if ((play)->tracing)                                                                       \
            fprintf(stderr, __VA_ARGS__), fputc('\n', stderr);                                     \
    } while (0)

/* Fails the test when the two values differ. */
void play_same(const char *what, int which, long long model_says, long long host_says);

/* One of 0 .. limit - 1; true in that percentage of cases; any reason. */
uint32_t play_below(test_play *play, uint32_t limit);
bool play_chance(test_play *play, uint32_t percent);
model_reason play_reason(test_play *play);

/* The pid; 0 for -1, and for a process that the test does not know yet. */
dynsup_pid play_pid(const test_play *play, int p);

/* starve: in few cases, lets the host soon run out of memory. starved: true if the operation failed
 * by that; then it must have changed nothing. */
void play_starve(test_play *play);
bool play_starved(test_play *play, int status);

/* Mixes two numbers into one. */
uint64_t play_mix(uint64_t a, uint64_t b);

int play_alive_count(const test_play *play);

/* Does the process live, with a body of the test that waits for no answer and can act in its name?
 */
bool play_can_act(test_play *play, int p);
bool play_supervises(test_play *play, int p);

/* A process for which this is true, or -1; any process, mostly a living one. */
int play_pick(test_play *play, bool (*fits)(test_play *play, int p));
int play_pick_target(test_play *play);

/* The body of a process of the model. */
void play_meet(test_play *play, int p, test_body *body);

/* ---- operations ---- */

void play_spawn(test_play *play);
void play_link(test_play *play); /* or unlinks */
void play_monitor(test_play *play);
void play_signal(test_play *play);
void play_massacre(test_play *play); /* several at once, before anything is handled */
void play_exit(test_play *play);
void play_demonitor(test_play *play);
void play_trap(test_play *play); /* or no longer */
void play_register(test_play *play);
void play_unregister(test_play *play);

void play_send(test_play *play);
void play_send_later(test_play *play);
void play_cancel(test_play *play);
void play_call(test_play *play);
void play_reply(test_play *play);

void play_registry(test_play *play);
void play_enter(test_play *play);
void play_withdraw(test_play *play);
void play_registry_stop(test_play *play);

void play_supervisor(test_play *play);
void play_start(test_play *play); /* or ensures */
void play_terminate(test_play *play);
void play_restart(test_play *play); /* of a failed child */
void play_stop(test_play *play);
void play_ready(test_play *play);
void play_change(test_play *play); /* changes what a child's starts do */

void play_static(test_play *play);
void play_by_id(test_play *play); /* terminates, restarts or deletes */

/* A future child of this supervisor (-1: of a future one), with its program; the spec needs a name
 * of two bytes. */
int play_child(test_play *play, int supervisor);
dynsup_child_spec play_spec(test_play *play, int c, char *name);

/* The child in words; valid until the next call. */
const char *play_child_text(const model_child *child);

/* Notes that the answer to the last request is to be compared. */
void play_asks(test_play *play, int caller);

#endif
