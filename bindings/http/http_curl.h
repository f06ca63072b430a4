/*
 * libcurl, loaded when it is first needed: the program starts without it, and also runs where it is
 * not installed.
 */
#ifndef DSL_HTTP_CURL_H
#define DSL_HTTP_CURL_H

#define CURL_DISABLE_TYPECHECK /* its checks are macros named as the functions */
#include <curl/curl.h>

#include <stdbool.h>
#include <stddef.h>

#define DSL_CURL_FUNCTIONS(X)                                                                      \
    X(global_init)                                                                                 \
    X(easy_init)                                                                                   \
    X(easy_setopt)                                                                                 \
    X(easy_getinfo)                                                                                \
    X(easy_pause)                                                                                  \
    X(easy_cleanup)                                                                                \
    X(easy_strerror)                                                                               \
    X(multi_init)                                                                                  \
    X(multi_setopt)                                                                                \
    X(multi_add_handle)                                                                            \
    X(multi_remove_handle)                                                                         \
    X(multi_socket_action)                                                                         \
    X(multi_info_read)                                                                             \
    X(multi_assign)                                                                                \
    X(multi_cleanup)                                                                               \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(url)                                                                                         \
    X(url_set)                                                                                     \
    X(url_get)                                                                                     \
    X(url_cleanup)                                                                                 \
    X(url_strerror)                                                                                \
    X(free)

/* Each member is the function curl_NAME. */
typedef struct dsl_curl {
#define DSL_CURL_MEMBER(name) __typeof__(curl_##name) *name;
    DSL_CURL_FUNCTIONS(DSL_CURL_MEMBER)
#undef DSL_CURL_MEMBER
} dsl_curl;

/* The library, loaded and initialised once in the program; from any thread. NULL if it cannot be
 * loaded: *error_out says why. It stays loaded. */
const dsl_curl *dsl_curl_load(const char **error_out);

/* Would dsl_curl_load return at once? From any thread. */
bool dsl_curl_is_loaded(void);

#endif
