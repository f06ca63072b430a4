/*
 * A log that is read line by line, and perhaps followed as it grows.
 *
 * A file that is followed may be cut to a shorter one, or be replaced by another one with its name,
 * as is done when logs are rotated: then it is read from its beginning.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool source_open(source *s, const char *path, bool follows) {
    bool is_input = strcmp(path, "-") == 0;
    s->path = is_input ? NULL : path;
    s->follows = follows && !is_input;
    s->fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    s->begin = s->end = 0;
    s->has_ended = false;
    s->error = 0;
    return s->fd >= 0;
}

void source_close(source *s) {
    if (s->path && s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* Begins again if the file was replaced, or is shorter than what was read. */
static bool has_changed(source *s) {
    struct stat here, there;
    off_t place = lseek(s->fd, 0, SEEK_CUR);
    if (fstat(s->fd, &here) || stat(s->path, &there))
        return false; /* it is away at the moment */
    if (here.st_ino == there.st_ino && here.st_dev == there.st_dev)
        return here.st_size < place && lseek(s->fd, 0, SEEK_SET) == 0;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    close(s->fd);
    s->fd = fd;
    return true;
}

/* Reads more. False: there is nothing more at present. */
static bool fill(source *s) {
    if (!s->path && !s->may_read)
        return false;
    memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
    s->end -= s->begin;
    s->begin = 0;
    s->may_read = false;
    ssize_t size;
    do
        size = read(s->fd, s->buffer + s->end, sizeof s->buffer - s->end);
    while (size < 0 && errno == EINTR);
    if (size > 0)
        s->end += (size_t)size;
    if (size < 0 && errno != EAGAIN)
        s->error = errno;
    s->has_ended = s->error || (size == 0 && !s->follows);
    return size > 0;
}

/* The line of that size; the next one begins `skip` bytes after it. */
static const char *hand_out(source *s, size_t size, size_t skip, size_t *size_out) {
    s->last = s->begin;
    s->begin += size + skip;
    *size_out = size;
    return s->buffer + s->last;
}

const char *source_line(source *s, size_t *size_out) {
    for (;;) {
        size_t size = s->end - s->begin;
        const char *end = memchr(s->buffer + s->begin, '\n', size);
        if (end)
            return hand_out(s, (size_t)(end - s->buffer) - s->begin, 1, size_out);
        if (size == sizeof s->buffer)
            return hand_out(s, size, 0, size_out);
        if (fill(s) || (s->follows && has_changed(s) && fill(s)))
            continue;
        bool is_last = s->has_ended && size > 0; /* without an end of its own */
        return is_last ? hand_out(s, size, 0, size_out) : NULL;
    }
}

void source_unread(source *s) {
    s->begin = s->last;
}

bool source_is_over(const source *s) {
    return s->has_ended && s->begin == s->end;
}
