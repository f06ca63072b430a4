/*
 * The stage: a worker in C to which the workers in Lua send what is to be shown. Its messages:
 *
 *   "show", pid, kind, x, y, looks_left [, text]    the creature is there, and says that
 *   "watch", pid                                    it wants to know where the lamp is:
 *                                                   it gets "lamp", x, y
 *   "news", text
 *   "reloaded", what, count                         new code for that many children
 *   "refused", what, why                            new code that was of no use
 */
#ifndef STAGE_H
#define STAGE_H

#include "world.h"

#include <dynsup/dynsup_lua.h>

typedef struct stage {
    world *world;
    uint64_t reloads; /* how often there was new code */
    uint64_t refused; /* and how often it was of no use */
} stage;

/* A worker's kind, whose argument is a stage. */
extern const dynsup_lua_worker_ops stage_ops;

/* Tells the creature where the lamp is. */
void stage_tell_lamp(dynsup_lua_host *host, const world *w, const creature *c);

#endif
