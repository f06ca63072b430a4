/* Files and folders, for the script dynsup/fs.lua: what its C files share. */
#ifndef DSL_FS_H
#define DSL_FS_H

#include "bindings/fs/job.h"

#include <sys/stat.h>

#define DSL_FS_PIECE 1048576u /* bytes between a thread's looks whether to stop */

/* A job about a path. The path is a copy of its own. */
typedef struct dsl_fs_job {
    dsl_job job; /* first */
    char *path;
} dsl_fs_job;

/* A new job about the path at the index: see dsl_job_new. */
void *dsl_fs_job_new(lua_State *L, const dsl_job_ops *ops, size_t size, int path);

/* Frees the path; for fini. */
void dsl_fs_job_fini(dsl_job *job);

/* A copy by malloc of the string at the index, 0-terminated. Raises without memory. */
char *dsl_fs_copy(lua_State *L, int index, size_t *size_out);

/* In a thread: notes errno as the job's error. */
void dsl_fs_failed(dsl_job *job);

/* nil, "enoent", "PATH: no such file or directory". path may be NULL. Returns 3. */
int dsl_fs_fail(lua_State *L, int error, const char *path);

/* For push: true, or the failure. */
int dsl_fs_push_true(lua_State *L, dsl_job *job);

/* In a thread: opens without waiting for the other end of a pipe; -1 and the error is noted. */
int dsl_fs_open(dsl_fs_job *job, int flags, unsigned mode);

/* In a thread: reads up to size bytes, fewer only at the end of the file, from the offset, or where
 * the file stands if that is negative. -1 and the error is noted; also when it was abandoned. */
ssize_t dsl_fs_read(dsl_job *job, int fd, char *data, size_t size, int64_t offset);

/* The same, but bytes read before an error are returned, too; -1 when there were none. */
ssize_t dsl_fs_read_some(dsl_job *job, int fd, char *data, size_t size, int64_t offset);
bool dsl_fs_write(dsl_job *job, int fd, const char *data, size_t size, int64_t offset);

/* Sets the fields of the table on top: type, size, mode, ... Raises without memory. */
void dsl_fs_stat_set(lua_State *L, const struct stat *stat);
const char *dsl_fs_type(mode_t mode);

/* ---- open files ---- */

typedef struct dsl_fs_file {
    dynsup_possession possession; /* first; owned by the process that opened it */
    int fd;
    unsigned users; /* its box, and jobs */
    bool closing;   /* no new jobs; closed when no job works on it */
    unsigned jobs;
    char *path;
} dsl_fs_file;

/* The open file at the index, or NULL when it is closed; raises for anything else. */
dsl_fs_file *dsl_fs_check_file(lua_State *L, int index);

/* A job begins to work on the file, and has ended. In the host's thread. */
void dsl_fs_file_use(dsl_fs_file *file);
void dsl_fs_file_leave(dsl_fs_file *file);

/* Functions for the script. */
int dsl_fs_hash(lua_State *L);
int dsl_fs_scandir(lua_State *L);
int dsl_fs_read_path(lua_State *L);
int dsl_fs_write_path(lua_State *L);
int dsl_fs_open_path(lua_State *L);

/* file:hash(algorithm) */
int dsl_fs_file_hash(lua_State *L);

#endif
