/* What the files of the binding share, beside its records (host.h): their functions, file by file.
 */
#ifndef DSL_BINDING_H
#define DSL_BINDING_H

#include "bindings/host.h"
#include "bindings/value.h"

/* Closes a coroutine's to-be-closed variables and resets it; an error is left on its stack. from is
 * the coroutine that does it, whose calls in C count for Lua's limit of them: where closing closes
 * the next one, and so on, there is an end. */
static inline int dsl_thread_close(lua_State *co, lua_State *from) {
#if LUA_VERSION_RELEASE_NUM >= 50406
    return lua_closethread(co, from);
#else
    (void)from;
    return lua_resetthread(co);
#endif
}

/* ---- runtime.c ---- */

/* The runtime of the state that the thread belongs to, or NULL. */
dsl_runtime *dsl_runtime_of_thread(lua_State *L);

/* The running host of the state that the thread belongs to, or NULL; for hooks. */
dsl_host *dsl_host_of_thread(lua_State *L);

/* Makes the runtime of a state, or finds it. [-0, +1] */
dsl_runtime *dsl_runtime_open(lua_State *L);

/* The runtime of the state; the first upvalue of every function of the module. */
static inline dsl_runtime *dsl_runtime_of(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Until apart_end no finalizer runs in L's state, for which the collector is stopped, and its code
 * reaches no host: either could change what is being worked on. Returns whether the collector was
 * running, for apart_end, after which it makes a step. Never raise. */
bool dsl_apart_begin(lua_State *L, dsl_runtime *runtime);
void dsl_apart_end(lua_State *L, dsl_runtime *runtime, bool runs);

/* Raises between the two. */
void dsl_check_apart(lua_State *L, const dsl_runtime *runtime);

/* The running host; raises when there is none, and as dsl_check_apart. */
dsl_host *dsl_host_of(lua_State *L);

/* The same for functions that do something without one, too: NULL when there is none. Raises as
 * dsl_check_apart. */
dsl_host *dsl_host_or_null(lua_State *L);

/* Raises: the code runs in a callback or outside of a process. */
_Noreturn void dsl_no_process(lua_State *L);

/* The running body, for functions that need a process; raises in a callback or outside. */
static inline dsl_body *dsl_body_of(lua_State *L, dsl_host **host_out) {
    dsl_host *host = *host_out = dsl_host_of(L);
    if (!host->current)
        dsl_no_process(L);
    return host->current;
}

/* The same for functions that wait: raises where the running code cannot. */
dsl_body *dsl_waiter_of(lua_State *L, dsl_host **host_out);

/* True where dsl_waiter_of would not raise. */
bool dsl_can_wait(lua_State *L, const dsl_host *host);

/* Raises: the running code cannot wait, and why. */
int dsl_cannot_wait(lua_State *L, const dsl_host *host);

/* Raises unless min <= number of arguments <= max; returns the number. */
int dsl_check_count(lua_State *L, int min, int max);

/* A time in ms at this index as a deadline of the current process's clock; nil, none and "infinity"
 * are DYNSUP_NEVER. Raises. */
uint64_t dsl_check_deadline(lua_State *L, dsl_host *host, int index);
double dsl_check_ms(lua_State *L, int index);

#define DSL_FOREVER_MS 9e12 /* so many and more are for ever: in ns they would not fit */

/* The deadline of a time in ms that dsl_check_ms has read, for calls that wait; in a dry run limits
 * do not pass. time_in: of what is done at that time. Both by the current process's clock; from: by
 * any. */
uint64_t dsl_deadline_from(uint64_t now_ns, double ms);
uint64_t dsl_deadline_of(dsl_host *host, double ms);
uint64_t dsl_time_in(dsl_host *host, double ms);

/* A function or "module:function" at this index; raises. */
void dsl_check_function(lua_State *L, int index);

/* Raises as luaL_error does, but at the place that has called dynsup: its scripts are passed by. */
_Noreturn void dsl_error(lua_State *L, const char *format, ...);

/* The process of a registered name or of { registry, key } (0 when there is none). Raises for
 * anything else. */
dynsup_pid dsl_check_name(lua_State *L, dsl_host *host, int index);

/* The same, or a pid, which is found without a call. */
static inline dynsup_pid dsl_check_dest(lua_State *L, dsl_host *host, int index) {
    uint64_t id = (uintptr_t)lua_touserdata(L, index);
    return id >> 62 == 1 ? id : dsl_check_name(L, host, index);
}

/* The same without names. */
dynsup_pid dsl_check_pid(lua_State *L, int index);

/* [-0, +2 or +3] nil, the atom's text (and a detail from the top of the stack). */
int dsl_fail(lua_State *L, enum dynsup_atom atom);
int dsl_fail_text(lua_State *L, const char *reason);

/* Raises for DYNSUP_ENOMEM and the like; returns a status that is to be told by dsl_fail. */
int dsl_check_status(lua_State *L, int status);

/* ---- log.c ---- */

/* Writes a line of the host's own into the log; one that is very long ends in three dots. */
void dsl_log(dsl_host *host, enum dynsup_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the text as it is. */
void dsl_log_text(dsl_host *host, enum dynsup_level level, const char *text, size_t size);

/* ---- last.c: what a process has received last, for the report of its crash ---- */

__attribute__((noinline)) void dsl_last_keep(lua_State *L, dsl_host *host, const dsl_body *body,
                                             int count);

/* Remembers the count values on top of L as the body's last message, when the log is detailed
 * enough: else it costs a comparison. Never raises. [-0, +0] */
static inline void dsl_last_note(lua_State *L, dsl_host *host, const dsl_body *body, int count) {
    if (host->config->level == DYNSUP_LEVEL_DEBUG)
        dsl_last_keep(L, host, body, count);
}

/* Pushes it as a list, or nil. [-0, +1] */
void dsl_last_push(lua_State *L, const dsl_host *host, const dsl_body *body);
void dsl_last_forget(dsl_host *host, const dsl_body *body);

/* ---- message.c ---- */

/* For so many there is room on the stack of each function that receives. */
#define DSL_FEW_VALUES 8u

/* A taken message's values, moved to the stack; the message is freed. Returns their number. */
int dsl_message_push(lua_State *L, dsl_host *host, dynsup_message *message);

/* Sends the count values on top of L, which begin at index `first`. They may be gone then. Raises
 * without memory. 0; DYNSUP_EMAILBOX_FULL: the receiver's is, or was the current process's own,
 * which ends by that; DYNSUP_EMESSAGE_TOO_BIG. */
int dsl_message_send(lua_State *L, dsl_host *host, dynsup_pid pid, int first, int count);

/* Takes the message behind `before` (NULL: the first), which must be there, from the current
 * process's mailbox. Pushes its values, whose number it returns. Raises where the stack has no
 * room for them: then it stays. */
int dsl_message_take(lua_State *L, dsl_host *host, const dsl_body *body, dynsup_message *before);

/* ---- match.c ---- */

/* receive_match(what [, ms]) */
int dsl_receive_match(lua_State *L);

/* ---- copy.c ---- */

/* Replaces the tables among count values from index first on by copies. Raises without memory.
 * [-0, +0] */
void dsl_copy_values(lua_State *L, int first, int count);

/* ---- protect.c ---- */

/* Calls fn(L) in protected mode with ud as its only argument (a light userdata). Returns Lua's
 * status; an error's value is dropped. Allocates nothing by itself. */
int dsl_protect(lua_State *L, lua_CFunction fn, void *ud);

/* Does the error on top, of a call that ended with this status, tell of memory? [-0, +0] */
bool dsl_is_memory_error(lua_State *L, int status);

/* dsl_vault_reserve of the host's vault, protected: false without memory. */
bool dsl_reserve(dsl_host *host, uint32_t count);

/* ---- crash.c ---- */

/* Makes the crash object of a coroutine that failed: its error value is on top of co's stack. Of a
 * body's (else NULL) it tells the last message, if that is kept. Protected: without memory the
 * reason is the atom. */
dynsup_reason dsl_crash_reason(dsl_host *host, lua_State *co, const dsl_body *body, int status);

/* Defines the metatable of crash objects. [-0, +0] */
void dsl_crash_open(lua_State *L, dsl_runtime *runtime);

/* ---- traceback.c ---- */

/* Pushes the traceback of a coroutine that stands still, and is not L, in the form of
 * luaL_traceback. co has room for one value. May raise. [-0, +1] */
void dsl_traceback_push(lua_State *L, dsl_runtime *runtime, lua_State *co);

/* ---- pool.c: coroutines in stock ---- */

/* A new coroutine for the pool. Raises without memory. [-0, +0] */
void dsl_pool_add(lua_State *L, dsl_host *host);

/* Makes a few, outside of protected code; false: there is none, for want of memory. */
bool dsl_pool_fill(dsl_host *host);

/* Takes one, of a pool that is not empty, and its slot in the vault. */
lua_State *dsl_pool_take(dsl_host *host, uint32_t *anchor_out);

/* Takes back the coroutine of a body that has come to its end, or leaves it to the collector. */
void dsl_pool_return(dsl_host *host, const dsl_body *body);

/* ---- body.c ---- */

extern const dynsup_body_ops dsl_body_ops;

/* A new body without a process: a coroutine whose stack is empty. That many slots of the vault stay
 * reserved beside. Raises without memory. */
dsl_body *dsl_body_new(lua_State *L, dsl_host *host, uint32_t slots);

/* Moves the function and the count values above it from L's top into the body. Raises (the body is
 * freed then). [-(count+1), +0] */
void dsl_body_load(lua_State *L, dsl_body *body, int count);

/* Frees a body that never became a process's. */
void dsl_body_discard(dsl_body *body);

/* The same outside of protected code: NULL without memory. */
dsl_body *dsl_body_take(dsl_host *host);

/* Runs the body's coroutine until it yields or ends; returns Lua's status. */
int dsl_body_run(dsl_body *body, int *count_out);

/* What the slice of a body that has yielded ends with. */
enum dynsup_slice dsl_body_yielded(dsl_body *body, int count, dynsup_outcome *outcome);

/* Closes what is open in the body's coroutines. */
void dsl_body_close(dsl_body *body);

/* Suspends the running body; the caller returns its result. Before, one of the core's wait
 * functions must have been called (but for NOTHING). k may be NULL: then the values that the body
 * is resumed with are what the calling function returns. */
int dsl_suspend(lua_State *L, dsl_body *body, enum dsl_wait wait, lua_KContext context,
                lua_KFunction k);

/* Ends the running body with the reason; never returns to the caller's code. */
int dsl_body_exit(lua_State *L, dsl_body *body, dynsup_reason reason);

/* Must be returned when the current process has been doomed by what it did. */
int dsl_body_stop_here(lua_State *L, dsl_body *body);

/* Raise in a process that is ending: it may neither link nor monitor. */
void dsl_check_linkable(lua_State *L, const dsl_body *body);
void dsl_check_monitorable(lua_State *L, const dsl_body *body);

/* What the current process did may have doomed it: then it goes no further than here. To be
 * returned by functions that send exit signals. */
int dsl_go_on(lua_State *L, dsl_host *host, int results);

/* Is it a coroutine of a suspended body, which nobody else may use? */
bool dsl_is_marked(lua_State *co);

/* ---- guest.c ---- */

/* What a start function returned: the count values on top of its coroutine's stack. */
void dsl_guest_outcome(dsl_body *body, int count, dynsup_outcome *outcome);

/* ---- run.c ---- */

/* Keeps what the main function returned. */
void dsl_main_returned(dsl_body *body, int count);

/* ---- server.c ---- */

/* The body of a child whose start function (at the index) is dynsup.server's start_link, and whose
 * arguments (so many in the list at the other) are no more than a module and what its init is
 * given; that many slots of the vault stay reserved. NULL: it must be started as any other. Raises
 * without memory. [-0, +0] */
dsl_body *dsl_server_child(lua_State *L, dsl_host *host, int function, int args, int count,
                           uint32_t slots);

/* ---- server_run.c ---- */

/* The coroutine that ran a server's callback has come to its end, in its own slice. */
enum dynsup_slice dsl_server_returned(dsl_body *body, int status, int count,
                                      dynsup_outcome *outcome);

/* The server's process ends, or has ended, while a coroutine runs its callback. */
void dsl_server_stop(dsl_server *server);
void dsl_server_fini(dsl_server *server);

/* ---- preempt.c ---- */

/* Sets the hook that a process's base coroutine has from its beginning. */
void dsl_hook_begin(dsl_host *host, lua_State *co);

/* Do the close handlers of an ending process run, or the closers of what it owned? */
bool dsl_is_closing(const dsl_host *host);

/* Closes the to-be-closed variables of a coroutine, within what is left of the host's time for it,
 * and resets it. An error in a handler is logged. */
void dsl_close_begin(dsl_host *host);
void dsl_close_thread(dsl_host *host, lua_State *co);

/* Calls the function below the nargs values on top of host->L with the same limit. False: the error
 * has been logged. [-(nargs + 1), +0] */
bool dsl_close_call(dsl_host *host, int nargs);

/* Puts a coroutine that is about to run in a close handler of an ending process under the limit;
 * does nothing elsewhere. host may be NULL. */
void dsl_close_watch(dsl_host *host, lua_State *co);

/* Makes debug.sethook and debug.gethook see the user's hooks only. [-0, +0] */
void dsl_debug_open(lua_State *L, dsl_runtime *runtime);

/* Arms the preemption of the running coroutine; safe in a signal handler of its thread. */
void dsl_preempt(dsl_host *host);

/* The running slice is to end as soon as it can, also where there is a count hook, since its
 * process has exceeded a limit. Safe in an allocator. */
void dsl_preempt_now(dsl_host *host);

/* The coroutine does not run any more: what it was to be interrupted for is over. Few are
 * interrupted: not even a call for the others. */
void dsl_preempt_over(dsl_host *host, lua_State *co);
static inline void dsl_preempt_left(dsl_host *host, lua_State *co) {
    if (host->armed == co || host->exceeded)
        dsl_preempt_over(host, co);
}

/* ---- process.c ---- */

/* A new process that runs the function (or name) at the index with the nargs values behind it; the
 * host's main process, if that is asked for. Raises without memory. [-0, +0] */
dynsup_pid dsl_process_spawn(lua_State *L, dsl_host *host, int function, int nargs, bool main);

/* Makes the function that finds and calls another by its name. [-0, +0] */
void dsl_named_open(lua_State *L, dsl_runtime *runtime);

/* Puts what calls it below the name "module:function" on top, which becomes its first argument.
 * Returns the number of such arguments: 0 for a function, which stays alone. Makes nothing in Lua.
 * [-0, +0|1] */
int dsl_function_call(lua_State *L, const dsl_runtime *runtime);

/* Pushes the function or name at the index, ready to be called like that. [-0, +1|2] */
int dsl_function_push(lua_State *L, const dsl_host *host, int index);

/* Is what is loaded on a body's coroutine such a call by name? */
bool dsl_function_is_named(lua_State *co);

/* ---- service.c ---- */

/* Main is ready: tells it once. */
void dsl_service_ready(dsl_host *host);

/* After a step: tells once that the orderly end has begun. */
void dsl_service_look(dsl_host *host);

/* ---- coroutine.c: levels ---- */

/* Puts co on top of the body's chain. Raises without memory. */
void dsl_level_push(lua_State *L, dsl_body *body, lua_State *co);

/* Closes the chain's coroutines from the top, after dsl_close_begin. */
void dsl_nest_close(dsl_host *host, dsl_body *body);

/* Runs that level, the one above L's, with the nargs values on top of its stack. True: it waits for
 * the scheduler, and so must L, by lua_yieldk. False: it has yielded to L, returned or failed. */
bool dsl_level_run(lua_State *L, dsl_host *host, dsl_body *body, int level, int nargs,
                   int *status_out, int *count_out);

/* ---- the functions of the module, by file ---- */
extern const luaL_Reg dsl_process_functions[];
extern const luaL_Reg dsl_message_functions[];
extern const luaL_Reg dsl_relation_functions[];
extern const luaL_Reg dsl_wait_functions[];
extern const luaL_Reg dsl_info_functions[];
extern const luaL_Reg dsl_supervisor_functions[];
extern const luaL_Reg dsl_child_functions[];
extern const luaL_Reg dsl_children_functions[];
extern const luaL_Reg dsl_run_functions[];
extern const luaL_Reg dsl_line_functions[]; /* of dynsup.repl.session */
extern const luaL_Reg dsl_own_functions[];

/* C halves of scripts. */
extern const luaL_Reg dsl_log_functions[];
extern const luaL_Reg dsl_observe_functions[];
extern const luaL_Reg dsl_look_functions[];

/* Lets the core tell the events that the log and observers want, and no others. */
void dsl_events_want(dsl_host *host);

/* Closes all cursors of children that are open. */
void dsl_cursors_close(dsl_host *host);

/* Replaces the coroutine library's functions. [-0, +0] */
void dsl_coroutine_open(lua_State *L, dsl_runtime *runtime);

/* Sets package.preload.luv, and os.exit. [-0, +0] */
void dsl_luv_open(lua_State *L, dsl_runtime *runtime);

/* ---- collect.c ---- */

/* How finely the collector works in the states that are made here: a step for each 2^8 bytes that
 * are allocated, where Lua says 2^13. A step stops everybody; so many more cost less than 1 % of
 * what allocates. */
#define DSL_GC_STEP 8

/* How far the heap of a state of ours grows before the next collection, in percent of what the last
 * one has left, where Lua says 200: a collection visits every coroutine twice. */
#define DSL_GC_PAUSE 250

/* Replaces collectgarbage. [-0, +0] */
void dsl_collect_open(lua_State *L, dsl_runtime *runtime);

/* ---- wait.c ---- */

/* Halts the host; does not return to the caller's code. Where that cannot wait, an error with this
 * address as a light userdata unwinds it, and is reported by nobody. */
int dsl_halt(lua_State *L, dsl_host *host, int code);

extern const char dsl_halt_sentinel;

/* ---- xpcall.c ---- */

/* Replaces xpcall. [-0, +0] */
void dsl_xpcall_open(lua_State *L);

/* ---- virtual.c ---- */

/* Replaces os.time, os.date and os.clock. [-0, +0] */
void dsl_virtual_open(lua_State *L, dsl_runtime *runtime);

/* The state of math.random. begin: keeps it and seeds; false: it is not Lua's own, and nothing is
 * done. end: puts it back, so that a run leaves nothing in the program around it. May raise. */
typedef struct dsl_random {
    lua_Unsigned words[4];
} dsl_random;
bool dsl_random_begin(lua_State *L, uint64_t seed, dsl_random *before_out);
void dsl_random_end(lua_State *L, const dsl_random *before);

/* ---- luv.c ---- */

/* Closes what a run of luv has left in the loop. */
void dsl_luv_close(dsl_runtime *runtime);

/* Before the state is closed: waits for threads that work for its scripts, as the program's exit
 * would, for they use what the state owns. Callbacks are dropped. Nothing is done where no runtime
 * is. */
void dsl_luv_finish(lua_State *L);

/* At the end of a host: has luv leave a loop of the program's, before somebody closes the lua_State
 * to which its handles and requests point. Turns the loop, and waits for requests in threads. */
void dsl_luv_leave(dsl_host *host);

#endif
