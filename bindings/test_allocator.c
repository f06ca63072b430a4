/* An allocator that fails on demand. */
#include "bindings/test_allocator.h"

#include <stdbool.h>
#include <stdlib.h>

static bool refuses(dsl_test_allocator *a) {
    a->requests++;
    bool refused =
        a->fail_at && a->requests >= a->fail_at && a->requests < a->fail_at + a->failures;
    a->refused += refused;
    return refused;
}

void *dsl_test_allocate(void *ud, void *block, size_t old_size, size_t size) {
    dsl_test_allocator *a = ud;
    if (!block)
        old_size = 0; /* there Lua passes the kind of object */
    if (size > old_size && refuses(a))
        return NULL;
    a->in_use += (long)size - (long)old_size;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}
