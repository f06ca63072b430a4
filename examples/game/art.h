/* Textures of pictures that are written as text, a letter a pixel. */
#ifndef ART_H
#define ART_H

#include <SDL.h>

/* The picture of those rows, none longer than the first; '.' is nothing, the letters are colours.
 * NULL without memory. */
SDL_Texture *art_texture(SDL_Renderer *renderer, const char *const *rows, int count);

/* The kinds of creature that there are pictures of. */
enum art_kind { ART_RABBIT, ART_FOX, ART_OWL, ART_MOTH, ART_SNAKE, ART_LAMP, ART_KINDS };

/* The kind with that name; -1: none. */
int art_find(const char *name);

SDL_Texture *art_new(SDL_Renderer *renderer, enum art_kind kind);

/* A round light that is added to what is below it. */
SDL_Texture *art_glow(SDL_Renderer *renderer, int size, uint32_t colour);

/* A meadow by night. */
SDL_Texture *art_meadow(SDL_Renderer *renderer, int width, int height);

#endif
