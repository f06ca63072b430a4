/* The codec from C: parcels, lenient packing, and that packing takes nothing of the state. */
#include "bindings/codec/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bindings/dynsup_lua.h"
#include "bindings/test_allocator.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

typedef struct world {
    dsl_test_allocator memory;  /* the state's */
    dsl_test_allocator parcels; /* what is packed, and packing's own */
    lua_State *L;
    dsl_packing packing;
    dsl_parcel *parcel;
    dsl_codec_trouble trouble;
} world;

static int setup(void **state) {
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->L = lua_newstate(dsl_test_allocate, &w->memory);
    assert_non_null(w->L);
    luaL_openlibs(w->L);
    luaL_requiref(w->L, "dynsup", luaopen_dynsup, 1);
    lua_settop(w->L, 0);
    w->packing =
        (dsl_packing){.alloc = dsl_test_allocate, .alloc_ud = &w->parcels, .root = "message"};
    *state = w;
    return 0;
}

static int teardown(void **state) {
    world *w = *state;
    assert_int_equal(w->parcels.in_use, 0);
    lua_close(w->L);
    assert_int_equal(w->memory.in_use, 0);
    free(w);
    return 0;
}

/* The chunk's results are the stack; returns their number. */
static int values(world *w, const char *chunk) {
    lua_settop(w->L, 0);
    if (luaL_dostring(w->L, chunk) != LUA_OK)
        fail_msg("%s", lua_tostring(w->L, -1));
    return lua_gettop(w->L);
}

static enum dsl_codec_status pack(world *w) {
    int count = lua_gettop(w->L);
    enum dsl_codec_status status =
        dsl_codec_pack(w->L, 1, count, &w->packing, &w->parcel, &w->trouble);
    assert_int_equal(lua_gettop(w->L), count);
    assert_int_equal(status == DSL_CODEC_OK, w->parcel != NULL);
    assert_int_equal(status == DSL_CODEC_OK, w->trouble.text[0] == '\0');
    return status;
}

/* The values of the parcel are the stack then. */
static int unpack(world *w) {
    int count;
    lua_settop(w->L, 0);
    assert_int_equal(dsl_parcel_unpack(w->L, w->parcel, &count, &w->trouble), DSL_CODEC_OK);
    assert_int_equal(lua_gettop(w->L), count);
    return count;
}

static void a_parcel_is_freed_by_its_last_owner(void **state) {
    world *w = *state;
    values(w, "return 1, 'x', {}");
    assert_int_equal(pack(w), DSL_CODEC_OK);
    assert_int_equal(w->parcel->count, 3);
    dsl_parcel_retain(w->parcel);
    dsl_parcel_release(w->parcel);
    assert_int_equal(unpack(w), 3);
    dsl_parcel_release(w->parcel);
    dsl_parcel_release(NULL);
    assert_int_equal(w->parcels.in_use, 0);
}

static void values_among_others_are_packed(void **state) {
    world *w = *state;
    values(w, "return 'before', 1, { 2 }, 'after'");
    assert_int_equal(dsl_codec_pack(w->L, 2, 2, &w->packing, &w->parcel, &w->trouble),
                     DSL_CODEC_OK);
    assert_int_equal(lua_gettop(w->L), 4);
    assert_int_equal(unpack(w), 2);
    assert_int_equal(lua_tointeger(w->L, 1), 1);
    assert_true(lua_istable(w->L, 2));
    dsl_parcel_release(w->parcel);
}

static void without_an_allocator_the_c_librarys_is_used(void **state) {
    world *w = *state;
    w->packing.alloc = NULL;
    values(w, "local t = {} for i = 1, 1000 do t[i] = { ('x'):rep(i) } end return t");
    assert_int_equal(pack(w), DSL_CODEC_OK);
    assert_int_equal(unpack(w), 1);
    dsl_parcel_release(w->parcel);
    assert_int_equal(w->parcels.requests, 0);
}

/* With every kind of value, and enough of them that all blocks grow. */
static const char everything[] =
    "local d = require 'dynsup.codec'\n"
    "local Point = { __pack = 'point' }\n"
    "d.register('point', Point)\n"
    "local t = { 1, -70000, 1 << 40, 0.5, 'short', ('l'):rep(200), ('m'):rep(100), true, false }\n"
    "for i = 1, 100 do t['k' .. i] = setmetatable({ t, t[6], { i } }, Point) end\n"
    "t[t] = setmetatable({}, { __pack = true })\n"
    "local deep = {}\n"
    "for i = 1, 30 do deep = { deep, [{ deep }] = i } end\n"
    "return t, nil, deep, 'end'\n";

static void each_allocation_of_packing_may_fail(void **state) {
    world *w = *state;
    values(w, everything);
    w->parcels.failures = 1;
    for (w->parcels.fail_at = 1;; w->parcels.fail_at++) {
        w->parcels.requests = 0;
        if (pack(w) == DSL_CODEC_OK)
            break;
        assert_string_equal(w->trouble.text, "not enough memory");
        assert_int_equal(w->parcels.in_use, 0);
    }
    assert_true(w->parcels.fail_at > 8);
    dsl_parcel_release(w->parcel);
}

static void packing_takes_no_memory_of_the_state(void **state) {
    world *w = *state;
    values(w, everything);
    lua_checkstack(w->L, 200); /* for what is nested here: it would be the stack that grows */
    w->memory.requests = 0;
    assert_int_equal(pack(w), DSL_CODEC_OK);
    dsl_parcel_release(w->parcel);
    values(w, "return { { print } }");
    w->memory.requests = 0;
    assert_int_equal(pack(w), DSL_CODEC_REFUSED);
    assert_string_equal(w->trouble.text, "a function at message[1][1][1] cannot travel");
    assert_int_equal(w->memory.requests, 0);
}

static void a_stack_that_cannot_grow_is_no_memory(void **state) {
    world *w = *state;
    values(w, "local t = {} for i = 1, 1000 do t = { t } end return t");
    w->memory.requests = 0;
    w->memory.fail_at = 1;
    w->memory.failures = 100;
    assert_int_equal(pack(w), DSL_CODEC_NOMEM);
    w->memory.fail_at = 0;
    assert_int_equal(pack(w), DSL_CODEC_OK);
    dsl_parcel_release(w->parcel);
}

static void lenient_packing_leaves_out_what_cannot_travel(void **state) {
    world *w = *state;
    w->packing.lenient = true;
    values(w, "local f = setmetatable({ x = 1 }, { __pack = print })\n"
              "local t = { print, io.stdout, coroutine.create(print), [f] = f, e = error }\n"
              "return t, setmetatable({ 'oops', code = 7 }, { __tostring = print }), f, t\n");
    assert_int_equal(pack(w), DSL_CODEC_OK);
    assert_int_equal(unpack(w), 4);
    lua_setglobal(w->L, "t4");
    lua_setglobal(w->L, "f");
    lua_setglobal(w->L, "e");
    lua_setglobal(w->L, "t");
    values(w, "assert(t == t4 and t[1] == 'function' and t[2] == 'userdata')\n"
              "assert(t[3] == 'thread' and t.e == 'function' and t[f] == f and f.x == 1)\n"
              "assert(e[1] == 'oops' and e.code == 7 and not getmetatable(e))\n");
    dsl_parcel_release(w->parcel);
}

static void a_pack_function_is_asked_for(void **state) {
    world *w = *state;
    values(w, "return { setmetatable({ 5 }, { __pack = function(v) return 'five', v[1] end }) }");
    assert_int_equal(pack(w), DSL_CODEC_ASKS);
    assert_non_null(strstr(w->trouble.text, "at message[1][1] cannot travel: its __pack"));
    assert_int_equal(dsl_codec_pack_calling(w->L, 1, 1, w->packing, &w->parcel, &w->trouble),
                     DSL_CODEC_OK);
    assert_int_equal(lua_gettop(w->L), 1);
    values(w, "require 'dynsup.codec'.register('five', function(n) return n + 1 end)");
    assert_int_equal(unpack(w), 1);
    lua_rawgeti(w->L, 1, 1);
    assert_int_equal(lua_tointeger(w->L, -1), 6);
    dsl_parcel_release(w->parcel);
}

/* In one type in another, nothing is put off: the stack is what limits it. */
static void typed_values_that_are_nested_too_deeply_are_refused(void **state) {
    world *w = *state;
    const char *nest = "local Node = { __pack = 'node' }\n"
                       "require 'dynsup.codec'.register('node', Node)\n"
                       "local t = setmetatable({}, Node)\n"
                       "for i = 1, count do t = setmetatable({ t }, Node) end\n"
                       "return t\n";
    lua_pushinteger(w->L, 600000);
    lua_setglobal(w->L, "count");
    values(w, nest);
    assert_int_equal(pack(w), DSL_CODEC_REFUSED);
    assert_non_null(strstr(w->trouble.text, "are nested too deeply in a value with a __pack"));
    lua_pushinteger(w->L, 100000);
    lua_setglobal(w->L, "count");
    values(w, nest);
    assert_int_equal(pack(w), DSL_CODEC_OK);
    assert_int_equal(unpack(w), 1);
    dsl_parcel_release(w->parcel);
}

/* Packs what the chunk gives with its size as the limit, and with one byte less. */
static void fits_exactly(world *w, const char *chunk) {
    values(w, chunk);
    w->packing.max_size = 0;
    assert_int_equal(pack(w), DSL_CODEC_OK);
    w->packing.max_size = w->parcel->size;
    dsl_parcel_release(w->parcel);
    assert_int_equal(pack(w), DSL_CODEC_OK);
    dsl_parcel_release(w->parcel);
    w->packing.max_size--;
    assert_int_equal(pack(w), DSL_CODEC_TOO_BIG);
    assert_string_equal(w->trouble.text, "too many bytes");
}

static void what_is_too_big_is_given_up(void **state) {
    world *w = *state;
    fits_exactly(w, "return 'x'");
    fits_exactly(w, "return ('x'):rep(100000), 5");
    for (int i = 480; i < 560; i++) { /* around the end of the first block */
        lua_pushinteger(w->L, i);
        lua_setglobal(w->L, "count");
        fits_exactly(w, "local t = {} for i = 1, count do t[i] = i end return t, ('x'):rep(20)");
    }
    values(w, "local t = {} for i = 1, 100000 do t[i] = 1.5 end return t");
    w->packing.max_size = 10000;
    assert_int_equal(pack(w), DSL_CODEC_TOO_BIG);
}

static void the_bytes_of_a_version_stay_what_they_are(void **state) {
    world *w = *state;
    static const unsigned char bytes[] = {
        1, 0, 7, 0x00, 0x02, 0x85, 0x03, 0xff, 0x04, 0xe8, 0x03, 0x07,
        0, 0, 0, 0,    0,    0,    0xf8, 0x3f, 0x0e, 1,    0,    0,
        0, 1, 0, 0,    0,    0x12, 0,    0x41, 'k',  0x42, 'v',  'w',
    };
    values(w, "local t = { k = 'vw' } t[1] = t return nil, true, 5, -1, 1000, 1.5, t");
    assert_int_equal(pack(w), DSL_CODEC_OK);
    assert_int_equal(w->parcel->size, sizeof bytes);
    assert_memory_equal(w->parcel->bytes, bytes, sizeof bytes);
    dsl_parcel_release(w->parcel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_parcel_is_freed_by_its_last_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(values_among_others_are_packed, setup, teardown),
        cmocka_unit_test_setup_teardown(without_an_allocator_the_c_librarys_is_used, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_allocation_of_packing_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(packing_takes_no_memory_of_the_state, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stack_that_cannot_grow_is_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(lenient_packing_leaves_out_what_cannot_travel, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_pack_function_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(typed_values_that_are_nested_too_deeply_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_too_big_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(the_bytes_of_a_version_stay_what_they_are, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
