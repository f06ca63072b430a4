/*
 * The door: a worker in C by which the scripts reach the program. They send
 *
 *   "order", n         n lines may be brought, those included that were ordered before
 *   "print", text      for standard output
 *   "finish"           everything is done
 *
 * and the desk gets "line", text and, after the last one or when the user wants to end, "end".
 */
#ifndef DOOR_H
#define DOOR_H

#include <dynsup/dynsup_lua.h>

typedef struct door {
    uint64_t ordered; /* lines that may still be brought */
    bool is_ended;    /* the desk knows that there are no further lines */
    bool is_finished;
    bool has_failed; /* nobody is left to do the work */
} door;

/* A worker's kind, whose argument is a door. */
extern const dynsup_lua_worker_ops door_ops;

/* Tells the desk a line, which must have been ordered; or that there is none any more. False: there
 * is no memory or no desk at the moment. */
bool door_bring(door *d, dynsup_lua_host *host, const char *line, size_t size);
bool door_end(door *d, dynsup_lua_host *host);

#endif
