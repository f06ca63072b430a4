/*
 * Hosts on a libuv loop for the tests: bodies written in C, and a runner with its host. To be
 * included first: it brings cmocka with it.
 */
#ifndef DSI_TEST_UV_H
#define DSI_TEST_UV_H

#include "core/dynsup_uv.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

#define MS_NS UINT64_C(1000000)

/* A body whose slices are calls of act. */
struct actor {
    enum dynsup_slice (*act)(struct actor *actor, dynsup_host *host, enum dynsup_wake wake);
    dynsup_pid pid;
    volatile sig_atomic_t preempted; /* how often it was asked to end its slice */
    volatile sig_atomic_t patience;  /* how often it must be asked */
    uint64_t duration_ns;
    uint64_t deadline_ns;
    unsigned slices;
    bool done;
    uv_handle_t *handle; /* to be closed by it */
};

/* Waits for a message, then closes its handle, if any: what an actor may do. */
enum dynsup_slice listen_once(struct actor *actor, dynsup_host *host, enum dynsup_wake wake);

/* Always ready, until it is done. */
enum dynsup_slice bustle(struct actor *actor, dynsup_host *host, enum dynsup_wake wake);

/* Sleeps for duration_ns, once. */
enum dynsup_slice nap(struct actor *actor, dynsup_host *host, enum dynsup_wake wake);

/* A runner and its host. */
struct place {
    dynsup_uv *uv;
    dynsup_host *host;
    struct actor *listener; /* the receiver of callbacks' messages */
    int signum;             /* the last signal seen */
    unsigned stuck_count;
    uint64_t stuck_ns;
};

/* False when something cannot be made. */
bool place_open(struct place *place, const dynsup_uv_config *config);
void place_close(struct place *place);

/* Opens it with another handle in its loop, which keeps the loop going until it is closed. */
void place_open_with(struct place *place, uv_async_t *foreign);

/* Spawns the actor as a process; false without memory. */
bool add(struct place *place, struct actor *actor);

/* Sends it a message. */
void tell(struct place *place, struct actor *actor);

#endif
