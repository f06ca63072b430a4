/* Whole files: read and write. */
#include "bindings/fs/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct content_job {
    dsl_fs_job fs; /* first */
    char *data;
    size_t size;
    int flags; /* write: of open */
    unsigned mode;
} content_job;

static void content_fini(dsl_job *job) {
    free(((content_job *)job)->data);
    dsl_fs_job_fini(job);
}

/* ---- read ---- */

/* Room for the whole file by its reported size, which may be wrong, and a byte to see the end. */
static size_t first_capacity(int fd) {
    struct stat s;
    size_t size = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? (size_t)s.st_size + 1 : 0;
    return size > 4096 ? size : 4096;
}

static bool data_grow(content_job *j, size_t capacity) {
    char *data = realloc(j->data, capacity);
    if (data)
        j->data = data;
    else
        j->fs.job.error = UV_ENOMEM;
    return data;
}

static void read_all(content_job *j, int fd) {
    size_t capacity = first_capacity(fd);
    while (data_grow(j, capacity)) {
        ssize_t count = dsl_fs_read(&j->fs.job, fd, j->data + j->size, capacity - j->size, -1);
        if (count < 0)
            return;
        j->size += (size_t)count;
        if (j->size < capacity)
            return;
        capacity *= 2;
    }
}

static void read_work(dsl_job *job) {
    content_job *j = (content_job *)job;
    int fd = dsl_fs_open(&j->fs, O_RDONLY, 0);
    if (fd < 0)
        return;
    read_all(j, fd);
    close(fd);
}

static int read_push(lua_State *L, dsl_job *job) {
    const content_job *j = (content_job *)job;
    if (job->error)
        return dsl_fs_push_true(L, job);
    lua_pushlstring(L, j->data, j->size);
    return 1;
}

static const dsl_job_ops read_ops = {read_work, read_push, content_fini};

int dsl_fs_read_path(lua_State *L) {
    dsl_check_count(L, 1, 1);
    content_job *j = dsl_fs_job_new(L, &read_ops, sizeof *j, 1);
    return dsl_job_run(L, &j->fs.job);
}

/* ---- write ---- */

static void write_work(dsl_job *job) {
    content_job *j = (content_job *)job;
    int fd = dsl_fs_open(&j->fs, O_WRONLY | O_CREAT | j->flags, j->mode);
    if (fd < 0)
        return;
    dsl_fs_write(job, fd, j->data, j->size, -1);
    if (close(fd) && !job->error)
        dsl_fs_failed(job);
}

static const dsl_job_ops write_ops = {write_work, dsl_fs_push_true, content_fini};

/* native.write(path, data, append, mode) */
int dsl_fs_write_path(lua_State *L) {
    luaL_checkstring(L, 2);
    bool append = lua_toboolean(L, 3);
    unsigned mode = (unsigned)luaL_checkinteger(L, 4);
    content_job *j = dsl_fs_job_new(L, &write_ops, sizeof *j, 1);
    j->data = dsl_fs_copy(L, 2, &j->size);
    j->flags = append ? O_APPEND : O_TRUNC;
    j->mode = mode;
    return dsl_job_run(L, &j->fs.job);
}
