/* Words: the texts that child specs are made of, which a Lua state knows by their addresses. */
#include "bindings/child/word.h"

#include <lauxlib.h>
#include <lua.h>

#define WORD_TEXT(id, text) [DSL_WORD_##id] = text,
static const char *const texts[DSL_WORD_COUNT] = {DSL_WORDS(WORD_TEXT)};

const char *dsl_word_text(enum dsl_word word) {
    return texts[word];
}

void dsl_words_open(lua_State *L, dsl_words *words) {
    lua_createtable(L, DSL_WORD_COUNT, 0);
    for (int i = 0; i < DSL_WORD_COUNT; i++) {
        words->texts[i] = lua_pushstring(L, texts[i]);
        lua_rawseti(L, -2, i + 1);
    }
    luaL_ref(L, LUA_REGISTRYINDEX); /* as long as the state */
}

/* The address of the string at the index; NULL if it is no string. */
static const char *word_at(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
}

int dsl_word_among(lua_State *L, int index, const dsl_words *words, enum dsl_word first,
                   enum dsl_word last) {
    const char *text = word_at(L, index);
    for (int word = first; word <= (int)last; word++)
        if (words->texts[word] == text)
            return word - (int)first;
    return -1;
}
