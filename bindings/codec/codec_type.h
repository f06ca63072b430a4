/* Types that travel by a name: the __pack of a metatable, and what is registered for a name. */
#ifndef DSL_CODEC_TYPE_H
#define DSL_CODEC_TYPE_H

#include "bindings/host.h"

/* Replaces the metatable on top by its field __pack, raw, and returns the field's type. Allocates
 * nothing. [-1, +1] */
int dsl_type_pack_push(lua_State *L);

/* Replaces the metatable on top by its field __name, raw. Allocates nothing. [-1, +1] */
int dsl_type_name_push(lua_State *L);

/* Pushes what is registered for the name at the index: a metatable, a function, or nil. [-0, +1] */
int dsl_type_find(lua_State *L, int name);

/* Registers the value on top for the name below it; nil: removes the registration. Raises without
 * memory. [-2, +0] */
void dsl_type_set(lua_State *L, const dsl_runtime *runtime);

/* What dsl_codec_prepare keeps of each value, in a table. */
enum { DSL_PREPARED_NAME = 1, DSL_PREPARED_VALUE };

#endif
