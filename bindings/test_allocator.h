/* An allocator for tests, of lua_newstate's kind, which fails on demand. */
#ifndef DSL_TEST_ALLOCATOR_H
#define DSL_TEST_ALLOCATOR_H

#include <stddef.h>

typedef struct dsl_test_allocator {
    long requests; /* for more memory, so far */
    long fail_at;  /* 0: none */
    long failures; /* how many in a row */
    long refused;
    long in_use; /* bytes */
} dsl_test_allocator;

/* ud is the dsl_test_allocator. */
void *dsl_test_allocate(void *ud, void *block, size_t old_size, size_t size);

#endif
