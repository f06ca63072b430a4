/* Fields of a table for Lua: each function sets one of the table on top. [-0, +0] */
#ifndef DSL_FIELD_H
#define DSL_FIELD_H

#include "bindings/host.h"

/* A text that ends with a zero byte, or has a length; NULL: there is no such field. */
void dsl_field_text(lua_State *L, const char *field, const char *text);
void dsl_field_bytes(lua_State *L, const char *field, const char *text, size_t length);

/* A pid or ref; 0: there is no such field. */
void dsl_field_pid(lua_State *L, const char *field, dynsup_pid pid);

/* A value of the core's; nil: there is no such field. */
void dsl_field_value(lua_State *L, dsl_host *host, const char *field, const dynsup_value *value);

/* At most Lua's greatest integer. */
void dsl_field_integer(lua_State *L, const char *field, uint64_t value);

/* The same, but none that is greater, as DYNSUP_NO_LIMIT is: there is no such field. */
void dsl_field_limit(lua_State *L, const char *field, uint64_t value);

void dsl_field_number(lua_State *L, const char *field, double value);
void dsl_field_flag(lua_State *L, const char *field, bool value);

/* How a child is stopped: its field "shutdown". */
void dsl_field_shutdown(lua_State *L, double ms);

#endif
