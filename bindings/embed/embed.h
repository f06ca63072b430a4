/* What the files of the C interface share: calls into Lua from outside. */
#ifndef DSL_EMBED_H
#define DSL_EMBED_H

#include "bindings/embed/misuse.h"

/* Calls fn protected, on the host's own thread: its first argument is ud (a light userdata), then
 * the count values on top of L. 0, or a code: DYNSUP_ENOMEM, or DYNSUP_EREASON for another error,
 * whose text the host keeps. [-count, +0] */
int dsl_embed_call(dsl_host *host, lua_State *L, int count, lua_CFunction fn, void *ud);

/* The same for a function that calls no code of the program's, with so many results: it fails only
 * for want of memory or of stack space, and no text is kept. [-count, +results if 0] */
int dsl_embed_make(dsl_host *host, lua_State *L, int count, int results, lua_CFunction fn,
                   void *ud);

/* Keeps the value at the index as the text of the last failure. Never raises. [-0, +0] */
void dsl_embed_note(dsl_host *host, lua_State *L, int index);

/* The code whose text is the string at the index; DYNSUP_EREASON: there is none. */
int dsl_embed_code(lua_State *L, int index);

/* Pushes a function of the module. Raises without memory. [-0, +1] */
void dsl_embed_function(lua_State *L, dsl_host *host, const luaL_Reg *functions, const char *name);

#endif
