/*
 * Bounds that a test build makes tiny (DYNSUP_TINY): sizes of batches, stocks and pages, how much
 * is kept or done at once. No promise depends on them, so all tests hold with tiny bounds as well,
 * and then cross each bound.
 */
#ifndef DSI_TINY_H
#define DSI_TINY_H

#ifdef DYNSUP_TINY
#define DSI_TINY(usual, tiny) (tiny)
#else
#define DSI_TINY(usual, tiny) (usual)
#endif

#endif
