/*
 * The line that is being edited, by libedit.
 *
 * Design notes.
 * libedit is used unbuffered: el_wgets does what one key asks for and returns. It never reads the
 * terminal itself: key_next gives it the characters of one whole key, so that it cannot wait for
 * the rest of one. Enter, Tab and the like never come here.
 * libedit does not report where the cursor is on the screen, so this is computed with the present
 * width of the terminal: then it is right even after a change of the width, when the terminal has
 * wrapped the rows again.
 */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "cli/terminal.h"

#include <histedit.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_SIZE 2000
/* The terminal marks where pasted text begins and ends, or stops doing so. */
#define PASTE_TOLD   "\033[?2004h"
#define PASTE_UNTOLD "\033[?2004l"

#define KEY_SIZE 32 /* characters of one key */

static struct editor {
    EditLine *line;
    HistoryW *history;
    FILE *out;
    wchar_t *prompt;
    wchar_t key[KEY_SIZE];
    size_t key_at, key_end;
} editor;

static wchar_t no_prompt[] = L"";

/* ---- texts ---- */

/* The text in wide characters, to be freed; invalid bytes become question marks. */
static wchar_t *widen(const char *text) {
    size_t left = strlen(text), count = 0;
    wchar_t *wide = malloc((left + 1) * sizeof *wide);
    mbstate_t state = {0};
    while (wide && left > 0) {
        size_t size = mbrtowc(&wide[count], text, left, &state);
        if (size == (size_t)-1 || size == (size_t)-2) {
            memset(&state, 0, sizeof state);
            wide[count] = L'?';
            size = 1;
        }
        text += size;
        left -= size;
        count++;
    }
    if (wide)
        wide[count] = L'\0';
    return wide;
}

/* Appends a character to the text; returns its end. */
static char *append(char *end, wchar_t c) {
    mbstate_t state = {0};
    size_t size = wcrtomb(end, c, &state);
    return size == (size_t)-1 ? end : end + size;
}

char *cli_editor_text(size_t *cursor_out) {
    const LineInfoW *info = el_wline(editor.line);
    size_t count = (size_t)(info->lastchar - info->buffer);
    char *text = malloc((count + 1) * MB_CUR_MAX);
    if (text == NULL)
        return NULL;
    char *end = text;
    for (const wchar_t *c = info->buffer; c < info->lastchar; c++) {
        if (c == info->cursor)
            *cursor_out = (size_t)(end - text);
        end = append(end, *c);
    }
    if (info->cursor >= info->lastchar)
        *cursor_out = (size_t)(end - text);
    *end = '\0';
    return text;
}

/* ---- places on the screen ---- */

typedef struct place {
    int row, column, columns;
} place;

/* How libedit shows a character that cannot be printed: ^X, or its number. */
static int width_of(wchar_t c) {
    int width = wcwidth(c);
    if (width >= 0 && c != L'\0')
        return width;
    if (c < 0x80)
        return 2;
    return c > 0xffff ? 8 : 7;
}

static void place_advance(place *p, wchar_t c) {
    int width = c == L'\t' ? 8 - p->column % 8 : width_of(c);
    if (width > 1 && c != L'\t' && p->column + width > p->columns) {
        p->row++;
        p->column = 0;
    }
    p->column += width;
    if (p->column >= p->columns) {
        p->column -= p->columns;
        p->row++;
    }
}

/* The row of the cursor, counted from the prompt's. */
static int cursor_row(void) {
    place p = {.columns = cli_screen_columns()};
    const LineInfoW *info = el_wline(editor.line);
    for (const wchar_t *c = editor.prompt; c && *c; c++)
        place_advance(&p, *c);
    for (const wchar_t *c = info->buffer; c < info->cursor; c++)
        place_advance(&p, *c);
    return p.row;
}

int cli_text_width(const char *text, size_t size) {
    int width = 0;
    mbstate_t state = {0};
    while (size > 0) {
        wchar_t c;
        size_t length = mbrtowc(&c, text, size, &state);
        if (length == 0 || length > size || wcwidth(c) < 0)
            return -1;
        width += wcwidth(c);
        text += length;
        size -= length;
    }
    return width;
}

/* ---- libedit's callbacks ---- */

static wchar_t *prompt_text(EditLine *line) {
    (void)line;
    return editor.prompt ? editor.prompt : no_prompt;
}

/* 0 is for libedit the end of the input: it gives up the key. */
static int key_next(EditLine *line, wchar_t *c) {
    (void)line;
    if (editor.key_at == editor.key_end)
        return 0;
    *c = editor.key[editor.key_at++];
    return 1;
}

/* ---- life ---- */

static const wchar_t *const bindings[][2] = {
    {L"^D", L"ed-delete-next-char"},
    {L"\\e[3~", L"ed-delete-next-char"},
    {L"\\e[1~", L"ed-move-to-beg"},
    {L"\\e[7~", L"ed-move-to-beg"},
    {L"\\e[4~", L"ed-move-to-end"},
    {L"\\e[8~", L"ed-move-to-end"},
    {L"\\e[1;5C", L"em-next-word"},
    {L"\\e[1;3C", L"em-next-word"},
    {L"\\e[1;5D", L"ed-prev-word"},
    {L"\\e[1;3D", L"ed-prev-word"},
    {L"\\e[3;5~", L"em-delete-next-word"},
    {L"^W", L"ed-delete-prev-word"},
    {L"^S", L"ed-unassigned"},
    {L"^R", L"ed-unassigned"},
};

static void bind_keys(EditLine *line) {
    el_wset(line, EL_EDITOR, L"emacs");
    for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++)
        el_wset(line, EL_BIND, bindings[i][0], bindings[i][1], NULL);
}

static void remember_lines(EditLine *line) {
    HistEventW event;
    editor.history = history_winit();
    if (editor.history == NULL)
        return;
    history_w(editor.history, &event, H_SETSIZE, HISTORY_SIZE);
    history_w(editor.history, &event, H_SETUNIQUE, 1);
    el_wset(line, EL_HIST, history_w, editor.history);
}

bool cli_editor_open(FILE *out) {
    EditLine *line = el_init_fd("dynsup", stdin, out, out, STDIN_FILENO, fileno(out), fileno(out));
    if (line == NULL)
        return false;
    editor.line = line;
    editor.out = out;
    el_wset(line, EL_SIGNAL, 0);
    el_wset(line, EL_PROMPT, prompt_text);
    el_wset(line, EL_GETCFN, key_next);
    bind_keys(line);
    remember_lines(line);
    return true;
}

void cli_editor_close(void) {
    if (editor.line == NULL)
        return;
    el_end(editor.line);
    if (editor.history)
        history_wend(editor.history);
    free(editor.prompt);
    memset(&editor, 0, sizeof editor);
}

/* ---- a line ---- */

/* What cannot be printed is a question mark: for libedit it would have no width. */
void cli_editor_prompt(const char *prompt) {
    free(editor.prompt);
    editor.prompt = widen(prompt);
    for (wchar_t *c = editor.prompt; c && *c; c++) {
        if (wcwidth(*c) < 0)
            *c = L'?';
    }
}

void cli_editor_begin(const char *prompt) {
    cli_editor_prompt(prompt);
    fputs(PASTE_TOLD, editor.out);
    el_wset(editor.line, EL_UNBUFFERED, 1);
}

void cli_editor_end(void) {
    fputs(PASTE_UNTOLD, editor.out);
    el_wset(editor.line, EL_UNBUFFERED, 0);
    cli_editor_keys(true);
}

void cli_editor_keys(bool single) {
    el_wset(editor.line, EL_PREP_TERM, (int)single);
}

void cli_editor_hide(void) {
    int row = cursor_row();
    if (row > 0)
        fprintf(editor.out, "\033[%dA", row);
    fputs("\r\033[J", editor.out);
    fflush(editor.out);
}

void cli_editor_show(void) {
    el_wset(editor.line, EL_REFRESH);
}

void cli_editor_feed(const char *key, size_t size) {
    int count;
    mbstate_t state = {0};
    editor.key_at = editor.key_end = 0;
    while (size > 0 && editor.key_end < KEY_SIZE) {
        size_t length = mbrtowc(&editor.key[editor.key_end], key, size, &state);
        if (length == 0)
            length = 1;
        if (length > size)
            return;
        editor.key_end++;
        key += length;
        size -= length;
    }
    while (editor.key_at < editor.key_end)
        el_wgets(editor.line, &count);
}

void cli_editor_replace(const char *text) {
    wchar_t *wide = widen(text);
    const LineInfoW *info = el_wline(editor.line);
    int count = (int)(info->lastchar - info->buffer);
    el_cursor(editor.line, INT_MAX / 2);
    el_wdeletestr(editor.line, count);
    if (wide && *wide)
        el_winsertstr(editor.line, wide);
    free(wide);
}

void cli_editor_go_to_end(void) {
    cli_editor_feed("\005", 1);
}

void cli_editor_resize(void) {
    el_resize(editor.line);
}

void cli_editor_remember(const char *line) {
    HistEventW event;
    wchar_t *wide = widen(line);
    if (wide && editor.history)
        history_w(editor.history, &event, H_ENTER, wide);
    free(wide);
}
