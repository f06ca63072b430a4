/*
 * What the public headers share: how their functions are declared, and the types that the core's
 * lowest layers have in common with its users.
 */
#ifndef DYNSUP_BASE_H
#define DYNSUP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Put around the declarations of a public header: C linkage in C++, and functions that a shared
 * library exports, however the rest is compiled. Only what is declared between them is exported.
 */
#ifdef __cplusplus
#define DYNSUP_DECLARATIONS_BEGIN                                                                  \
    extern "C" {                                                                                   \
    _Pragma("GCC visibility push(default)")
#define DYNSUP_DECLARATIONS_END                                                                    \
    _Pragma("GCC visibility pop")                                                                  \
    }
#else
#define DYNSUP_DECLARATIONS_BEGIN _Pragma("GCC visibility push(default)")
#define DYNSUP_DECLARATIONS_END   _Pragma("GCC visibility pop")
#endif

DYNSUP_DECLARATIONS_BEGIN

#define DYNSUP_NEVER UINT64_MAX /* a deadline that never comes, in ns */

/*
 * An allocator with the contract of lua_Alloc: nsize 0 frees ptr and returns NULL; otherwise the
 * block is made (ptr NULL) or resized, and NULL means failure, with ptr untouched. Shrinking must
 * not fail. osize is the size ptr was obtained with.
 */
typedef void *(*dynsup_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);

/* How long a restart waits, as in a child spec; times in milliseconds. */
typedef struct dynsup_backoff {
    double min_ms;         /* > 0, finite */
    double max_ms;         /* >= min_ms, finite */
    double factor;         /* >= 1, finite */
    double jitter;         /* 0..1: a delay d becomes one of [d - jitter*d, d + jitter*d] */
    double reset_after_ms; /* a life of this length ends the series; >= 0, may be infinite */
} dynsup_backoff;

/* The defaults of a child spec: 100 ms to 30 s, doubled, 10 % jitter, reset after max. */
dynsup_backoff dynsup_backoff_defaults(void);

/* True when every field is in its range. */
bool dynsup_backoff_valid(const dynsup_backoff *config);

DYNSUP_DECLARATIONS_END

#endif
