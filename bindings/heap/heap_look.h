/* What is shown of heaps. */
#ifndef DSL_HEAP_LOOK_H
#define DSL_HEAP_LOOK_H

#include "bindings/binding.h"

extern const luaL_Reg dsl_heap_functions[]; /* of the module */

/* Sets `heap` in the table on top: the number of the heap that the process's code is in; of one
 * without code in Lua nothing. Raises without memory. [-0, +0] */
void dsl_heap_field(lua_State *L, const dynsup_process_info *info);

/* Writes the traceback of a suspended body of another heap; cut to size, 0-terminated. */
void dsl_traceback_abroad(const dsl_body *body, char *text, size_t size);

#endif
