/* Clocks that stand still or jump: a host whose time is the program's. */
#include "bindings/test_embed.h"

#define YEAR_NS (UINT64_C(365) * 24 * 3600 * 1000000000)

/* A worker that counts its wake-ups, a child that is restarted with a delay, a message in an hour.
 */
static const char code[] =
    "local d = require 'dynsup'\n"
    "woken, started, told = 0, 0, 0\n"
    "d.spawn(function() while true do d.sleep(1) woken = woken + 1 end end)\n"
    "local sup = d.start_link { max_restarts = 1 }\n"
    "d.start_child(sup, { backoff = true, body = function()\n"
    "  started = started + 1\n"
    "  if started == 1 then error {} end\n"
    "  d.receive()\n"
    "end })\n"
    "d.send_after(3600000, d.self(), 'tell')\n"
    "d.receive()\n"
    "told = 1\n"
    "d.receive()";

static void time_that_stands_still_wakes_nobody(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, code);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(dsl_test_step(&t, NULL), DYNSUP_WAITING);
    assert_int_equal(dsl_test_global(&t, "woken"), 0);
    assert_int_equal(dsl_test_global(&t, "started"), 1);
    dsl_test_do(&t, "require('dynsup').spawn(function() ran = 1 end)");
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "ran"), 1);
    dsl_test_embed_close(&t);
}

static void a_jump_by_a_year_wakes_everybody_once(void **state) {
    (void)state;
    dsl_test_embed t;
    uint64_t deadline_ns;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, code);
    t.now_ns += YEAR_NS;
    assert_int_equal(dsl_test_step(&t, &deadline_ns), DYNSUP_WAITING);
    assert_int_equal(dsl_test_global(&t, "woken"), 1);
    assert_int_equal(dsl_test_global(&t, "started"), 2);
    assert_int_equal(dsl_test_global(&t, "told"), 1);
    assert_true(deadline_ns > t.now_ns && deadline_ns <= t.now_ns + 1000000);
    t.now_ns += 999999; /* not before its time, although a year is much for a double */
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "woken"), 1);
    t.now_ns += 1;
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "woken"), 2);
    dsl_test_embed_close(&t);
}

static void the_end_of_time_is_no_end_of_the_host(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, code);
    t.now_ns = UINT64_MAX - 1000;
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "woken"), 1);
    assert_int_equal(dsl_test_global(&t, "told"), 1);
    dsl_test_embed_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_that_stands_still_wakes_nobody),
        cmocka_unit_test(a_jump_by_a_year_wakes_everybody_once),
        cmocka_unit_test(the_end_of_time_is_no_end_of_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
