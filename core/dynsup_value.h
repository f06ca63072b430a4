/*
 * What processes exchange: ids, the core's own words, values, reasons and messages. A part of
 * dynsup.h, which includes it.
 */
#ifndef DYNSUP_VALUE_H
#define DYNSUP_VALUE_H

#include "dynsup_base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DYNSUP_DECLARATIONS_BEGIN

/* Ids: two things of a host never share an id, even one after the other. */
typedef uint64_t dynsup_pid;   /* a process; 0: none */
typedef uint64_t dynsup_ref;   /* a monitor, a call or (dynsup_child_info.ref) a child; 0: none */
typedef uint64_t dynsup_timer; /* a message to be sent later; 0: none */
typedef uint64_t dynsup_clock; /* a clock beside the host's (dynsup_clock.h); 0: none */

#define DYNSUP_HOST_CLOCK UINT64_C(1) /* in place of a clock: the host's own */

/*
 * Words of the core itself: reasons, tags of messages, errors. One list makes the atoms,
 * the error codes (minus the atom) and their texts.
 */
#define DYNSUP_ATOMS(X)                                                                            \
    X(NORMAL, "normal", "it came to its end")                                                      \
    X(SHUTDOWN, "shutdown", "it was shut down")                                                    \
    X(KILL, "kill", "it asked to be killed")                                                       \
    X(KILLED, "killed", "it was killed")                                                           \
    X(NOPROC, "noproc", "there is no such process")                                                \
    X(NOCONNECTION, "noconnection", "its node is not connected")                                   \
    X(EXIT, "EXIT", "exit signal")                                                                 \
    X(DOWN, "DOWN", "monitor message")                                                             \
    X(EVENT, "EVENT", "observer message")                                                          \
    X(TIMEOUT, "timeout", "the time is over")                                                      \
    X(IGNORE, "ignore", "the start function asked to be ignored")                                  \
    X(RESTARTING, "restarting", "the child is being restarted")                                    \
    X(FAILED, "failed", "the child was restarted too often, and stays down")                       \
    X(NOMEM, "not_enough_memory", "there is not enough memory")                                    \
    X(CPU_EXCEEDED, "cpu_exceeded", "it has worked for longer than it may")                        \
    X(MEMORY_EXCEEDED, "memory_exceeded", "it has more memory than it may")                        \
    X(DEADLINE, "deadline", "it has lived for as long as it may")                                  \
    X(MAILBOX_FULL, "mailbox_full", "as many messages wait as may")                                \
    X(MESSAGE_TOO_BIG, "message_too_big", "the message has more bytes than the receiver takes")    \
    X(TAKEN, "taken", "the name or the process has its registration")                              \
    X(ALREADY_STARTED, "already_started", "the name belongs to a running process")                 \
    X(MAX_CHILDREN, "max_children", "the supervisor has as many children as it may have")          \
    X(NOT_FOUND, "not_found", "the supervisor has no such child")                                  \
    X(NOT_A_SUPERVISOR, "not_a_supervisor", "the process is no supervisor")                        \
    X(UNKNOWN_REGISTRY, "unknown_registry", "there is no such registry with unique keys")          \
    X(NOT_A_REGISTRY, "not_a_registry", "the process is no registry")                              \
    X(CALLS_ITSELF, "calls_itself", "a start asks the supervisor that waits for it")               \
    X(WOULD_WAIT, "would_wait", "the caller would have to wait and cannot")                        \
    X(BAD_RETURN, "bad_return", "the start function returned nothing of use")                      \
    X(NOT_STATIC, "not_a_static_supervisor", "the supervisor's children have no ids")              \
    X(ALREADY_PRESENT, "already_present", "there is a child with this id, which does not run")     \
    X(RUNNING, "running", "the child runs")                                                        \
    X(MISSING_ID, "missing_id", "a child of a static supervisor needs an id")                      \
    X(DUPLICATE_ID, "duplicate_child_name", "two children have the same id")                       \
    X(FAILED_TO_START, "failed_to_start_child", "a child has not started")                         \
    X(REASON, "reason", "the reply carries a reason")                                              \
    X(REACHED_MAX_RESTART_INTENSITY, "reached_max_restart_intensity", "too many restarts")         \
    X(CLOSING, "closing", "the process is ending")                                                 \
    X(CALL, "$call", "somebody waits for a reply to this message")                                 \
    X(CAST, "$cast", "a request that has no reply")                                                \
    X(STOP, "$stop", "somebody asks the process to end, and waits for it")                         \
    X(NOT_A_SERVER, "not_a_server", "the process takes no calls")                                  \
    X(NOT_A_CHILD, "not_a_child", "the process has no supervisor that restarts it")                \
    X(TEMPORARY_CHILD, "temporary", "a temporary child is never restarted")                        \
    X(MISUSE, "misuse", "the function was called where or in a way that it must not be")           \
    X(CLOSED, "closed", "the host has been closed")                                                \
    X(NO_LOOP, "no_loop", "the host has no event loop, or it could not be made")

#define DYNSUP_ATOM_ENUM(id, text, meaning)  DYNSUP_##id,
#define DYNSUP_ERROR_ENUM(id, text, meaning) DYNSUP_E##id = -DYNSUP_##id,
enum dynsup_atom { DYNSUP_NO_ATOM, DYNSUP_ATOMS(DYNSUP_ATOM_ENUM) DYNSUP_ATOM_COUNT };
enum dynsup_error { DYNSUP_OK, DYNSUP_ATOMS(DYNSUP_ERROR_ENUM) DYNSUP_PENDING = 1 };
#undef DYNSUP_ATOM_ENUM
#undef DYNSUP_ERROR_ENUM

/* The atom's text ("noproc") and its meaning as half a sentence. Static memory; for an error code
 * give minus the code. */
const char *dynsup_atom_text(enum dynsup_atom atom);
const char *dynsup_atom_meaning(enum dynsup_atom atom);

/* Writes a pid as <node.number.generation>, a ref as ref<...>, a timer as timer<...>; cut to size,
 * 0-terminated. */
void dynsup_id_format(uint64_t id, char *text, size_t size);

enum dynsup_kind {
    DYNSUP_NIL,
    DYNSUP_BOOLEAN,
    DYNSUP_INTEGER,
    DYNSUP_NUMBER,
    DYNSUP_ID,    /* a pid, ref or timer */
    DYNSUP_ATOM,  /* one of DYNSUP_ATOMS */
    DYNSUP_OBJECT /* the binding's: the core only retains, releases and describes it */
};

typedef struct dynsup_value {
    enum dynsup_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        uint64_t id;
        enum dynsup_atom atom;
        uint64_t object;
    } as;
} dynsup_value;

/* What a binding's objects can do. None may fail, raise, or call the core. */
typedef struct dynsup_object_ops {
    /* One more, one fewer owner. */
    void (*retain)(void *ud, uint64_t object);
    void (*release)(void *ud, uint64_t object);
    /* Writes at most size bytes of readable text (cut, 0-terminated when size > 0). */
    void (*describe)(void *ud, uint64_t object, char *text, size_t size);
    /* The same for the object's origin (the traceback of a crash), which describe leaves out;
     * nothing for most. NULL: nothing for all. */
    void (*trace)(void *ud, uint64_t object, char *text, size_t size);
    /* For children's ids: are they the same value; and a number that is the same for equal values.
     * Both NULL: an object equals only itself. */
    bool (*equal)(void *ud, uint64_t a, uint64_t b);
    uint64_t (*hash)(void *ud, uint64_t object);
} dynsup_object_ops;

/* How the core treats a reason; its value is what others see. */
enum dynsup_reason_class {
    DYNSUP_REASON_OTHER,    /* abnormal */
    DYNSUP_REASON_NORMAL,   /* "normal" */
    DYNSUP_REASON_SHUTDOWN, /* "shutdown" or { "shutdown", x } */
    DYNSUP_REASON_KILL      /* "kill": as a signal it cannot be trapped */
};

typedef struct dynsup_reason {
    enum dynsup_reason_class kind;
    dynsup_value value;
} dynsup_reason;

/* The reason that is just this atom, with its class. */
dynsup_reason dynsup_reason_atom(enum dynsup_atom atom);

/* To C++ a message's values are an extension. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
typedef struct dynsup_message {
    struct dynsup_message *next;
    uint32_t count;
    uint32_t mark; /* the receiver's: what it found out when it passed over the message; 0 in a new
                      one */
    dynsup_value values[];
} dynsup_message;
#pragma GCC diagnostic pop

DYNSUP_DECLARATIONS_END

#endif
