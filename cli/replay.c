/*
 * Runs that can be replayed: keeps the influence of the machine out of a run on a virtual clock.
 *
 * Design notes.
 * Lua shuffles its tables by a seed for the hashes of strings and by addresses, so that the order
 * of pairs, and texts such as "table: 0x55d2f200e080", differ from process to process. The seed is
 * made of the time and of three addresses: of the state, of a function and of a variable on the
 * stack. A process can ask the system for the same addresses each time (its personality), which
 * takes effect at an exec: so the program executes itself again. The stack's addresses would still
 * depend on the environment; so the state is made by a thread whose stack is a variable of the
 * program, and meanwhile time() is 0 (the linker replaces it by __wrap_time). If the system refuses
 * (a container may), everything else is still the same, except such orders.
 */
#define _GNU_SOURCE /* personality */

#include "cli/cli.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <string.h>
#include <sys/personality.h>
#include <time.h>
#include <unistd.h>

#define ASKS       0xffffffffu /* in place of a personality: returns the current one */
#define PAGE       4096
#define STACK_SIZE (64 * PAGE)

static bool time_stands;

time_t __real_time(time_t *out);
time_t __wrap_time(time_t *out);

time_t __wrap_time(time_t *out) {
    if (!time_stands)
        return __real_time(out);
    if (out)
        *out = 0;
    return 0;
}

void cli_replay_enter(char **argv) {
    int now = personality(ASKS);
    if (now != -1 && (now & ADDR_NO_RANDOMIZE))
        return;
    if (now != -1 && personality((unsigned long)now | ADDR_NO_RANDOMIZE) != -1)
        execv("/proc/self/exe", argv);
    cli_say(
        "the system does not let addresses be the same in each run (%s): the order of pairs may "
        "differ",
        strerror(errno));
}

static void *newstate(void *out) {
    *(lua_State **)out = dynsup_lua_newstate();
    return NULL;
}

lua_State *cli_replay_newstate(void) {
    static alignas(PAGE) char stack[STACK_SIZE];
    lua_State *L = NULL;
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, sizeof stack);
    time_stands = true;
    if (pthread_create(&thread, &attributes, newstate, &L) == 0)
        pthread_join(thread, NULL);
    time_stands = false;
    pthread_attr_destroy(&attributes);
    return L;
}
