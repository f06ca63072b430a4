/*
 * Random operations on a host and on the reference model: both must agree after each.
 * tools/campaign does the same at length, and prints what a seed does: campaign --seed N --once.
 */
#include "test_play.h"

enum { RUNS = 200, OPERATIONS = 300 };

static test_play play;

static void run_seed(uint64_t seed) {
    test_host host;
    assert_true(test_host_init(&host, 0, false));
    play_init(&play, &host);
    for (int i = 0; i < OPERATIONS; i++) {
        play_op op = play_op_random(&seed);
        if (!play_run(&play, &op))
            break;
    }
    play_end(&play);
    test_host_fini(&host);
}

static void random_operations_agree_with_the_model(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        print_message("seed %d\n", (int)seed);
        run_seed(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
