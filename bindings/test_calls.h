/*
 * The calls of libuv, of the system and for memory that call_fault_test.c lets fail. The linker
 * hands those of the project's code to its functions (--wrap), by this list: cmake/faults.cmake.
 *
 * Left out are calls that cannot fail as they are made here: uv_queue_work, and those for timers,
 * idle and prepare handles.
 *
 * UV(name, error, parameters, arguments): returns an int, libuv's error.
 * SYSTEM(type, name, failure, error, parameters, arguments): returns the failure, sets errno.
 */
#ifndef DSL_TEST_CALLS_H
#define DSL_TEST_CALLS_H

#define DSL_TEST_CALLS(UV, SYSTEM)                                                                 \
    UV(uv_loop_init, UV_EMFILE, (uv_loop_t * loop), (loop))                                        \
    UV(uv_async_init, UV_EMFILE, (uv_loop_t * l, uv_async_t * a, uv_async_cb cb), (l, a, cb))      \
    UV(uv_signal_init, UV_EMFILE, (uv_loop_t * l, uv_signal_t * s), (l, s))                        \
    UV(uv_signal_start, UV_EINVAL, (uv_signal_t * s, uv_signal_cb cb, int n), (s, cb, n))          \
    UV(uv_tcp_init, UV_EMFILE, (uv_loop_t * l, uv_tcp_t * t), (l, t))                              \
    UV(uv_pipe_init, UV_EMFILE, (uv_loop_t * l, uv_pipe_t * p, int ipc), (l, p, ipc))              \
    UV(uv_tcp_bind, UV_EADDRINUSE, (uv_tcp_t * t, const struct sockaddr *a, unsigned f),           \
       (t, a, f))                                                                                  \
    UV(uv_pipe_open, UV_EEXIST, (uv_pipe_t * p, uv_file fd), (p, fd))                              \
    UV(uv_accept, UV_EMFILE, (uv_stream_t * s, uv_stream_t * c), (s, c))                           \
    UV(uv_tcp_nodelay, UV_EINVAL, (uv_tcp_t * t, int on), (t, on))                                 \
    UV(uv_tcp_keepalive, UV_EINVAL, (uv_tcp_t * t, int on, unsigned s), (t, on, s))                \
    UV(uv_tcp_getsockname, UV_EBADF, (const uv_tcp_t *t, struct sockaddr *a, int *n), (t, a, n))   \
    UV(uv_tcp_getpeername, UV_ENOTCONN, (const uv_tcp_t *t, struct sockaddr *a, int *n),           \
       (t, a, n))                                                                                  \
    UV(uv_pipe_getsockname, UV_EBADF, (const uv_pipe_t *p, char *b, size_t *n), (p, b, n))         \
    UV(uv_pipe_getpeername, UV_ENOTCONN, (const uv_pipe_t *p, char *b, size_t *n), (p, b, n))      \
    UV(uv_fileno, UV_EBADF, (const uv_handle_t *h, uv_os_fd_t *fd), (h, fd))                       \
    UV(uv_try_write, UV_EPIPE, (uv_stream_t * s, const uv_buf_t *b, unsigned n), (s, b, n))        \
    UV(uv_poll_init_socket, UV_EPERM, (uv_loop_t * l, uv_poll_t * p, uv_os_sock_t s), (l, p, s))   \
    UV(uv_poll_start, UV_EBADF, (uv_poll_t * p, int events, uv_poll_cb cb), (p, events, cb))       \
    UV(pthread_create, EAGAIN,                                                                     \
       (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *ud), (t, a, f, ud))      \
    SYSTEM(int, open, -1, EMFILE, (const char *path, int flags, mode_t mode), (path, flags, mode)) \
    SYSTEM(int, socket, -1, EMFILE, (int domain, int type, int protocol),                          \
           (domain, type, protocol))                                                               \
    SYSTEM(int, bind, -1, EACCES, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))     \
    SYSTEM(ssize_t, read, -1, EIO, (int fd, void *data, size_t size), (fd, data, size))            \
    SYSTEM(ssize_t, pread, -1, EIO, (int fd, void *data, size_t size, off_t at),                   \
           (fd, data, size, at))                                                                   \
    SYSTEM(ssize_t, write, -1, ENOSPC, (int fd, const void *data, size_t size), (fd, data, size))  \
    SYSTEM(ssize_t, pwrite, -1, ENOSPC, (int fd, const void *data, size_t size, off_t at),         \
           (fd, data, size, at))                                                                   \
    SYSTEM(int, stat, -1, EACCES, (const char *path, struct stat *out), (path, out))               \
    SYSTEM(int, lstat, -1, EACCES, (const char *path, struct stat *out), (path, out))              \
    SYSTEM(int, fstat, -1, EIO, (int fd, struct stat *out), (fd, out))                             \
    SYSTEM(int, fstatat, -1, EACCES, (int fd, const char *path, struct stat *out, int flags),      \
           (fd, path, out, flags))                                                                 \
    SYSTEM(DIR *, fdopendir, NULL, ENOMEM, (int fd), (fd))                                         \
    SYSTEM(struct dirent *, readdir, NULL, EIO, (DIR * folder), (folder))                          \
    SYSTEM(int, mkdir, -1, ENOSPC, (const char *path, mode_t mode), (path, mode))                  \
    SYSTEM(int, remove, -1, EACCES, (const char *path), (path))                                    \
    SYSTEM(int, rename, -1, EXDEV, (const char *from, const char *to), (from, to))                 \
    SYSTEM(char *, realpath, NULL, ELOOP, (const char *path, char *out), (path, out))              \
    SYSTEM(void *, malloc, NULL, ENOMEM, (size_t size), (size))                                    \
    SYSTEM(void *, calloc, NULL, ENOMEM, (size_t count, size_t size), (count, size))               \
    SYSTEM(char *, strdup, NULL, ENOMEM, (const char *text), (text))

/* Written out in call_fault_test.c: they may fail later, too. */
#define DSL_TEST_LATE_CALLS(LATE)                                                                  \
    LATE(uv_listen)                                                                                \
    LATE(uv_read_start)                                                                            \
    LATE(uv_write)                                                                                 \
    LATE(uv_shutdown)                                                                              \
    LATE(uv_tcp_connect)                                                                           \
    LATE(uv_pipe_connect)                                                                          \
    LATE(uv_getaddrinfo)                                                                           \
    LATE(realloc)                                                                                  \
    LATE(close)

#endif
