/* The pump's first part: timers that are due by the host's time and by its clocks'. */
#include "host.h"

#include "delayed.h"
#include "life.h"
#include "limits.h"
#include "link.h"
#include "clock_step.h"

#define TIMERS_A_ROUND 64 /* between two looks at the run queue */

static void timer_fire(dynsup_host *host, dsi_timer *timer) {
    switch ((enum dsi_purpose)timer->purpose) {
    case DSI_PURPOSE_WAIT:
        dsi_process_ready(host, dsi_item(timer, dsi_process, timer), DYNSUP_WAKE_TIMEOUT);
        break;
    case DSI_PURPOSE_KILL: {
        dynsup_reason kill = dynsup_reason_atom(DYNSUP_KILL);
        dsi_signal(host, dsi_item(timer, dsi_process_extra, kill_timer)->process, 0, &kill,
                   DSI_SIGNAL_SENT);
        break;
    }
    case DSI_PURPOSE_SEND: {
        dsi_process *destination;
        dynsup_message *message =
            dsi_delayed_take(host, dsi_item(timer, dsi_delayed, timer), &destination);
        dsi_limits_post(host, destination, message);
        break;
    }
    case DSI_PURPOSE_CHILD: {
        dsi_child *child = dsi_item(timer, dsi_child_extra, timer)->child;
        dsi_life_timer(child->supervisor, child);
        break;
    }
    case DSI_PURPOSE_DEADLINE:
        dsi_limits_deadline(dsi_item(timer, dsi_limited, deadline));
        break;
    case DSI_PURPOSE_HALT:
        dsi_halt_timeout(host);
        break;
    case DSI_PURPOSE_CLOCK: /* see dsi_host_fire_timers */
        break;
    }
}

/* Fires up to *left timers that are due, counting *left down; the rest wait for the next round. */
static void clock_fire(dynsup_host *host, dsi_clock *clock, uint64_t host_ns, int *left) {
    while (*left > 0) {
        dsi_timer *timer = dsi_clock_expired(clock, host_ns);
        if (!timer)
            return;
        timer_fire(host, timer);
        --*left;
    }
    dsi_clock_arm(clock);
}

bool dsi_host_fire_timers(dynsup_host *host) {
    for (int left = TIMERS_A_ROUND; left > 0; left--) {
        dsi_timer *timer = dsi_timers_expired(&host->timers, host->now_ns);
        if (!timer)
            return false;
        if (timer->purpose == DSI_PURPOSE_CLOCK)
            clock_fire(host, dsi_item(timer, dsi_clock, wake), timer->deadline_ns, &left);
        else
            timer_fire(host, timer);
    }
    return true;
}

void dsi_host_step_clocks(dynsup_host *host) {
    dsi_node *node = dsi_list_first(&host->steppers);
    while (node) {
        dsi_node *next = dsi_list_next(&host->steppers, node);
        dsi_clock *clock = dsi_item(node, dsi_clock, stepping);
        int left = TIMERS_A_ROUND;
        while (left > 0 && dsi_clock_step_go(clock))
            clock_fire(host, clock, host->now_ns, &left);
        node = next;
    }
}
