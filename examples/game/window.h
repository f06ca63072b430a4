/*
 * The window: what the player does, and what is drawn. Its places are in pixels of the game, of
 * which each is a square of four on the screen. Colours are 0xRRGGBBAA.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "art.h"

#include <SDL.h>
#include <stdbool.h>

enum { WINDOW_WIDTH = 480, WINDOW_HEIGHT = 300 };

typedef struct window {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *font;
    SDL_Texture *meadow;
    SDL_Texture *glow;
    SDL_Texture *kinds[ART_KINDS];
} window;

/* What the player has done since the last frame. */
typedef struct input {
    bool wants_end;
    bool has_moved, has_clicked;
    int x, y;        /* where the mouse is, if either */
    SDL_Keycode key; /* one that was pressed, or 0 */
} input;

/* Opens it; headless: without a screen. False: SDL_GetError() says why. To be closed in every
 * case. */
bool window_open(window *w, bool is_headless);
void window_close(window *w);

void window_input(input *in);

/* ---- drawing, from window_begin to window_end ---- */

void window_begin(window *w);
void window_fill(window *w, int x, int y, int width, int height, uint32_t colour);
void window_text(window *w, int x, int y, uint32_t colour, const char *text);

/* The middle of the picture, or of the light, is there. */
void window_picture(window *w, enum art_kind kind, int x, int y, bool is_flipped);
void window_glow(window *w, int x, int y, int size);

/* Writes what has been drawn, as a BMP. */
bool window_save(window *w, const char *path);

/* Shows it. */
void window_end(window *w);

#endif
