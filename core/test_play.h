/*
 * A play: random operations, made on a host and on the reference model alike, and the comparison of
 * the two. Processes, children and requests are known by their numbers in the model; a play with
 * the same seed is the same in every run.
 */
#ifndef DSI_TEST_PLAY_H
#define DSI_TEST_PLAY_H

#include "test_model.h"

#include <stdio.h>

enum { PLAY_ALIVE_MAX = 40, PLAY_REFS = 1 << 16, PLAY_TRACE = 1 << 16 };

typedef struct test_play {
    model model;
    test_host *test;
    uint64_t seed, random_state;
    dynsup_ref refs[PLAY_REFS]; /* of monitors, by number */
    char line[160];             /* what is taken down */
    char trace[PLAY_TRACE];     /* what was done, as far as there is room */
    size_t trace_length;
    bool tracing; /* prints it as well */
} test_play;

/* What a start function does. */
struct play_plan {
    bool slow, traps, is_supervisor;
    int status;
    uint64_t restarts;
    test_body *made;
    dynsup_pid pid;
};

/* All but tracing, which stays. */
void play_init(test_play *play, test_host *test, uint64_t seed);

/* Frees the plans of its children. */
void play_plans_free(test_play *play);

/* One random operation, on both. */
void play_operation(test_play *play);

/* Fails the test when host and model differ, which both must have come to rest. */
void play_compare(test_play *play);

/* ---- what operations and comparison share ---- */

/* Takes down what is done, written as by printf: play_note(play, format, ...). */
#define play_note(play, ...)                                                                       \
    do {                                                                                           \
        snprintf((play)->line, sizeof(play)->line, __VA_ARGS__);                                   \
        play_take_down(play);                                                                      \
    } while (0)

/* Takes down the line. */
void play_take_down(test_play *play);

/* Fails the test, and prints what was done, when the two values differ. */
void play_same(test_play *play, const char *what, int which, long long model_says,
               long long host_says);

/* One of 0 .. limit - 1; true in so many of 100 cases; any reason. */
uint32_t play_below(test_play *play, uint32_t limit);
bool play_chance(test_play *play, uint32_t percent);
model_reason play_reason(test_play *play);

/* 0 for -1, and for who is not known to the test yet. */
dynsup_pid play_pid(const test_play *play, int p);

int play_alive_count(const test_play *play);

/* It lives, and a body of the test that waits for no answer can speak in its name. */
bool play_can_act(test_play *play, int p);
bool play_supervises(test_play *play, int p);

/* One of those for whom this is true, or -1; any, mostly one who lives. */
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
void play_send(test_play *play);
void play_register(test_play *play);
void play_unregister(test_play *play);

void play_supervisor(test_play *play);
void play_start(test_play *play); /* or ensures */
void play_terminate(test_play *play);
void play_stop(test_play *play);
void play_ready(test_play *play);
void play_change(test_play *play); /* of what a child's starts do */

#endif
