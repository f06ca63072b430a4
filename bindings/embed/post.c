/*
 * Posts: what other threads hand to a host, without locks or allocations.
 *
 * Design notes.
 * Posts are linked by the program's own structs, the last one first. The host's thread takes all of
 * them at once and turns them round; so no post is looked at by two threads, and an address that
 * comes again harms nobody. `woken` is taken back before the posts are taken: one that comes after
 * that wakes the host again. Both stand in one order for all threads, or a processor might look at
 * the posts first, and a post between the two would be seen by nobody.
 */
#include "bindings/embed/post.h"

void dsl_wake(dsl_host *host) {
    if (atomic_exchange(&host->woken, true))
        return;
    if (host->uv)
        dynsup_uv_wake(host->uv);
    else if (host->config->wake)
        host->config->wake(host->config->wake_ud);
}

/* All posts so far, the first one first. */
static dynsup_lua_post *posts_take(dsl_host *host) {
    dynsup_lua_post *post = atomic_exchange(&host->posts, NULL);
    dynsup_lua_post *first = NULL;
    while (post) {
        dynsup_lua_post *next = post->next;
        post->next = first;
        first = post;
        post = next;
    }
    return first;
}

static void posts_call(dsl_host *host, dynsup_lua_host *told) {
    dynsup_lua_post *post = posts_take(host);
    while (post) {
        dynsup_lua_post *next = post->next; /* the post is its owner's again when it is called */
        post->call(post, told);
        post = next;
    }
}

void dsl_posts_run(dsl_host *host) {
    atomic_store(&host->woken, false);
    if (atomic_load(&host->posts)) /* in this order: one that is not seen yet wakes the host */
        posts_call(host, host);
}

void dsl_posts_drop(dsl_host *host) {
    posts_call(host, NULL);
}

void dynsup_lua_host_post(dynsup_lua_host *host, dynsup_lua_post *post) {
    dsl_host *whole = host->whole;
    dynsup_lua_post *last = atomic_load(&whole->posts);
    do
        post->next = last;
    while (!atomic_compare_exchange_weak(&whole->posts, &last, post));
    dsl_wake(whole);
}

void dynsup_lua_host_wake(dynsup_lua_host *host) {
    dsl_wake(host->whole);
}
