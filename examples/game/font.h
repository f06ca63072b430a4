/* A font of 5 by 7 pixels: the printable characters of ASCII. */
#ifndef FONT_H
#define FONT_H

#include <SDL.h>

enum { FONT_HEIGHT = 7, FONT_STEP = 6 }; /* from one character to the next */

/* A texture of all characters in white; NULL without memory. */
SDL_Texture *font_new(SDL_Renderer *renderer);

/* Draws the text with its upper left corner there. The colour is 0xRRGGBBAA. */
void font_draw(SDL_Renderer *renderer, SDL_Texture *font, int x, int y, uint32_t colour,
               const char *text);

#endif
