/* The Lua half of the library, compiled in: the table is made from scripts/ by the build. */
#ifndef DSL_SCRIPTS_H
#define DSL_SCRIPTS_H

#include <stddef.h>

struct dsl_script {
    const char *name; /* of the module: "dynsup.log" */
    const char *text; /* its source; a zero byte follows */
    size_t size;      /* of the text, in bytes, without that zero */
};

/* In the order of their names; ends with a script whose name is NULL. */
extern const struct dsl_script dsl_scripts[];

#endif
