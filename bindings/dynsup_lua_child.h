/*
 * Workers in C, supervisors and their children: what a program starts and stops in a host.
 *
 * Children run Lua code, or functions of the program's. A part of dynsup_lua.h, which includes it
 * and has the rules for threads, re-entrancy, the stack and errors.
 */
#ifndef DYNSUP_LUA_CHILD_H
#define DYNSUP_LUA_CHILD_H

#include "bindings/dynsup_lua.h"

DYNSUP_DECLARATIONS_BEGIN

/* ---- workers in C ---------------------------------------------------------------------------- */

/* One incarnation of a worker, from its start to its stop. */
typedef struct dynsup_lua_worker dynsup_lua_worker;

/* What a worker's functions return: one of these; or a negative code, which ends the worker with
 * the reason -code ("shutdown" for DYNSUP_ESHUTDOWN) or, for DYNSUP_EREASON, with the value on top
 * of L, a string or a table. A Lua error that one of them raises is the worker's crash, with a
 * traceback; so is any other number. */
enum dynsup_lua_next {
    DYNSUP_LUA_WAIT,  /* for the next message, or until its timeout */
    DYNSUP_LUA_AGAIN, /* `work` is to be called, once the others have had their turn */
    DYNSUP_LUA_END    /* the worker ends: "normal" */
};

/*
 * A kind of worker: the program's functions, called in the host's thread, one worker at a time, in
 * slices that nothing preempts: they must return soon. L is the host's thread of the lua_State,
 * with an empty stack and room for LUA_MINSTACK values; what is left there is dropped. They may
 * call what callbacks may. All except the name may be left out.
 */
typedef struct dynsup_lua_worker_ops {
    const char *name; /* for people; static, as is the struct */
    size_t data_size; /* of each incarnation's block for its state, zeroed */
    /* The first slice of an incarnation. */
    int (*start)(lua_State *L, dynsup_lua_worker *worker);
    /* A message: its values are all that is on the stack. A process that traps exits gets exit
     * signals as "EXIT", pid, reason. */
    int (*message)(lua_State *L, dynsup_lua_worker *worker);
    /* After DYNSUP_LUA_AGAIN, or when the timeout has expired. */
    int (*work)(lua_State *L, dynsup_lua_worker *worker);
    /* The incarnation ends, for whatever reason, after a start: frees what its data holds. */
    void (*stop)(lua_State *L, dynsup_lua_worker *worker);
    /* No worker has this argument any more, and none can be started with it. Called from Lua's
     * collector, or at a worker's end: may call neither Lua nor dynsup. */
    void (*drop)(void *arg);
} dynsup_lua_worker_ops;

/* Pushes a value that stands for workers of this kind with this argument: a child spec's `body`, in
 * place of a function, in specs made by C and by Lua. Such a spec has no `args`. arg changes hands
 * in every case: `drop` is called once. [-0, +1 if 0] 0 or DYNSUP_ENOMEM. */
int dynsup_lua_worker_push(dynsup_lua_host *host, lua_State *L, const dynsup_lua_worker_ops *ops,
                           void *arg);

/* A new process of this kind, without a supervisor; with a name unless that is NULL. To receive
 * messages by a callback, spawn a worker with `message`. 0; DYNSUP_EALREADY_STARTED, with the
 * name's owner in *pid_out; DYNSUP_EREASON: the name is empty; DYNSUP_ENOMEM. *pid_out may be left
 * out (NULL). */
int dynsup_lua_worker_spawn(dynsup_lua_host *host, const dynsup_lua_worker_ops *ops, void *arg,
                            const char *name, dynsup_pid *pid_out);

/* The incarnation's own block, of data_size bytes, aligned for anything. */
void *dynsup_lua_worker_data(dynsup_lua_worker *worker);

/* The argument of its kind. */
void *dynsup_lua_worker_arg(const dynsup_lua_worker *worker);

/* The incarnation's pid. */
dynsup_pid dynsup_lua_worker_pid(const dynsup_lua_worker *worker);

/* The worker's host, as its heap sees it: valid as long as the worker lives. Pass to other threads
 * only the host that the program has made. */
dynsup_lua_host *dynsup_lua_worker_host(const dynsup_lua_worker *worker);

/* `work` is called in `ms` milliseconds, unless another function of the worker is called before:
 * each call must set it anew. Anything not above 0, NaN included, is 0; infinity is never. */
void dynsup_lua_worker_timeout(dynsup_lua_worker *worker, double ms);

/* Lets a start_child that waits (`ready` in the spec) return: the worker is up. */
void dynsup_lua_worker_ready(dynsup_lua_worker *worker);

/* ---- supervisors and children ---------------------------------------------------------------- */

/* A new dynamic supervisor, with a name unless that is NULL; options may be NULL: 3 restarts in 5
 * s, any number of children; the names in them are ignored. Called by a worker, the supervisor is
 * linked to that. 0; DYNSUP_EALREADY_STARTED, with the name's owner in *pid_out; DYNSUP_EREASON:
 * the name is empty; DYNSUP_EMISUSE: a limit of memory where lua_newstate was given an allocator of
 * the program's; DYNSUP_ENOMEM. */
int dynsup_lua_supervisor_start(dynsup_lua_host *host, const char *name,
                                const dynsup_supervisor_options *options, dynsup_pid *pid_out);

/* Starts the child on top of L under the supervisor, as dynsup.start_child would: a spec, a
 * function, a module, { module, arg }. Never waits. 0; DYNSUP_EWOULD_WAIT: it has a start function
 * or `ready`, or the supervisor is busy (dynsup_lua_call can wait); DYNSUP_EALREADY_STARTED, with
 * the name's owner in *pid_out (0: it restarts); DYNSUP_EMAX_CHILDREN, _ENOPROC (also if it is no
 * pid), _ENOT_A_SUPERVISOR; DYNSUP_EIGNORE; DYNSUP_EREASON, explained by dynsup_lua_host_error: the
 * spec is wrong, or Lua code that makes it (`child_spec`) failed; DYNSUP_ENOMEM. [-1, +0] */
int dynsup_lua_child_start(dynsup_lua_host *host, lua_State *L, dynsup_pid supervisor,
                           dynsup_pid *pid_out);

/* The fields of a child spec for a worker in C; all zero is a permanent worker without a name. */
typedef struct dynsup_lua_child {
    const char *id;   /* or NULL */
    const char *name; /* registered; or NULL */
    enum dynsup_restart restart;
    double shutdown_ms; /* 0: 5000; DYNSUP_SHUTDOWN_INFINITY, DYNSUP_SHUTDOWN_BRUTAL_KILL */
    bool backoff;       /* restarts are delayed, with the defaults of a spec's `backoff` */
} dynsup_lua_child;

/* Starts a worker in C as a child, without a spec in Lua. child may be NULL. arg changes hands in
 * every case. Returns as dynsup_lua_child_start. */
int dynsup_lua_worker_start(dynsup_lua_host *host, dynsup_pid supervisor,
                            const dynsup_lua_worker_ops *ops, void *arg,
                            const dynsup_lua_child *child, dynsup_pid *pid_out);

/* Receives results that have to be waited for. Called once, in a slice of a process made for it: L
 * holds true and the results, or false and an error, and nothing else. L NULL: that process ended
 * before. host is then NULL, too, if the collector makes the call, after the host has ended. */
typedef void (*dynsup_lua_done)(void *ud, dynsup_lua_host *host, lua_State *L);

/* Calls the Lua function below its nargs arguments in a process of its own, where it may wait; done
 * (or NULL) gets the results. [-(nargs+1), +0] 0 or DYNSUP_ENOMEM, then done is not called. */
int dynsup_lua_call(dynsup_lua_host *host, lua_State *L, int nargs, dynsup_lua_done done, void *ud);

/* Stops a child, as dynsup.terminate_child: the results are true; or nil and "not_found" or another
 * reason. done may be NULL. */
int dynsup_lua_child_terminate(dynsup_lua_host *host, dynsup_pid supervisor, dynsup_pid child,
                               dynsup_lua_done done, void *ud);

/* The supervisor's counts. 0, DYNSUP_ENOPROC, DYNSUP_ENOT_A_SUPERVISOR. */
int dynsup_lua_children_count(dynsup_lua_host *host, dynsup_pid supervisor,
                              dynsup_counts *counts_out);

/* Calls each(ud, child) for the children in the order of their start, until it returns false. each
 * may start and stop children, and must not raise errors. 0, DYNSUP_ENOPROC (also if it is no
 * supervisor), DYNSUP_ENOMEM. */
int dynsup_lua_children_each(dynsup_lua_host *host, dynsup_pid supervisor,
                             bool (*each)(void *ud, const dynsup_child_info *child), void *ud);

DYNSUP_DECLARATIONS_END

#endif
