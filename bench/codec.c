/*
 * What it costs to take a message from one heap to another: packed there, unpacked here. Prints
 *   integer, string, fields, nested   messages/s of one value: an integer, a string of 11 bytes, a
 *                                     table of 3 fields, a table with 20 fields in 4 tables
 * Usage: bench_codec [--smoke] [KIND...]
 */
#include "bindings/codec/codec.h"
#include "bindings/dynsup_lua.h"

#include <lauxlib.h>
#include <lualib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct kind {
    const char *name;
    int size; /* of fields */
    int count;
    const char *value; /* in Lua */
} kind;

static const kind kinds[] = {
    {"integer", 1, 20000000, "1234"},
    {"string", 1, 20000000, "'hello world'"},
    {"fields", 3, 2000000, "{ id = 1, name = 'a name', size = 2.5 }"},
    {"nested", 20, 500000,
     "{ a = { 1, 2, 3, x = 'x', y = 'y' }, b = { id = 1, p = 2, q = 3, r = 4, s = 5 },"
     "  c = { d = { 1, 2, 3, 4, 5 }, e = 1.5, f = 'f', g = true, h = false }, id = 7 }"},
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static lua_State *open(void) {
    lua_State *L = dynsup_lua_newstate();
    if (!L)
        abort();
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    lua_settop(L, 0);
    return L;
}

static void load(lua_State *L, const char *value) {
    lua_settop(L, 0);
    lua_pushfstring(L, "return %s", value);
    if (luaL_dostring(L, lua_tostring(L, 1)) != LUA_OK)
        abort();
    lua_replace(L, 1);
}

/* Copies the value at index 1 of one state into the other, `count` times. */
static void carry(lua_State *from, lua_State *to, int count) {
    const dsl_packing packing = {0};
    dsl_codec_trouble trouble;
    dsl_parcel *parcel;
    int values;
    for (int i = 0; i < count; i++) {
        if (dsl_codec_pack(from, 1, 1, &packing, &parcel, &trouble) ||
            dsl_parcel_unpack(to, parcel, &values, &trouble))
            abort();
        dsl_parcel_release(parcel);
        lua_settop(to, 0);
    }
}

static void measure(lua_State *from, lua_State *to, const kind *k, bool smoke) {
    int count = smoke ? 100 : k->count;
    load(from, k->value);
    carry(from, to, count / 10);
    double begun = now_s();
    carry(from, to, count);
    printf("question=codec kind=%s size=%d value=%.6g unit=messages/s\n", k->name, k->size,
           count / (now_s() - begun));
}

static bool is_wanted(int argc, char **argv, const char *name) {
    bool all = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
        all = all && strcmp(argv[i], "--smoke") == 0;
    }
    return all;
}

int main(int argc, char **argv) {
    bool smoke = false;
    for (int i = 1; i < argc; i++)
        smoke = smoke || strcmp(argv[i], "--smoke") == 0;
    lua_State *from = open(), *to = open();
    for (int i = 0; i < KIND_COUNT; i++)
        if (is_wanted(argc, argv, kinds[i].name))
            measure(from, to, &kinds[i], smoke);
    lua_close(from);
    lua_close(to);
    return 0;
}
