/* Loads libcurl. */
#include "bindings/http/http_curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static const struct function {
    const char *name;
    size_t offset; /* in dsl_curl */
} functions[] = {
#define FUNCTION(name) {"curl_" #name, offsetof(dsl_curl, name)},
    DSL_CURL_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

/* The one library of the program: like the dynamic linker's own list, not the state of a host. */
static struct {
    pthread_once_t once;
    atomic_bool done;
    dsl_curl curl;
    char error[256];
} loaded = {.once = PTHREAD_ONCE_INIT};

static bool functions_find(void *library) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found) {
            snprintf(loaded.error, sizeof loaded.error, "%s is too old: it lacks %s", LIBRARY,
                     functions[i].name);
            return false;
        }
        memcpy((char *)&loaded.curl + functions[i].offset, &found, sizeof found);
    }
    return true;
}

static void load(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        snprintf(loaded.error, sizeof loaded.error, "%s", dlerror());
    else if (functions_find(library) && loaded.curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        snprintf(loaded.error, sizeof loaded.error, "%s could not be initialised", LIBRARY);
    atomic_store(&loaded.done, true);
}

bool dsl_curl_is_loaded(void) {
    return atomic_load(&loaded.done);
}

const dsl_curl *dsl_curl_load(const char **error_out) {
    pthread_once(&loaded.once, load);
    *error_out = loaded.error;
    return loaded.error[0] ? NULL : &loaded.curl;
}
