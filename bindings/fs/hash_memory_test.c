/* The first hash of a process, whose OpenSSL gets no memory: then there is none, and nothing else.
 * Each round is a process of its own, for OpenSSL makes what it needs once. */
#include "bindings/dynsup_lua.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 80, HASHED = 10, NOT_HASHED = 11 };

static const char run[] =
    "local d = require 'dynsup'\n"
    "local _, sum = d.run({ preempt = false, log_level = 'off' }, function()\n"
    "  return d.fs.hash('/proc/self/exe')\n"
    "end)\n"
    "return sum ~= nil\n";

static long left; /* requests of OpenSSL's until one fails */

static void *refusing_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return --left == 0 ? NULL : malloc(size);
}

static void *refusing_realloc(void *block, size_t size, const char *file, int line) {
    (void)file, (void)line;
    return --left == 0 ? NULL : realloc(block, size);
}

static void plain_free(void *block, const char *file, int line) {
    (void)file, (void)line;
    free(block);
}

static _Noreturn void hash_without(long n) {
    left = n;
    CRYPTO_set_mem_functions(refusing_malloc, refusing_realloc, plain_free);
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    if (luaL_dostring(L, run) != LUA_OK)
        _exit(EXIT_FAILURE);
    _exit(lua_toboolean(L, -1) ? HASHED : NOT_HASHED);
}

/* What the process that hashes ends with; -1 for a signal. */
static int hash_once(long n) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        hash_without(n);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_first_hash_may_find_no_memory(void **state) {
    (void)state;
    int refused = 0;
    assert_int_equal(hash_once(0), HASHED);
    for (long n = 1; n <= ROUNDS; n++) {
        int end = hash_once(n);
        assert_true(end == HASHED || end == NOT_HASHED);
        refused += end == NOT_HASHED;
    }
    assert_true(refused > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_hash_may_find_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
