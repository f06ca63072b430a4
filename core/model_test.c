/*
 * Random operations on a host and on the reference model: both must agree after each.
 *
 * model_test [SEED [RUNS [OPERATIONS]]], or DYNSUP_MODEL_SEED, DYNSUP_MODEL_RUNS and
 * DYNSUP_MODEL_OPERATIONS: for longer campaigns, or for one seed again. A difference prints the
 * seed and what was done; DYNSUP_MODEL_TRACE=1 prints everything as it is done.
 */
#include "test_play.h"

static test_play play;
static uint64_t first_seed = 1;
static int runs = 320, operations = 320;

static void run_seed(uint64_t seed) {
    test_host host;
    assert_true(test_host_init(&host, 0, false));
    play_init(&play, &host, seed);
    for (int i = 0; i < operations && model_has_room(&play.model); i++) {
        play_operation(&play);
        test_run(&host);
        model_run(&play.model);
        play_compare(&play);
    }
    play_plans_free(&play);
    test_host_fini(&host);
}

static void random_operations_agree_with_the_model(void **state) {
    (void)state;
    for (int i = 0; i < runs; i++) {
        uint64_t seed = first_seed + (uint64_t)i;
        if (play.tracing)
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        run_seed(seed);
    }
}

static unsigned long long setting(int argc, char **argv, int at, const char *name,
                                  unsigned long long otherwise) {
    const char *text = argc > at ? argv[at] : getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    first_seed = setting(argc, argv, 1, "DYNSUP_MODEL_SEED", 1);
    runs = (int)setting(argc, argv, 2, "DYNSUP_MODEL_RUNS", argc > 1 ? 1 : 320);
    operations = (int)setting(argc, argv, 3, "DYNSUP_MODEL_OPERATIONS", 320);
    play.tracing = getenv("DYNSUP_MODEL_TRACE") != NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
