/* Tests of the lifecycle table. */
#include "test_support.h"

#include "lifecycle.h"

static bool possible(enum dsi_child_state state, enum dsi_child_event event) {
    dsi_transition to = dsi_lifecycle(state, event);
    return to.state != state || to.action != DSI_DO_NOTHING;
}

static void each_state_knows_the_events_that_can_happen_in_it(void **state) {
    (void)state;
    static const char *const expected[DSI_CHILD_STATE_COUNT] = {
        /* ready, timeout, exit, fail, retry, started, failed, ignored, exhaust, revive, renew,
           terminate */
        [DSI_CHILD_STARTING] = "YYYY-------Y",   [DSI_CHILD_RUNNING] = "-YYY------YY",
        [DSI_CHILD_RESTARTING] = "----YYYYY--Y", [DSI_CHILD_STOPPING] = "--YY--------",
        [DSI_CHILD_RENEWING] = "-YYY-------Y",   [DSI_CHILD_FAILED] = "-----YYY-Y-Y",
        [DSI_CHILD_GONE] = "------------"};
    for (int s = 0; s < DSI_CHILD_STATE_COUNT; s++) {
        for (int e = 0; e < DSI_CHILD_EVENT_COUNT; e++) {
            assert_int_equal(possible((enum dsi_child_state)s, (enum dsi_child_event)e),
                             expected[s][e] == 'Y');
        }
    }
}

static void a_process_that_has_ended_leaves_the_running_states(void **state) {
    (void)state;
    for (int s = 0; s < DSI_CHILD_STATE_COUNT; s++) {
        for (int e = DSI_ON_EXIT; e <= DSI_ON_FAIL; e++) {
            dsi_transition to = dsi_lifecycle((enum dsi_child_state)s, (enum dsi_child_event)e);
            assert_true(to.state == DSI_CHILD_RESTARTING || to.state == DSI_CHILD_GONE ||
                        to.state == DSI_CHILD_FAILED);
        }
    }
}

static void restart_types_decide_what_an_exit_means(void **state) {
    (void)state;
    for (int class = DYNSUP_REASON_OTHER; class <= DYNSUP_REASON_KILL; class ++) {
        enum dynsup_reason_class reason = (enum dynsup_reason_class) class;
        bool abnormal = reason == DYNSUP_REASON_OTHER || reason == DYNSUP_REASON_KILL;
        assert_int_equal(dsi_lifecycle_exit(DYNSUP_PERMANENT, reason), DSI_ON_FAIL);
        assert_int_equal(dsi_lifecycle_exit(DYNSUP_TEMPORARY, reason), DSI_ON_EXIT);
        assert_int_equal(dsi_lifecycle_exit(DYNSUP_TRANSIENT, reason),
                         abnormal ? DSI_ON_FAIL : DSI_ON_EXIT);
        assert_true(dsi_lifecycle_reported(DYNSUP_PERMANENT, reason));
        assert_int_equal(dsi_lifecycle_reported(DYNSUP_TEMPORARY, reason), abnormal);
        assert_int_equal(dsi_lifecycle_reported(DYNSUP_TRANSIENT, reason), abnormal);
    }
}

static void an_end_that_was_asked_for_is_reported_when_it_is_another(void **state) {
    (void)state;
    dynsup_reason normal = dynsup_reason_atom(DYNSUP_NORMAL);
    dynsup_reason shutdown = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    dynsup_reason killed = dynsup_reason_atom(DYNSUP_KILLED);
    dynsup_reason noproc = dynsup_reason_atom(DYNSUP_NOPROC);
    double brutal = DYNSUP_SHUTDOWN_BRUTAL_KILL;
    assert_false(dsi_lifecycle_stop_reported(DYNSUP_PERMANENT, 5000, &shutdown));
    assert_true(dsi_lifecycle_stop_reported(DYNSUP_PERMANENT, 5000, &normal));
    assert_false(dsi_lifecycle_stop_reported(DYNSUP_TEMPORARY, 5000, &normal));
    assert_true(dsi_lifecycle_stop_reported(DYNSUP_TRANSIENT, 5000, &killed));
    assert_false(dsi_lifecycle_stop_reported(DYNSUP_PERMANENT, brutal, &killed));
    assert_true(dsi_lifecycle_stop_reported(DYNSUP_PERMANENT, brutal, &shutdown));
    assert_false(dsi_lifecycle_stop_reported(DYNSUP_TRANSIENT, brutal, &shutdown));
    assert_false(dsi_lifecycle_stop_reported(DYNSUP_TEMPORARY, brutal, &normal));
    assert_true(dsi_lifecycle_stop_reported(DYNSUP_TEMPORARY, brutal, &noproc));
}

static void all_have_texts(void **state) {
    (void)state;
    for (int s = 0; s < DSI_CHILD_STATE_COUNT; s++)
        assert_true(strlen(dsi_child_state_text((enum dsi_child_state)s)) > 0);
    for (int e = 0; e < DSI_CHILD_EVENT_COUNT; e++)
        assert_true(strlen(dsi_child_event_text((enum dsi_child_event)e)) > 0);
    for (int a = 0; a < DSI_CHILD_ACTION_COUNT; a++)
        assert_true(strlen(dsi_child_action_text((enum dsi_child_action)a)) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_knows_the_events_that_can_happen_in_it),
        cmocka_unit_test(a_process_that_has_ended_leaves_the_running_states),
        cmocka_unit_test(restart_types_decide_what_an_exit_means),
        cmocka_unit_test(an_end_that_was_asked_for_is_reported_when_it_is_another),
        cmocka_unit_test(all_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
