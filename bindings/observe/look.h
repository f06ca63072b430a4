/* Looking in: what the functions of dynsup.observer share. */
#ifndef DSL_LOOK_H
#define DSL_LOOK_H

#include "bindings/binding.h"
#include "core/dynsup_look.h"

/* ---- info.c ---- */

/* The process's own bytes, roughly: the core's, and its coroutine's stacks. */
size_t dsl_process_memory(const dynsup_process_info *info);

/* Pushes, as a table, what is known of a process at no cost; and the same with its traceback and up
 * to max of its links and monitors. False, nothing pushed, for a dead one. [-0, +0|1] */
bool dsl_row_push(lua_State *L, dsl_host *host, dynsup_pid pid);
bool dsl_info_push(lua_State *L, dsl_host *host, dynsup_pid pid, size_t max);

/* ---- children.c ---- */

typedef struct dsl_cursor dsl_cursor;

/* Pushes a cursor over a supervisor's children, as a userdata; the collector closes it. For a
 * supervisor that has ended (a finalizer may just have ended it) the cursor is at its end. Raises
 * without memory. [-0, +1] */
dsl_cursor *dsl_cursor_push(lua_State *L, dsl_host *host, dynsup_pid pid);

/* The next child of the cursor at the index; false after the last. Raises if it is no cursor. [-0,
 * +0] */
bool dsl_cursor_next(lua_State *L, int index, dynsup_child_info *child_out);

/* Closes all cursors of the host that are open. */
void dsl_cursors_close(dsl_host *host);

/* ---- the C half of dynsup.observer, by file ---- */
int dsl_look_dest(lua_State *L);
int dsl_look_children(lua_State *L);
int dsl_look_next_child(lua_State *L);
int dsl_look_child(lua_State *L);
int dsl_look_supervisor(lua_State *L);
int dsl_look_top(lua_State *L);
int dsl_look_top_walk(lua_State *L);
int dsl_look_top_rows(lua_State *L);
int dsl_look_wait(lua_State *L);
int dsl_look_waits(lua_State *L);
int dsl_look_requests(lua_State *L);

#endif
