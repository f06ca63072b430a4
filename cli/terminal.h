/*
 * The terminal of the prompt: the line that is being edited, and what is printed above it.
 *
 * There is one terminal in a program, so there is one of each of these. All functions belong to the
 * host's thread.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* ---- editor.c: the line that is being edited, by libedit ---- */

/* False when there is no memory, or libedit cannot handle this terminal. out is borrowed. */
bool cli_editor_open(FILE *out);
void cli_editor_close(void);

/* Begins an empty line after the prompt, which is copied; the cursor must be in the first column.
 * From then on the terminal sends single keys, without echo, even after the line is over. */
void cli_editor_begin(const char *prompt);

/* The line is over: the cursor is where the editing has left it. */
void cli_editor_end(void);

/* Takes the line off the screen: the cursor is where the prompt began. Show puts it back, and must
 * begin in the first column. */
void cli_editor_hide(void);
void cli_editor_show(void);

/* Does what the key asks for: one whole key, as the terminal sends it. */
void cli_editor_feed(const char *key, size_t size);

/* The line as text, and where the cursor is in it, in bytes. To be freed; NULL without memory. */
char *cli_editor_text(size_t *cursor_out);

/* While the line is hidden: other text in its place, with the cursor at its end; another prompt; a
 * new width of the terminal. */
void cli_editor_replace(const char *text);
void cli_editor_prompt(const char *prompt);
void cli_editor_resize(void);

/* Moves the cursor to the end of the line, on the screen too. */
void cli_editor_go_to_end(void);

/* Single keys without echo; false: whole lines with echo, as before the editor was opened. */
void cli_editor_keys(bool single);

/* A line for the keys that go through earlier lines. */
void cli_editor_remember(const char *line);

/* Columns that a text takes from the first column on; -1: it moves the cursor in other ways. */
int cli_text_width(const char *text, size_t size);

/* ---- screen.c: what is printed ---- */

/* From now on what the program writes to stdout and stderr, where they are the terminal, goes above
 * the line that is being edited. False, and nothing has happened, when that is not possible. */
bool cli_screen_open(void);

/* Restores the terminal; the streams stay replaced, for code that still writes, and lead to it. No
 * line is edited any more. */
void cli_screen_leave(void);

/* The same, and restores the streams: the replaced ones may no longer be used. */
void cli_screen_close(void);

/* A line begins to be edited, or is over: then the cursor is in a row of its own below, after the
 * note, if there is one ("^C"). */
void cli_screen_begin(const char *prompt);
void cli_screen_end(const char *note);

/* Changes the line while it is off the screen. */
void cli_screen_change(const char *prompt, const char *text);
void cli_screen_resize(void);

/* Prints what has gathered above the line. */
void cli_screen_draw(void);

/* Others use the terminal until the next call: a program that was started, a script that reads. */
void cli_screen_lend(bool lent);

/* Stops the program, as Ctrl-Z does, until it is continued in the foreground. */
void cli_screen_stop(void);

/* The program was continued: takes the terminal, if it is in the foreground. */
void cli_screen_continued(void);

/* The program ends, also on its own: the terminal is as it was. Async-signal-safe. */
void cli_screen_restore(void);

/* Columns of the terminal. */
int cli_screen_columns(void);

#endif
