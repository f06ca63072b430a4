/*
 * Bounds that a build for tests makes tiny (DYNSUP_TINY): batches, stocks, pages, what is kept or
 * done at once. Nothing that is promised depends on them, so all tests hold there as well, and come
 * to the other side of each of them.
 */
#ifndef DSI_TINY_H
#define DSI_TINY_H

#ifdef DYNSUP_TINY
#define DSI_TINY(usual, tiny) (tiny)
#else
#define DSI_TINY(usual, tiny) (usual)
#endif

#endif
