/* The standard input in pieces: lines for the prompt, and for scripts that read it themselves. */
#define _GNU_SOURCE /* fopencookie */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct input {
    FILE *real; /* stdin as it was; NULL: not open */
    int flags;  /* of the descriptor, as they were */
    void (*ask)(bool begins);
    size_t first, end; /* of the unread input, in bytes */
    bool over;
    int error; /* that has ended it; 0: none */
    char bytes[1 << 16];
} input;

/* Scripts may have made the descriptor a non-blocking one. */
static ssize_t read_some(void *to, size_t size) {
    for (;;) {
        ssize_t count = read(STDIN_FILENO, to, size);
        if (count >= 0 || (errno != EAGAIN && errno != EINTR))
            return count;
        poll(&(struct pollfd){.fd = STDIN_FILENO, .events = POLLIN}, 1, -1);
    }
}

/* Room after the unread input, which is moved to the front. */
static size_t room(void) {
    memmove(input.bytes, input.bytes + input.first, input.end - input.first);
    input.end -= input.first;
    input.first = 0;
    return sizeof input.bytes - input.end;
}

bool cli_input_fill(void) {
    size_t size = room();
    ssize_t count = input.over || size == 0 ? 0 : read_some(input.bytes + input.end, size);
    if (count < 0)
        input.error = errno;
    if (count > 0)
        input.end += (size_t)count;
    else if (size > 0)
        input.over = true;
    return count > 0;
}

int cli_input_error(void) {
    return input.error;
}

const char *cli_input_peek(size_t *size_out) {
    *size_out = input.end - input.first;
    return input.bytes + input.first;
}

void cli_input_drop(size_t size) {
    input.first += size;
}

/* ---- stdin ---- */

static void fill_for_script(void) {
    if (input.ask)
        input.ask(true);
    cli_input_fill();
    if (input.ask)
        input.ask(false);
}

static ssize_t script_reads(void *cookie, char *to, size_t size) {
    (void)cookie;
    if (input.end == input.first)
        fill_for_script();
    if (input.over && isatty(STDIN_FILENO))
        input.over = false; /* Ctrl-D has ended what was asked for, not the terminal */
    size_t there = input.end - input.first;
    size_t count = there < size ? there : size;
    memcpy(to, input.bytes + input.first, count);
    cli_input_drop(count);
    return (ssize_t)count;
}

void cli_input_open(void (*ask)(bool begins)) {
    FILE *file = fopencookie(NULL, "r", (cookie_io_functions_t){.read = script_reads});
    if (file == NULL)
        return;
    setvbuf(file, NULL, _IONBF, 0); /* what a script leaves is the prompt's */
    input.flags = fcntl(STDIN_FILENO, F_GETFL);
    input.ask = ask;
    input.real = stdin;
    stdin = file;
}

void cli_input_settle(void) {
    if (input.real && input.flags >= 0)
        fcntl(STDIN_FILENO, F_SETFL, input.flags);
}

void cli_input_close(void) {
    if (input.real == NULL)
        return;
    fclose(stdin);
    stdin = input.real;
    input.real = NULL;
}
