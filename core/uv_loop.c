/* A libuv loop that outlives the runners on it, and is closed with whatever was left in it. */
#include "dynsup_uv.h"

#include <stdlib.h>
#include <uv.h>

struct uv_loop_s *dynsup_uv_loop_new(void) {
    uv_loop_t *loop = malloc(sizeof *loop);
    if (loop && uv_loop_init(loop)) {
        free(loop);
        return NULL;
    }
    return loop;
}

static void close_handle(uv_handle_t *handle, void *ud) {
    (void)ud;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void dynsup_uv_loop_close_handles(struct uv_loop_s *loop) {
    uv_walk(loop, close_handle, NULL);
    uv_run(loop, UV_RUN_NOWAIT); /* closes; does not wait for work in threads */
}

void dynsup_uv_loop_finish(struct uv_loop_s *loop) {
    uv_run(loop, UV_RUN_DEFAULT);
}

void dynsup_uv_loop_free(struct uv_loop_s *loop) {
    if (!loop)
        return;
    dynsup_uv_loop_close_handles(loop);
    if (uv_loop_close(loop) == 0) /* else it is still in use: better leaked than freed */
        free(loop);
}
