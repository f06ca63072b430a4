/* C workers: bodies of processes that are the program's functions. */
#ifndef DSL_WORKER_H
#define DSL_WORKER_H

#include "bindings/binding.h"

/* Pushes a value that stands for workers of this kind: what a spec's `body` may be. arg changes
 * hands, also when it raises (without memory). [-0, +1] */
void dsl_worker_kind_push(lua_State *L, const dynsup_lua_worker_ops *ops, void *arg);

/* The name of the kind, if the value at the index is one whose argument has not been dropped; else
 * NULL. [-0, +0] */
const char *dsl_worker_name(lua_State *L, int index);

/* A body of the kind at the index; that many slots of the vault stay reserved beside. Raises
 * without memory, and when the argument has been dropped. [-0, +0] */
dynsup_lua_worker *dsl_worker_new(lua_State *L, dsl_host *host, int index, uint32_t slots);

extern const dynsup_body_ops dsl_worker_body_ops;

#endif
