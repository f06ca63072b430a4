/* How long code may run that is called between slices and that nobody can interrupt: callbacks of
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

/* Until callback_end an error ends what L runs once it has taken a second: of real time or, if it
 * counts, of instructions. No pcall outlasts that. Inside of a callback it is that one's second. */
void dsl_callback_begin(lua_State *L, dsl_runtime *runtime, bool counts,
                        dsl_callback_frame *frame_out);
void dsl_callback_end(dsl_runtime *runtime, const dsl_callback_frame *frame);

/* Does the code that runs belong to a callback, and has that taken its second? */
bool dsl_in_callback(const dsl_runtime *runtime);
bool dsl_callback_is_over(const dsl_runtime *runtime);

/* Before and after code of a callback, if it is such code, runs something on another coroutine: its
 * second is that one's too. */
void dsl_callback_enter(dsl_runtime *runtime, lua_State *co, dsl_level *user_out);
void dsl_callback_leave(const dsl_level *user);

#endif
