/*
 * A turn of a loop of libuv that has nothing to do, beside timers that are not due.
 */
#include "limit.h"

#include <uv.h>

#include <stdlib.h>

static void never(uv_timer_t *timer) {
    (void)timer;
}

void limit_step(const limit_ask *ask, int size) {
    if (!limit_wants(ask, "still"))
        return;
    int count = limit_count(ask, 1000000, 100);
    uv_timer_t *timers = limit_alloc(size, sizeof *timers);
    uv_loop_t loop;
    uv_loop_init(&loop);
    for (int i = 0; i < size; i++) {
        uv_timer_init(&loop, &timers[i]);
        uv_timer_start(&timers[i], never, 3600000, 0);
    }
    double begun = limit_now_ms();
    for (int i = 0; i < count; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    limit_figure(ask, "still", size, (limit_now_ms() - begun) / count * 1e6, "ns");
    for (int i = 0; i < size; i++)
        uv_close((uv_handle_t *)&timers[i], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(timers);
}
