/*
 * Words: the texts that child specs are made of, which a Lua state knows by their addresses.
 *
 * Design notes.
 * Lua has one copy of each short string in a state. A runtime keeps those of the words, so a string
 * is a word if it is at the word's address: no text is compared.
 */
#ifndef DSL_WORD_H
#define DSL_WORD_H

/* The fields of a spec, the most frequent first, from number 0 on; then what their values may be.
 */
#define DSL_WORDS(X)                                                                               \
    X(BODY, "body")                                                                                \
    X(RESTART, "restart")                                                                          \
    X(ARGS, "args")                                                                                \
    X(START, "start")                                                                              \
    X(ID, "id")                                                                                    \
    X(NAME, "name")                                                                                \
    X(SHUTDOWN, "shutdown")                                                                        \
    X(TYPE, "type")                                                                                \
    X(READY, "ready")                                                                              \
    X(START_TIMEOUT, "start_timeout")                                                              \
    X(BACKOFF, "backoff")                                                                          \
    X(MAX_RESTORES, "max_restores")                                                                \
    X(MAX_RESTARTS, "max_restarts")                                                                \
    X(MAX_SECONDS, "max_seconds")                                                                  \
    X(MAX_SLICE, "max_slice")                                                                      \
    X(MAX_CPU, "max_cpu")                                                                          \
    X(DEADLINE, "deadline")                                                                        \
    X(MAX_MEMORY, "max_memory")                                                                    \
    X(MAX_MAILBOX, "max_mailbox")                                                                  \
    X(MAX_MESSAGE, "max_message")                                                                  \
    X(ENV, "env")                                                                                  \
    X(HEAP, "heap")                                                                                \
    X(MODULES, "modules")                                                                          \
    X(SIGNIFICANT, "significant")                                                                  \
    X(PERMANENT, "permanent")                                                                      \
    X(TRANSIENT, "transient")                                                                      \
    X(TEMPORARY, "temporary")                                                                      \
    X(BRUTAL_KILL, "brutal_kill")                                                                  \
    X(FOREVER, "infinity")                                                                         \
    X(WORKER, "worker")                                                                            \
    X(SUPERVISOR, "supervisor")                                                                    \
    X(DYNAMIC, "dynamic")                                                                          \
    X(OWN, "own")

#define DSL_WORD_ID(id, text) DSL_WORD_##id,
enum dsl_word { DSL_WORDS(DSL_WORD_ID) DSL_WORD_COUNT };
#undef DSL_WORD_ID

typedef struct lua_State lua_State;

/* The addresses of the words in a state. */
typedef struct dsl_words {
    const char *texts[DSL_WORD_COUNT];
} dsl_words;

/* Finds, and keeps, the words of the state; text: as they are written. Raises without memory.
 * [-0, +0] */
void dsl_words_open(lua_State *L, dsl_words *words);
const char *dsl_word_text(enum dsl_word word);

/* Which of the words from first to last the value at the index is: 0 for the first; or -1. [-0, +0]
 */
int dsl_word_among(lua_State *L, int index, const dsl_words *words, enum dsl_word first,
                   enum dsl_word last);

#endif
