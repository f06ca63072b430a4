/* Memory that runs out while HTTP requests are made: each allocation in Lua, of a buffer or of the
 * core fails once. A thread is the server. */
#include "bindings/dynsup_lua.h"
#if DYNSUP_CURL
#include "bindings/http/http_curl.h"
#endif
#include "bindings/test_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_SIZE 5000

static const char *const scenario =
    "local url = ...\n"
    "local d, http = require 'dynsup', require 'dynsup.http'\n"
    "local function try(f, ...) return select(2, pcall(f, ...)) end\n"
    "return d.run({ log_level = 'off' }, function()\n"
    "  local options = { proxy = '', timeout = 20000, headers = { ['X-A'] = { 'b', 'c' } } }\n"
    "  local good = try(http.get, url, options)\n"
    "  try(http.get, url .. 'redirect', options)\n"
    "  try(http.post, url, ('x'):rep(100), options)\n"
    "  try(http.resolve, url, '../a b')\n"
    "  try(http.get, 'no url')\n"
    "  local n = 0\n"
    "  options.on_chunk = function(data) n = n + #data end\n"
    "  try(http.get, url, options)\n"
    "  try(d.spawn, http.get, url, options)\n"
    "  try(d.sleep, 0)\n"
    "  try(d.spawn, http.get, url, options)\n"
    "  if type(good) == 'table' then return good.status, #good.body, n end\n"
    "end)\n";

/* ---- the server ---- */

static void send_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void answer(int fd, const char *request) {
    static const char redirect[] =
        "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 4\r\nConnection: close\r\n\r\nthis";
    static const char head[] =
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n";
    char body[BODY_SIZE];
    if (strncmp(request, "GET /redirect", 13) == 0) {
        send_all(fd, redirect, strlen(redirect));
        return;
    }
    memset(body, 'x', sizeof body);
    send_all(fd, head, strlen(head));
    send_all(fd, body, sizeof body);
}

/* Serves one request after the other until the listener is shut down. */
static void *serve(void *listener) {
    int fd;
    while ((fd = accept(*(int *)listener, NULL, NULL)) >= 0) {
        char request[4096];
        ssize_t size = recv(fd, request, sizeof request - 1, 0);
        request[size > 0 ? size : 0] = '\0';
        if (size > 0)
            answer(fd, request);
        shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof request, 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static int listener_open(char *url, size_t size) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 100), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    snprintf(url, size, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    return listener;
}

/* ---- the sweep ---- */

static int open_modules(lua_State *L) {
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 1);
    return luaL_dostring(L, "require 'dynsup.http'") ? lua_error(L) : 0;
}

static int run_scenario(lua_State *L) {
    if (luaL_loadstring(L, scenario) != LUA_OK)
        return lua_error(L);
    lua_insert(L, 1);
    lua_call(L, 1, 3);
    return 3;
}

/* One run with a failure; false when it was not reached. */
static bool run_once(const char *url, long fail_at, long failures) {
    dsl_test_allocator a = {0};
    lua_State *L = lua_newstate(dsl_test_allocate, &a);
    assert_non_null(L);
    lua_pushcfunction(L, open_modules);
    assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_OK);
    lua_pushcfunction(L, run_scenario);
    lua_pushstring(L, url);
    a.requests = 0;
    a.fail_at = fail_at;
    a.failures = failures;
    int status = lua_pcall(L, 1, 3, 0);
    a.fail_at = 0;
    if (!a.refused) {
        assert_int_equal(LUA_OK, status);
        assert_int_equal(200, lua_tointeger(L, -2));
        assert_int_equal(BODY_SIZE, lua_tointeger(L, -1));
    }
    lua_close(L);
    assert_int_equal(0, a.in_use);
    return a.refused > 0;
}

static void sweep(long failures) {
#if !DYNSUP_CURL || defined __SANITIZE_THREAD__
    skip(); /* ThreadSanitizer's own memory grows by GBs over so many states */
#endif
    char url[64];
    pthread_t server;
    int listener = listener_open(url, sizeof url);
    assert_int_equal(pthread_create(&server, NULL, serve, &listener), 0);
    long n = 1;
    while (run_once(url, n, failures))
        n++;
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    assert_true(n > 200); /* it was no run that ended at once */
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    sweep(1);
}

/* Lua tries again after a collection: only the second failure is one to it. */
static void each_allocation_may_fail_again(void **state) {
    (void)state;
    sweep(2);
}

#if DYNSUP_CURL
static CURLMcode stop(CURLM *multi, curl_socket_t socket, int events, int *running_out) {
    (void)multi, (void)socket, (void)events;
    *running_out = 0;
    return CURLM_OUT_OF_MEMORY;
}

static const char *const request =
    "local d, http = require 'dynsup', require 'dynsup.http'\n"
    "return select(3, d.run(function()\n"
    "  return http.get('http://127.0.0.1:1/', { proxy = '', timeout = 5000 })\n"
    "end))\n";

/* It says so of itself alone, not of the transfer. */
static void a_request_fails_in_which_libcurl_stops(void **state) {
    (void)state;
    const char *error;
    dsl_curl *curl = (dsl_curl *)dsl_curl_load(&error);
    if (!curl) {
        skip();
        return;
    }
    const dsl_curl before = *curl;
    curl->multi_socket_action = stop;
    lua_State *L = luaL_newstate();
    lua_pushcfunction(L, open_modules);
    lua_call(L, 0, 0);
    assert_int_equal(luaL_dostring(L, request), LUA_OK);
    assert_string_equal(lua_tostring(L, 1), "no_memory");
    lua_close(L);
    *curl = before;
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_allocation_may_fail_again),
#if DYNSUP_CURL
        cmocka_unit_test(a_request_fails_in_which_libcurl_stops),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
