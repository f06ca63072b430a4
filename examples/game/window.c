/* The window: what the player does, and what is drawn. */
#include "window.h"

#include "font.h"

enum { SCALE = 2, GLOW_SIZE = 128 };

static bool textures_open(window *w) {
    w->font = font_new(w->renderer);
    w->meadow = art_meadow(w->renderer, WINDOW_WIDTH, WINDOW_HEIGHT);
    w->glow = art_glow(w->renderer, GLOW_SIZE, 0xffc060ff);
    bool is_done = w->font && w->meadow && w->glow;
    for (int kind = 0; kind < ART_KINDS; kind++) {
        w->kinds[kind] = art_new(w->renderer, kind);
        is_done = is_done && w->kinds[kind];
    }
    return is_done;
}

bool window_open(window *w, bool is_headless) {
    *w = (window){0};
    if (is_headless)
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "dummy");
    if (SDL_Init(SDL_INIT_VIDEO))
        return false;
    w->window =
        SDL_CreateWindow("dynsup: the meadow", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED,
                         WINDOW_WIDTH * SCALE, WINDOW_HEIGHT * SCALE, SDL_WINDOW_RESIZABLE);
    if (!w->window)
        return false;
    w->renderer = SDL_CreateRenderer(w->window, -1, is_headless ? SDL_RENDERER_SOFTWARE : 0);
    if (!w->renderer || SDL_RenderSetLogicalSize(w->renderer, WINDOW_WIDTH, WINDOW_HEIGHT))
        return false;
    SDL_SetRenderDrawBlendMode(w->renderer, SDL_BLENDMODE_BLEND);
    return textures_open(w);
}

/* The renderer's textures go with it. */
void window_close(window *w) {
    if (w->renderer)
        SDL_DestroyRenderer(w->renderer);
    if (w->window)
        SDL_DestroyWindow(w->window);
    SDL_Quit();
}

static void mouse_at(input *in, int x, int y) {
    in->x = x;
    in->y = y;
}

static void event_read(input *in, const SDL_Event *event) {
    switch (event->type) {
    case SDL_QUIT:
        in->wants_end = true;
        break;
    case SDL_MOUSEMOTION:
        in->has_moved = true;
        mouse_at(in, event->motion.x, event->motion.y);
        break;
    case SDL_MOUSEBUTTONDOWN:
        in->has_clicked = true;
        mouse_at(in, event->button.x, event->button.y);
        break;
    case SDL_KEYDOWN:
        in->key = event->key.keysym.sym;
        in->wants_end = in->wants_end || in->key == SDLK_ESCAPE;
        break;
    default:
        break;
    }
}

void window_input(input *in) {
    SDL_Event event;
    *in = (input){0};
    while (SDL_PollEvent(&event))
        event_read(in, &event);
}

void window_begin(window *w) {
    SDL_SetRenderDrawColor(w->renderer, 0, 0, 0, 255);
    SDL_RenderClear(w->renderer);
    SDL_RenderCopy(w->renderer, w->meadow, NULL, NULL);
}

void window_fill(window *w, int x, int y, int width, int height, uint32_t colour) {
    SDL_Rect rect = {x, y, width, height};
    SDL_SetRenderDrawColor(w->renderer, (Uint8)(colour >> 24), (Uint8)(colour >> 16),
                           (Uint8)(colour >> 8), (Uint8)colour);
    SDL_RenderFillRect(w->renderer, &rect);
}

void window_text(window *w, int x, int y, uint32_t colour, const char *text) {
    font_draw(w->renderer, w->font, x, y, colour, text);
}

void window_picture(window *w, enum art_kind kind, int x, int y, bool is_flipped) {
    SDL_Rect to = {0};
    SDL_QueryTexture(w->kinds[kind], NULL, NULL, &to.w, &to.h);
    to.x = x - to.w / 2;
    to.y = y - to.h / 2;
    SDL_RenderCopyEx(w->renderer, w->kinds[kind], NULL, &to, 0, NULL,
                     is_flipped ? SDL_FLIP_HORIZONTAL : SDL_FLIP_NONE);
}

void window_glow(window *w, int x, int y, int size) {
    SDL_Rect to = {x - size / 2, y - size / 2, size, size};
    SDL_RenderCopy(w->renderer, w->glow, NULL, &to);
}

bool window_save(window *w, const char *path) {
    int width, height;
    if (SDL_GetRendererOutputSize(w->renderer, &width, &height))
        return false;
    SDL_Surface *surface =
        SDL_CreateRGBSurfaceWithFormat(0, width, height, 24, SDL_PIXELFORMAT_RGB24);
    if (!surface)
        return false;
    bool is_saved = !SDL_RenderReadPixels(w->renderer, NULL, SDL_PIXELFORMAT_RGB24, surface->pixels,
                                          surface->pitch) &&
                    !SDL_SaveBMP(surface, path);
    SDL_FreeSurface(surface);
    return is_saved;
}

void window_end(window *w) {
    SDL_RenderPresent(w->renderer);
}
