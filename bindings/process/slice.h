/* Slices that go on although they were asked to give way, and how a child's max_slice ends them. */
#ifndef DSL_SLICE_H
#define DSL_SLICE_H

#include "bindings/binding.h"

/* Notes that the running slice has been asked to give way: now, unless it was asked before. Safe in
 * a signal handler of the host's thread. */
void dsl_slice_asked(dsl_host *host);

/* For a hook, in a slice that has been asked: has it gone on for longer than its child may? Then
 * the process is doomed, if it was not before, and true says that the running code is to be left:
 * by a yield or, where it cannot yield, by dsl_slice_unwind. */
bool dsl_slice_exceeds(dsl_host *host);

/* Has the slice exceeded its limit already? */
bool dsl_slice_unwinds(const dsl_host *host);

/* Raises, and makes the hook raise again at every instruction: no pcall outlasts that. */
_Noreturn void dsl_slice_unwind(lua_State *L, dsl_host *host, lua_Hook hook);

#endif
