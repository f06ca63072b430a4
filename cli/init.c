/*
 * The program as process 1 of a container or namespace: the duties of process 1.
 *
 * Design notes.
 * Process 1 inherits orphans and must reap them, and it gets no default action for a signal. libuv
 * waits for the children that it knows, each by its number; another waitpid for any child would
 * steal their ends. So the program runs in a child, process 1 only reaps and forwards signals, and
 * neither has to know about the other's children.
 * The child leads a process group of its own, the terminal's foreground group if there is a
 * terminal: a Ctrl-C then reaches it once, from the terminal alone.
 */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Takes in every child that has ended; true when the program is among them. */
static bool reap(pid_t program, int *status_out) {
    int status;
    bool ended = false;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == program) {
            ended = true;
            *status_out = status;
        }
    }
    return ended;
}

/* Forwards signals until the program has ended; returns its exit code, as a shell reports it. */
static int attend(pid_t program, const sigset_t *signals) {
    int signum, status = 0;
    for (;;) {
        if (sigwait(signals, &signum) != 0)
            continue;
        if (signum != SIGCHLD)
            kill(program, signum);
        else if (reap(program, &status))
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

/* Signals for a fault of this process itself keep their actions. */
static void signals_init(sigset_t *signals) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigfillset(signals);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(signals, own[i]);
}

/* SIGTTOU is blocked here; without a terminal there is no foreground. */
static void lead_a_group(void) {
    setpgid(0, 0);
    tcsetpgrp(STDIN_FILENO, getpid());
}

bool cli_init(int *code_out) {
    sigset_t signals, mask;
    if (getpid() != 1)
        return false;
    signals_init(&signals);
    sigprocmask(SIG_BLOCK, &signals, &mask);
    pid_t program = fork();
    if (program > 0) {
        *code_out = attend(program, &signals);
        return true;
    }
    if (program == 0)
        lead_a_group();
    else
        cli_say("as process 1 no child can be started (%s): orphans stay unreaped",
                strerror(errno));
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return false;
}
