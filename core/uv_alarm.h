/*
 * An alarm: ends a loop's poll at a time in ns. libuv's own timers know whole milliseconds.
 *
 * It is a help beside a timer of libuv's that comes later, and keeps no loop alive: an alarm that
 * is late, or rings for a time that nobody waits for any more, costs a turn of the loop. Where the
 * system has nothing finer (no timerfd), or no descriptor is left, there is none.
 */
#ifndef DSI_UV_ALARM_H
#define DSI_UV_ALARM_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef struct dsi_alarm {
    uv_poll_t poll; /* first: its callback finds the alarm */
    int fd;         /* -1: there is none */
    uint64_t set_ns;
} dsi_alarm;

/* False: there is none, and set does nothing. Else `poll` is an active handle of the loop, which
 * the caller closes before fini; its data is the caller's. */
bool dsi_alarm_init(dsi_alarm *alarm, uv_loop_t *loop);

/* Rings at this time of uv_hrtime, or at once when that is over; what was set before is off. */
void dsi_alarm_set(dsi_alarm *alarm, uint64_t time_ns);

void dsi_alarm_fini(dsi_alarm *alarm);

#endif
