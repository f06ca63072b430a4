/* How long code may run that is called between slices, where it cannot be preempted: callbacks of
 * luv, log functions. */
#ifndef DSL_CALLBACK_H
#define DSL_CALLBACK_H

#include "bindings/binding.h"

/* What there was when a callback began. */
typedef struct dsl_callback_frame {
    dsl_level user;                 /* the hook of its thread */
    struct dsl_callback_time outer; /* the callback that it runs inside of */
    dsl_host *held;                 /* does not preempt meanwhile; or NULL */
} dsl_callback_frame;

/* Until callback_end, what L runs is ended by an error once it has taken a second: of real time or,
 * with `counts`, of instructions. No pcall outlasts that. A callback inside another shares the
 * outer one's second. */
void dsl_callback_begin(lua_State *L, dsl_runtime *runtime, bool counts,
                        dsl_callback_frame *frame_out);
void dsl_callback_end(dsl_runtime *runtime, const dsl_callback_frame *frame);

/* Does the running code belong to a callback? Has that callback taken its second? */
bool dsl_in_callback(const dsl_runtime *runtime);
bool dsl_callback_is_over(const dsl_runtime *runtime);

/* Around running another coroutine: if the code that does so belongs to a callback, the callback's
 * second limits that coroutine, too. */
void dsl_callback_enter(dsl_runtime *runtime, lua_State *co, dsl_level *user_out);
void dsl_callback_leave(const dsl_level *user);

#endif
