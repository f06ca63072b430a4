/* Loads the programs of spec/faults. */
#include "bindings/test_programs.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const virtual_modules[] = {"process", "supervisor", "static", "server",
                                              "task",    "registry",   "state",  "watch",
                                              "files",   "heaps",      NULL};
static const char *const real_modules[] = {"socket", "request", "files", NULL};

/* Programs write into the working directory. */
static void folder_enter(void) {
    static char folder[] = "/tmp/dynsup-faults-XXXXXX";
    static bool is_made;
    if (!is_made)
        assert_non_null(mkdtemp(folder));
    is_made = true;
    assert_int_equal(chdir(folder), 0);
}

/* Pushes the list. With each program everything ends that is linked to it. [-0, +1] */
static void list_load(lua_State *L, const char *module) {
    lua_pushfstring(
        L,
        "package.path = '%s/?.lua;' .. package.path\n"
        "for _, name in ipairs { 'server', 'task', 'registry', 'net', 'fs', 'http' } do\n"
        "  require('dynsup.' .. name)\n"
        "end\n"
        "local list = require 'spec.faults.%s'\n"
        "for _, program in ipairs(list) do\n"
        "  local run = program[2]\n"
        "  program[2] = function() run() require('dynsup').exit 'over' end\n"
        "end\n"
        "return list",
        DYNSUP_SOURCE_DIR, module);
    if (luaL_dostring(L, lua_tostring(L, 1)) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_remove(L, 1);
}

void dsl_test_programs_open(dsl_test_programs *programs, const char *module, bool virtual_clock) {
    memset(programs, 0, sizeof *programs);
    folder_enter();
    lua_State *L = programs->L = lua_newstate(dsl_test_allocate, &programs->allocator);
    assert_non_null(L);
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    lua_pop(L, 1);
    list_load(L, module);
    programs->count = (int)luaL_len(L, 1);
    programs->config.virtual_clock = virtual_clock;
    programs->config.own_loop = programs->config.threads = !virtual_clock;
    programs->config.sigpipe = true;
}

void dsl_test_programs_close(dsl_test_programs *programs) {
    lua_close(programs->L);
    assert_int_equal(programs->allocator.in_use, 0);
}

const char *dsl_test_programs_push(const dsl_test_programs *programs, int n) {
    lua_State *L = programs->L;
    lua_rawgeti(L, 1, n);
    lua_rawgeti(L, -1, 1);
    const char *title = lua_tostring(L, -1); /* the list has it */
    lua_rawgeti(L, -2, 2);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return title;
}

/* Is it one of the words of DYNSUP_FAULTS_IN, or is there none? */
static bool is_chosen(const char *module) {
    const char *chosen = getenv("DYNSUP_FAULTS_IN");
    size_t length = strlen(module);
    if (!chosen || !*chosen)
        return true;
    for (const char *at = chosen; (at = strstr(at, module)); at += length)
        if ((at == chosen || at[-1] == ' ') && (!at[length] || at[length] == ' '))
            return true;
    return false;
}

void dsl_test_programs_each(bool virtual_clock, void (*test)(const char *module, bool is_virtual)) {
    const char *const *modules = virtual_clock ? virtual_modules : real_modules;
    for (; *modules; modules++) {
        if (!is_chosen(*modules))
            continue;
        print_message("             %s\n", *modules);
        test(*modules, virtual_clock);
    }
}

long dsl_test_programs_stride(long usual) {
    const char *faults = getenv("DYNSUP_FAULTS");
    return faults && strcmp(faults, "all") == 0 ? 1 : usual;
}
