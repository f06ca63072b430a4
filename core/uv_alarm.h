/*
 * An alarm: ends a loop's poll at a time in ns. libuv's own timers know whole milliseconds.
 *
 * An alarm helps a timer of libuv's that comes later, and does not keep a loop alive: an alarm that
 * is late, or is not needed any more, costs one turn of the loop. Without timerfd or a free
 * descriptor there is no alarm.
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

/* Sets the alarm to this time of uv_hrtime, in place of the time set before; a past time rings at
 * once. */
void dsi_alarm_set(dsi_alarm *alarm, uint64_t time_ns);

void dsi_alarm_fini(dsi_alarm *alarm);

#endif
