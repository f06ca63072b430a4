/* Names of processes as Lua gives them: a string, or { registry, key }. */
#ifndef DSL_NAME_H
#define DSL_NAME_H

#include "bindings/binding.h"

#define DSL_KEY_INLINE 80 /* longer texts are in a block that the collector owns */

/* A key of a registry as the core has it: any bytes, the same for keys that are rawequal. */
typedef struct dsl_key {
    const char *text;
    size_t length;
    char fixed[DSL_KEY_INLINE];
} dsl_key;

/* True when the value can be a key: not nil, not NaN. */
bool dsl_is_key(lua_State *L, int index);

/* The text of the key at the index, valid while that value and what is pushed are there. Raises
 * without memory. [-0, +0|1] */
void dsl_key_read(lua_State *L, int index, dsl_key *key);

/* Reads a pid, or the process with the registered name, at the index (0: there is none); false for
 * anything else. */
bool dsl_process_read(lua_State *L, const dsl_host *host, int index, dynsup_pid *pid_out);

/* The process at { registry, key }, the table at the index; 0: none. Raises for any other table. */
dynsup_pid dsl_check_entry(lua_State *L, const dsl_host *host, int index);

/* Is the value at the index a string that the core takes as a name unchanged? Then the text is that
 * string's. Any other value is for dsl_name_read. [-0, +0] */
bool dsl_name_is_plain(lua_State *L, int index, const char **text_out, size_t *length_out);

/* The name of something that is to be started, at the index, as the core wants it: its text is a
 * string that is pushed, also for what is no name (false). Raises without memory. [-0, +1] */
bool dsl_name_read(lua_State *L, int index, const char **text_out, size_t *length_out);

/* Pushes the key and the value of a name { registry, key [, value] }; nils for a string. [-0, +2]
 */
void dsl_name_values(lua_State *L, int index);

#endif
