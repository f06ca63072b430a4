/*
 * Trials: scenarios in processes of their own.
 *
 * Design notes. The child shares one page with its parent, in which it counts what it has played;
 * what it prints about a difference comes through a pipe, of which the end is kept. A child that
 * has played nothing new for a while is stuck: SIGALRM ends it.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "campaign.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STUCK_AFTER_SECONDS = 60 };

typedef struct progress {
    volatile uint64_t seed, operations;
} progress;

static void play_scenario(const scenario *s, bool traced, progress *at) {
    test_host host;
    alarm(STUCK_AFTER_SECONDS);
    assert_true(test_host_init(&host, 0, false));
    s->game->begin(&host, traced);
    for (int i = 0; i < s->count && s->game->run(&s->ops[i]); i++)
        at->operations++;
    s->game->end();
    test_host_fini(&host);
}

static progress *progress_new(void) {
    void *page =
        mmap(NULL, sizeof(progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        perror("campaign: mmap");
        exit(2);
    }
    return page;
}

/* Keeps the end of what comes. */
static void text_keep(verdict *v, int from) {
    size_t length = 0;
    ssize_t got;
    while ((got = read(from, v->text + length, sizeof v->text - 1 - length)) > 0) {
        length += (size_t)got;
        if (length < sizeof v->text - 1)
            continue;
        length = sizeof v->text / 2;
        memmove(v->text, v->text + sizeof v->text - 1 - length, length);
    }
    v->text[length] = 0;
}

/* Calls what is to be tried in a child. */
static void in_child(void (*run)(const void *what, bool traced, progress *at), const void *what,
                     enum trial_voice voice, progress *at, verdict *v) {
    int ends[2], status = 0;
    fflush(NULL);
    pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child < 0) {
        perror("campaign: fork");
        exit(2);
    }
    if (child == 0) {
        close(ends[0]);
        if (voice != TRIAL_ALOUD)
            dup2(ends[1], STDERR_FILENO);
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assertion says where */
        run(what, voice != TRIAL_QUIET, at);
        exit(0);
    }
    close(ends[1]);
    text_keep(v, ends[0]);
    close(ends[0]);
    waitpid(child, &status, 0);
    v->differs = status != 0;
    v->operations = at->operations;
    if (WIFSIGNALED(status))
        snprintf(v->text + strlen(v->text), sizeof v->text - strlen(v->text),
                 "ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

static void run_one(const void *what, bool traced, progress *at) {
    play_scenario(what, traced, at);
}

void trial_run(const scenario *s, enum trial_voice voice, verdict *verdict_out) {
    progress *at = progress_new();
    in_child(run_one, s, voice, at, verdict_out);
    munmap(at, sizeof *at);
}

typedef struct seeds {
    const game_ops *game;
    uint64_t first, last;
    int count;
} seeds;

static void run_seeds(const void *what, bool traced, progress *at) {
    static scenario s; /* large */
    const seeds *all = what;
    for (at->seed = all->first; at->seed <= all->last; at->seed++) {
        scenario_random(&s, all->game, at->seed, all->count);
        play_scenario(&s, traced, at);
    }
}

uint64_t trial_seeds(const game_ops *game, uint64_t first, uint64_t last, int count,
                     verdict *verdict_out) {
    progress *at = progress_new();
    in_child(run_seeds, &(seeds){game, first, last, count}, TRIAL_QUIET, at, verdict_out);
    uint64_t seed = at->seed;
    munmap(at, sizeof *at);
    return seed;
}
