/* An alarm: a timerfd that a loop polls. */
#include "uv_alarm.h"

#ifdef __linux__

#include <sys/timerfd.h>
#include <unistd.h>

#define SECOND_NS 1000000000u

/* Reading makes the descriptor quiet until the alarm is set again. */
static void on_ring(uv_poll_t *poll, int status, int events) {
    const dsi_alarm *alarm = (const dsi_alarm *)poll;
    uint64_t count;
    (void)status, (void)events;
    (void)!read(alarm->fd, &count, sizeof count);
}

static bool poll_begin(dsi_alarm *alarm, uv_loop_t *loop) {
    if (uv_poll_init(loop, &alarm->poll, alarm->fd))
        return false;
    uv_poll_start(&alarm->poll, UV_READABLE, on_ring); /* fails for closed handles alone */
    uv_unref((uv_handle_t *)&alarm->poll);
    return true;
}

bool dsi_alarm_init(dsi_alarm *alarm, uv_loop_t *loop) {
    alarm->set_ns = 0;
    alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); /* uv_hrtime's */
    if (alarm->fd >= 0 && !poll_begin(alarm, loop))
        dsi_alarm_fini(alarm);
    return alarm->fd >= 0;
}

void dsi_alarm_set(dsi_alarm *alarm, uint64_t time_ns) {
    if (alarm->fd < 0 || time_ns == alarm->set_ns)
        return;
    alarm->set_ns = time_ns;
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(time_ns / SECOND_NS),
                                         .tv_nsec = (long)(time_ns % SECOND_NS)}};
    timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void dsi_alarm_fini(dsi_alarm *alarm) {
    if (alarm->fd >= 0)
        close(alarm->fd);
    alarm->fd = -1;
}

#else

bool dsi_alarm_init(dsi_alarm *alarm, uv_loop_t *loop) {
    (void)loop;
    alarm->fd = -1;
    return false;
}

void dsi_alarm_set(dsi_alarm *alarm, uint64_t time_ns) {
    (void)alarm, (void)time_ns;
}

void dsi_alarm_fini(dsi_alarm *alarm) {
    (void)alarm;
}

#endif
