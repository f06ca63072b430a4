/* The bodies and runners of the tests on a libuv loop. */
#include "core/test_uv.h"

static enum dynsup_slice actor_step(void *body, dynsup_host *host, dynsup_pid self,
                                    enum dynsup_wake wake, dynsup_outcome *outcome) {
    struct actor *actor = body;
    (void)self;
    actor->slices++;
    enum dynsup_slice slice = actor->act(actor, host, wake);
    if (slice == DYNSUP_SLICE_EXIT) {
        actor->done = true;
        outcome->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    }
    return slice;
}

static void actor_fini(void *body) {
    (void)body; /* the test's own */
}

static void actor_preempt(void *body) {
    ((struct actor *)body)->preempted++;
}

static const dynsup_body_ops actor_ops = {
    .name = "actor", .step = actor_step, .fini = actor_fini, .preempt = actor_preempt};

enum dynsup_slice bustle(struct actor *actor, dynsup_host *host, enum dynsup_wake wake) {
    (void)host, (void)wake;
    return actor->done ? DYNSUP_SLICE_EXIT : DYNSUP_SLICE_AGAIN;
}

enum dynsup_slice nap(struct actor *actor, dynsup_host *host, enum dynsup_wake wake) {
    if (wake == DYNSUP_WAKE_TIMEOUT)
        return DYNSUP_SLICE_EXIT;
    actor->deadline_ns = uv_hrtime() + actor->duration_ns;
    dynsup_wait_time(host, actor->deadline_ns);
    return DYNSUP_SLICE_WAIT;
}

enum dynsup_slice listen_once(struct actor *actor, dynsup_host *host, enum dynsup_wake wake) {
    if (wake == DYNSUP_WAKE_FIRST) {
        dynsup_wait_message(host, 0, DYNSUP_NEVER);
        return DYNSUP_SLICE_WAIT;
    }
    if (actor->handle)
        uv_close(actor->handle, NULL);
    return DYNSUP_SLICE_EXIT;
}

bool place_open(struct place *place, const dynsup_uv_config *config) {
    place->uv = dynsup_uv_new(config, NULL);
    if (place->uv == NULL)
        return false;
    dynsup_host_config host_config = {.port = dynsup_uv_port(place->uv), .port_ud = place->uv};
    place->host = dynsup_host_new(&host_config);
    if (place->host)
        dynsup_uv_attach(place->uv, place->host);
    return place->host != NULL;
}

void place_open_with(struct place *place, uv_async_t *foreign) {
    assert_true(place_open(place, &(dynsup_uv_config){0}));
    assert_int_equal(uv_async_init(dynsup_uv_loop(place->uv), foreign, NULL), 0);
}

void place_close(struct place *place) {
    dynsup_host_free(place->host);
    dynsup_uv_free(place->uv);
}

bool add(struct place *place, struct actor *actor) {
    return dynsup_spawn(place->host, &actor_ops, actor, NULL, &actor->pid) == 0;
}

void tell(struct place *place, struct actor *actor) {
    dynsup_value hello = {.kind = DYNSUP_BOOLEAN, .as.boolean = true};
    assert_int_equal(dynsup_send(place->host, actor->pid, &hello, 1), 0);
}
