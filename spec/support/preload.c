/* Loaded before all others, it makes a machine without libcurl, one that is slow to load it, or one
 * with slow name servers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *dlopen(const char *file, int mode) {
    void *(*next)(const char *, int);
    void *found = dlsym(RTLD_NEXT, "dlopen");
    memcpy(&next, &found, sizeof found);
    if (getenv("PRELOAD_NO_CURL") && file && strstr(file, "libcurl"))
        file = "libcurl-is-not-there.so";
    if (getenv("PRELOAD_SLOW_CURL") && file && strstr(file, "libcurl"))
        sleep(1);
    return next(file, mode);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
    (void)node, (void)service, (void)hints, (void)result;
    sleep(3);
    return EAI_AGAIN;
}
