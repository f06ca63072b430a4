/*
 * A host for tests: a virtual clock, bodies and programs that do what the test says, objects that
 * are counted, events that are recorded. To be included first: it brings cmocka with it.
 *
 * Between test_enter and test_leave a test acts as a process, as its body would in a slice.
 * Processes are run by test_run (no time passes), test_pass (a given time passes) and test_settle
 * (as much time passes as anything needs). All of them check the host's invariants.
 */
#ifndef DSI_TEST_HOST_H
#define DSI_TEST_HOST_H

#include "test_support.h"

#include "dynsup.h"

typedef struct test_host test_host;
typedef struct test_body test_body;

/* A message as it was received: an exit signal, a DOWN, or the first value of a plain message. */
typedef struct test_message {
    enum dynsup_atom tag; /* DYNSUP_EXIT, DYNSUP_DOWN or DYNSUP_NO_ATOM */
    uint64_t from;        /* EXIT: the pid; DOWN: the ref */
    dynsup_value who;     /* DOWN */
    dynsup_value value;   /* the reason; of a plain message the first value */
    uint32_t count;
} test_message;

/* A body that reads its messages and waits for more, unless the test says otherwise. */
struct test_body {
    test_host *test;
    dynsup_pid pid;
    test_body *next;
    /* Called in each slice, when set: what it returns ends the slice, DYNSUP_SLICE_WAIT goes on. */
    enum dynsup_slice (*act)(test_body *self, dynsup_outcome *outcome);
    void (*on_stop)(test_body *self);
    bool exits; /* with this outcome, in the next slice */
    dynsup_outcome outcome;
    bool idles;
    bool traps;           /* from its first slice on */
    uint64_t until;       /* the deadline of its next wait, DYNSUP_NEVER */
    uint64_t message_key; /* of the messages that it waits for, 0: any */
    /* What happened to it. */
    size_t slices, preempted;
    enum dynsup_wake wake;
    uint64_t key; /* of the reply that it waits for */
    bool replied;
    dynsup_reply reply;
    test_message *inbox;
    size_t received, inbox_capacity;
    bool stopped, gone;
    void *more; /* the test's; the same as its program's, if it has one */
};

/* A program that makes such bodies. */
typedef struct test_program {
    test_host *test;
    struct test_program *next;
    /* What its bodies do. */
    enum dynsup_slice (*act)(test_body *self, dynsup_outcome *outcome);
    bool exits, traps, idles;
    enum dynsup_atom atom; /* with exits: the reason */
    int fails;             /* make returns this, when not 0 */
    /* What happened. */
    size_t made;
    uint64_t arguments;
    test_body *last;
    bool released;
    void *more; /* the test's, for the bodies */
} test_program;

typedef struct test_event {
    enum dynsup_event_kind kind;
    dynsup_pid pid, supervisor;
    char name[16]; /* its beginning; "" without one */
    int status;
    dynsup_reason reason; /* its object is not owned */
    uint32_t incarnation;
    uint64_t restarts, delay_ns, at_ns;
} test_event;

struct test_host {
    dsi_test_alloc alloc;
    dynsup_host *host;
    dynsup_port port; /* without a tick, unless the test gives it this one */
    uint64_t now_ns;
    uint32_t tick;
    size_t wakes;
    bool unchecked; /* leave out the walk over the invariants, in large tests */
    test_body *entered;
    test_body *bodies;
    test_program *programs;
    int *objects; /* owners, by number */
    size_t object_count, object_capacity;
    test_event *events;
    size_t event_count, event_capacity;
};

extern const dynsup_body_ops test_body_ops;
extern const dynsup_program_ops test_program_ops;

/* false: there was no memory (only after alloc.fail_at was set). */
bool test_host_init(test_host *test, size_t fail_at, bool for_ever);

/* Frees the host and all bodies; nothing may be left over. */
void test_host_fini(test_host *test);

/* The usual pair, as cmocka's set-up and tear-down. */
int test_setup(void **state);
int test_teardown(void **state);

/* Runs the scenario on a fresh host with the n-th request for memory failing, n = 1, 2, ... until
 * none does; then with all from the n-th on. Memory comes back before the host must prove that it
 * still works and ends. */
void test_host_sweep(void (*scenario)(test_host *test));

/* A new object with one owner. */
dynsup_value test_object(test_host *test);

/* Drops one owner of the value, if it is an object. */
void test_release(test_host *test, dynsup_value value);

int test_owners(const test_host *test, dynsup_value object);

/* Room for one more item; what a test owns itself does not come from the host's allocator. */
void *test_grow(void *items, size_t count, size_t *capacity, size_t size);

dynsup_value test_atom(enum dynsup_atom atom);
dynsup_value test_integer(int64_t integer);

/* ---- bodies ---- */

test_body *test_body_new(test_host *test);

/* A body spawned by (and linked to) a process, or by none; NULL without memory. */
test_body *test_spawn(test_host *test, test_body *parent);
test_body *test_spawn_link(test_host *test, test_body *parent);

/* The same with trap_exit, which is set in a first slice. */
test_body *test_spawn_trapping(test_host *test);

void test_enter(test_body *body);
void test_leave(test_host *test);

/* Ends the body's process with this reason in its next slice, which comes at once if it waits for a
 * message. The value is given away. */
void test_exit(test_body *body, enum dynsup_reason_class class, dynsup_value value);
void test_exit_atom(test_body *body, enum dynsup_atom atom);

/* Sends an exit signal from a process, or from none. */
void test_signal(test_host *test, test_body *from, dynsup_pid to, enum dynsup_atom atom);

bool test_alive(const test_body *body);

/* The last message that it has received; NULL before any. */
const test_message *test_last(const test_body *body);

/* Asserts the last message: EXIT or DOWN with this atom as reason; for EXIT its sender. */
void test_got_exit(const test_body *body, dynsup_pid from, enum dynsup_atom reason);
void test_got_down(const test_body *body, dynsup_ref ref, enum dynsup_atom reason);

/* ---- time ---- */

/* Runs until nothing is ready; time stands still. */
enum dynsup_state test_run(test_host *test);
enum dynsup_state test_pass(test_host *test, double ms);

/* Runs until no timer is left, for a limited number of timers. */
enum dynsup_state test_settle(test_host *test);

/* ---- supervisors ---- */

/* With max_restarts 3 in 5 s; parent may be NULL. 0 without memory. */
dynsup_pid test_supervisor(test_host *test, test_body *parent);
dynsup_pid test_supervisor_with(test_host *test, test_body *parent, uint64_t max_restarts,
                                uint64_t max_children);

test_program *test_program_new(test_host *test);

/* A supervisor started by a process that traps exits, and what its child is to run. */
typedef struct test_family {
    test_body *a;
    dynsup_pid supervisor;
    test_program *program;
} test_family;

test_family test_family_begin(test_host *test, uint64_t max_restarts);

/* Ends the program's last body with a reason of its own, and runs what follows. */
void test_crash(test_host *test, test_program *program);

/* A permanent worker with shutdown 5000. */
dynsup_child_spec test_spec(test_program *program);
dynsup_child_spec test_spec_named(test_program *program, const char *name);

/* Gives the spec its first body. */
void test_body_into(test_host *test, dynsup_child_spec *spec);

/* The process with this name; 0: none. */
dynsup_pid test_whereis(test_host *test, const char *name);

/* Makes the request in the caller's name (NULL: nobody's, which cannot wait). An answer at once is
 * returned and in caller->reply; DYNSUP_PENDING: the caller waits for it. */
int test_start(test_host *test, test_body *caller, dynsup_pid supervisor,
               const dynsup_child_spec *spec);
int test_ensure(test_host *test, test_body *caller, dynsup_pid supervisor,
                const dynsup_child_spec *spec);
int test_terminate(test_host *test, test_body *caller, dynsup_pid supervisor, dynsup_pid child);
int test_stop(test_host *test, test_body *caller, dynsup_pid supervisor, enum dynsup_atom reason);

/* Ends what test_enter began, after a request with caller->reply: the caller waits for the answer
 * if it is DYNSUP_PENDING. Returns the status. */
int test_asked(test_body *caller, int status);

/* The pid in the caller's last reply; test_started starts a child and runs until there is one. */
dynsup_pid test_started(test_host *test, test_body *caller, dynsup_pid supervisor,
                        const dynsup_child_spec *spec);

void test_counts(test_host *test, dynsup_pid supervisor, size_t specs, size_t active,
                 size_t supervisors, size_t workers);

/* How many events of this kind were emitted. */
size_t test_events(const test_host *test, enum dynsup_event_kind kind);
const test_event *test_last_event(const test_host *test, enum dynsup_event_kind kind);

/* Does an assertion fail in this action? It is done in a process of its own. */
bool test_asserts(test_host *test, void (*misuse)(test_host *test));

#endif
