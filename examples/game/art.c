/* Textures of pictures that are written as text, a letter a pixel, and of two that are computed. */
#include "art.h"

#include <math.h>
#include <string.h>

static const char *const rabbit[] = {
    "......w.w...", "......w.w...", "......wpwp..", "......wwww..", ".....wwwwkw.",
    "..wwwwwwwwp.", ".wwwwwwwww..", "wwwwwwwwww..", "gwwwwwwwww..", ".gg.gg..gg..",
};

static const char *const fox[] = {
    "..........o..o..", "w.........oooo..", "ww........okoo..",
    "woo..oooooooooow", "ooooooooooooowk.", ".ooooooooooowww.",
    "...oooooooooo...", "...oo.o..oo.o...", "...d..d..d..d...",
};

static const char *const owl[] = {
    "..b......b..", "..bb....bb..", ".bbbbbbbbbb.", ".byyybbyyyb.", ".bykybbykyb.",
    ".byyyooyyyb.", ".bbbboobbbb.", ".bbssssssbb.", ".bbsssssssb.", ".bbssssssbb.",
    "..bbssssbb..", "...bbbbbb...", "...o.oo.o...",
};

static const char *const moth[] = {
    "v...k.k...v", "vvv..k..vvv", "vvvv.k.vvvv", ".vlvvkvvlv.",
    "..vvvkvvv..", ".vvvvkvvvv.", ".vvv.k.vvv.", "..v.....v..",
};

static const char *const snake[] = {
    ".nnnn..", "nnnwkn.", "nnnwkn.", "nnnnnnr", "nnnnnn.", ".nnnn..",
};

static const char *const lamp[] = {
    "..ggg..", ".g...g.", ".ggggg.", ".g.y.g.", ".gyyyg.",
    ".gywyg.", ".gywyg.", ".gyyyg.", ".ggggg.", "ggggggg",
};

#define ROWS(picture) picture, sizeof(picture) / sizeof *(picture)

static const struct {
    const char *name;
    const char *const *rows;
    size_t count;
} pictures[ART_KINDS] = {
    [ART_RABBIT] = {"rabbit", ROWS(rabbit)}, [ART_FOX] = {"fox", ROWS(fox)},
    [ART_OWL] = {"owl", ROWS(owl)},          [ART_MOTH] = {"moth", ROWS(moth)},
    [ART_SNAKE] = {"snake", ROWS(snake)},    [ART_LAMP] = {"lamp", ROWS(lamp)},
};

/* 0xAARRGGBB */
static Uint32 colour_of(char letter) {
    static const struct {
        char letter;
        Uint32 colour;
    } colours[] = {
        {'#', 0xffffffff}, {'w', 0xfff2efe6}, {'g', 0xff9a9a9a}, {'k', 0xff14141c},
        {'p', 0xfff0a0a8}, {'o', 0xffe0802c}, {'d', 0xff5a3a28}, {'b', 0xff8a6242},
        {'s', 0xffd8b88a}, {'y', 0xffffd84a}, {'v', 0xffb9a3e3}, {'l', 0xff7a5fc0},
        {'n', 0xff7ed957}, {'r', 0xffe84a4a},
    };
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (colours[i].letter == letter)
            return colours[i].colour;
    return 0;
}

static SDL_Texture *finish(SDL_Renderer *renderer, SDL_Surface *surface, SDL_BlendMode mode) {
    SDL_Texture *texture = SDL_CreateTextureFromSurface(renderer, surface);
    SDL_FreeSurface(surface);
    if (texture)
        SDL_SetTextureBlendMode(texture, mode);
    return texture;
}

static SDL_Surface *surface_new(int width, int height) {
    return SDL_CreateRGBSurfaceWithFormat(0, width, height, 32, SDL_PIXELFORMAT_ARGB8888);
}

static Uint32 *pixel_at(SDL_Surface *surface, int x, int y) {
    return (Uint32 *)((Uint8 *)surface->pixels + (size_t)y * (size_t)surface->pitch) + x;
}

SDL_Texture *art_texture(SDL_Renderer *renderer, const char *const *rows, int count) {
    int width = (int)strlen(rows[0]);
    SDL_Surface *surface = surface_new(width, count);
    if (!surface)
        return NULL;
    for (int y = 0; y < count; y++)
        for (int x = 0; rows[y][x]; x++)
            *pixel_at(surface, x, y) = colour_of(rows[y][x]);
    return finish(renderer, surface, SDL_BLENDMODE_BLEND);
}

int art_find(const char *name) {
    for (int kind = 0; kind < ART_KINDS; kind++)
        if (strcmp(pictures[kind].name, name) == 0)
            return kind;
    return -1;
}

SDL_Texture *art_new(SDL_Renderer *renderer, enum art_kind kind) {
    return art_texture(renderer, pictures[kind].rows, (int)pictures[kind].count);
}

SDL_Texture *art_glow(SDL_Renderer *renderer, int size, uint32_t colour) {
    SDL_Surface *surface = surface_new(size, size);
    if (!surface)
        return NULL;
    double middle = size / 2.0;
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            double far = hypot(x + 0.5 - middle, y + 0.5 - middle) / middle;
            double light = far < 1 ? (1 - far) * (1 - far) : 0;
            int steps = (int)(light * 12); /* in rings, as the rest is in pixels */
            *pixel_at(surface, x, y) = (Uint32)(steps * 16) << 24 | colour >> 8;
        }
    }
    return finish(renderer, surface, SDL_BLENDMODE_ADD);
}

/* A small generator of its own: the meadow is always the same. */
static Uint32 next_random(Uint32 *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void tuft(SDL_Surface *surface, int x, int y, Uint32 colour) {
    *pixel_at(surface, x, y) = colour;
    *pixel_at(surface, x + 1, y + 1) = colour;
    *pixel_at(surface, x + 2, y) = colour;
}

SDL_Texture *art_meadow(SDL_Renderer *renderer, int width, int height) {
    static const Uint32 greens[] = {0xff1c3a2c, 0xff224534, 0xff2a5440};
    SDL_Surface *surface = surface_new(width, height);
    Uint32 random = 7;
    if (!surface)
        return NULL;
    SDL_FillRect(surface, NULL, 0xff162c24);
    for (int i = 0; i < width * height / 160; i++) {
        int x = (int)(next_random(&random) % (Uint32)(width - 3));
        int y = (int)(next_random(&random) % (Uint32)(height - 2));
        tuft(surface, x, y, greens[next_random(&random) % 3]);
    }
    return finish(renderer, surface, SDL_BLENDMODE_NONE);
}
