/*
 * Locks for the places of sockets: the C half of dynsup.attach.place.
 *
 * A lock is a file that exists only while a program holds it, so nothing is left behind; the system
 * unlocks it with the end of the program. A program that opens the file just before it is removed
 * locks a file that no longer exists, which does not count. A lock file has a mark, by which the
 * next program recognises it if the last one was killed; any other file is not a lock, and stays.
 * The mark is written before the lock is taken, so the holder of a lock always sees it.
 */
#include "bindings/loop.h"
#include "bindings/lua/metatable.h"
#include "bindings/native.h"
#include "bindings/pending.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct lock {
    int file;  /* or -1 */
    bool made; /* for this lock */
    char path[];
} lock;

static const char mark[] = "lock of a dynsup socket\n";
enum { MARK_LENGTH = sizeof mark - 1 };

static bool is_marked(int file) {
    char text[MARK_LENGTH + 1]; /* one more: a longer file is no lock */
    return pread(file, text, sizeof text, 0) == MARK_LENGTH && !memcmp(text, mark, MARK_LENGTH);
}

#define LOCK_NAME "dynsup.lock"

static int lock_close(lua_State *L) {
    lock *l = luaL_checkudata(L, 1, LOCK_NAME);
    if (l->file < 0)
        return 0;
    if (l->made || is_marked(l->file))
        unlink(
            l->path); /* first: no program may get the lock of a file that is about to be removed */
    close(l->file);
    l->file = -1;
    return 0;
}

static const luaL_Reg lock_meta[] = {{"__close", lock_close}, {"__gc", lock_close}, {NULL, NULL}};

/* Is the open file still the one at the path? */
static bool is_there(int file, const char *path) {
    struct stat open, there;
    return fstat(file, &open) == 0 && stat(path, &there) == 0 && open.st_dev == there.st_dev &&
           open.st_ino == there.st_ino;
}

/* Where there is no room for the mark the file serves without it. */
static int mark_write(int file) {
    ssize_t written = write(file, mark, MARK_LENGTH);
    (void)written;
    return file;
}

/* The file, which is made if it is not there; or an error, negated. */
static int lock_open(lock *l) {
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int file = open(l->path, flags | O_CREAT | O_EXCL, 0600);
    l->made = file >= 0;
    if (l->made)
        return mark_write(file);
    if (errno != EEXIST)
        return -errno;
    file = open(l->path, flags);
    if (file >= 0)
        return file;
    return errno == ENOENT ? -EAGAIN : -errno; /* it has just been removed */
}

/* 0, or an error: EAGAIN if another program has the lock. */
static int lock_take(lock *l) {
    int file = lock_open(l);
    if (file < 0)
        return -file;
    int error = flock(file, LOCK_EX | LOCK_NB) ? errno : is_there(file, l->path) ? 0 : EAGAIN;
    if (error)
        close(file);
    else
        l->file = file;
    return error;
}

/* lock(path) -> what its __close unlocks; or nil, reason: "eagain" if another program has the lock.
 */
static int lock_new(lua_State *L) {
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);
    lock *l = lua_newuserdatauv(L, sizeof *l + length + 1, 0);
    l->file = -1;
    memcpy(l->path, path, length + 1);
    dsl_metatable_set(L, LOCK_NAME, lock_meta);
    int error = lock_take(l);
    return error ? dsl_fail_uv(L, -error) : 1;
}

const luaL_Reg dsl_place_functions[] = {{"lock", lock_new}, {NULL, NULL}};
