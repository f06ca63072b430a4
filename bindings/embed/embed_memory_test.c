/*
 * Memory of hosts for C programs: each allocation may fail, nothing is left behind, and a step in
 * which nothing happens needs none.
 *
 * The linker hands all requests of this program's code to the functions here (--wrap); Lua is made
 * to use the same. libuv is left out: it aborts the program where it has no memory for its table of
 * descriptors.
 */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

void *__real_malloc(size_t size);               // NOLINT(bugprone-reserved-identifier)
void *__real_calloc(size_t count, size_t size); // NOLINT(bugprone-reserved-identifier)
void *__real_realloc(void *block, size_t size); // NOLINT(bugprone-reserved-identifier)
void __real_free(void *block);                  // NOLINT(bugprone-reserved-identifier)
void *__wrap_malloc(size_t size);               // NOLINT(bugprone-reserved-identifier)
void *__wrap_calloc(size_t count, size_t size); // NOLINT(bugprone-reserved-identifier)
void *__wrap_realloc(void *block, size_t size); // NOLINT(bugprone-reserved-identifier)
void __wrap_free(void *block);                  // NOLINT(bugprone-reserved-identifier)

static struct {
    long requests; /* so far */
    long fail_at;  /* 0: none */
    long failures; /* in a row */
    long refused;
    long blocks; /* in use */
} heap;

static bool refuses(void) {
    heap.requests++;
    bool refused = heap.fail_at && heap.requests >= heap.fail_at &&
                   heap.requests < heap.fail_at + heap.failures;
    heap.refused += refused;
    return refused;
}

void *__wrap_malloc(size_t size) {
    void *block = refuses() ? NULL : __real_malloc(size);
    heap.blocks += block != NULL;
    return block;
}

void *__wrap_calloc(size_t count, size_t size) {
    void *block = refuses() ? NULL : __real_calloc(count, size);
    heap.blocks += block != NULL;
    return block;
}

void *__wrap_realloc(void *block, size_t size) {
    void *result = refuses() ? NULL : __real_realloc(block, size);
    heap.blocks += result && !block;
    return result;
}

void __wrap_free(void *block) {
    heap.blocks -= block != NULL;
    __real_free(block);
}

static void *alloc(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if (block && size <= old_size)
        return block; /* shrinking never fails */
    return realloc(block, size);
}

static void heap_fail(long fail_at, long failures) {
    heap.requests = heap.refused = 0;
    heap.fail_at = fail_at;
    heap.failures = failures;
}

/* ---- creation ---- */

typedef struct creation {
    dynsup_lua_config config;
    bool own_state;
    bool in_loop; /* of the program's */
} creation;

static bool create_once(const creation *c, long fail_at, long failures) {
    dynsup_lua_host *host;
    uv_loop_t loop;
    dynsup_lua_config config = c->config;
    long before = heap.blocks;
    lua_State *L = c->own_state ? NULL : lua_newstate(alloc, NULL);
    if (L)
        luaL_openlibs(L);
    if (c->in_loop) {
        assert_int_equal(uv_loop_init(&loop), 0);
        config.loop = &loop;
    }
    heap_fail(fail_at, failures);
    int status = dynsup_lua_host_new(L, &config, &host);
    assert_int_equal(status, heap.refused && !host ? DYNSUP_ENOMEM : 0);
    if (host)
        dynsup_lua_host_free(host);
    bool refused = heap.refused > 0;
    heap_fail(0, 0);
    if (L)
        lua_close(L);
    if (c->in_loop) {
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&loop), 0);
    }
    assert_int_equal(heap.blocks, before);
    return refused;
}

static void create_sweep(const creation *c) {
    static const long failures[] = {1, 2, 1000000000};
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        long n = 1;
        while (create_once(c, n, failures[i]))
            n++;
        assert_true(n > 100);
    }
}

static void each_allocation_of_a_new_host_may_fail(void **state) {
    (void)state;
    create_sweep(&(creation){.own_state = false});
}

static void the_same_with_a_lua_state_of_its_own(void **state) {
    (void)state;
    create_sweep(&(creation){.config = {.alloc = alloc}, .own_state = true});
}

static void the_same_with_a_loop_of_its_own(void **state) {
    (void)state;
    create_sweep(&(creation){.config = {.own_loop = true, .alloc = alloc}});
}

static void the_same_in_the_programs_loop(void **state) {
    (void)state;
    create_sweep(&(creation){.in_loop = true});
}

/* ---- cycles ---- */

#ifdef __SANITIZE_ADDRESS__
#define CYCLES     500
#define OWN_CYCLES 50
#else
#define CYCLES     10000
#define OWN_CYCLES 10000
#endif

static void a_thousand_hosts_in_one_state_leave_nothing_behind(void **state) {
    (void)state;
    dynsup_lua_host *host;
    long blocks = 0;
    long before = heap.blocks;
    lua_State *L = lua_newstate(alloc, NULL);
    luaL_openlibs(L);
    for (int i = 0; i < CYCLES; i++) {
        assert_int_equal(dynsup_lua_host_new(L, NULL, &host), 0);
        assert_int_equal(luaL_loadstring(L, "require('dynsup').receive()"), LUA_OK);
        assert_int_equal(dynsup_lua_spawn(host, L, 0, NULL), 0);
        dynsup_lua_host_step(host, 0, NULL);
        dynsup_lua_host_free(host);
        if (i % 500 > 1)
            continue;
        lua_gc(L, LUA_GCCOLLECT);
        lua_gc(L, LUA_GCCOLLECT);
        if (i == 1)
            blocks = heap.blocks;
        assert_true(i < 1 || heap.blocks <= blocks);
    }
    lua_close(L);
    assert_int_equal(heap.blocks, before);
}

static void hosts_with_states_of_their_own_leave_nothing_behind(void **state) {
    (void)state;
    dynsup_lua_host *host;
    long before = heap.blocks;
    for (int i = 0; i < OWN_CYCLES; i++) {
        dynsup_lua_config config = {.own_loop = i % 2 == 0, .alloc = i % 3 ? alloc : NULL};
        assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
        dynsup_lua_host_step(host, 0, NULL);
        assert_int_equal(dynsup_lua_host_close(host, 1000000000), 0);
        assert_int_equal(heap.blocks, before);
    }
}

/* ---- steps ---- */

static void idle_steps(const dynsup_lua_config *config) {
    dynsup_lua_host *host;
    assert_int_equal(dynsup_lua_host_new(NULL, config, &host), 0);
    lua_State *L = dynsup_lua_host_state(host);
    assert_int_equal(luaL_loadstring(L, "local d = require 'dynsup'\n"
                                        "d.spawn(function() d.sleep(1e9) end) d.receive()"),
                     LUA_OK);
    assert_int_equal(dynsup_lua_spawn(host, L, 0, NULL), 0);
    while (dynsup_lua_host_step(host, 1000000, NULL) == DYNSUP_READY)
        continue;
    heap_fail(0, 0);
    int bytes = lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(dynsup_lua_host_step(host, 1000000, NULL), DYNSUP_WAITING);
    assert_int_equal(heap.requests, 0);
    assert_int_equal(lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB), bytes);
    dynsup_lua_host_free(host);
}

static void a_step_in_which_nothing_happens_allocates_nothing(void **state) {
    (void)state;
    idle_steps(&(dynsup_lua_config){.alloc = alloc});
    idle_steps(&(dynsup_lua_config){.alloc = alloc, .own_loop = true});
}

/* ---- use ---- */

static int echo_message(lua_State *L, dynsup_lua_worker *w) {
    int *data = dynsup_lua_worker_data(w);
    if (++*data == 2)
        return luaL_error(L, "a failure of %s", "some length");
    return DYNSUP_LUA_WAIT;
}

static void on_drop(void *arg) {
    --*(int *)arg;
}

static const dynsup_lua_worker_ops echo = {
    .name = "echo", .data_size = sizeof(int), .message = echo_message, .drop = on_drop};

static void on_event(void *ud, dynsup_lua_host *host, const dynsup_event *event) {
    char text[512];
    dynsup_lua_event_text(host, event, text, sizeof text);
    ++*(int *)ud;
}

static void on_done(void *ud, dynsup_lua_host *host, lua_State *L) {
    (void)host, (void)L;
    --*(int *)ud;
}

/* What is not done for want of memory says so. */
static bool holds(int status) {
    assert_true(status == 0 || status == DYNSUP_ENOMEM || status == DYNSUP_EREASON);
    return status == 0;
}

static void settle(dynsup_lua_host *host) {
    for (int i = 0; i < 50; i++)
        dynsup_lua_host_step(host, 1000000, NULL);
}

/* kept counts arguments to be dropped, asked the calls whose `done` is to be called. */
static void use(dynsup_lua_host *host, int *kept, int *asked) {
    dynsup_pid sup = 0, pid = 0;
    lua_State *L = dynsup_lua_host_state(host);
    dynsup_lua_value values[] = {dynsup_lua_text("hello", 5), dynsup_lua_number(1.5),
                                 dynsup_lua_boolean(true)};
    dynsup_lua_child child = {.name = "echo", .id = "x", .backoff = true};
    if (dynsup_lua_supervisor_start(host, "sup", NULL, &sup))
        return;
    *kept += 1;
    if (!holds(dynsup_lua_worker_start(host, sup, &echo, kept, &child, &pid)))
        return;
    settle(host);
    for (int i = 0; i < 3; i++)
        holds(dynsup_lua_send(host, pid, values, 3));
    settle(host);
    lua_pushcfunction(L, luaopen_base);
    *asked += holds(dynsup_lua_call(host, L, 0, on_done, asked));
    *asked += holds(dynsup_lua_child_terminate(host, sup, pid, on_done, asked));
    settle(host);
    *kept += 1;
    holds(dynsup_lua_worker_spawn(host, &echo, kept, "other", &pid));
    settle(host);
}

static bool use_once(long fail_at, long failures) {
    dynsup_lua_host *host;
    int events = 0, kept = 0, asked = 0;
    long before = heap.blocks;
    dynsup_lua_config config = {.alloc = alloc,
                                .virtual_clock = true,
                                .events = UINT32_MAX,
                                .on_event = on_event,
                                .event_ud = &events};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), 0);
    heap_fail(fail_at, failures);
    use(host, &kept, &asked);
    bool refused = heap.refused > 0;
    heap_fail(0, 0);
    dynsup_lua_host_free(host);
    assert_int_equal(kept, 0);
    assert_int_equal(asked, 0);
    assert_int_equal(heap.blocks, before);
    return refused;
}

static void each_allocation_in_use_may_fail(void **state) {
    (void)state;
    static const long failures[] = {1, 2, 20};
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        long n = 1;
        while (use_once(n, failures[i]))
            n++;
        assert_true(n > 30);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_a_new_host_may_fail),
        cmocka_unit_test(the_same_with_a_lua_state_of_its_own),
        cmocka_unit_test(the_same_with_a_loop_of_its_own),
        cmocka_unit_test(the_same_in_the_programs_loop),
        cmocka_unit_test(a_thousand_hosts_in_one_state_leave_nothing_behind),
        cmocka_unit_test(hosts_with_states_of_their_own_leave_nothing_behind),
        cmocka_unit_test(a_step_in_which_nothing_happens_allocates_nothing),
        cmocka_unit_test(each_allocation_in_use_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
