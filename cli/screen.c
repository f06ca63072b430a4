/*
 * Shows what the program prints while a line is being edited above that line.
 *
 * Design notes.
 * stdout and stderr become streams that end here (where they are the terminal). While a line is
 * being edited, output is gathered, and drawn at once when the loop turns: the line is taken off
 * the screen, the text is printed in its place, and the line is shown below. At other times output
 * goes straight to the terminal. Text without a newline at its end gets a row of its own; more text
 * continues that row. The terminal's modes are restored on every kind of end, including the
 * handlers of fault signals, and when the program is stopped.
 */
#define _GNU_SOURCE /* fopencookie */
#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define GATHER_MAX 65536 /* bytes: more is drawn at once */

static struct screen {
    bool open;
    bool editing;    /* a line is on the screen, or would be */
    bool lent;       /* others use the terminal */
    bool stopped;    /* the program was stopped, and is not in the foreground again */
    bool begun;      /* and the editor knows of it */
    bool inside_row; /* what was printed last has no end of line */
    int continued;   /* the columns of the row above the line that has no end; 0: it has one */
    char *prompt;
    FILE *out;         /* the terminal, for the editor */
    FILE *real_stdout; /* what the streams were; NULL: they are no terminal and stay */
    FILE *real_stderr;
    char *gathered;
    size_t size, capacity;
    struct termios modes; /* as they were */
} screen;

/* ---- the terminal ---- */

static void put(const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t count = write(STDOUT_FILENO, bytes, size);
        if (count < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        else if (count < 0 && errno != EINTR)
            return; /* the terminal is gone */
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        }
    }
}

static void put_text(const char *text) {
    put(text, strlen(text));
}

int cli_screen_columns(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        return size.ws_col;
    return 80;
}

static bool is_foreground(void) {
    return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* ---- drawing ---- */

static bool is_shown(void) {
    return screen.begun && !screen.lent && !screen.stopped;
}

static void hide(void) {
    if (is_shown())
        cli_editor_hide();
}

static void show(void) {
    if (is_shown())
        cli_editor_show();
}

/* Back into the row that has no end. */
static void row_continue(void) {
    char go[32];
    if (screen.continued == 0)
        return;
    snprintf(go, sizeof go, "\033[A\033[%dC", screen.continued);
    put_text(go);
}

/* Notes how much of a row the text has left without an end. */
static void row_note(const char *text, size_t size) {
    const char *end = memrchr(text, '\n', size);
    const char *tail = end ? end + 1 : text;
    int width = cli_text_width(tail, (size_t)(text + size - tail));
    int before = end ? 0 : screen.continued;
    bool fits = width >= 0 && before + width < cli_screen_columns();
    screen.inside_row = tail < text + size || (!end && screen.continued);
    screen.continued = screen.inside_row && fits ? before + width : 0;
}

void cli_screen_draw(void) {
    size_t size = screen.size;
    if (size == 0)
        return;
    hide();
    row_continue();
    put(screen.gathered, size);
    row_note(screen.gathered, size);
    screen.size = 0;
    if (is_shown() && screen.inside_row)
        put_text("\n");
    else
        screen.continued = 0;
    show();
}

static void gather(const char *bytes, size_t size) {
    if (screen.size + size > screen.capacity) {
        size_t capacity = 2 * screen.capacity + size;
        char *gathered = realloc(screen.gathered, capacity);
        if (gathered == NULL)
            return; /* without memory the text is lost */
        screen.gathered = gathered;
        screen.capacity = capacity;
    }
    memcpy(screen.gathered + screen.size, bytes, size);
    screen.size += size;
}

/* Writes what a stream's buffer passes on. */
static ssize_t on_write(void *cookie, const char *bytes, size_t size) {
    (void)cookie;
    gather(bytes, size);
    if (!is_shown() || screen.size > GATHER_MAX)
        cli_screen_draw();
    return (ssize_t)size;
}

/* ---- a line ---- */

/* The cursor is in the first column, whatever was printed. */
static void row_begin(void) {
    if (screen.inside_row)
        put_text("\n");
    screen.inside_row = false;
    screen.continued = 0;
}

/* In the background it waits until the program is in the foreground again. */
static void edit(void) {
    if (screen.stopped || screen.prompt == NULL)
        return;
    screen.begun = true;
    cli_editor_begin(screen.prompt);
}

void cli_screen_begin(const char *prompt) {
    if (!screen.open)
        return;
    fflush(stdout);
    fflush(stderr);
    cli_screen_draw();
    row_begin();
    free(screen.prompt);
    screen.prompt = strdup(prompt);
    screen.editing = true;
    edit();
}

void cli_screen_end(const char *note) {
    if (!screen.open)
        return;
    cli_screen_draw();
    if (is_shown()) {
        cli_editor_go_to_end();
        put_text(note ? note : "");
        put_text("\n\033[J"); /* of a line of more rows than the screen some may be below */
    }
    screen.editing = false;
    screen.inside_row = false;
    screen.continued = 0;
    if (screen.begun)
        cli_editor_end();
    screen.begun = false;
}

void cli_screen_change(const char *prompt, const char *text) {
    hide();
    cli_editor_prompt(prompt);
    cli_editor_replace(text);
    show();
}

void cli_screen_resize(void) {
    if (!screen.open)
        return;
    hide();
    cli_editor_resize();
    show();
}

/* ---- others ---- */

/* Wherever the others have left the cursor: blanks as wide as a row end in the next one, or in the
 * same one if it was in the first column. */
static void row_find(void) {
    int columns = cli_screen_columns();
    char *blanks = malloc((size_t)columns);
    if (blanks) {
        memset(blanks, ' ', (size_t)columns - 1);
        put(blanks, (size_t)columns - 1);
        free(blanks);
    }
    put_text("\r\033[K");
}

void cli_screen_lend(bool lent) {
    if (lent == screen.lent || !screen.open)
        return;
    fflush(stdout);
    if (lent) {
        cli_screen_draw();
        hide();
        screen.lent = true;
        cli_editor_keys(false);
        return;
    }
    cli_editor_keys(true);
    row_find();
    screen.inside_row = false;
    screen.continued = 0;
    screen.lent = false;
    show();
}

static void give_back(void) {
    cli_screen_draw();
    hide();
    screen.stopped = true;
    cli_editor_keys(false);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.modes);
}

void cli_screen_continued(void) {
    if (!screen.open || !screen.stopped || !is_foreground())
        return;
    cli_editor_keys(true);
    cli_editor_resize();
    screen.stopped = false;
    if (screen.editing && !screen.begun)
        edit();
    else
        show();
}

void cli_screen_stop(void) {
    if (screen.open)
        give_back();
    raise(SIGSTOP);
    cli_screen_continued();
}

/* ---- life ---- */

void cli_screen_restore(void) {
    if (screen.open)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen.modes);
}

static void on_fault(int signum) {
    cli_screen_restore();
    raise(signum); /* its handler was taken away with this call */
}

static void faults_watch(void) {
    static const int faults[] = {SIGQUIT, SIGILL, SIGABRT, SIGFPE, SIGBUS, SIGSEGV};
    struct sigaction action;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (sigaction(faults[i], NULL, &action) != 0 || action.sa_handler != SIG_DFL)
            continue;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_fault;
        action.sa_flags = SA_RESETHAND | SA_NODEFER;
        sigaction(faults[i], &action, NULL);
    }
}

/* A stream that ends here, to replace one that is the terminal. */
static FILE *stream_take(FILE *stream, FILE **real_out) {
    *real_out = NULL;
    if (!isatty(fileno(stream)))
        return stream;
    FILE *file = fopencookie(NULL, "w", (cookie_io_functions_t){.write = on_write});
    if (file == NULL)
        return stream;
    setvbuf(file, NULL, _IOLBF, BUFSIZ);
    *real_out = stream;
    return file;
}

static FILE *stream_return(FILE *stream, FILE *real) {
    if (real == NULL)
        return stream;
    fclose(stream);
    return real;
}

static FILE *terminal_open(void) {
    int fd = dup(STDOUT_FILENO);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL && fd >= 0)
        close(fd);
    return out;
}

bool cli_screen_open(void) {
    screen.out = terminal_open();
    bool is_able = screen.out && tcgetattr(STDIN_FILENO, &screen.modes) == 0;
    if (!is_able || !cli_editor_open(screen.out)) {
        cli_screen_close();
        return false;
    }
    screen.open = true;
    faults_watch();
    stdout = stream_take(stdout, &screen.real_stdout);
    stderr = stream_take(stderr, &screen.real_stderr);
    return true;
}

void cli_screen_leave(void) {
    if (!screen.open)
        return;
    if (screen.editing)
        cli_screen_end(NULL);
    cli_editor_close();
    tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.modes);
    screen.open = false;
}

void cli_screen_close(void) {
    cli_screen_leave();
    stdout = stream_return(stdout, screen.real_stdout);
    stderr = stream_return(stderr, screen.real_stderr);
    if (screen.out)
        fclose(screen.out);
    free(screen.gathered);
    free(screen.prompt);
    memset(&screen, 0, sizeof screen);
}
