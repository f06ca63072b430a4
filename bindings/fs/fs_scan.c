/*
 * What is in a folder.
 *
 * Design notes.
 * A thread reads and sorts all of it; the iterator makes Lua values of an entry only at its turn,
 * so a folder of a million files holds up no process.
 */
#define _DEFAULT_SOURCE /* d_type of a folder's entry */

#include "bindings/fs/fs.h"

#include "bindings/lua/metatable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct entry {
    char *name;
    const char *type; /* NULL: unknown */
    int error;        /* of its stat */
    struct stat stat; /* with stats */
} entry;

typedef struct entries {
    entry *items;
    size_t count, capacity;
    size_t next; /* for the iterator */
    bool stats;
} entries;

typedef struct scan_job {
    dsl_fs_job fs; /* first */
    entries found;
} scan_job;

static void entries_fini(entries *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (entries){0};
}

static void scan_fini(dsl_job *job) {
    entries_fini(&((scan_job *)job)->found);
    dsl_fs_job_fini(job);
}

/* ---- in a thread ---- */

static const char *type_of(unsigned char type) {
    switch (type) {
    case DT_REG:
        return "file";
    case DT_DIR:
        return "directory";
    case DT_LNK:
        return "link";
    case DT_FIFO:
        return "fifo";
    case DT_SOCK:
        return "socket";
    case DT_CHR:
        return "char";
    case DT_BLK:
        return "block";
    default:
        return NULL;
    }
}

static entry *entry_new(entries *list) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 32;
        entry *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    memset(&list->items[list->count], 0, sizeof *list->items);
    return &list->items[list->count];
}

/* Not all file systems report the type; a stat does. */
static void entry_look(entry *e, int fd) {
    if (fstatat(fd, e->name, &e->stat, AT_SYMLINK_NOFOLLOW))
        e->error = uv_translate_sys_error(errno);
    else
        e->type = dsl_fs_type(e->stat.st_mode);
}

static bool entry_add(scan_job *j, const struct dirent *found, int fd) {
    entry *e = entry_new(&j->found);
    char *name = e ? strdup(found->d_name) : NULL;
    if (!name) {
        j->fs.job.error = UV_ENOMEM;
        return false;
    }
    e->name = name;
    e->type = type_of(found->d_type);
    j->found.count++;
    if (!e->type || j->found.stats)
        entry_look(e, fd);
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void scan(scan_job *j, DIR *folder) {
    const struct dirent *found;
    errno = 0;
    while (!dsl_job_abandoned(&j->fs.job) && (found = readdir(folder))) { /* NOLINT(concurrency) */
        if (!is_dots(found->d_name) && !entry_add(j, found, dirfd(folder)))
            return;
        errno = 0;
    }
    if (errno)
        dsl_fs_failed(&j->fs.job);
}

static void scan_work(dsl_job *job) {
    scan_job *j = (scan_job *)job;
    int fd = dsl_fs_open(&j->fs, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        dsl_fs_failed(job);
        close(fd);
        return;
    }
    scan(j, folder);
    closedir(folder);
    if (j->found.count > 1)
        qsort(j->found.items, j->found.count, sizeof(entry), by_name);
}

/* ---- in the process ---- */

#define LIST_NAME "dynsup.fs.entries"

static int list_gc(lua_State *L) {
    entries_fini(lua_touserdata(L, 1));
    return 0;
}

/* The stat of the entry, or nil and why there is none. [-0, +1|3] */
static int entry_stat_push(lua_State *L, const entry *e) {
    if (e->error)
        return dsl_fs_fail(L, e->error, e->name);
    lua_createtable(L, 0, 11);
    dsl_fs_stat_set(L, &e->stat);
    return 1;
}

/* The iterator: name, type, and the stat if that was asked for. */
static int entry_next(lua_State *L) {
    entries *list = lua_touserdata(L, lua_upvalueindex(1));
    if (list->next == list->count)
        return 0;
    const entry *e = &list->items[list->next];
    lua_pushstring(L, e->name);
    lua_pushstring(L, e->type ? e->type : "unknown");
    int count = list->stats ? entry_stat_push(L, e) : 0;
    list->next++;
    return 2 + count;
}

static const luaL_Reg list_meta[] = {{"__gc", list_gc}, {NULL, NULL}};

static int scan_push(lua_State *L, dsl_job *job) {
    scan_job *j = (scan_job *)job;
    if (job->error)
        return dsl_fs_push_true(L, job);
    entries *list = lua_newuserdatauv(L, sizeof *list, 0);
    *list = (entries){0};
    dsl_metatable_set(L, LIST_NAME, list_meta);
    lua_pushcclosure(L, entry_next, 1);
    *list = j->found;
    j->found = (entries){0};
    return 1;
}

static const dsl_job_ops scan_ops = {scan_work, scan_push, scan_fini};

/* native.scandir(path, stats) */
int dsl_fs_scandir(lua_State *L) {
    bool stats = lua_toboolean(L, 2);
    scan_job *j = dsl_fs_job_new(L, &scan_ops, sizeof *j, 1);
    j->found.stats = stats;
    return dsl_job_run(L, &j->fs.job);
}
