/* The standard streams: open in any case, and nothing that was printed is lost silently. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A closed stream gets the null device the wrong way round: using it fails, as it would have. */
static void stream_occupy(int fd) {
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
        (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void on_failed_write(int signum) {
    (void)signum;
}

/* Lets a write fail where the system would end the program by this signal. A handler, for programs
 * that are started would inherit SIG_IGN. */
static void writes_report(int signum) {
    struct sigaction action;
    if (sigaction(signum, NULL, &action) != 0 || action.sa_handler != SIG_DFL)
        return;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_failed_write;
    action.sa_flags = SA_RESTART;
    sigaction(signum, &action, NULL);
}

void cli_streams_init(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        stream_occupy(fd);
    writes_report(SIGPIPE);
    writes_report(SIGXFSZ); /* a file that grows beyond the limit of files' sizes */
}

bool cli_streams_unheard(void) {
    struct pollfd out = {.fd = STDOUT_FILENO};
    return ferror(stdout) && poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

bool cli_streams_flush(void) {
    bool had_failed = ferror(stdout) != 0; /* print does not look */
    errno = cli_streams_unheard() ? EPIPE : 0;
    if (fflush(stdout) == 0 && !had_failed)
        return true;
    if (errno)
        cli_say("cannot write to standard output: %s", strerror(errno));
    else
        cli_say("cannot write to standard output");
    return false;
}
