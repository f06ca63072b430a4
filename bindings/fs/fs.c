/* Files and folders: what the jobs share, and those about a path alone. */
#define _XOPEN_SOURCE 700 /* realpath */

#include "bindings/fs/fs.h"

#include "bindings/loop.h"
#include "bindings/native.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- jobs ---- */

char *dsl_fs_copy(lua_State *L, int index, size_t *size_out) {
    size_t size;
    const char *text = luaL_checklstring(L, index, &size);
    char *copy = malloc(size + 1);
    if (!copy) {
        dsl_error(L, "not enough memory");
        return NULL;
    }
    memcpy(copy, text, size + 1);
    if (size_out)
        *size_out = size;
    return copy;
}

/* The system takes a path to end at a zero byte: that would be another path. */
static void path_check(lua_State *L, int index) {
    size_t size;
    const char *text = luaL_checklstring(L, index, &size);
    luaL_argcheck(L, strlen(text) == size, index, "a path has no zero bytes");
}

void *dsl_fs_job_new(lua_State *L, const dsl_job_ops *ops, size_t size, int path) {
    path_check(L, path);
    dsl_fs_job *job = dsl_job_new(L, ops, size);
    job->path = dsl_fs_copy(L, path, NULL);
    return job;
}

void dsl_fs_job_fini(dsl_job *job) {
    free(((dsl_fs_job *)job)->path);
}

void dsl_fs_failed(dsl_job *job) {
    job->error = uv_translate_sys_error(errno);
}

int dsl_fs_fail(lua_State *L, int error, const char *path) {
    char text[128];
    dsl_fail_uv(L, error);
    uv_strerror_r(error, text, sizeof text);
    lua_pushfstring(L, path ? "%s: %s" : "%s%s", path ? path : "", text);
    return 3;
}

int dsl_fs_push_true(lua_State *L, dsl_job *job) {
    if (job->error)
        return dsl_fs_fail(L, job->error, ((dsl_fs_job *)job)->path);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- in threads ---- */

int dsl_fs_open(dsl_fs_job *job, int flags, unsigned mode) {
    int fd;
    do
        fd = open(job->path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        dsl_fs_failed(&job->job);
    return fd;
}

static size_t piece_of(size_t size) {
    return size < DSL_FS_PIECE ? size : DSL_FS_PIECE;
}

ssize_t dsl_fs_read_some(dsl_job *job, int fd, char *data, size_t size, int64_t offset) {
    size_t done = 0;
    while (done < size) {
        size_t piece = piece_of(size - done);
        ssize_t count = offset < 0 ? read(fd, data + done, piece)
                                   : pread(fd, data + done, piece, (off_t)offset + (off_t)done);
        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            dsl_fs_failed(job);
        else if (dsl_job_abandoned(job))
            job->error = UV_ECANCELED;
        if (job->error)
            return done > 0 ? (ssize_t)done : -1;
        done += count > 0 ? (size_t)count : 0;
    }
    return (ssize_t)done;
}

ssize_t dsl_fs_read(dsl_job *job, int fd, char *data, size_t size, int64_t offset) {
    ssize_t count = dsl_fs_read_some(job, fd, data, size, offset);
    return job->error ? -1 : count;
}

bool dsl_fs_write(dsl_job *job, int fd, const char *data, size_t size, int64_t offset) {
    size_t done = 0;
    while (done < size) {
        size_t piece = piece_of(size - done);
        ssize_t count = offset < 0 ? write(fd, data + done, piece)
                                   : pwrite(fd, data + done, piece, (off_t)offset + (off_t)done);
        if (count < 0 && errno != EINTR)
            dsl_fs_failed(job);
        else if (dsl_job_abandoned(job))
            job->error = UV_ECANCELED;
        if (job->error)
            return false;
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* ---- stat ---- */

const char *dsl_fs_type(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "link";
    case S_IFIFO:
        return "fifo";
    case S_IFSOCK:
        return "socket";
    case S_IFCHR:
        return "char";
    case S_IFBLK:
        return "block";
    default:
        return "unknown";
    }
}

static void set_integer(lua_State *L, const char *name, uint64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, const struct timespec *time) {
    lua_pushnumber(L, (double)time->tv_sec + (double)time->tv_nsec / 1e9);
    lua_setfield(L, -2, name);
}

void dsl_fs_stat_set(lua_State *L, const struct stat *stat) {
    lua_pushstring(L, dsl_fs_type(stat->st_mode));
    lua_setfield(L, -2, "type");
    set_integer(L, "size", (uint64_t)stat->st_size);
    set_integer(L, "mode", stat->st_mode & 07777);
    set_integer(L, "device", stat->st_dev);
    set_integer(L, "inode", stat->st_ino);
    set_integer(L, "links", stat->st_nlink);
    set_integer(L, "uid", stat->st_uid);
    set_integer(L, "gid", stat->st_gid);
    set_time(L, "mtime", &stat->st_mtim);
    set_time(L, "atime", &stat->st_atim);
    set_time(L, "ctime", &stat->st_ctim);
}

typedef struct stat_job {
    dsl_fs_job fs; /* first */
    bool follow;
    struct stat stat;
} stat_job;

static void stat_work(dsl_job *job) {
    stat_job *j = (stat_job *)job;
    if (j->follow ? stat(j->fs.path, &j->stat) : lstat(j->fs.path, &j->stat))
        dsl_fs_failed(job);
}

static int stat_push(lua_State *L, dsl_job *job) {
    if (job->error)
        return dsl_fs_push_true(L, job);
    lua_createtable(L, 0, 11);
    dsl_fs_stat_set(L, &((stat_job *)job)->stat);
    return 1;
}

static const dsl_job_ops stat_ops = {stat_work, stat_push, dsl_fs_job_fini};

static int stat_start(lua_State *L, bool follow) {
    dsl_check_count(L, 1, 1);
    stat_job *j = dsl_fs_job_new(L, &stat_ops, sizeof *j, 1);
    j->follow = follow;
    return dsl_job_run(L, &j->fs.job);
}

static int fs_stat(lua_State *L) {
    return stat_start(L, true);
}

static int fs_lstat(lua_State *L) {
    return stat_start(L, false);
}

/* ---- mkdir, remove, rename, realpath ---- */

typedef struct path_job {
    dsl_fs_job fs; /* first */
    char *other;   /* rename: the new name; realpath: the result */
    unsigned mode;
    bool parents;
} path_job;

static void path_fini(dsl_job *job) {
    free(((path_job *)job)->other);
    dsl_fs_job_fini(job);
}

static bool is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Takes slashes and "/." off the end: what stands before them is the folder itself, and not one
 * that leads to it. */
static void cut_end(char *path) {
    size_t size = strlen(path);
    while (size > 1 &&
           (path[size - 1] == '/' || (size > 2 && path[size - 1] == '.' && path[size - 2] == '/')))
        path[--size] = 0;
}

/* Makes what leads to the path, as far as it is missing. */
static void make_parents(const path_job *j) {
    for (char *slash = strchr(j->fs.path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(j->fs.path, 0777); /* if that fails, the last one reports it */
        *slash = '/';
    }
}

static void mkdir_work(dsl_job *job) {
    const path_job *j = (path_job *)job;
    if (j->parents && *j->fs.path) {
        cut_end(j->fs.path);
        make_parents(j);
    }
    if (mkdir(j->fs.path, j->mode) == 0)
        return;
    int error = errno;
    if (j->parents && error == EEXIST && is_folder(j->fs.path))
        return;
    errno = error;
    dsl_fs_failed(job);
}

static void remove_work(dsl_job *job) {
    if (remove(((path_job *)job)->fs.path))
        dsl_fs_failed(job);
}

static void rename_work(dsl_job *job) {
    const path_job *j = (path_job *)job;
    if (rename(j->fs.path, j->other))
        dsl_fs_failed(job);
}

static void realpath_work(dsl_job *job) {
    path_job *j = (path_job *)job;
    j->other = realpath(j->fs.path, NULL);
    if (!j->other)
        dsl_fs_failed(job);
}

static int realpath_push(lua_State *L, dsl_job *job) {
    if (job->error)
        return dsl_fs_push_true(L, job);
    lua_pushstring(L, ((path_job *)job)->other);
    return 1;
}

static const dsl_job_ops mkdir_ops = {mkdir_work, dsl_fs_push_true, path_fini};
static const dsl_job_ops remove_ops = {remove_work, dsl_fs_push_true, path_fini};
static const dsl_job_ops rename_ops = {rename_work, dsl_fs_push_true, path_fini};
static const dsl_job_ops realpath_ops = {realpath_work, realpath_push, path_fini};

/* native.mkdir(path, mode, parents) */
static int fs_mkdir(lua_State *L) {
    unsigned mode = (unsigned)luaL_checkinteger(L, 2);
    bool parents = lua_toboolean(L, 3);
    path_job *j = dsl_fs_job_new(L, &mkdir_ops, sizeof *j, 1);
    j->mode = mode;
    j->parents = parents;
    return dsl_job_run(L, &j->fs.job);
}

static int fs_remove(lua_State *L) {
    dsl_check_count(L, 1, 1);
    path_job *j = dsl_fs_job_new(L, &remove_ops, sizeof *j, 1);
    return dsl_job_run(L, &j->fs.job);
}

static int fs_rename(lua_State *L) {
    dsl_check_count(L, 2, 2);
    path_check(L, 2);
    path_job *j = dsl_fs_job_new(L, &rename_ops, sizeof *j, 1);
    j->other = dsl_fs_copy(L, 2, NULL);
    return dsl_job_run(L, &j->fs.job);
}

static int fs_realpath(lua_State *L) {
    dsl_check_count(L, 1, 1);
    path_job *j = dsl_fs_job_new(L, &realpath_ops, sizeof *j, 1);
    return dsl_job_run(L, &j->fs.job);
}

const luaL_Reg dsl_fs_functions[] = {
    {"stat", fs_stat},          {"lstat", fs_lstat},          {"mkdir", fs_mkdir},
    {"remove", fs_remove},      {"rename", fs_rename},        {"realpath", fs_realpath},
    {"read", dsl_fs_read_path}, {"write", dsl_fs_write_path}, {"scandir", dsl_fs_scandir},
    {"open", dsl_fs_open_path}, {"hash", dsl_fs_hash},        {NULL, NULL},
};
