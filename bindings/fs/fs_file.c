/*
 * Open files, read and written in pieces.
 *
 * Design notes.
 * A dsl_fs_file is a possession of the process that opened it. Its descriptor is closed once that
 * is asked for and no job works on it any more: so a thread never reads from a descriptor that has
 * been reused. A descriptor that a thread opens for a process that has ended is closed with its
 * job.
 */
#include "bindings/fs/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME  "dynsup.fs.file"
#define READ_FIRST 1048576u /* bytes that a read has room for at first */

/* ---- life ---- */

static void file_release(dsl_fs_file *f) {
    if (--f->users > 0)
        return;
    free(f->path);
    free(f);
}

static void descriptor_close(dsl_fs_file *f) {
    if (f->fd < 0 || f->jobs > 0 || !f->closing)
        return;
    close(f->fd);
    f->fd = -1;
}

static void file_close(dsl_fs_file *f) {
    f->closing = true;
    dynsup_disown(&f->possession);
    descriptor_close(f);
}

static void on_release(dynsup_possession *possession) {
    file_close((dsl_fs_file *)possession);
}

void dsl_fs_file_use(dsl_fs_file *f) {
    f->users++;
    f->jobs++;
}

void dsl_fs_file_leave(dsl_fs_file *f) {
    f->jobs--;
    descriptor_close(f);
    file_release(f);
}

static dsl_fs_file **box_check(lua_State *L, int index) {
    return luaL_checkudata(L, index, FILE_NAME);
}

dsl_fs_file *dsl_fs_check_file(lua_State *L, int index) {
    dsl_fs_file *f = *box_check(L, index);
    return f && !f->closing ? f : NULL;
}

static int box_gc(lua_State *L) {
    dsl_fs_file **box = box_check(L, 1);
    if (*box) {
        file_close(*box);
        file_release(*box);
    }
    *box = NULL;
    return 0;
}

/* ---- open ---- */

typedef struct open_job {
    dsl_fs_job fs; /* first */
    int flags;
    unsigned mode;
    int fd;
    bool is_open; /* the file has not taken it */
} open_job;

static void open_fini(dsl_job *job) {
    open_job *j = (open_job *)job;
    if (j->is_open)
        close(j->fd);
    dsl_fs_job_fini(job);
}

static void open_work(dsl_job *job) {
    open_job *j = (open_job *)job;
    j->fd = dsl_fs_open(&j->fs, j->flags, j->mode);
    j->is_open = j->fd >= 0;
}

/* The file of the job's descriptor, owned by the process; NULL without memory. */
static dsl_fs_file *file_new(open_job *j) {
    dsl_host *host = j->fs.job.pending.host;
    dsl_fs_file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->possession.release = on_release;
    if (dynsup_own(host->core, dynsup_self(host->core), &f->possession)) {
        free(f);
        return NULL;
    }
    f->fd = j->fd;
    f->path = j->fs.path;
    f->users = 1;
    j->is_open = false;
    j->fs.path = NULL;
    return f;
}

static int file_read(lua_State *L);
static int file_write(lua_State *L);
static int file_stat(lua_State *L);

static int file_close_method(lua_State *L) {
    dsl_fs_file *f = *box_check(L, 1);
    if (f)
        file_close(f);
    lua_pushboolean(L, 1);
    return 1;
}

static int file_is_closing(lua_State *L) {
    dsl_check_count(L, 1, 1);
    lua_pushboolean(L, !dsl_fs_check_file(L, 1));
    return 1;
}

static const luaL_Reg methods[] = {
    {"read", file_read},
    {"write", file_write},
    {"stat", file_stat},
    {"hash", dsl_fs_file_hash},
    {"close", file_close_method},
    {"is_closing", file_is_closing},
    {NULL, NULL},
};

static void metatable_fill(lua_State *L) {
    lua_newtable(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, methods, 1);
    lua_getfield(L, -1, "close");
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc"); /* last: with it the metatable is complete */
}

static void box_push(lua_State *L) {
    dsl_fs_file **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_newmetatable(L, FILE_NAME);
    bool complete = lua_getfield(L, -1, "__gc") != LUA_TNIL;
    lua_pop(L, 1);
    if (!complete)
        metatable_fill(L);
    lua_setmetatable(L, -2);
}

static int open_push(lua_State *L, dsl_job *job) {
    open_job *j = (open_job *)job;
    if (job->error)
        return dsl_fs_push_true(L, job);
    box_push(L);
    dsl_fs_file *f = file_new(j);
    if (!f)
        return luaL_error(L, "not enough memory");
    *(dsl_fs_file **)lua_touserdata(L, -1) = f;
    return 1;
}

static const dsl_job_ops open_ops = {open_work, open_push, open_fini};

static int check_flags(lua_State *L, int index) {
    static const char *const modes[] = {"r", "w", "a", "r+", "w+", "a+", NULL};
    static const int flags[] = {
        O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, O_WRONLY | O_CREAT | O_APPEND,
        O_RDWR,   O_RDWR | O_CREAT | O_TRUNC,   O_RDWR | O_CREAT | O_APPEND};
    return flags[luaL_checkoption(L, index, "r", modes)];
}

/* native.open(path, how, mode) */
int dsl_fs_open_path(lua_State *L) {
    int flags = check_flags(L, 2);
    unsigned mode = (unsigned)luaL_checkinteger(L, 3);
    open_job *j = dsl_fs_job_new(L, &open_ops, sizeof *j, 1);
    j->flags = flags;
    j->mode = mode;
    return dsl_job_run(L, &j->fs.job);
}

/* ---- read, write, stat ---- */

typedef struct piece_job {
    dsl_job job; /* first */
    dsl_fs_file *file;
    char *data;
    size_t size;
    int64_t offset; /* negative: where the file stands */
    struct stat stat;
} piece_job;

static void piece_fini(dsl_job *job) {
    piece_job *j = (piece_job *)job;
    free(j->data);
    if (j->file)
        dsl_fs_file_leave(j->file);
}

static int64_t check_offset(lua_State *L, int index) {
    lua_Integer offset = luaL_optinteger(L, index, -1);
    luaL_argcheck(L, lua_isnoneornil(L, index) || offset >= 0, index, "an offset is >= 0");
    return offset;
}

static int piece_failed(lua_State *L, const piece_job *j) {
    return dsl_fs_fail(L, j->job.error, j->file->path);
}

/* Room for that many bytes of the job. */
static bool piece_reserve(piece_job *j, size_t size) {
    char *data = realloc(j->data, size);
    if (data)
        j->data = data;
    else
        j->job.error = UV_ENOMEM;
    return data != NULL;
}

/* The size asked for may exceed the file, and memory: the buffer grows as bytes come. */
static void piece_read(dsl_job *job) {
    piece_job *j = (piece_job *)job;
    size_t asked = j->size, room = 0;
    j->size = 0;
    while (j->size == room && room < asked) {
        room = room == 0 ? READ_FIRST : 2 * room;
        room = room < asked ? room : asked;
        if (!piece_reserve(j, room))
            break;
        int64_t offset = j->offset < 0 ? -1 : j->offset + (int64_t)j->size;
        ssize_t count =
            dsl_fs_read_some(job, j->file->fd, j->data + j->size, room - j->size, offset);
        if (count < 0)
            break;
        j->size += (size_t)count;
    }
    if (j->size > 0) /* what has come is not lost: the next read meets the error */
        job->error = 0;
}

static int piece_read_push(lua_State *L, dsl_job *job) {
    const piece_job *j = (piece_job *)job;
    if (job->error)
        return piece_failed(L, j);
    if (j->size == 0)
        return dsl_fail_text(L, "eof");
    lua_pushlstring(L, j->data, j->size);
    return 1;
}

static const dsl_job_ops piece_read_ops = {piece_read, piece_read_push, piece_fini};

/* A job on the open file at index 1. */
static piece_job *piece_new(lua_State *L, const dsl_job_ops *ops, dsl_fs_file *file) {
    piece_job *j = dsl_job_new(L, ops, sizeof *j);
    dsl_fs_file_use(file);
    j->file = file;
    return j;
}

static int file_read(lua_State *L) {
    dsl_check_count(L, 2, 3);
    dsl_fs_file *f = dsl_fs_check_file(L, 1);
    lua_Integer size = luaL_checkinteger(L, 2);
    luaL_argcheck(L, size > 0, 2, "the number of bytes must be > 0");
    int64_t offset = check_offset(L, 3);
    if (!f)
        return dsl_fail_text(L, "closed");
    piece_job *j = piece_new(L, &piece_read_ops, f);
    j->size = (size_t)size;
    j->offset = offset;
    return dsl_job_run(L, &j->job);
}

static void piece_write(dsl_job *job) {
    const piece_job *j = (piece_job *)job;
    dsl_fs_write(job, j->file->fd, j->data, j->size, j->offset);
}

static int piece_write_push(lua_State *L, dsl_job *job) {
    if (job->error)
        return piece_failed(L, (piece_job *)job);
    lua_pushboolean(L, 1);
    return 1;
}

static const dsl_job_ops piece_write_ops = {piece_write, piece_write_push, piece_fini};

static int file_write(lua_State *L) {
    dsl_check_count(L, 2, 3);
    dsl_fs_file *f = dsl_fs_check_file(L, 1);
    luaL_checkstring(L, 2);
    int64_t offset = check_offset(L, 3);
    if (!f)
        return dsl_fail_text(L, "closed");
    piece_job *j = piece_new(L, &piece_write_ops, f);
    j->data = dsl_fs_copy(L, 2, &j->size);
    j->offset = offset;
    return dsl_job_run(L, &j->job);
}

static void piece_stat(dsl_job *job) {
    piece_job *j = (piece_job *)job;
    if (fstat(j->file->fd, &j->stat))
        dsl_fs_failed(job);
}

static int piece_stat_push(lua_State *L, dsl_job *job) {
    const piece_job *j = (piece_job *)job;
    if (job->error)
        return piece_failed(L, j);
    lua_createtable(L, 0, 11);
    dsl_fs_stat_set(L, &j->stat);
    return 1;
}

static const dsl_job_ops piece_stat_ops = {piece_stat, piece_stat_push, piece_fini};

static int file_stat(lua_State *L) {
    dsl_check_count(L, 1, 1);
    dsl_fs_file *f = dsl_fs_check_file(L, 1);
    if (!f)
        return dsl_fail_text(L, "closed");
    return dsl_job_run(L, &piece_new(L, &piece_stat_ops, f)->job);
}
