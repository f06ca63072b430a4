/*
 * Hashes of files, by OpenSSL's libcrypto, in threads.
 *
 * A file that changes while it is hashed has no hash: its size and time are compared.
 */
#include "bindings/fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE         131072u
#define NAME_MAX_SIZE 32

/* Failures that are no error of the system's. */
enum trouble { TROUBLE_NONE, TROUBLE_ALGORITHM, TROUBLE_NO_FILE, TROUBLE_CHANGED };

typedef struct hash_job {
    dsl_fs_job fs;     /* first */
    dsl_fs_file *file; /* or NULL: the path */
    char algorithm[NAME_MAX_SIZE];
    int64_t size; /* that the file is known to have; negative: any */
    enum trouble trouble;
    int64_t hashed; /* bytes */
    unsigned length;
    unsigned char sum[EVP_MAX_MD_SIZE];
} hash_job;

static void hash_fini(dsl_job *job) {
    hash_job *j = (hash_job *)job;
    if (j->file)
        dsl_fs_file_leave(j->file);
    dsl_fs_job_fini(job);
}

/* ---- in a thread ---- */

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void digest_file(hash_job *j, int fd, EVP_MD_CTX *context) {
    dsl_job *job = &j->fs.job;
    char *piece = malloc(PIECE);
    ssize_t count = piece ? 1 : 0;
    if (!piece)
        job->error = UV_ENOMEM;
    while (count > 0) {
        count = dsl_fs_read(job, fd, piece, PIECE, j->hashed);
        if (count > 0 && !EVP_DigestUpdate(context, piece, (size_t)count))
            job->error = UV_EIO;
        j->hashed += count > 0 ? count : 0;
    }
    free(piece);
    if (!job->error && !EVP_DigestFinal_ex(context, j->sum, &j->length))
        job->error = UV_EIO;
}

/* If OpenSSL (3.0) has no memory for its default context, which it makes once, it goes on with an
 * incomplete one, and every call that needs it would crash. */
static bool has_openssl(hash_job *j) {
    bool is_whole = OSSL_LIB_CTX_get0_global_default() != NULL;
    if (!is_whole)
        j->fs.job.error = UV_ENOMEM;
    return is_whole;
}

static void digest(hash_job *j, int fd) {
    if (!has_openssl(j))
        return;
    EVP_MD *algorithm = EVP_MD_fetch(NULL, j->algorithm, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!algorithm)
        j->trouble = TROUBLE_ALGORITHM;
    else if (!context || !EVP_DigestInit_ex(context, algorithm, NULL))
        j->fs.job.error = UV_ENOMEM;
    else
        digest_file(j, fd, context);
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
}

static bool look(hash_job *j, int fd, struct stat *stat) {
    if (fstat(fd, stat) == 0)
        return true;
    dsl_fs_failed(&j->fs.job);
    return false;
}

static void hash_descriptor(hash_job *j, int fd) {
    struct stat before, after;
    if (!look(j, fd, &before))
        return;
    if (!S_ISREG(before.st_mode)) {
        j->trouble = TROUBLE_NO_FILE;
        return;
    }
    if (j->size >= 0 && before.st_size != j->size) {
        j->trouble = TROUBLE_CHANGED;
        return;
    }
    digest(j, fd);
    if (j->fs.job.error || j->trouble || !look(j, fd, &after))
        return;
    if (!is_same(&before, &after) || j->hashed != after.st_size)
        j->trouble = TROUBLE_CHANGED;
}

static void hash_work(dsl_job *job) {
    hash_job *j = (hash_job *)job;
    if (j->file) {
        hash_descriptor(j, j->file->fd);
        return;
    }
    int fd = dsl_fs_open(&j->fs, O_RDONLY, 0);
    if (fd < 0)
        return;
    hash_descriptor(j, fd);
    close(fd);
}

/* ---- in the process ---- */

static const char *path_of(const hash_job *j) {
    return j->file ? j->file->path : j->fs.path;
}

static int trouble_push(lua_State *L, const hash_job *j) {
    switch (j->trouble) {
    case TROUBLE_ALGORITHM:
        dsl_fail_text(L, "invalid_algorithm");
        lua_pushstring(L, j->algorithm);
        return 3;
    case TROUBLE_NO_FILE:
        dsl_fail_text(L, "not_a_file");
        lua_pushfstring(L, "%s: not a regular file", path_of(j));
        return 3;
    default:
        dsl_fail_text(L, "changed");
        lua_pushfstring(L, "%s: it changed meanwhile", path_of(j));
        return 3;
    }
}

static int hash_push(lua_State *L, dsl_job *job) {
    const hash_job *j = (hash_job *)job;
    if (job->error)
        return dsl_fs_fail(L, job->error, path_of(j));
    if (j->trouble)
        return trouble_push(L, j);
    lua_pushlstring(L, (const char *)j->sum, j->length);
    lua_pushinteger(L, j->hashed);
    return 2;
}

static const dsl_job_ops hash_ops = {hash_work, hash_push, hash_fini};

/* The name of the algorithm at the index goes into the job. */
static void algorithm_read(lua_State *L, hash_job *j, int index) {
    static bool ready; /* OpenSSL's own set-up, once a program; repeating it does no harm */
    if (!__atomic_exchange_n(&ready, true, __ATOMIC_RELAXED))
        OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); /* a thread may be at work at the end */
    const char *name = luaL_checkstring(L, index);
    strncpy(j->algorithm, name, sizeof j->algorithm - 1);
}

/* native.hash(path, algorithm, size) */
int dsl_fs_hash(lua_State *L) {
    luaL_checkstring(L, 2);
    lua_Integer size = luaL_checkinteger(L, 3);
    hash_job *j = dsl_fs_job_new(L, &hash_ops, sizeof *j, 1);
    algorithm_read(L, j, 2);
    j->size = size;
    return dsl_job_run(L, &j->fs.job);
}

int dsl_fs_file_hash(lua_State *L) {
    dsl_check_count(L, 1, 2);
    dsl_fs_file *f = dsl_fs_check_file(L, 1);
    if (lua_isnoneornil(L, 2)) {
        lua_settop(L, 1);
        lua_pushliteral(L, "sha256");
    }
    luaL_checkstring(L, 2);
    if (!f)
        return dsl_fail_text(L, "closed");
    hash_job *j = dsl_job_new(L, &hash_ops, sizeof *j);
    dsl_fs_file_use(f);
    j->file = f;
    algorithm_read(L, j, 2);
    j->size = -1;
    return dsl_job_run(L, &j->fs.job);
}
